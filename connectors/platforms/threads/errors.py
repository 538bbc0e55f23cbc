"""What Threads' answers mean: `{"error": {"code", "error_subcode", …}}` as everywhere at Meta,
often as HTTP 400. Pure.

Its own documentation lists no codes; those of Meta's other network hold as far as anybody told, and
24/4279009 is said of a container that is ready and not known everywhere yet. Source:
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
"""How long the next try waits for what Threads prepares; half a minute is what its documentation
expects of files."""

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
"""What they say of a film that no second try makes better; one of the words is misspelt where they
list them."""


def container_failure_code(answer: StepResult) -> str:
    """Why a container came to nothing, in a word of theirs; "" for none that we know."""
    word = json_body(answer).get("error_message")
    return word if isinstance(word, str) and word in UNFIT else ""


def outcome_of_failure(answer: StepResult, *, creates: bool) -> Outcome:
    """Say what an answer that is no success meant. `creates`: it may have published, so what is
    unclear is a doubt."""
    if (
        creates and error_codes(answer) == NOT_KNOWN
    ):  # it surely was not shown: a container that was says PUBLISHED before
        return Retry(FILM_AGAIN, "account", Message("threads.preparing"))
    return errors.outcome_of_failure(answer, creates=creates, words=THREADS_WORDING)
