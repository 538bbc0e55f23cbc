"""The chat list of the fake Fanvue: the creator's chats with the last message and unread counts.

It follows https://api.fanvue.com/docs/api-reference/reference/chats/list-chats. Assumed: chats
without messages are last; muted chats are counted like others; a deleted message is not shown, and
its chat is sorted by the previous message.
"""

from collections.abc import Mapping
from datetime import datetime

from tests.fakes.fanvue.spec import Json, invalid
from tests.fakes.fanvue.state import Fan, FanvueState, Member, Message, paged, stamp

SORTED = "most_recent_messages"


def chats(world: FanvueState, mine: Member, query: Mapping[str, str], until: datetime) -> Json:
    """Return a page of an account's chats as of `until`, latest message first. Raise Refusal."""
    wanted = sorted(set(query) - {"page", "size", "sortBy"})
    if wanted or query.get("sortBy", SORTED) != SORTED:
        raise invalid(f"Not offered here: {', '.join(wanted) or 'another order'}")
    stood = [
        (world.fans[fan], [one for one in said if one.at <= until])
        for fan, said in mine.chats.items()
    ]
    spoken = sorted(
        (each for each in stood if each[1]), key=lambda each: each[1][-1].at, reverse=True
    )
    page, pagination = paged([*spoken, *(each for each in stood if not each[1])], query)
    return {"data": [_chat(world, mine, *each) for each in page], "pagination": pagination}


def _chat(world: FanvueState, mine: Member, fan: Fan, said: list[Message]) -> Json:
    unread = sum(one.by_fan and not one.read for one in said)
    told: Json = {
        "createdAt": world.told(said[0].at if said else mine.at),
        "isRead": not unread,
        "isMuted": False,
    }
    told |= {
        "lastMessageAt": world.told(said[-1].at) if said else None,
        "unreadMessagesCount": unread,
    }
    user: Json = {
        "uuid": fan.id,
        "handle": fan.handle,
        "displayName": fan.handle.title(),
        "nickname": None,
    }
    user |= {"isTopSpender": False, "avatarUrl": None, "registeredAt": stamp(mine.at)}
    return told | {"user": user, "lastMessage": _last(world, mine, said[-1]) if said else None}


def _last(world: FanvueState, mine: Member, one: Message) -> Json:
    told: Json = {"uuid": one.id, "text": one.text, "type": one.kind, "sentAt": world.told(one.at)}
    told |= {"hasMedia": bool(one.media), "mediaType": one.media[0].kind if one.media else None}
    return told | {"senderUuid": one.fan.id if one.by_fan else mine.id}
