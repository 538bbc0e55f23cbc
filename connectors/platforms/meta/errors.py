"""Meaning of errors of Meta's networks: `{"error": {"code", "error_subcode", …}}`, often with
status 400 whatever the cause.

Source:
https://developers.facebook.com/docs/instagram-platform/instagram-graph-api/reference/error-codes

Most errors of messages concern one recipient or the permission for messages, not the account.
Source:
https://developers.facebook.com/documentation/business-messaging/messenger-platform/error-codes;
subcodes of Instagram, which that page omits, as others observed them:
https://github.com/ComposioHQ/composio/issues/3604, https://github.com/chatwoot/chatwoot/pull/13002
"""

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
    RATE_WINDOW,
    READER_GONE,
    SHORT_RETRY,
    restage_uploads,
)
from connectors.shared.requested_waits import requested_wait
from foundation.i18n.translation import Message


def is_missing(answer: StepResult) -> bool:
    """Return True if Meta reports that the object does not exist. Rate limits and token errors have
    other codes."""
    return error_codes(answer) in MISSING_CODES


def is_permission_missing(answer: StepResult) -> bool:
    """Return True if the token lacks the permission for the request."""
    return error_codes(answer)[0] in PERMISSION_CODES


DAILY_WAIT = timedelta(hours=24)
PERMISSION_CODES = frozenset({10, *range(200, 300)})
"""Errors for a missing permission:
https://developers.facebook.com/docs/graph-api/guides/error-handling"""

TOKEN = frozenset({190, 102}) | PERMISSION_CODES
ENDED = {463: "meta.token_expired", 460: "meta.password_changed", 458: "meta.taken_back"}
"""Message codes that state the cause of an invalid token, by subcode."""

RATE_LIMIT_CODES = frozenset({4, 17, 32, 341, 613, 80001, 80002, 80006})
"""Rate limits of an application, a user, a Page or an account, and of messages (80006):
https://developers.facebook.com/docs/graph-api/overview/rate-limiting#error-codes"""

DAILY = 2207042
FETCH = frozenset({2207052, 2207003, 2207082})
"""Errors for a file that Meta could not fetch."""

NOT_READY = 2207027
OVER = frozenset({2207008, 2207020})
RESTRICTED = 2207050
BUSY_CODES = frozenset({-1, 1, 2})
MEDIA_REJECTED_CODES = frozenset({2207004, 2207005, 2207009, 2207023, 2207026})
"""Errors for a file that no repeat can fix: its size, format, aspect ratio or type."""

NOT_VISIBLE_CODE = (100, 33)
NOT_KNOWN = (24, 4279009)
MISSING_CODES = frozenset({NOT_KNOWN, NOT_VISIBLE_CODE})
"""Errors for an object that does not exist, does not exist yet, or is not visible to the token.
Meta may return them for an existing object, so the read is repeated."""


def id_from_answer(answer: StepResult) -> str:
    """Return the ID in a successful answer, or ""."""
    told = http_responses.success_body(answer).get("id")
    return told if isinstance(told, str) and told.isascii() and told.isdigit() else ""


def error_codes(answer: StepResult) -> tuple[int, int]:
    """Return the code and the subcode of an error, 0 if missing."""
    told = http_responses.json_body(answer).get("error")
    found = told if isinstance(told, dict) else {}
    code = found.get("code")
    sub = found.get("error_subcode")
    return (code if isinstance(code, int) else 0, sub if isinstance(sub, int) else 0)


def _is_transient(answer: StepResult) -> bool:
    """Return True if Meta marks the error as transient.

    Source: https://developers.facebook.com/docs/graph-api/guides/error-handling
    """
    told = http_responses.json_body(answer).get("error")
    return isinstance(told, dict) and told.get("is_transient") is True


def container_failure(answer: StepResult) -> int:
    """Return the subcode in the `status` of a failed container, or 0.

    The status is "Error: Media upload has failed with error code 2207026" or, according to the
    reference, the number alone: `instagram-graph-api/reference/ig-container` of
    https://developers.facebook.com/docs/instagram-platform/
    """
    found = re.search(r"\b2207\d{3}\b", str(http_responses.json_body(answer).get("status", "")))
    return int(found[0]) if found else 0


def answer_entries(told: Mapping[str, Any]) -> list[dict[str, Any]] | None:
    """Return the entries of a list without invalid ones, or None if it is not a list."""
    data = told.get("data")
    return [one for one in data if isinstance(one, dict)] if isinstance(data, list) else None


def next_cursor(told: Mapping[str, Any]) -> str:
    """Return the cursor of the next page, or "" at the end. The URL of the next page is not used,
    because it contains the token.

    Source: https://developers.facebook.com/docs/graph-api/results
    """
    paging = told.get("paging")
    cursors = paging.get("cursors") if isinstance(paging, dict) and "next" in paging else None
    after = cursors.get("after") if isinstance(cursors, dict) else None
    return after if isinstance(after, str) and len(after) <= 300 else ""


@dataclass(frozen=True)
class ErrorWording:
    """Message codes of a network for common errors, and the delay while a file is not ready."""

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
    """Return the outcome of a failure. If `creates` is True, the request may have published, so an
    unclear answer is uncertain."""
    code, sub = error_codes(answer)
    unproven = creates and not http_responses.proves_refusal(answer)
    if not isinstance(answer, Response) or not code or answer.status == 429 or unproven:
        return http_responses.outcome_of_status(answer, creates=creates)
    if code in TOKEN:
        return Reauthorize(Message(ENDED.get(sub, "connectors.token_refused")))
    if sub == RESTRICTED:
        return Disconnected(Message("connectors.account_gone", {"word": f"{code}_{sub}"}))
    if sub == DAILY:
        return Retry(DAILY_WAIT, "account", Message(words.daily))
    # The container has expired or is unknown, so the files are uploaded again.
    if sub in OVER:
        return restage_uploads()
    if sub in FETCH or sub == NOT_READY:
        return Retry(
            words.again, "account", Message(words.not_fetched if sub in FETCH else words.preparing)
        )
    return _unclear_outcome(answer, code, sub, creates=creates)


def _unclear_outcome(answer: Response, code: int, sub: int, *, creates: bool) -> Outcome:
    """Return the outcome of a rate limit, a temporary error or any other error. Some posts were
    live although Meta had answered their publication with "blocked"."""
    if (
        code in RATE_LIMIT_CODES
        or code in BUSY_CODES
        or answer.status >= 500
        or _is_transient(answer)
    ):
        if creates:
            return Uncertain(Message("connectors.unclear_answer", {"status": answer.status}))
        wait = SHORT_RETRY
        if code in RATE_LIMIT_CODES:
            wait = requested_wait(answer) or RATE_WINDOW
        reason = Message(
            "connectors.rate_limited" if code in RATE_LIMIT_CODES else "connectors.lookup_failed"
        )
        return Retry(wait, http_responses.limit_scope(answer), reason)
    word = f"{code}_{sub}" if sub else str(code)
    return Rejected(
        Message("connectors.refused", {"status": answer.status, "word": word}), permanent=False
    )


WINDOW_OVER = frozenset({2534022, 2018278, 2018065})
"""Errors for a message after the reply period, on Instagram and on Facebook."""

GONE = frozenset({2534014, 2018001, 1545041, 2018108})
"""Errors for a recipient who is unknown, accepts no messages, or has blocked the account."""

UNAVAILABLE = 551
CAPABILITY = 3
"""Error code: the application has no access to messages."""

BLOCKED = 368
"""Error code: Meta has suspended the messages of this account for a while."""

ARCHIVED = 2534001
"""Error code: the account's owner deleted or archived the conversation."""

UNCERTAIN_RATE = 2207051
"""A rate limit error that was also returned for published posts, so it does not prove that a
message was not sent."""

TEMPORARY = 1200
"""A temporary error of messages. It does not state that the message was not sent."""

A_WHILE = timedelta(minutes=15)


def message_failure_outcome(answer: StepResult) -> Outcome:
    """Return the outcome of a message that failed. After a rate limit the message was not sent."""
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
            requested_wait(answer) or RATE_WINDOW,
            http_responses.limit_scope(answer),
            Message("connectors.rate_limited"),
        )
    return outcome_of_failure(answer, creates=True)


def reading_failure_outcome(answer: StepResult) -> Outcome:
    """Return the outcome of a failed read of messages. Without the permission the account continues
    to publish."""
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
    """Return the reason why messages cannot be read while an account is being connected, or None. A
    temporary failure is ignored, since polls report it later."""
    refused = (
        None
        if isinstance(probed, Response) and probed.is_success
        else reading_failure_outcome(probed)
    )
    return None if isinstance(refused, Retry) else refused


def is_message_permission_missing(answer: StepResult) -> bool:
    """Return True if the token or its application has no access to messages."""
    code, sub = error_codes(answer)
    return (code in PERMISSION_CODES or code == CAPABILITY) and sub not in WINDOW_OVER | GONE


def is_conversation_missing(answer: StepResult) -> bool:
    """Return True if a conversation is deleted or archived. Replies to it are impossible; other
    conversations continue."""
    return error_codes(answer) == NOT_VISIBLE_CODE or error_codes(answer)[1] == ARCHIVED
