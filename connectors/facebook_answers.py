"""What Facebook's answers mean: `{"error": {"code", "error_subcode", …}}`, often as HTTP 400. Pure.

Source: https://developers.facebook.com/docs/graph-api/guides/error-handling, and of subcodes, as others met them,
https://github.com/gitroomhq/postiz-app/pull/2068
"""

import re
from datetime import timedelta

from connectors import instagram_answers
from connectors.answers import told_by
from connectors.contract import Answer
from connectors.instagram_answers import Words, error
from connectors.outcomes import Outcome, Rejected, Retry, Uncertain
from foundation.words import Message

AGAIN, FILM_AGAIN = timedelta(seconds=10), timedelta(seconds=30)
"""How long the next try waits for a file."""

CALMER = timedelta(minutes=15)
"""After a block for posting too much, whose end nobody tells; longer, and most posts would be too late."""

FACEBOOK = Words("facebook.slow_down", "facebook.not_fetched", "facebook.preparing", AGAIN)

BLOCKED, DUPLICATE = 368, 506
FLAGGED = frozenset({1346003, 1404102})
"""What was said breaks their rules; other blocks pass with time."""

UNFETCHED = frozenset({324, 389})
"""A picture or a film that they could not take from our address: ours is of a kind and a weight they take."""

UNFIT = frozenset({351, 352, 356})
"""A film that no second try makes better."""

_POST = re.compile(r"\d{1,30}_\d{1,30}", re.ASCII)


def is_post(native_id: object) -> bool:
    """Whether it is what they call a post, or a comment: two numbers."""
    return isinstance(native_id, str) and _POST.fullmatch(native_id) is not None


def number_of(one: object) -> str:
    """The id of a post or a comment; "" for none."""
    found = one.get("id") if isinstance(one, dict) else None
    return str(found) if is_post(found) else ""


def post_of(answer: Answer) -> str:
    """The id that an answer gave to a post or a comment; "" for none."""
    return number_of(told_by(answer))


def meaning(answer: Answer, *, creates: bool) -> Outcome:
    """Say what an answer that is no success meant. `creates`: it may have published, so what is unclear is a doubt."""
    code, sub = error(answer)
    if code == BLOCKED:
        flagged = Rejected(Message("facebook.flagged", {"code": sub}), permanent=False)
        return flagged if sub in FLAGGED else Retry(CALMER, "account", Message("facebook.slow_down"))
    if code == DUPLICATE:  # what stands there may be an earlier try of ours
        told = Message("facebook.duplicate")
        return Uncertain(told, stands=True) if creates else Rejected(told, permanent=False)
    if code in UNFETCHED:
        return Retry(FILM_AGAIN, "account", Message("facebook.not_fetched"))
    if code in UNFIT:
        return Rejected(Message("facebook.film_refused", {"code": code}), permanent=False)
    return instagram_answers.meaning(answer, creates=creates, words=FACEBOOK)
