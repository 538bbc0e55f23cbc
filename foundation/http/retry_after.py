"""Waits and times in HTTP responses, in any of the formats that servers use.

A wait is never shorter than requested. A value in the past or beyond `MAX_REQUESTED_WAIT` is an
error of the server and counts as missing.
"""

import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from email.utils import parsedate_to_datetime

MAX_REQUESTED_WAIT = timedelta(hours=25)
"""The longest documented window of a platform is a day; the hour allows for clocks that differ."""

MIN_INSTANT = 10**9
"""Numbers from here on are Unix times, smaller ones are durations in seconds."""

MAX_UNIX_SECONDS = 10**11
"""Unix times from here on are in milliseconds, microseconds or nanoseconds."""

RETRY_AFTER = "retry-after"

_NUMBER = re.compile(r"\d{1,40}(\.\d{1,40})?", re.ASCII)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def read_retry_after(headers: Mapping[str, str], *, now: datetime) -> timedelta | None:
    """Return the wait in the header `Retry-After`, or None if it is missing or invalid.

    Args:
        headers: the headers of a response, with names in lower case.
        now: our time (UTC-aware), for an instant in a response without a `date` header.
    """
    return parse_wait(headers.get(RETRY_AFTER), parse_http_date(headers.get("date", "")) or now)


def parse_wait(value: object, now: datetime | None) -> timedelta | None:
    """Return the wait in a duration (seconds) or the time until an instant (Unix time, HTTP date or
    ISO 8601), or None if it is invalid, past or too far away, or an instant without `now`."""
    number = parse_number(value)
    if number is not None and number < MIN_INSTANT:
        return bound_wait(number)
    until = _parse_instant(value, number)
    if until is None or now is None:
        return None
    wait = until - now
    return wait if timedelta(0) < wait <= MAX_REQUESTED_WAIT else None


def bound_wait(seconds: Decimal) -> timedelta | None:
    """Return a number of seconds as a wait, or None if it is not positive or too long."""
    if not 0 < seconds <= Decimal(MAX_REQUESTED_WAIT.total_seconds()):
        return None
    return timedelta(microseconds=math.ceil(seconds * 10**6))


def parse_number(value: object) -> Decimal | None:
    """Return a JSON number, or a text of digits with an optional fraction, or None."""
    if isinstance(value, str) and _NUMBER.fullmatch(value.strip()):
        return Decimal(value.strip())
    if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
        return None
    if isinstance(value, int):
        return Decimal(min(value, 10**40))
    return Decimal(repr(value)) if math.isfinite(value) else None


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
