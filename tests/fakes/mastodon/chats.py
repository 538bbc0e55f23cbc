"""Private messages on the fake Mastodon: posts that only those they name can read, told as
conversations.

Honest where clients stumble over the real one: whoever a message names is in the conversation, a
message that hangs under no other begins another conversation with the same person, one that was
deleted is not its last any more. Sources: https://docs.joinmastodon.org/methods/conversations/,
https://github.com/mastodon/mastodon/blob/main/app/models/account_conversation.rb
"""

from collections.abc import Mapping

from tests.fakes.mastodon import responses, text_rules
from tests.fakes.mastodon.state import Json, MastodonState, Member, Status, not_found

USUAL, MOST = 20, 40


def send_message(
    world: MastodonState, person: Member, text: str, *to: Member, under: str = ""
) -> str:
    """Somebody writes to these accounts alone; the message's id."""
    names = " ".join(f"@{one.username}" for one in to)
    said = {
        "status": f"{names} {text}",
        "visibility": "direct",
        **({"in_reply_to_id": under} if under else {}),
    }
    world.check_above(person, said)
    return world.publish(person, said, "").id


def messages_to(world: MastodonState, mine: Member, reader: Member) -> list[Status]:
    """What stands of what an account said to somebody alone, in order."""
    direct = [one for one in mine.statuses.values() if one.visibility == "direct"]
    return [one for one in direct if _with(world, one) - {mine.id} == {reader.id}]


def account(world: MastodonState, member: str) -> Json:
    """Somebody, by their number. Raises Refusal."""
    found = world.members.get(member)
    if found is None:
        raise not_found()
    return responses.account(world, found)


def listed(world: MastodonState, mine: Member, query: Mapping[str, str]) -> list[Json]:
    """An account's conversations, the one that was last spoken in first."""
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
    """Who wrote it, and whom it names."""
    named = (world.who(name) for name in text_rules.mentions(status.text))
    return {status.member, *(one.id for one in named if one is not None)}


def _root(status: Status) -> Status:
    while status.in_reply_to is not None:
        status = status.in_reply_to
    return status
