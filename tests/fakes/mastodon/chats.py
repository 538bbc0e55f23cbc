"""Private messages of the fake Mastodon: posts visible only to mentioned accounts, listed as
conversations.

It reproduces behaviour of the real server that clients often get wrong: every account that a
message mentions is part of the conversation, a message that is not a reply starts another
conversation with the same user, and a deleted message is no longer the last one of its
conversation. Sources: https://docs.joinmastodon.org/methods/conversations/,
https://github.com/mastodon/mastodon/blob/main/app/models/account_conversation.rb
"""

from collections.abc import Mapping

from tests.fakes.mastodon import responses, text_rules
from tests.fakes.mastodon.state import Json, MastodonState, Member, Status, not_found

USUAL, MOST = 20, 40


def send_message(
    world: MastodonState, person: Member, text: str, *to: Member, under: str = ""
) -> str:
    """Send a private message to these accounts and return its ID."""
    names = " ".join(f"@{one.username}" for one in to)
    said = {
        "status": f"{names} {text}",
        "visibility": "direct",
        **({"in_reply_to_id": under} if under else {}),
    }
    world.check_above(person, said)
    return world.publish(person, said, "").id


def messages_to(world: MastodonState, mine: Member, reader: Member) -> list[Status]:
    """Return the existing private messages of an account to a single reader, in order."""
    direct = [one for one in mine.statuses.values() if one.visibility == "direct"]
    return [one for one in direct if _with(world, one) - {mine.id} == {reader.id}]


def account(world: MastodonState, member: str) -> Json:
    """Return an account by ID. Raise Refusal."""
    found = world.members.get(member)
    if found is None:
        raise not_found()
    return responses.account(world, found)


def listed(world: MastodonState, mine: Member, query: Mapping[str, str]) -> list[Json]:
    """Return an account's conversations, latest message first."""
    limit = min(int(query.get("limit", "") or USUAL), MOST)
    last: dict[tuple[str, frozenset[str]], Status] = {}
    for status in sorted(_direct(world), key=lambda one: int(one.id)):
        people = _with(world, status)
        if mine.id in people:
            last[_root(status).id, frozenset(people - {mine.id} or {mine.id})] = status
    newest = sorted(last.items(), key=lambda one: int(one[1].id), reverse=True)[:limit]
    return [
        {
            "id": thread,
            "unread": False,
            "accounts": [responses.account(world, world.members[one]) for one in sorted(people)],
            "last_status": responses.status(world, status, mine),
        }
        for (thread, people), status in newest
    ]


def _direct(world: MastodonState) -> list[Status]:
    return [
        one
        for who in world.members.values()
        for one in who.statuses.values()
        if one.visibility == "direct"
    ]


def _with(world: MastodonState, status: Status) -> set[str]:
    """Return the author and the mentioned accounts of a message."""
    named = (world.who(name) for name in text_rules.mentions(status.text))
    return {status.member, *(one.id for one in named if one is not None)}


def _root(status: Status) -> Status:
    while status.in_reply_to is not None:
        status = status.in_reply_to
    return status
