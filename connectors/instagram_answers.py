"""What Instagram's answers mean: `{"error": {"code", "error_subcode", …}}`, often as HTTP 400 whatever is wrong. Pure.

Source: https://developers.facebook.com/docs/instagram-platform/instagram-graph-api/reference/error-codes
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from connectors import answers
from connectors.answers import LONGEST_WAIT, RATE_WINDOW, SHORT_WAIT, staged_anew
from connectors.contract import Answer, Response
from connectors.outcomes import Disconnected, Outcome, Reauthorize, Rejected, Retry, Uncertain
from foundation.words import Message

A_DAY = timedelta(hours=24)
RIGHTS = frozenset({10, *range(200, 300)})
"""A right is missing: https://developers.facebook.com/docs/graph-api/guides/error-handling"""

TOKEN = frozenset({190, 102}) | RIGHTS
ENDED = {463: "meta.token_expired", 460: "meta.password_changed", 458: "meta.taken_back"}
"""Why a token is none any more, by subcode, where a person has something else to know than that."""

RATES = frozenset({4, 17, 32, 341, 613, 80001, 80002, 80006})
"""Of an application, a person, a Page, an account, and of messages (80006):
https://developers.facebook.com/docs/graph-api/overview/rate-limiting#error-codes"""

DAILY = 2207042
FETCH = frozenset({2207052, 2207003, 2207082})
"""They could not fetch the file from us."""

NOT_READY, OVER, RESTRICTED = 2207027, frozenset({2207008, 2207020}), 2207050
BUSY = frozenset({-1, 1, 2})
UNFIT = frozenset({2207004, 2207005, 2207009, 2207023, 2207026})
"""What they say of a file that no second try makes better: its size, its format, its shape, its kind."""

READ_BUG = (100, 33)
"""A read of what is there says that it is not: it is asked again."""


def id_of(answer: Answer) -> str:
    """The id an answer gave; "" for none."""
    told = answers.told_by(answer).get("id")
    return told if isinstance(told, str) and told.isascii() and told.isdigit() else ""


def error(answer: Answer) -> tuple[int, int]:
    """Code and subcode of a refusal; 0 where none is told."""
    told = answers.body_of(answer).get("error")
    found = told if isinstance(told, dict) else {}
    code, sub = found.get("code"), found.get("error_subcode")
    return (code if isinstance(code, int) else 0, sub if isinstance(sub, int) else 0)


def _is_transient(answer: Answer) -> bool:
    """Whether they say themselves that the same may go well later.

    Source: https://developers.facebook.com/docs/graph-api/guides/error-handling
    """
    told = answers.body_of(answer).get("error")
    return isinstance(told, dict) and told.get("is_transient") is True


def failure(answer: Answer) -> int:
    """Why a container came to nothing, as a subcode out of its `status`; 0 where none is told.

    "Error: Media upload has failed with error code 2207026", or the number alone as their reference has it:
    https://developers.facebook.com/docs/instagram-platform/instagram-graph-api/reference/ig-container
    """
    found = re.search(r"\b2207\d{3}\b", str(answers.body_of(answer).get("status", "")))
    return int(found[0]) if found else 0


def regained(answer: Response) -> timedelta:
    """How long a limit lasts, as they tell it in minutes, the longest of those they name; else the usual while.

    Source: https://developers.facebook.com/docs/graph-api/overview/rate-limiting#headers-2
    """
    try:
        told = json.loads(answer.headers.get("x-business-use-case-usage", ""))
        minutes = [one["estimated_time_to_regain_access"] for each in told.values() for one in each]
        longest = max(int(one) for one in minutes)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return RATE_WINDOW
    return min(timedelta(minutes=min(longest, 10**6)), LONGEST_WAIT) if longest > 0 else RATE_WINDOW


def data_of(told: Mapping[str, Any]) -> list[dict[str, Any]] | None:
    """The entries of a list; what is no entry is left out. None when it is no list."""
    data = told.get("data")
    return [one for one in data if isinstance(one, dict)] if isinstance(data, list) else None


def goes_on(told: Mapping[str, Any]) -> str:
    """Where a list goes on; "" at its end, where no next page is named. Its address is not used: it holds the token.

    Source: https://developers.facebook.com/docs/graph-api/results
    """
    paging = told.get("paging")
    cursors = paging.get("cursors") if isinstance(paging, dict) and "next" in paging else None
    after = cursors.get("after") if isinstance(cursors, dict) else None
    return after if isinstance(after, str) and len(after) <= 300 else ""


@dataclass(frozen=True)
class Words:
    """Codes of the sentences in which one of Meta's platforms is told, and how long a file that is not there yet is
    waited for."""

    daily: str
    not_fetched: str
    preparing: str
    again: timedelta = SHORT_WAIT


INSTAGRAM = Words("instagram.daily_limit", "instagram.not_fetched", "instagram.preparing")


def meaning(answer: Answer, *, creates: bool, words: Words = INSTAGRAM) -> Outcome:
    """Say what an answer that is no success meant. `creates`: it may have published, so what is unclear is a doubt."""
    code, sub = error(answer)
    if not isinstance(answer, Response) or not code or answer.status == 429:
        return answers.meaning(answer, creates=creates)
    if code in TOKEN:
        return Reauthorize(Message(ENDED.get(sub, "connectors.token_refused")))
    if sub == RESTRICTED:
        return Disconnected(Message("connectors.account_gone", {"word": f"{code}_{sub}"}))
    if sub == DAILY:
        return Retry(A_DAY, "account", Message(words.daily))
    if sub in OVER:
        return staged_anew()
    if sub in FETCH or sub == NOT_READY:
        return Retry(words.again, "account", Message(words.not_fetched if sub in FETCH else words.preparing))
    return _unclear(answer, code, sub, creates=creates)


def _unclear(answer: Response, code: int, sub: int, *, creates: bool) -> Outcome:
    """Rates, hiccups and all the rest: a publication that was told "blocked" was seen to be live."""
    if code in RATES or code in BUSY or answer.status >= 500 or _is_transient(answer):
        if creates:
            return Uncertain(Message("connectors.unclear_answer", {"status": answer.status}))
        wait = regained(answer) if code in RATES else SHORT_WAIT
        reason = Message("connectors.rate_limited" if code in RATES else "connectors.lookup_failed")
        return Retry(wait, answers.limited(answer), reason)
    word = f"{code}_{sub}" if sub else str(code)
    return Rejected(Message("connectors.refused", {"status": answer.status, "word": word}), permanent=False)
