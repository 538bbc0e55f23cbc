"""Meaning of Facebook's errors: `{"error": {"code", "error_subcode", …}}`, often with status 400.

Source: https://developers.facebook.com/docs/graph-api/guides/error-handling; subcodes that others
observed: https://github.com/gitroomhq/postiz-app/pull/2068
"""

import re
from datetime import timedelta

from connectors.contract.connector import StepResult
from connectors.contract.outcomes import Outcome, Rejected, Retry, Uncertain
from connectors.platforms.meta import errors
from connectors.platforms.meta.errors import ErrorWording, error_codes
from connectors.shared.http_responses import success_body
from foundation.i18n.translation import Message

AGAIN = timedelta(seconds=10)
FILM_AGAIN = timedelta(seconds=30)
"""The delay before the next attempt if a file was not fetched."""

CALMER = timedelta(minutes=15)
"""The delay after a block for too many posts. Facebook does not report when the block ends. With a
longer delay, most posts would miss their latest publication time."""

FACEBOOK_WORDING = ErrorWording(
    "facebook.slow_down", "facebook.not_fetched", "facebook.preparing", AGAIN
)

BLOCKED = 368
DUPLICATE = 506
FLAGGED = frozenset({1346003, 1404102})
"""Subcodes for content that violates Facebook's rules. All other blocks are temporary."""

UNFETCHED = frozenset({324, 389})
"""Errors for a file that Facebook could not fetch from its temporary URL. The file's type and size
are valid."""

UNFIT = frozenset({351, 352, 356})
"""Errors for a video that no repeat can fix."""

_POST = re.compile(r"\d{1,30}_\d{1,30}", re.ASCII)


def is_post_id(native_id: object) -> bool:
    """Return True for the ID of a post or comment: two numbers."""
    return isinstance(native_id, str) and _POST.fullmatch(native_id) is not None


def id_of_entry(one: object) -> str:
    """Return the ID of a post or comment, or ""."""
    found = one.get("id") if isinstance(one, dict) else None
    return str(found) if is_post_id(found) else ""


def post_id_from_answer(answer: StepResult) -> str:
    """Return the ID of a created post or comment, or ""."""
    return id_of_entry(success_body(answer))


def outcome_of_failure(answer: StepResult, *, creates: bool) -> Outcome:
    """Return the outcome of a failure. If `creates` is True, the request may have published, so an
    unclear answer is uncertain."""
    code, sub = error_codes(answer)
    if code == BLOCKED:
        flagged = Rejected(Message("facebook.flagged", {"code": sub}), permanent=False)
        return (
            flagged if sub in FLAGGED else Retry(CALMER, "account", Message("facebook.slow_down"))
        )
    if code == DUPLICATE:  # the existing post may be from an earlier attempt
        told = Message("facebook.duplicate")
        return Uncertain(told, stands=True) if creates else Rejected(told, permanent=False)
    if code in UNFETCHED:
        return Retry(FILM_AGAIN, "account", Message("facebook.not_fetched"))
    if code in UNFIT:
        return Rejected(Message("facebook.film_refused", {"code": code}), permanent=False)
    return errors.outcome_of_failure(answer, creates=creates, words=FACEBOOK_WORDING)
