"""The wait that a platform requests in a response, in any of the formats that platforms use.

An instant is compared with the server's clock, the `date` header. If a response has none, the
transport adds it by our clock (RFC 9110, 6.6.1), so that connectors need no clock of their own. The
formats are those of `foundation.http.retry_after`.
"""

import json
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from connectors.contract.connector import Response
from foundation.http.retry_after import (
    RETRY_AFTER,
    bound_wait,
    parse_http_date,
    parse_number,
    parse_wait,
)

WINDOWS = (
    "x-app-limit-24hour",
    "x-user-limit-24hour",
    "x-rate-limit",
    "x-ratelimit",
    "ratelimit",
)
"""Header prefixes of limits, each with `-remaining` and `-reset`. The first three are X's."""

RESET_HEADERS = ("ratelimit-reset", "x-ratelimit-reset")
USAGE_HEADER = "x-business-use-case-usage"
"""Meta's usage, with `estimated_time_to_regain_access` in minutes:
https://developers.facebook.com/docs/graph-api/overview/rate-limiting#headers-2"""

DELAY_HEADERS = (RETRY_AFTER, "x-ratelimit-reset-after")
"""Headers with a delay. The second is Discord's, with fractions of a second:
https://docs.discord.com/developers/topics/rate-limits"""

WAIT_HEADERS = frozenset(
    {*DELAY_HEADERS, USAGE_HEADER, "date"}
    | {f"{window}-{part}" for window in WINDOWS for part in ("remaining", "reset")}
)
"""All headers from which `requested_wait` reads."""


def requested_wait(answer: Response) -> timedelta | None:
    """Return the wait that a refusal requests, or None.

    It is the longest of the delays in its headers and body and of the ends of its exhausted limits.
    Without any, it is the end of a limit that does not state what remains.
    """
    now = response_clock(answer)
    delays = [answer.headers.get(name) for name in DELAY_HEADERS]
    exhausted = [
        answer.headers.get(f"{name}-reset") for name in WINDOWS if _is_exhausted(answer, name)
    ]
    waits = [
        *(parse_wait(value, now) for value in (*delays, *exhausted, *_body_delays(answer.body))),
        _usage_wait(answer.headers.get(USAGE_HEADER, "")),
    ]
    return _longest(waits) or _longest(
        parse_wait(answer.headers.get(name), now) for name in RESET_HEADERS
    )


def seconds_wait(value: object) -> timedelta | None:
    """Return the wait in a JSON field with a number of seconds, or None if it is invalid."""
    return parse_wait(value, None)


def time_until(value: object, answer: Response) -> timedelta | None:
    """Return the time until an instant (Unix time or ISO 8601) or the end of a duration (seconds)
    in a response, or None if it is invalid, past or too far away."""
    return parse_wait(value, response_clock(answer))


def response_clock(answer: Response) -> datetime | None:
    """Return the time of a response by its `date` header (UTC-aware), or None if it is invalid."""
    return parse_http_date(answer.headers.get("date", ""))


def _is_exhausted(answer: Response, window: str) -> bool:
    return parse_number(answer.headers.get(f"{window}-remaining")) == 0


def _body_delays(body: Any) -> Iterable[object]:
    """Return the fields with delays: `retry_after` of Discord, also in `parameters` of Telegram
    (https://core.telegram.org/bots/api#responseparameters), and `ratelimit` in `json` of Reddit."""
    told = body if isinstance(body, dict) else {}
    inner = [
        part if isinstance(part, dict) else {}
        for part in (told.get("parameters"), told.get("json"))
    ]
    return (told.get("retry_after"), inner[0].get("retry_after"), inner[1].get("ratelimit"))


def _usage_wait(text: str) -> timedelta | None:
    try:
        told: Mapping[str, Any] = json.loads(text)
        minutes = [one["estimated_time_to_regain_access"] for each in told.values() for one in each]
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None
    numbers = (parse_number(one) for one in minutes)
    return _longest(bound_wait(number * 60) for number in numbers if number is not None)


def _longest(waits: Iterable[timedelta | None]) -> timedelta | None:
    return max((wait for wait in waits if wait is not None), default=None)
