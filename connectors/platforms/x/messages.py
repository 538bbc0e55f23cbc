"""Direct messages on X: polling, sending and look-ups.

X lists the events of all conversations of the last 30 days, newest first, and cannot filter new
ones. It charges for each returned event, once per day for the same one. A poll therefore first
reads only the newest event, which costs one cent a day if there are no new messages. If that event
is new, the poll reads ten events, and more if these do not reach the last known one. Messages have
no idempotency key, so a lost one is identified by text, sender and time. A deleted message is
deleted for its sender only. Encrypted chats are not available to programs. Source:
https://docs.x.com/x-api/direct-messages/lookup/integrate, /manage/integrate,
https://docs.x.com/x-api/getting-started/pricing, https://docs.x.com/x-api/fundamentals/rate-limits
"""

import re
from collections.abc import Generator, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from connectors.contract.capabilities import Capabilities
from connectors.contract.chats import AttachmentKind, ChatUpdate, ChatUpdates
from connectors.contract.connector import (
    LookupQuery,
    Response,
    Send,
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
    Uncertain,
    Unknown,
)
from connectors.platforms.x import requests
from connectors.platforms.x.account import (
    id_from_answer,
    outcome_of_failure,
    refusal_text,
    unwrap_success,
)
from connectors.platforms.x.responses import listing_meta, original_text, usernames_by_id
from connectors.shared import polls, reply_windows, unit_checks
from connectors.shared.http_responses import (
    READER_GONE,
    clock_lead,
    json_body,
    parse_timestamp,
    quote_segment,
    response_date,
)
from connectors.shared.polls import PollGenerator
from connectors.shared.request_costs import RequestCostKind
from connectors.shared.text_counting import normalize_x_text
from foundation.i18n.translation import Message
from gate.contract.units import Unit

MAX_TEXT = 10_000
"""Maximum number of characters of a message."""

POLL_SECONDS = 240.0
"""Seconds between polls. An account has fifteen requests in fifteen minutes; a poll with new
messages needs two and at most four."""

ONE = 1
FEW = 10
MANY = 100
"""Maximum number of events per page that X returns. `FEW` is the number for a usual poll, and the
first request of a poll returns only the newest event."""

MAX_PAGES = 2
"""Maximum number of pages of `MANY` events per poll."""

LOOKED_AT = 3
"""Maximum number of pages of `FEW` events per look-up."""

WINDOW = timedelta(seconds=60)
"""A message older than the attempt by more than this is a different one with the same text."""

_FIELDS = [
    "created_at",
    "dm_conversation_id",
    "event_type",
    "text",
    "entities",
    "attachments",
]
_MEDIA: Mapping[str, AttachmentKind] = {"3": "picture", "7": "film", "16": "film"}
"""Attachment kinds by the prefix of the media key."""

_ID = re.compile(r"\d{1,19}", re.ASCII)
_READER = (
    "permission to dm",
    "cannot send messages to this user",
    "not following you",
    "not verified to send message requests",
    "blocked",
    "cannot find specified user",
)
"""Error texts about the reader: they accept no messages from the account, or do not exist."""

_ANOTHERS = ("suspended", "deactivated")
_OURS = ("used for authentication", "your account")
_RIGHT = ("forbidden forbidden about:blank", "access or delete your direct messages")
"""Error texts for a token without message scopes, or an application without that permission."""


def message_problem(unit: Unit, can: Capabilities) -> Message | None:
    """Return the reason why a message cannot be sent, or None. Texts are never truncated."""
    text = unit.text_of("body")
    if (
        unit.invoice is not None
        or unit.buttons
        or unit.media
        or unit.text_of("title")
        or not text.strip()
    ):
        return Message("meta.words_alone")
    if wrong := unit_checks.unit_problem(unit, can, length=len(text)):
        return wrong
    return Message("connectors.mark_untold", {"mark": unit.flags[0]}) if unit.flags else None


def next_step(unit: Unit, answers: tuple[StepResult, ...], can: Capabilities) -> Send | Outcome:
    """Send the message in one request and return its outcome."""
    if wrong := message_problem(unit, can):
        return Rejected(wrong, permanent=False)
    if not answers:
        reader = quote_segment(unit.viewer)
        return requests.build_request(
            requests.MESSAGE,
            lambda client: client.create_direct_message(
                participant_id=reader, text=unit.text_of("body")
            ),
        )
    last = answers[-1]
    number = unwrap_success(last).get("dm_event_id")
    if isinstance(number, str) and _ID.fullmatch(number):
        return Published(number)
    if isinstance(last, Response) and last.is_success:
        return Uncertain(Message("connectors.unclear_answer", {"status": last.status}))
    return _failure_outcome(last, creates=True)


def _failure_outcome(answer: StepResult, *, creates: bool) -> Outcome:
    """Return the outcome of a failure. An error about the reader, or about messages only, does not
    affect the account."""
    if isinstance(answer, Response) and answer.status in (400, 403, 404):
        told = refusal_text(answer)
        others = any(word in told for word in _ANOTHERS) and not any(word in told for word in _OURS)
        if creates and (others or any(word in told for word in _READER)):
            return Rejected(Message(READER_GONE), permanent=True)
        if answer.status == 403 and any(word in told for word in _RIGHT):
            return Rejected(Message(reply_windows.MESSAGES_NOT_ALLOWED), permanent=False)
    return outcome_of_failure(answer, creates=creates)


def look_up(sought: LookupQuery, answers: tuple[StepResult, ...]) -> Send | LookupResult:
    """Page back through the conversation to a minute before the attempt.

    An empty conversation proves nothing, because its owner may have deleted it in the app.
    """
    if not answers:
        return _build_page_request(requests.LOOK, FEW, other=sought.chat)
    events = _parse_events(answers[-1])
    if events is None:
        return Unknown(Message("connectors.lookup_failed"))
    start = sought.armed_at - WINDOW - clock_lead(answers[-1], sought.asked_at or sought.armed_at)
    recent = [one for one in events if (parse_timestamp(one.get("created_at")) or start) >= start]
    ours = [
        one
        for one in recent
        if one.get("sender_id") == sought.account and one["id"] not in sought.known
    ]
    same = [
        one for one in ours if normalize_x_text(original_text(one)) == normalize_x_text(sought.text)
    ]
    if same:
        return Found(
            str(same[-1]["id"]), "", parse_timestamp(same[-1].get("created_at"))
        )  # the oldest if there are two
    after = listing_meta(answers[-1]).get("next_token")
    if len(recent) < len(events) or (not after and (events or len(answers) > 1)):
        return Absent()
    whole = isinstance(after, str) and len(answers) < LOOKED_AT
    return (
        _build_page_request(requests.LOOK, FEW, str(after), other=sought.chat)
        if whole
        else Unknown(Message("connectors.lookup_failed"))
    )


@dataclass(frozen=True)
class _Mark:
    """The position of the polls: the account's ID, the newest known event, and the oldest event
    returned on `day` (UTC). The events between the two are not charged again on that day."""

    me: str
    newest: int = 0
    day: str = "-"
    oldest: int = 0

    @classmethod
    def read(cls, cursor: str) -> "_Mark":
        """Parse the output of `written`."""
        me, newest, day, oldest = cursor.split(" ")
        return cls(me, int(newest), day, int(oldest))

    def written(self) -> str:
        """Return the mark as one line, equal for equal marks."""
        return f"{self.me} {self.newest} {self.day} {self.oldest}"

    def charged(self, answers: Iterable[StepResult]) -> int:
        """Return the number of events in these answers that X charges for."""
        day, told = _parse_charged_events(answers)
        known = self.day == day
        return sum(not (known and self.oldest <= number <= self.newest) for number in told)

    def passed(self, answers: Iterable[StepResult]) -> "_Mark":
        """Return the mark after these answers."""
        day, told = _parse_charged_events(answers)
        if not told:
            return self
        oldest = min(told | {self.oldest}) if self.day == day else min(told)
        return replace(self, newest=max(told | {self.newest}), day=day, oldest=oldest)


def listen(cursor: str, answers: tuple[StepResult, ...]) -> Send | ChatUpdates | Outcome:
    """Return the next request, or the messages since the cursor."""
    return polls.resume_poll(
        _poll_updates(_Mark.read(cursor)) if cursor else _start_polling(), answers
    )


def count_poll_charges(
    cursor: str, answers: tuple[StepResult, ...]
) -> Mapping[RequestCostKind, int]:
    """Return the charged items of a poll: events that X did not return before on that day, and the
    account's identity."""
    mark = _Mark.read(cursor) if cursor else _Mark("")
    counted: dict[RequestCostKind, int] = {
        "message_read": mark.charged(answers),
        "person_read": _count_people(answers),
    }
    return {what: many for what, many in counted.items() if many}


def _count_people(answers: Iterable[StepResult]) -> int:
    return sum("username" in unwrap_success(answer) for answer in answers)


def _start_polling() -> PollGenerator:
    """Read the account's ID and the newest event. Earlier messages are not reported, because they
    were sent before the account was connected."""
    whose = yield requests.read_owner(requests.UPDATES).step
    me = id_from_answer(whose)
    if not me:
        return _failure_outcome(whose, creates=False)
    answer = yield _build_page_step(ONE)
    if _parse_events(answer) is None:
        return _failure_outcome(answer, creates=False)
    return ChatUpdates((), _Mark(me).passed([answer]).written())


def _poll_updates(mark: _Mark) -> PollGenerator:
    """Read the messages since the mark, oldest first; one request if there are none."""
    answer = yield _build_page_step(ONE)
    read = [answer]
    for most, pages in ((FEW, 1), (MANY, MAX_PAGES)):
        if _parse_events(answer) is None:
            return _failure_outcome(answer, creates=False)
        if _is_caught_up(mark, answer):
            break
        last = yield from _read_pages(mark, most, pages, read)
        answer = last
    if _parse_events(answer) is None:
        return _failure_outcome(answer, creates=False)
    found = {
        _parse_id(one): (one, names) for page in read for one, names in _events_with_names(page)
    }
    heard = (
        _parse_update(found[number][0], mark.me, found[number][1])
        for number in sorted(found)
        if number > mark.newest
    )
    updates = [update for update in heard if update is not None]
    if updates and not _is_caught_up(mark, answer):
        key = f"before:{updates[0].key}"
        updates.insert(
            0, replace(updates[0], key=key, kind="unsupported", native_id="", text="", shows="more")
        )
    return ChatUpdates(tuple(updates), mark.passed(read).written())


def _read_pages(
    mark: _Mark, most: int, pages: int, read: list[StepResult]
) -> Generator[WireStep, StepResult, StepResult]:
    """Request the newest events, and earlier ones until the mark is reached. Return the last
    answer."""
    after = ""
    for _ in range(pages):
        answer = yield _build_page_step(most, after)
        read.append(answer)
        after = str(listing_meta(answer).get("next_token") or "")
        if _parse_events(answer) is None or _is_caught_up(mark, answer):
            break
    return read[-1]


def _is_caught_up(mark: _Mark, answer: StepResult) -> bool:
    """Return True if there are no unknown events before those of an answer."""
    events = _parse_events(answer) or []
    return not listing_meta(answer).get("next_token") or any(
        _parse_id(one) <= mark.newest for one in events
    )


def _events_with_names(answer: StepResult) -> list[tuple[Mapping[str, Any], Mapping[str, str]]]:
    """Return the events of an answer, each with the user names in it."""
    names = usernames_by_id([answer])
    return [(one, names) for one in _parse_events(answer) or []]


def _parse_update(event: Mapping[str, Any], me: str, names: Mapping[str, str]) -> ChatUpdate | None:
    """Return a message sent to this account alone, or None. A message with an attachment is
    `unsupported`.

    The ID of a conversation of two contains both account IDs; that of a group does not.
    """
    sender = event.get("sender_id")
    if not isinstance(sender, str) or not _ID.fullmatch(sender) or sender == me:
        return None
    if event.get("event_type") != "MessageCreate" or {
        *str(event.get("dm_conversation_id")).split("-")
    } != {me, sender}:
        return None
    number = str(event["id"])
    words = original_text(event)
    shows = _parse_attachment_kind(event)
    return ChatUpdate(
        number,
        "message" if words.strip() and not shows else "unsupported",
        sender,
        f"@{names[sender]}" if names.get(sender) else "",
        native_id=number,
        at=parse_timestamp(event.get("created_at")),
        text=words,
        shows=shows,
    )


def _parse_attachment_kind(event: Mapping[str, Any]) -> AttachmentKind:
    """Return the kind of the first attachment. Attachments are not downloaded, because the sender
    chose their URLs."""
    attached = event.get("attachments")
    told: Mapping[str, Any] = attached if isinstance(attached, dict) else {}
    keys = told.get("media_keys")
    if isinstance(keys, list) and keys:
        return _MEDIA.get(str(keys[0]).partition("_")[0], "file")
    return "share" if told.get("card_ids") else ""


def _parse_charged_events(answers: Iterable[StepResult]) -> tuple[str, set[int]]:
    """Return the day of these answers (UTC) and the IDs of their events."""
    listed = list(answers)
    dates = [at for answer in listed if (at := response_date(answer)) is not None]
    told = {_parse_id(one) for answer in listed for one in _parse_events(answer) or []}
    return f"{max(dates):%Y%m%d}" if dates else "-", told


def _parse_events(answer: StepResult) -> list[dict[str, Any]] | None:
    """Return the events of a page that have an ID, newest first, or None if it is not a page."""
    count = listing_meta(answer).get("result_count")
    if not isinstance(answer, Response) or not answer.is_success or not isinstance(count, int):
        return None
    listed = json_body(answer).get("data", [] if count == 0 else None)
    return (
        [one for one in listed if isinstance(one, dict) and _parse_id(one)]
        if isinstance(listed, list)
        else None
    )


def _parse_id(event: Mapping[str, Any]) -> int:
    told = event.get("id")
    return int(told) if isinstance(told, str) and _ID.fullmatch(told) else 0


def _build_page_step(most: int, after: str = "") -> WireStep:
    return _build_page_request(requests.UPDATES, most, after).step


def _build_page_request(template: WireStep, most: int, after: str = "", *, other: str = "") -> Send:
    """Return the request for a page of events, newest first; with `other`, of the conversation with
    that account.

    The sender's ID is included only if it is expanded, according to every version of the API
    reference.
    """
    return requests.build_request(
        template,
        lambda client: client.get_direct_message_events(
            participant_id=quote_segment(other) if other else None,
            max_results=most,
            event_types="MessageCreate",
            dm_event_fields=_FIELDS,
            expansions="sender_id",
            user_fields="username",
            pagination_token=after or None,
        ),
    )
