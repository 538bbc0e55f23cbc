"""What Instagram's answers mean: `{"error": {"code", "error_subcode", …}}`, often as HTTP 400
whatever is wrong. Pure.

Source:
https://developers.facebook.com/docs/instagram-platform/instagram-graph-api/reference/error-codes

What refusals of Meta's networks mean where messages are concerned: most are about one person, or
about the one right for messages, and say nothing of the account. Pure.

Source:
https://developers.facebook.com/documentation/business-messaging/messenger-platform/error-codes;
subcodes of Instagram, which that page leaves out, as others met them:
https://github.com/ComposioHQ/composio/issues/3604,
https://github.com/chatwoot/chatwoot/pull/13002
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from connectors.contract.connector import Response, StepResult
from connectors.contract.outcomes import (
    Disconnected,
    Outcome,
    Reauthorize,
    Rejected,
    Retry,
    Uncertain,
)
from connectors.shared import http_responses, reply_windows
from connectors.shared.http_responses import (
    MAX_RETRY_WAIT,
    RATE_WINDOW,
    READER_GONE,
    SHORT_RETRY,
    restage_uploads,
)
from foundation.i18n.translation import Message


def is_missing(answer: StepResult) -> bool:
    """Whether they say that it does not exist: a rate or a token has words of its own."""
    return error_codes(answer) in MISSING_CODES


def is_permission_missing(answer: StepResult) -> bool:
    """Whether the token may not do just this."""
    return error_codes(answer)[0] in PERMISSION_CODES


DAILY_WAIT = timedelta(hours=24)
PERMISSION_CODES = frozenset({10, *range(200, 300)})
"""A right is missing: https://developers.facebook.com/docs/graph-api/guides/error-handling"""

TOKEN = frozenset({190, 102}) | PERMISSION_CODES
ENDED = {463: "meta.token_expired", 460: "meta.password_changed", 458: "meta.taken_back"}
"""Why a token is none any more, by subcode, where a person has something else to know than that."""

RATE_LIMIT_CODES = frozenset({4, 17, 32, 341, 613, 80001, 80002, 80006})
"""Of an application, a person, a Page, an account, and of messages (80006):
https://developers.facebook.com/docs/graph-api/overview/rate-limiting#error-codes"""

DAILY = 2207042
FETCH = frozenset({2207052, 2207003, 2207082})
"""They could not fetch the file from us."""

NOT_READY = 2207027
OVER = frozenset({2207008, 2207020})
RESTRICTED = 2207050
BUSY_CODES = frozenset({-1, 1, 2})
MEDIA_REJECTED_CODES = frozenset({2207004, 2207005, 2207009, 2207023, 2207026})
"""What they say of a file that no second try makes better: its size, its format, its shape, its
kind."""

NOT_VISIBLE_CODE = (100, 33)
NOT_KNOWN = (24, 4279009)
MISSING_CODES = frozenset({NOT_KNOWN, NOT_VISIBLE_CODE})
"""Errors for an object that does not exist, or not yet, or that this token may not see."""
"""A read of what is there says that it is not: it is asked again."""


def id_from_answer(answer: StepResult) -> str:
    """The id an answer gave; "" for none."""
    told = http_responses.success_body(answer).get("id")
    return told if isinstance(told, str) and told.isascii() and told.isdigit() else ""


def error_codes(answer: StepResult) -> tuple[int, int]:
    """Code and subcode of a refusal; 0 where none is told."""
    told = http_responses.json_body(answer).get("error")
    found = told if isinstance(told, dict) else {}
    code = found.get("code")
    sub = found.get("error_subcode")
    return (code if isinstance(code, int) else 0, sub if isinstance(sub, int) else 0)


def _is_transient(answer: StepResult) -> bool:
    """Whether they say themselves that the same may go well later.

    Source: https://developers.facebook.com/docs/graph-api/guides/error-handling
    """
    told = http_responses.json_body(answer).get("error")
    return isinstance(told, dict) and told.get("is_transient") is True


def container_failure(answer: StepResult) -> int:
    """Why a container came to nothing, as a subcode out of its `status`; 0 where none is told.

    "Error: Media upload has failed with error code 2207026", or the number alone as their
    reference has it:
    https://developers.facebook.com/docs/instagram-platform/instagram-graph-api/reference/ig-container
    """
    found = re.search(r"\b2207\d{3}\b", str(http_responses.json_body(answer).get("status", "")))
    return int(found[0]) if found else 0


def limit_wait(answer: Response) -> timedelta:
    """How long a limit lasts, as they tell it in minutes, the longest of those they name; else the
    usual while.

    Source: https://developers.facebook.com/docs/graph-api/overview/rate-limiting#headers-2
    """
    try:
        told = json.loads(answer.headers.get("x-business-use-case-usage", ""))
        minutes = [one["estimated_time_to_regain_access"] for each in told.values() for one in each]
        longest = max(int(one) for one in minutes)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return RATE_WINDOW
    return (
        min(timedelta(minutes=min(longest, 10**6)), MAX_RETRY_WAIT) if longest > 0 else RATE_WINDOW
    )


def answer_entries(told: Mapping[str, Any]) -> list[dict[str, Any]] | None:
    """The entries of a list; what is no entry is left out. None when it is no list."""
    data = told.get("data")
    return [one for one in data if isinstance(one, dict)] if isinstance(data, list) else None


def next_cursor(told: Mapping[str, Any]) -> str:
    """Where a list goes on; "" at its end, where no next page is named. Its address is not used: it
    holds the token.

    Source: https://developers.facebook.com/docs/graph-api/results
    """
    paging = told.get("paging")
    cursors = paging.get("cursors") if isinstance(paging, dict) and "next" in paging else None
    after = cursors.get("after") if isinstance(cursors, dict) else None
    return after if isinstance(after, str) and len(after) <= 300 else ""


@dataclass(frozen=True)
class ErrorWording:
    """Codes of the sentences in which one of Meta's platforms is told, and how long a file that is
    not there yet is waited for."""

    daily: str
    not_fetched: str
    preparing: str
    again: timedelta = SHORT_RETRY


INSTAGRAM_WORDING = ErrorWording(
    "instagram.daily_limit", "instagram.not_fetched", "instagram.preparing"
)


def outcome_of_failure(
    answer: StepResult, *, creates: bool, words: ErrorWording = INSTAGRAM_WORDING
) -> Outcome:
    """Say what an answer that is no success meant. `creates`: it may have published, so what is
    unclear is a doubt."""
    code, sub = error_codes(answer)
    if not isinstance(answer, Response) or not code or answer.status == 429:
        return http_responses.outcome_of_status(answer, creates=creates)
    if code in TOKEN:
        return Reauthorize(Message(ENDED.get(sub, "connectors.token_refused")))
    if sub == RESTRICTED:
        return Disconnected(Message("connectors.account_gone", {"word": f"{code}_{sub}"}))
    if sub == DAILY:
        return Retry(DAILY_WAIT, "account", Message(words.daily))
    if sub in OVER:
        return restage_uploads()
    if sub in FETCH or sub == NOT_READY:
        return Retry(
            words.again, "account", Message(words.not_fetched if sub in FETCH else words.preparing)
        )
    return _unclear_outcome(answer, code, sub, creates=creates)


def _unclear_outcome(answer: Response, code: int, sub: int, *, creates: bool) -> Outcome:
    """Rates, hiccups and all the rest: a publication that was told "blocked" was seen to be
    live."""
    if (
        code in RATE_LIMIT_CODES
        or code in BUSY_CODES
        or answer.status >= 500
        or _is_transient(answer)
    ):
        if creates:
            return Uncertain(Message("connectors.unclear_answer", {"status": answer.status}))
        wait = limit_wait(answer) if code in RATE_LIMIT_CODES else SHORT_RETRY
        reason = Message(
            "connectors.rate_limited" if code in RATE_LIMIT_CODES else "connectors.lookup_failed"
        )
        return Retry(wait, http_responses.limit_scope(answer), reason)
    word = f"{code}_{sub}" if sub else str(code)
    return Rejected(
        Message("connectors.refused", {"status": answer.status, "word": word}), permanent=False
    )


WINDOW_OVER = frozenset({2534022, 2018278, 2018065})
"""Written to a person who wrote too long ago, on Instagram and on Facebook."""

GONE = frozenset({2534014, 2018001, 1545041, 2018108})
"""The person is not to be found, takes no messages, or blocked the account."""

UNAVAILABLE = 551
CAPABILITY = 3
"""The application was never given messages."""

BLOCKED = 368
"""Messages of this account are stopped for a while, for what it did."""

ARCHIVED = 2534001
"""Its owner deleted the conversation, or put it away."""

UNCERTAIN_RATE = 2207051
"""Told of posts that were live all the same (`instagram_answers`): no proof that nothing left."""

TEMPORARY = 1200
"""Told of messages that failed for the moment; that none left is not said."""

A_WHILE = timedelta(minutes=15)


def message_failure_outcome(answer: StepResult) -> Outcome:
    """What an answer to a message meant that is no success. A limit is a plain no: nothing was
    said."""
    code, sub = error_codes(answer)
    if sub in WINDOW_OVER:
        return Rejected(Message(reply_windows.WINDOW_CLOSED, {"hours": 24}), permanent=False)
    if sub in GONE or code == UNAVAILABLE:
        return Rejected(Message(READER_GONE), permanent=True)
    if sub == ARCHIVED:
        return Rejected(Message("meta.archived"), permanent=False)
    if code == BLOCKED:
        return Rejected(Message("meta.messages_stopped"), permanent=False)
    if code == TEMPORARY and isinstance(answer, Response):
        return Uncertain(Message("connectors.unclear_answer", {"status": answer.status}))
    if is_message_permission_missing(answer):
        return Rejected(Message(reply_windows.MESSAGES_NOT_ALLOWED), permanent=False)
    if (
        isinstance(answer, Response)
        and answer.status < 500
        and code in RATE_LIMIT_CODES
        and sub != UNCERTAIN_RATE
    ):
        return Retry(
            limit_wait(answer),
            http_responses.limit_scope(answer),
            Message("connectors.rate_limited"),
        )
    return outcome_of_failure(answer, creates=True)


def reading_failure_outcome(answer: StepResult) -> Outcome:
    """What an answer meant that tells no messages. Without the right the account goes on
    posting."""
    if is_message_permission_missing(answer):
        return Rejected(Message(reply_windows.MESSAGES_NOT_ALLOWED), permanent=False)
    outcome = outcome_of_failure(answer, creates=False)
    waits = isinstance(answer, Response) and error_codes(answer)[0] in BUSY_CODES
    return (
        Retry(SHORT_RETRY, "account", outcome.reason)
        if waits and isinstance(outcome, Rejected)
        else outcome
    )


def messages_unreadable_reason(probed: StepResult) -> Outcome | None:
    """Why messages that somebody wants cannot be read, as an account is connected. A bad moment is
    none: listening says what it meets."""
    refused = (
        None
        if isinstance(probed, Response) and probed.is_success
        else reading_failure_outcome(probed)
    )
    return None if isinstance(refused, Retry) else refused


def is_message_permission_missing(answer: StepResult) -> bool:
    """Whether the token, or its application, may not read or write messages."""
    code, sub = error_codes(answer)
    return (code in PERMISSION_CODES or code == CAPABILITY) and sub not in WINDOW_OVER | GONE


def is_conversation_missing(answer: StepResult) -> bool:
    """Whether a conversation is told as not there, or put away: nobody can answer in it, and the
    others go on."""
    return error_codes(answer) == NOT_VISIBLE_CODE or error_codes(answer)[1] == ARCHIVED
