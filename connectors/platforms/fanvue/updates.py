"""Polls of a creator's chats on Fanvue: the list of chats by last message, then each chat with new
messages.

Chats without new messages are not requested, as
https://api.fanvue.com/docs/tutorials/efficient-chat-sync recommends. If more chats have new
messages than one poll can read, the next poll continues. A message that is returned twice is
identified by its ID.
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
"""Maximum number of pages per chat. After `ENOUGH` requests no further chat is read, so a poll
takes at most 20 requests."""

BEFORE = timedelta(seconds=60)
"""Overlap with the previous poll, since lists may be delayed. Messages sent longer than this before
an account's first poll are ignored, because the account was not yet connected."""

CLOCK = timedelta(minutes=5)
"""Assumed maximum delay of message times behind Fanvue's clock. It limits how much of a long list
is read after a message to thousands of fans, when no chat is newer."""

MAX_READ = 200
"""Number of chats whose last message is stored in the cursor as read."""

_TO_MANY = ("BROADCAST", "MARKETING_", "GHOST_PROMOTION")
_UNSAID = (*_TO_MANY, "AUTOMATED_")
_UNLOCKED = "LOCKED_MESSAGE_UNLOCKED"
"""The type of a message about unlocked media. `_TO_MANY` contains the prefixes of types sent to
many recipients, `_UNSAID` the prefixes of all types that no user wrote."""


@dataclass(frozen=True)
class ChatCursor:
    """The position of the polls.

    Chats whose last message is before `low` were read. Messages of a chat are read from `since`. If
    one pass over the list takes several polls, `top` is the newest time at its beginning and `page`
    its next page. `read` contains the ends of the IDs of last messages, the latest last.
    """

    since: datetime | None = None
    low: datetime | None = None
    top: datetime | None = None
    page: int = 1
    read: tuple[str, ...] = ()

    @classmethod
    def from_cursor(cls, cursor: str) -> "ChatCursor":
        """Return the position in a cursor, or the beginning if it is invalid."""
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
        """Return the position as a cursor."""
        times = {
            name: at.isoformat()
            for name in ("since", "low", "top")
            if (at := getattr(self, name)) is not None
        }
        return json.dumps(
            {**times, "page": self.page, "read": self.read[-MAX_READ:]}, separators=(",", ":")
        )

    def after_full_scan(self, *, alone: bool) -> "ChatCursor":
        """Return the position after a pass over the whole list.

        With several pages (`alone` is False), a chat may have moved to a page that was already
        read. Messages are then read again from the same time.
        """
        return replace(
            self, since=self.low if alone else self.since, low=self.top, top=None, page=1
        )


@dataclass(frozen=True)
class ChatSummary:
    """A chat in the list: its fan, the time of its last message, and the end of that message's
    ID."""

    fan: str
    handle: str
    at: datetime
    last: str
    quiet: bool
    """True if the last message was sent to many recipients and no message is unread. Such chats are
    not read, since there may be thousands. A fan's message is missed if it was written less than
    one poll before that message and the creator has opened it in Fanvue's app."""


def listen(cursor: str, answers: tuple[StepResult, ...]) -> Send | ChatUpdates | Outcome:
    """Return the next request, or the new messages. If the last answer is unusable, return the
    messages read before it."""
    return polls.resume_poll(_poll_updates(ChatCursor.from_cursor(cursor)), answers)


def _poll_updates(mark: ChatCursor) -> PollGenerator:
    """Poll once: the first page of the list, then the rest of an earlier pass, so that new chats
    never wait for it."""
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
            )  # the same page again, since chats may have moved
        page = max(page + 1, resumed)


def _begin_scan(
    mark: ChatCursor, answer: StepResult, chats: list[ChatSummary]
) -> tuple[ChatCursor, datetime, datetime] | None:
    """Return the start mark of a pass, the time from which chats are new, and the time from which
    their messages are read.

    Return None for an account without chats if the answer contains no date.
    """
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
    )  # a time in the future must not hide other chats
    return replace(mark, since=since, low=low, top=mark.top or top), floor, since - BEFORE


def _is_last_page(answer: StepResult, chats: list[ChatSummary], floor: datetime) -> bool:
    """Return True if no later page has a chat newer than `floor`."""
    return not has_more(answer) or (bool(chats) and chats[-1].at < floor)


def _partial_updates(
    mark: ChatCursor, updates: list[ChatUpdate], answer: StepResult
) -> ChatUpdates | Outcome:
    """Return the messages read before an unusable answer or, if there are none, the outcome of that
    answer."""
    return (
        ChatUpdates(tuple(updates), mark.to_cursor)
        if updates
        else outcome_of_failure(answer, creates=False)
    )


@dataclass(frozen=True)
class _ChatReadResult:
    """The messages of a fan, oldest first, the number of requests, and the unusable answer, if
    any."""

    updates: tuple[ChatUpdate, ...]
    asked: int
    trouble: StepResult | None = None


def _read_chat(
    chat: ChatSummary, since: datetime
) -> Generator[WireStep, StepResult, _ChatReadResult]:
    """Read a chat back to `since`. A refused chat does not stop the others. If the chat has more
    messages than a poll may read, a notice asks a member to open the chat."""
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
            )  # the conversation no longer exists
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
    """Return a notice in place of messages that were not read."""
    return ChatUpdate(f"{chat.fan}:{chat.last}", "unsupported", chat.fan, chat.handle, at=chat.at)


def _parse_update(chat: ChatSummary, message: Mapping[str, Any]) -> ChatUpdate | None:
    """Return the update of a fan's message. Pictures, tips and calls are `unsupported`. Messages of
    the creator and automatic ones return None."""
    kind = str(message.get("type"))
    number = str(message["uuid"])
    text = message.get("text")
    if kind == _UNLOCKED:  # whatever its sender
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
    """Return the chats of a page that have messages, or None if it is not a page."""
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
