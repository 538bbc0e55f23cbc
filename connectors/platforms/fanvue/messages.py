"""Messages between a creator and a fan on Fanvue: sending, paid media, look-ups and deletion.

Messages have no idempotency key. A lost message is identified by text, sender and time. A message
with media is also identified by its files and price, since files are uploaded for one message only.
Fanvue unlocks paid media itself after the payment. Source:
https://api.fanvue.com/docs/api-reference/reference/chat-messages/send-message, …/list-messages,
…/delete-message; kinds of messages: https://api.fanvue.com/docs/tutorials/working-with-messages
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from connectors.contract.capabilities import Capabilities
from connectors.contract.connector import (
    LookupQuery,
    PlatformCopy,
    Response,
    Send,
    StepKind,
    StepResult,
    WireStep,
)
from connectors.contract.outcomes import (
    Absent,
    Found,
    LookupResult,
    Outcome,
    Published,
    Rejected,
    Unknown,
)
from connectors.contract.paid_media import BOUGHT_STAYS, PaidMessageStatus
from connectors.platforms.fanvue.account import (
    VERSION_HEADER,
    outcome_of_failure,
    refusal_text,
    uuid_of,
)
from connectors.platforms.fanvue.media import MediaUpload, lost_upload_outcome
from connectors.shared import unit_checks
from connectors.shared.http_responses import (
    READER_GONE,
    clock_lead,
    parse_timestamp,
    quote_segment,
    restage_uploads,
    success_body,
)
from connectors.shared.text_counting import normalize_message_text
from foundation.i18n.translation import Message
from foundation.money import Money
from gate.contract.units import Unit

PUBLISH = "publish"
LISTED = 50
MAX_PAGES = 5
FURTHEST = 12
"""Maximum number of pages to read back to a paid message, which may be days old. `MAX_PAGES` is the
maximum for a message that was just sent; `LISTED` is the size of a page."""

WINDOW = timedelta(seconds=60)
"""A message older than the attempt by more than this is a different one with the same text."""

WRITTEN_MESSAGE_TYPES = frozenset(
    {"SINGLE_RECIPIENT", "CHAT_TEXT_REPLY", "CHAT_TEXT_GENERATION", "CHAT_TEXT_REWRITE"}
)
"""Types of messages that a user wrote to one recipient."""

_GONE = ("contactab", "recipient", "blocked")
"""Words in errors that concern the recipient. Fanvue's text is "user contactability validation
failed"."""

_BOUGHT = ("purchas", "bought", "unlocked")
"""Words in errors for the deletion of a paid message. Fanvue does not document its text."""


def message_problem(unit: Unit, can: Capabilities) -> Message | None:
    """Return the reason why a message cannot be sent, or None. Texts are never truncated."""
    if unit.invoice is not None or unit.buttons:
        return Message("fanvue.no_sales")
    if wrong := unit_checks.unit_problem(unit, can, length=len(unit.text_of("body"))):
        return wrong
    if not unit.text_of("body").strip():
        return Message("fanvue.empty")
    return Message("connectors.mark_untold", {"mark": unit.flags[0]}) if unit.flags else None


def next_step(unit: Unit, answers: tuple[StepResult, ...]) -> Send | Outcome:
    """Upload each file and wait until it is ready, then send the message."""
    last = answers[-1] if answers else None
    if last is not None and last.step == PUBLISH:
        return _send_outcome(last)
    if last is not None and not (isinstance(last, Response) and last.is_success):
        return lost_upload_outcome(last)
    uploads = [MediaUpload(medium, answers) for medium in unit.media]
    turns = (upload.next() for upload in uploads)
    waiting = next((turn for turn in turns if turn is not None), None)
    return waiting or Send(_build_message_step(unit, [upload.uuid for upload in uploads]))


def _build_message_step(unit: Unit, media: list[str]) -> WireStep:
    body: dict[str, Any] = {"text": unit.text_of("body")}
    if media:
        body["mediaUuids"] = media
    if unit.price is not None:
        body["price"] = unit.price.minor
    path = f"/chats/{quote_segment(unit.viewer)}/message"
    return WireStep(PUBLISH, StepKind.PUBLISH, "POST", path, body, headers=VERSION_HEADER)


def _send_outcome(answer: StepResult) -> Outcome:
    if number := uuid_of(answer, "messageUuid"):
        return Published(number)
    missing = (
        isinstance(answer, Response)
        and answer.status in (400, 404)
        and "media" in refusal_text(answer)
    )
    if missing and "found" in refusal_text(answer):
        return restage_uploads()
    return _failure_outcome(answer, creates=True)


def _failure_outcome(answer: StepResult, *, creates: bool) -> Outcome:
    """Return the outcome of a failure. An error about the recipient does not affect the account."""
    refused = isinstance(answer, Response) and answer.status in (400, 403, 404)
    if refused and any(word in refusal_text(answer) for word in _GONE):
        return Rejected(Message(READER_GONE), permanent=True)
    return outcome_of_failure(answer, creates=creates)


def look_up(sought: LookupQuery, answers: tuple[StepResult, ...]) -> Send | LookupResult:
    """Page back through the chat to a minute before the attempt, without marking it as read."""
    if not answers:
        return Send(chat_page_step(sought.chat, 1, name="look"))
    messages = page_entries(answers[-1])
    if messages is None:
        return Unknown(Message("connectors.lookup_failed"))
    start = sought.armed_at - WINDOW - clock_lead(answers[-1], sought.asked_at or sought.armed_at)
    recent = [one for one in messages if (parse_time(one.get("sentAt")) or start) >= start]
    same = [one for one in recent if _is_match(one, sought)]
    if same:
        at = parse_timestamp(same[-1].get("sentAt"))  # the oldest, if there are several
        sure = Found(str(same[-1]["uuid"]), "", at)
        return (
            sure if at is not None else Unknown(Message("connectors.lookup_failed"))
        )  # a date without a time proves nothing
    if sought.media and any(_has_same_text(one, sought) for one in recent):
        return Unknown(
            Message("connectors.lookup_failed")
        )  # Fanvue may use other IDs for its files
    if len(recent) < len(messages) or not has_more(answers[-1]):
        return Absent()
    whole = len(answers) < MAX_PAGES
    page = chat_page_step(sought.chat, len(answers) + 1, name="look")
    return Send(page) if whole else Unknown(Message("connectors.lookup_failed"))


def _has_same_text(message: Mapping[str, Any], sought: LookupQuery) -> bool:
    """Return True if the account wrote a message with the sought text that is not from another
    attempt."""
    ours = sender_id(message) == sought.account and message.get("type") in WRITTEN_MESSAGE_TYPES
    same = normalize_message_text(message.get("text")) == normalize_message_text(sought.text)
    return ours and same and message["uuid"] not in sought.known


def _is_match(message: Mapping[str, Any], sought: LookupQuery) -> bool:
    media = sorted(MediaUpload(medium, sought.told).uuid for medium in sought.media)
    known = all(media) and sorted(map(str, _parse_media_ids(message))) == media
    return _has_same_text(message, sought) and known and message_price(message) == sought.price


def _parse_media_ids(message: Mapping[str, Any]) -> list[Any]:
    found = message.get("mediaUuids")
    return found if isinstance(found, list) else []


def message_price(message: Mapping[str, Any]) -> Money | None:
    """Return the price of a locked message, or None if there is none or it is invalid."""
    pricing = message.get("pricing")
    told = pricing.get("USD") if isinstance(pricing, dict) else None
    cents = told.get("price") if isinstance(told, dict) else None
    if isinstance(cents, float) and cents.is_integer():
        cents = int(cents)
    return Money(cents, "USD") if type(cents) is int and cents > 0 else None


def read_paid_status(
    copy: PlatformCopy, since: datetime, answers: tuple[StepResult, ...]
) -> Send | PaidMessageStatus | None:
    """Page back through the chat to a message of the account and return its payment status."""
    if not answers:
        return Send(chat_page_step(copy.chat, 1, name="look"))
    last = answers[-1]
    if isinstance(last, Response) and last.status == 404 and refusal_text(last):
        return PaidMessageStatus("gone")  # the conversation no longer exists
    messages = page_entries(last)
    if messages is None:
        return None
    mine = next(
        (
            one
            for one in messages
            if one["uuid"] == copy.native_id and sender_id(one) == copy.account
        ),
        None,
    )
    if mine is not None:
        bought = mine.get("purchasedAt")
        return (
            PaidMessageStatus("paid", parse_time(bought)) if bought else PaidMessageStatus("unpaid")
        )
    start = since - WINDOW
    older = any((parse_time(one.get("sentAt")) or start) < start for one in messages)
    if older or not has_more(last):
        return PaidMessageStatus("gone")
    return (
        Send(chat_page_step(copy.chat, len(answers) + 1, name="look"))
        if len(answers) < FURTHEST
        else None
    )


def remove_message(copy: PlatformCopy, answers: tuple[StepResult, ...]) -> Send | Outcome:
    """Delete the message. A missing one counts as deleted."""
    if not answers:
        path = f"/chats/{quote_segment(copy.chat)}/messages/{quote_segment(copy.native_id)}"
        return Send(
            WireStep(
                "delete", StepKind.RESTRICT, "DELETE", path, headers=VERSION_HEADER, action="delete"
            )
        )
    last = answers[-1]
    done = isinstance(last, Response) and (
        last.status == 204 or (last.status == 404 and bool(refusal_text(last)))
    )
    refused = isinstance(last, Response) and last.status in (400, 403, 409)
    if refused and any(word in refusal_text(last) for word in _BOUGHT):
        return Rejected(Message(BOUGHT_STAYS), permanent=False)
    return (
        Published(copy.native_id)
        if done or success_body(last)
        else _failure_outcome(last, creates=False)
    )


def chat_page_step(fan: str, page: int, *, name: str) -> WireStep:
    """Request a page of a chat, newest first, without marking it as read, so that its creator does
    not miss it. `name` is also the action."""
    path = f"/chats/{quote_segment(fan)}/messages?page={page}&size={LISTED}&markAsRead=false"
    return WireStep(name, StepKind.CONTROL, "GET", path, headers=VERSION_HEADER, action=name)


def page_entries(answer: StepResult) -> list[dict[str, Any]] | None:
    """Return the entries of a page, which all have an ID, or None if it is not a page."""
    told = success_body(answer)
    found = told.get("data") if isinstance(told.get("pagination"), dict) else None
    whole = isinstance(found, list) and all(
        isinstance(one, dict) and one.get("uuid") for one in found
    )
    return found if whole else None


def has_more(answer: StepResult) -> bool:
    """Return True if further pages follow."""
    return success_body(answer)["pagination"].get("hasMore") is True


def sender_id(message: Mapping[str, Any]) -> str:
    """Return the sender of a message, or ""."""
    found = message.get("sender")
    return str(found.get("uuid") or "") if isinstance(found, dict) else ""


def parse_time(told: object) -> datetime | None:
    """Return a time in UTC. Fanvue documents some times as dates; a value without a time of day
    means the end of the day."""
    day = parse_timestamp(f"{told}T00:00:00+00:00")  # None if it contains a time of day
    return day + timedelta(days=1, microseconds=-1) if day is not None else parse_timestamp(told)
