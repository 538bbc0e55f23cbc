"""The wait that a platform requests in a response, in any of the formats that platforms use.

An instant is compared with the server's clock, the `date` header. If a response has none, the
transport adds it by our clock (RFC 9110, 6.6.1), so that connectors need no clock of their own. A
wait is never shorter than requested. A value in the past or beyond `MAX_REQUESTED_WAIT` is an error
of the platform and counts as missing.
"""

import json
import math
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from email.utils import parsedate_to_datetime
from typing import Any

from connectors.contract.connector import Response

MAX_REQUESTED_WAIT = timedelta(hours=25)
"""The longest documented window of a platform is a day; the hour allows for clocks that differ."""

MIN_INSTANT = 10**9
"""Numbers from here on are Unix times, smaller ones are durations in seconds."""

MAX_UNIX_SECONDS = 10**11
"""Unix times from here on are in milliseconds, microseconds or nanoseconds."""

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

DELAY_HEADERS = ("retry-after", "x-ratelimit-reset-after")
"""Headers with a delay. The second is Discord's, with fractions of a second:
https://docs.discord.com/developers/topics/rate-limits"""

WAIT_HEADERS = frozenset(
    {*DELAY_HEADERS, USAGE_HEADER, "date"}
    | {f"{window}-{part}" for window in WINDOWS for part in ("remaining", "reset")}
)
"""All headers from which `requested_wait` reads."""

_NUMBER = re.compile(r"\d{1,40}(\.\d{1,40})?", re.ASCII)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


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
        *(_wait_from(value, now) for value in (*delays, *exhausted, *_body_delays(answer.body))),
        _usage_wait(answer.headers.get(USAGE_HEADER, "")),
    ]
    return _longest(waits) or _longest(
        _wait_from(answer.headers.get(name), now) for name in RESET_HEADERS
    )


def seconds_wait(value: object) -> timedelta | None:
    """Return the wait in a JSON field with a number of seconds, or None if it is invalid."""
    return _wait_from(value, None)


def time_until(value: object, answer: Response) -> timedelta | None:
    """Return the time until an instant (Unix time or ISO 8601) or the end of a duration (seconds)
    in a response, or None if it is invalid, past or too far away."""
    return _wait_from(value, response_clock(answer))


def response_clock(answer: Response) -> datetime | None:
    """Return the time of a response by its `date` header (UTC-aware), or None if it is invalid."""
    return parse_http_date(answer.headers.get("date", ""))


def parse_http_date(text: str) -> datetime | None:
    """Return a time in one of the three formats of RFC 9110, 5.6.7 (UTC-aware), or None."""
    try:
        at = parsedate_to_datetime(text)
        return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None


def parse_iso_time(text: str) -> datetime | None:
    """Return a time in ISO 8601, without a time zone if it states none, or None."""
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def _is_exhausted(answer: Response, window: str) -> bool:
    return _parse_number(answer.headers.get(f"{window}-remaining")) == 0


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
    numbers = (_parse_number(one) for one in minutes)
    return _longest(_bounded_wait(number * 60) for number in numbers if number is not None)


def _wait_from(value: object, now: datetime | None) -> timedelta | None:
    number = _parse_number(value)
    if number is not None and number < MIN_INSTANT:
        return _bounded_wait(number)
    until = _parse_instant(value, number)
    if until is None or now is None:
        return None
    wait = until - now
    return wait if timedelta(0) < wait <= MAX_REQUESTED_WAIT else None


def _bounded_wait(seconds: Decimal) -> timedelta | None:
    if not 0 < seconds <= Decimal(MAX_REQUESTED_WAIT.total_seconds()):
        return None
    return timedelta(microseconds=math.ceil(seconds * 10**6))


def _parse_instant(value: object, number: Decimal | None) -> datetime | None:
    """Return the instant in a Unix time, an HTTP date or an ISO 8601 time, in UTC unless stated."""
    if number is not None:
        while number >= MAX_UNIX_SECONDS:
            number /= 1000
        return _EPOCH + timedelta(microseconds=math.ceil(number * 10**6))
    text = value.strip() if isinstance(value, str) else ""
    at = parse_iso_time(text) or parse_http_date(text)
    try:
        return at.astimezone(UTC) if at is not None and at.tzinfo else at and at.replace(tzinfo=UTC)
    except OverflowError:  # outside the years that UTC can represent
        return None


def _parse_number(value: object) -> Decimal | None:
    """Return a JSON number, or a text of digits with an optional fraction, or None."""
    if isinstance(value, str) and _NUMBER.fullmatch(value.strip()):
        return Decimal(value.strip())
    if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
        return None
    if isinstance(value, int):
        return Decimal(min(value, 10**40))
    return Decimal(repr(value)) if math.isfinite(value) else None


def _longest(waits: Iterable[timedelta | None]) -> timedelta | None:
    return max((wait for wait in waits if wait is not None), default=None)
