"""The meaning of Threads' errors: `{"error": {"code", "error_subcode", …}}` as in all APIs of Meta,
often with status 400.

Its documentation lists no codes. Those of Meta's other APIs are assumed, and 24/4279009 is reported
for a container that is ready but not yet known to all servers. Source:
https://developers.facebook.com/docs/threads/troubleshooting,
https://github.com/gitroomhq/postiz-app/pull/2047, https://github.com/trypostit/trypost/pull/280
"""

from datetime import timedelta

from connectors.contract.connector import StepResult
from connectors.contract.outcomes import Outcome, Retry
from connectors.platforms.meta import errors
from connectors.platforms.meta.errors import (
    NOT_KNOWN,
    ErrorWording,
    error_codes,
)
from connectors.shared.http_responses import json_body
from foundation.i18n.translation import Message

AGAIN = timedelta(seconds=10)
FILM_AGAIN = timedelta(seconds=30)
"""Delay before the next attempt while Threads prepares a container. The documentation recommends 30
seconds for files."""

THREADS_WORDING = ErrorWording(
    "threads.daily_limit", "threads.not_fetched", "threads.preparing", AGAIN
)

UNFIT = frozenset(
    {
        "FAILED_PROCESSING_AUDIO",
        "FAILED_PROCESSING_VIDEO",
        "INVALID_ASPEC_RATIO",
        "INVALID_ASPECT_RATIO",
    }
    | {"INVALID_BIT_RATE", "INVALID_DURATION", "INVALID_FRAME_RATE", "INVALID_AUDIO_CHANNELS"}
    | {"INVALID_AUDIO_CHANNEL_LAYOUT"}
)
"""Error codes of videos for which a repeat is useless. The documentation misspells one of them."""


def container_failure_code(answer: StepResult) -> str:
    """Return the error code of a failed container, or "" if it is unknown."""
    word = json_body(answer).get("error_message")
    return word if isinstance(word, str) and word in UNFIT else ""


def outcome_of_failure(answer: StepResult, *, creates: bool) -> Outcome:
    """Return the outcome of an answer that is not a success. With `creates`, an unclear answer is
    Uncertain, because the post may be published."""
    if (
        creates and error_codes(answer) == NOT_KNOWN
    ):  # certainly not published: the status of a published container is PUBLISHED
        return Retry(FILM_AGAIN, "account", Message("threads.preparing"))
    return errors.outcome_of_failure(answer, creates=creates, words=THREADS_WORDING)
