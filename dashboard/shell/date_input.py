"""Parsing of typed dates and times, with the day first in all languages."""

import re
from datetime import date, time

from foundation.errors import BadInput
from foundation.ops.wall_time import parse_clock_time

_DAY = re.compile(r"\s*(\d{1,2})[/.\- ](\d{1,2})[/.\- ](\d{4})\s*")
_CLOCK = re.compile(r"\s*(\d{1,2})\s*(?:[:hH.]\s*(\d{2})?)?\s*")


def parse_date(text: str) -> date:
    """Parse a date such as `20/11/2026`. Raises BadInput."""
    found = _DAY.fullmatch(text)
    try:
        if found is None:
            raise ValueError(text)
        day = date(int(found[3]), int(found[2]), int(found[1]))
        if not date.min.year < day.year < date.max.year:  # time zone conversion would overflow
            raise ValueError(text)
        return day
    except ValueError as error:
        raise BadInput("compose.day_unreadable", day=text[:20]).about("day") from error


def parse_time(text: str) -> time:
    """Parse a time such as `9:05`, `09h05` or `9 h`. Raises BadInput."""
    found = _CLOCK.fullmatch(text)
    return parse_clock_time(
        f"{int(found[1]):02}:{found[2] or '00'}" if found is not None else text[:20] or "?"
    )
