"""What Facebook's answers mean: `{"error": {"code", "error_subcode", …}}`, often as HTTP 400. Pure.

Source: https://developers.facebook.com/docs/graph-api/guides/error-handling, and of subcodes, as
others met them, https://github.com/gitroomhq/postiz-app/pull/2068
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
"""How long the next try waits for a file."""

CALMER = timedelta(minutes=15)
"""After a block for posting too much, whose end nobody tells; longer, and most posts would be too
late."""

FACEBOOK_WORDING = ErrorWording(
    "facebook.slow_down", "facebook.not_fetched", "facebook.preparing", AGAIN
)

BLOCKED = 368
DUPLICATE = 506
FLAGGED = frozenset({1346003, 1404102})
"""What was said breaks their rules; other blocks pass with time."""

UNFETCHED = frozenset({324, 389})
"""A picture or a film that they could not take from our address: ours is of a kind and a weight
they take."""

UNFIT = frozenset({351, 352, 356})
"""A film that no second try makes better."""

_POST = re.compile(r"\d{1,30}_\d{1,30}", re.ASCII)


def is_post_id(native_id: object) -> bool:
    """Whether it is what they call a post, or a comment: two numbers."""
    return isinstance(native_id, str) and _POST.fullmatch(native_id) is not None


def id_of_entry(one: object) -> str:
    """The id of a post or a comment; "" for none."""
    found = one.get("id") if isinstance(one, dict) else None
    return str(found) if is_post_id(found) else ""


def post_id_from_answer(answer: StepResult) -> str:
    """The id that an answer gave to a post or a comment; "" for none."""
    return id_of_entry(success_body(answer))


def outcome_of_failure(answer: StepResult, *, creates: bool) -> Outcome:
    """Say what an answer that is no success meant. `creates`: it may have published, so what is
    unclear is a doubt."""
    code, sub = error_codes(answer)
    if code == BLOCKED:
        flagged = Rejected(Message("facebook.flagged", {"code": sub}), permanent=False)
        return (
            flagged if sub in FLAGGED else Retry(CALMER, "account", Message("facebook.slow_down"))
        )
    if code == DUPLICATE:  # what stands there may be an earlier try of ours
        told = Message("facebook.duplicate")
        return Uncertain(told, stands=True) if creates else Rejected(told, permanent=False)
    if code in UNFETCHED:
        return Retry(FILM_AGAIN, "account", Message("facebook.not_fetched"))
    if code in UNFIT:
        return Rejected(Message("facebook.film_refused", {"code": code}), permanent=False)
    return errors.outcome_of_failure(answer, creates=creates, words=FACEBOOK_WORDING)
