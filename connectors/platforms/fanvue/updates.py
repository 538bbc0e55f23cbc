"""Hearing the fans of a creator on Fanvue: the list of chats, those that spoke last first, then
each with news. Pure.

Nothing is asked of chats in which nobody spoke, as
https://api.fanvue.com/docs/tutorials/efficient-chat-sync wants it. Where there is more than one
poll may read, the next one goes on; the same message told twice is known by its id.
"""

import json
from collections.abc import Generator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Literal

from connectors.contract.chats import ChatUpdate, ChatUpdates
from connectors.contract.connector import Response, Send, StepKind, StepResult, WireStep
from connectors.contract.outcomes import Outcome, Rejected
from connectors.platforms.fanvue.account import VERSION_HEADER, is_uuid, outcome_of_failure
from connectors.platforms.fanvue.messages import (
    WRITTEN_MESSAGE_TYPES,
    chat_page_step,
    has_more,
    page_entries,
    parse_time,
    sender_id,
)
from connectors.shared import polls
from connectors.shared.http_responses import response_date, success_body
from connectors.shared.polls import PollGenerator

UPDATES = "updates"
LISTED = 50
ENOUGH = 10
MAX_PAGES = 10
"""After so many requests no further chat is begun, and of one chat so many pages are read: 20
requests in all."""

BEFORE = timedelta(seconds=60)
"""How long before the last known moment is read again: what they list may lag. What was said longer
before an account's first poll was said to the creator, not to us."""

CLOCK = timedelta(minutes=5)
"""How far the hours of their messages may be behind their clock, where that alone says how much of
a long list is old: after a message to thousands nobody speaks for a while, and the list should not
be read to its end each time."""

MAX_READ = 200
"""Chats whose last message is remembered as read."""

_TO_MANY = ("BROADCAST", "MARKETING_", "GHOST_PROMOTION")
_UNSAID = (*_TO_MANY, "AUTOMATED_")
_UNLOCKED = "LOCKED_MESSAGE_UNLOCKED"
"""Kinds of messages, or how they begin, that go to many, and all in which nobody speaks."""


@dataclass(frozen=True)
class ChatCursor:
    """How far an account was heard.

    `low`: chats that spoke before it were read; `since`: what is read of a chat begins there. While
    one look at the list takes several polls, `top` is the newest it began with, and `page` where it
    goes on. `read`: ends of the ids of last messages, the latest last.
    """

    since: datetime | None = None
    low: datetime | None = None
    top: datetime | None = None
    page: int = 1
    read: tuple[str, ...] = ()

    @classmethod
    def from_cursor(cls, cursor: str) -> "ChatCursor":
        """The mark of a cursor; a fresh one of what is none."""
        try:
            told = json.loads(cursor)
            times = {
                name: datetime.fromisoformat(told[name])
                for name in ("since", "low", "top")
                if told.get(name)
            }
            return cls(**times, page=int(told["page"]), read=tuple(map(str, told["read"])))
        except (ValueError, KeyError, TypeError, AttributeError):
            return cls()

    @property
    def to_cursor(self) -> str:
        """As it is kept."""
        times = {
            name: at.isoformat()
            for name in ("since", "low", "top")
            if (at := getattr(self, name)) is not None
        }
        return json.dumps(
            {**times, "page": self.page, "read": self.read[-MAX_READ:]}, separators=(",", ":")
        )

    def after_full_scan(self, *, alone: bool) -> "ChatCursor":
        """After the whole list was looked at. Only where one page showed all of it (`alone`) nobody
        can have moved past us on it, to a page that was read before: else messages are read from as
        early on again."""
        return replace(
            self, since=self.low if alone else self.since, low=self.top, top=None, page=1
        )


@dataclass(frozen=True)
class ChatSummary:
    """A chat as the list shows it: with whom, when it last spoke, the end of that message's id."""

    fan: str
    handle: str
    at: datetime
    last: str
    quiet: bool
    """Its last message went to many at once, and nothing in it is unread: thousands such chats are
    not read. What a fan wrote less than a poll before that, and the creator saw in Fanvue's own
    app, is not heard."""


def listen(cursor: str, answers: tuple[StepResult, ...]) -> Send | ChatUpdates | Outcome:
    """The next request, or what fans said; as much as was read where the last answer is
    unusable."""
    return polls.resume_poll(_poll_updates(ChatCursor.from_cursor(cursor)), answers)


def _poll_updates(mark: ChatCursor) -> PollGenerator:
    """One poll: the first page of the list each time, so that nobody waits for what is left over,
    then that."""
    updates: list[ChatUpdate] = []
    page = 1
    asked = 0
    resumed = mark.page
    while True:
        answer = yield _build_page_step(page)
        asked += 1
        chats = _parse_chats(answer)
        if chats is None:
            return _partial_updates(mark, updates, answer)
        if (begun := _begin_scan(mark, answer, chats)) is None:
            return ChatUpdates((), "")
        mark, floor, since = begun
        for chat in chats:
            if chat.at < floor or chat.quiet or chat.last in mark.read:
                continue
            if asked >= ENOUGH:
                return ChatUpdates(tuple(updates), replace(mark, page=page).to_cursor)
            heard = yield from _read_chat(chat, since)
            asked += heard.asked
            if heard.trouble is not None:
                return _partial_updates(replace(mark, page=page), updates, heard.trouble)
            updates += heard.updates
            mark = replace(mark, read=(*mark.read, chat.last)[-MAX_READ:])
        if _is_last_page(answer, chats, floor):
            return ChatUpdates(tuple(updates), mark.after_full_scan(alone=page == 1).to_cursor)
        if asked >= ENOUGH:
            return ChatUpdates(
                tuple(updates), replace(mark, page=page).to_cursor
            )  # again: chats may have moved meanwhile
        page = max(page + 1, resumed)


def _begin_scan(
    mark: ChatCursor, answer: StepResult, chats: list[ChatSummary]
) -> tuple[ChatCursor, datetime, datetime] | None:
    """The mark of a look that has begun, which chats spoke since, and from when on they are read.
    None of an account without chats, where nobody tells what time it is."""
    now = response_date(answer)
    newest = max((chat.at for chat in chats), default=None)
    low = mark.low or now or newest
    if low is None:
        return None
    since = mark.since or low
    floor = low - BEFORE
    spoken = [low, *([newest] if newest is not None else [])]
    if now is not None and not _is_last_page(answer, chats, floor):
        spoken.append(now - CLOCK)
    top = (
        max(spoken) if now is None else max(low, min(max(spoken), now))
    )  # what is dated ahead passes nobody else by
    return replace(mark, since=since, low=low, top=mark.top or top), floor, since - BEFORE


def _is_last_page(answer: StepResult, chats: list[ChatSummary], floor: datetime) -> bool:
    """Whether no later page has a chat that spoke since `floor`."""
    return not has_more(answer) or (bool(chats) and chats[-1].at < floor)


def _partial_updates(
    mark: ChatCursor, updates: list[ChatUpdate], answer: StepResult
) -> ChatUpdates | Outcome:
    """What was read before an answer that is unusable; where that is nothing, what the answer
    meant."""
    return (
        ChatUpdates(tuple(updates), mark.to_cursor)
        if updates
        else outcome_of_failure(answer, creates=False)
    )


@dataclass(frozen=True)
class _ChatReadResult:
    """What a fan said, oldest first, in how many requests, or the answer that was unusable."""

    updates: tuple[ChatUpdate, ...]
    asked: int
    trouble: StepResult | None = None


def _read_chat(
    chat: ChatSummary, since: datetime
) -> Generator[WireStep, StepResult, _ChatReadResult]:
    """Read a chat back to `since`. One that is refused silences no other; past what is read a
    person must look."""
    found: dict[str, Mapping[str, Any]] = {}
    for page in range(1, MAX_PAGES + 1):
        answer = yield chat_page_step(chat.fan, page, name=UPDATES)
        messages = page_entries(answer)
        if messages is None:
            refused = isinstance(answer, Response) and answer.status in (400, 403, 404)
            if not refused or not isinstance(outcome_of_failure(answer, creates=False), Rejected):
                return _ChatReadResult((), page, answer)
            gone = (
                isinstance(answer, Response) and answer.status == 404
            )  # no such conversation any more
            return _ChatReadResult(() if gone else (_build_unread_update(chat),), page)
        recent = [one for one in messages if (parse_time(one.get("sentAt")) or since) >= since]
        found |= {str(one["uuid"]): one for one in recent if str(one["uuid"]) not in found}
        if len(recent) < len(messages) or not has_more(answer):
            return _ChatReadResult(_parse_updates(chat, found), page)
    return _ChatReadResult((_build_unread_update(chat), *_parse_updates(chat, found)), MAX_PAGES)


def _parse_updates(
    chat: ChatSummary, found: Mapping[str, Mapping[str, Any]]
) -> tuple[ChatUpdate, ...]:
    told = (_parse_update(chat, message) for message in reversed([*found.values()]))
    return tuple(update for update in told if update is not None)


def _build_unread_update(chat: ChatSummary) -> ChatUpdate:
    """In the place of what could not be read."""
    return ChatUpdate(f"{chat.fan}:{chat.last}", "unsupported", chat.fan, chat.handle, at=chat.at)


def _parse_update(chat: ChatSummary, message: Mapping[str, Any]) -> ChatUpdate | None:
    """What a fan wrote; a picture, a tip or a call is for a person to see. Nothing of what the
    creator wrote, wherever that was, or of what nobody did."""
    kind = str(message.get("type"))
    number = str(message["uuid"])
    text = message.get("text")
    if kind == _UNLOCKED:  # whoever it is said to be from
        return ChatUpdate(
            number, "unlocked", chat.fan, chat.handle, at=parse_time(message.get("sentAt"))
        )
    if sender_id(message) != chat.fan or kind.startswith(_UNSAID):
        return None
    words = text if isinstance(text, str) else ""
    plain = kind in WRITTEN_MESSAGE_TYPES and bool(words.strip()) and not message.get("hasMedia")
    told: Literal["message", "unsupported"] = "message" if plain else "unsupported"
    at = parse_time(message.get("sentAt"))
    return ChatUpdate(number, told, chat.fan, chat.handle, native_id=number, at=at, text=words)


def _build_page_step(page: int) -> WireStep:
    path = f"/chats?page={page}&size={LISTED}&sortBy=most_recent_messages"
    return WireStep(UPDATES, StepKind.CONTROL, "GET", path, headers=VERSION_HEADER, action=UPDATES)


def _parse_chats(answer: StepResult) -> list[ChatSummary] | None:
    """The chats of a page in which anybody ever spoke; None when it is no such page."""
    told = success_body(answer)
    found = told.get("data") if isinstance(told.get("pagination"), dict) else None
    if not isinstance(found, list):
        return None
    return [
        chat for one in found if isinstance(one, dict) and (chat := _parse_chat(one)) is not None
    ]


def _parse_chat(one: Mapping[str, Any]) -> ChatSummary | None:
    user = one.get("user")
    last = one.get("lastMessage")
    if not isinstance(user, dict) or not isinstance(last, dict) or not is_uuid(user.get("uuid")):
        return None
    at = parse_time(one.get("lastMessageAt")) or parse_time(last.get("sentAt"))
    if at is None:
        return None
    handle = user.get("handle")
    to_many = str(last.get("type")).startswith(_TO_MANY) and last.get("senderUuid") != user["uuid"]
    return ChatSummary(
        fan=user["uuid"],
        handle=f"@{handle}"
        if isinstance(handle, str) and handle
        else str(user.get("displayName") or ""),
        at=at,
        last=str(last.get("uuid"))[-12:],
        quiet=to_many and one.get("unreadMessagesCount") == 0,
    )
