"""Look-up of a lost Discord message in the history of its channel."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from connectors.contract.connector import (
    LookupQuery,
    Response,
    Send,
    StepKind,
    StepResult,
    WireStep,
)
from connectors.contract.outcomes import Absent, Found, LookupResult, Unknown
from connectors.platforms.discord.edits import joined_text
from connectors.platforms.discord.ids import (
    is_attachment_of,
    is_id,
    message_nonce,
    parse_account,
    published_copy,
    snowflake_at,
)
from connectors.platforms.discord.requests import bot_request
from connectors.shared.http_responses import clock_lead, quote_segment
from foundation.i18n.translation import Message

LOOKUP_ACTION = "look"
WINDOW = timedelta(seconds=60)
"""A message older than the attempt by more than this is a different one with the same text."""

LISTED = 100
MAX_PAGES = 5


def look_up(
    sought: LookupQuery, channel: str, answers: tuple[StepResult, ...]
) -> Send | LookupResult:
    """Page forward from a minute before the attempt, then compare the last message with the latest
    one of the channel: a history that is behind, or that the bot may not read, proves nothing.

    If the first answer shows that Discord's clock is well behind, the search restarts earlier by
    the difference.
    """
    late = clock_lead(answers[0], sought.asked_at or sought.armed_at) if answers else timedelta()
    pages = answers[1:] if late > WINDOW / 2 else answers
    start = snowflake_at(sought.armed_at - WINDOW - late)
    if not pages:
        return Send(_build_page_step(channel, start))
    if isinstance(pages[-1], Response) and pages[-1].step == "channel":
        return _resolve_absence(pages[-1], _latest_listed(pages[:-1], start))
    messages = _parse_messages(pages[-1])
    if messages is None:
        return Unknown(Message("connectors.lookup_failed"))
    same = [message for message in messages if _is_match(message, sought)]
    if same:
        first = min(same, key=lambda message: int(message["id"]))
        copy = published_copy(parse_account(sought.account), channel, str(first["id"]), sought.chat)
        return Found(copy.native_id, copy.url, copy.at)
    if len(messages) == LISTED:
        last = max(int(message["id"]) for message in messages)
        more = len(pages) < MAX_PAGES
        return (
            Send(_build_page_step(channel, last))
            if more
            else Unknown(Message("connectors.lookup_failed"))
        )
    return Send(_build_channel_step(channel))


def _build_page_step(channel: str, after: int) -> WireStep:
    path = f"/channels/{quote_segment(channel)}/messages?after={after}&limit={LISTED}"
    return bot_request(LOOKUP_ACTION, StepKind.CONTROL, "GET", path, action=LOOKUP_ACTION)


def _build_channel_step(channel: str) -> WireStep:
    path = f"/channels/{quote_segment(channel)}"
    return bot_request("channel", StepKind.CONTROL, "GET", path, action=LOOKUP_ACTION)


def _latest_listed(pages: tuple[StepResult, ...], start: int) -> int:
    """Return the ID of the last message of the pages, or `start` if they are empty."""
    listed = [_parse_messages(page) or [] for page in pages]
    return max((int(message["id"]) for page in listed for message in page), default=start)


def _resolve_absence(answer: Response, listed: int) -> LookupResult:
    """Return Absent only if the channel's latest message is not after the last listed one."""
    latest = (
        answer.body.get("last_message_id")
        if answer.is_success and isinstance(answer.body, dict)
        else ""
    )
    if latest is None or (isinstance(latest, str) and is_id(latest) and int(latest) <= listed):
        return Absent(confirmed=True)
    return Unknown(Message("connectors.lookup_failed"))


def _parse_messages(answer: StepResult) -> list[dict[str, Any]] | None:
    if (
        not isinstance(answer, Response)
        or not answer.is_success
        or not isinstance(answer.body, list)
    ):
        return None
    usable = all(isinstance(message, dict) and is_id(message.get("id")) for message in answer.body)
    return answer.body if usable else None


def _is_match(message: Mapping[str, Any], sought: LookupQuery) -> bool:
    """Return True if the bot wrote the message and its nonce, or its file names, match. Without
    either, compare the texts."""
    author = message.get("author")
    if not isinstance(author, dict) or author.get("id") != parse_account(sought.account).bot:
        return False
    if message.get("nonce") is not None:
        return str(message["nonce"]) == message_nonce(sought.native_key)
    names = [
        str(each.get("filename", ""))
        for each in message.get("attachments") or ()
        if isinstance(each, dict)
    ]
    if names:
        return any(is_attachment_of(name, sought.native_key) for name in names)
    shown = str(message.get("content", "")).strip()
    wanted = joined_text(sought.title, sought.text).strip()
    unknown = (
        not {str(message["id"]), f"{message.get('channel_id')}/{message['id']}"} & sought.known
    )
    return unknown and shown == wanted
