"""Cell formats of import files: name lists, dates, times, time spans and prices. Pure."""

import re
from collections.abc import Iterable, Sequence
from datetime import date, time, timedelta
from typing import Literal

from foundation.money import STARS, Money, parse_money
from schedules.posts.states import DeliveryState

DateOrder = Literal["day_first", "month_first"]

COLUMNS = (
    "key",
    "creator",
    "channels",
    "date",
    "time",
    "zone",
    "late_ok",
    "title",
    "body",
    "text_ai",
    "media",
    "first_comment",
    "labels",
    "utm_campaign",
    "plain_links",
    "priority",
)
STATUS_COLUMNS = ("state", "url", "reason")
"""Columns that exports add. Imports read only the state, to find posts that were published, or
cancelled or removed (`OFF`)."""

OFF = frozenset({str(DeliveryState.CANCELLED), str(DeliveryState.REMOVED)})
OUTSIDE = frozenset(
    map(str, (DeliveryState.PUBLISHED, DeliveryState.PARTLY, DeliveryState.BROKEN_OFF))
)

_DATES = (
    re.compile(r"(?P<year>\d{4})-(?P<month>\d{1,2})-(?P<day>\d{1,2})"),
    re.compile(r"(?P<day>\d{1,2})\.(?P<month>\d{1,2})\.(?P<year>\d{4})"),
)
_SLASHED = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4})")
"""Matches dates with slashes: day first in most countries, month first in the United States."""
_CLOCK = re.compile(
    r"(?P<hour>\d{1,2})[:hH](?P<minute>\d{2})(?::(?P<second>\d{2}))?(?: ?(?P<half>[ap])\.?m\.?)?",
    re.IGNORECASE,
)
_BETWEEN = re.compile(r"[\\|;]")
_SPAN = re.compile(r"(\d{1,5})\s*(m|min|h|d|j)", re.IGNORECASE)
_UNITS = {"m": timedelta(minutes=1), "min": timedelta(minutes=1), "h": timedelta(hours=1)}
_DAY = timedelta(days=1)
_STARS = "Stars"
ALWAYS_LATE = "always"
END_OF_DAY = "day"
_ALWAYS = frozenset({ALWAYS_LATE, "toujours"})
_END_OF_DAY = frozenset({END_OF_DAY, "jour"})
MAX_LATENESS = timedelta(days=30)


def previous_state_code(state: str) -> str:
    """Return the message code for a row whose post was published, cancelled or removed before, or
    "" for any other row."""
    known = {*split_names(state)}
    if known & OUTSIDE:
        return "import.stands"
    return "import.taken_off" if known & OFF else ""


def join_names(names: Sequence[str]) -> str:
    """Join names in one cell, escaping separators with a backslash."""
    return "|".join(re.sub(r"([\\|;])", r"\\\1", name) for name in names)


def split_names(cell: str) -> tuple[str, ...]:
    """Split a cell at `|` or `;`, unless a backslash precedes the separator."""
    # Fast path: nearly every cell of a file with ten thousand rows holds one name.
    if not _BETWEEN.search(cell):
        return (cell.strip(),) if cell.strip() else ()
    found = []
    name = ""
    letters = iter(cell)
    for letter in letters:
        if letter == "\\":
            name += next(letters, "\\")
        elif letter in "|;":
            found.append(name)
            name = ""
        else:
            name += letter
    return tuple(one.strip() for one in (*found, name) if one.strip())


def parse_price_cell(cell: str) -> Money | None:
    """Parse a price such as `12.50 USD` or `50 Stars`, or return None if it is not positive."""
    amount, _, unit = cell.strip().rpartition(" ")
    try:
        price = parse_money(amount, STARS if unit.casefold() == _STARS.casefold() else unit)
    except (TypeError, ValueError):
        return None
    return price if price.minor > 0 else None


def format_price_cell(price: Money) -> str:
    """Format a price as `parse_price_cell` reads it."""
    amount, _, currency = str(price).partition(" ")
    return f"{amount} {_STARS if currency == STARS else currency}"


def find_date_orders(cells: Iterable[str]) -> frozenset[DateOrder]:
    """Return the day and month orders that the slashed dates prove: a number over 12 cannot be a
    month."""
    pairs = ((int(found[1]), int(found[2])) for found in map(_SLASHED.fullmatch, cells) if found)
    return frozenset(
        "day_first" if first > 12 else "month_first"
        for first, second in pairs
        if (first > 12) != (second > 12)
    )


def is_day_ambiguous(cell: str) -> bool:
    """Return True if a date would mean another day with the month first."""
    found = _SLASHED.fullmatch(cell)
    return (
        found is not None
        and found[1].lstrip("0") != found[2].lstrip("0")
        and all(1 <= int(part) <= 12 for part in (found[1], found[2]))
    )


def parse_day(cell: str, order: DateOrder) -> date | None:
    """Parse `2026-11-21`, `21.11.2026` or a slashed date in the given order; return None if it is
    not a date."""
    if slashed := _SLASHED.fullmatch(cell):
        first, second, year = map(int, slashed.groups())
        day, month = (first, second) if order == "day_first" else (second, first)
        return _build_date(year, month, day)
    for form in _DATES:
        if found := form.fullmatch(cell):
            return _build_date(int(found["year"]), int(found["month"]), int(found["day"]))
    return None


def _build_date(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None


def parse_clock_cell(cell: str) -> time | None:
    """Parse `9:05`, `09h05`, `09:05:30` or `9:05 PM`, with any kind of space.

    Returns None if the cell is not a clock time or has an offset.
    """
    found = _CLOCK.fullmatch(" ".join(cell.split()))
    if found is None:
        return None
    hour = int(found["hour"])
    if found["half"]:
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + (12 if found["half"] in "pP" else 0)
    try:
        return time(hour, int(found["minute"]), int(found["second"] or 0))
    except ValueError:
        return None


def parse_late_span(cell: str) -> timedelta | str | None:
    """Parse a limit for late posts: a span (`30m`, `2h`), ALWAYS_LATE or END_OF_DAY. Return None if
    it is invalid."""
    said = cell.casefold()
    if said in _ALWAYS:
        return ALWAYS_LATE
    if said in _END_OF_DAY:
        return END_OF_DAY
    found = _SPAN.fullmatch(said)
    if found is None:
        return None
    span = int(found[1]) * _UNITS.get(found[2], _DAY)
    return span if span <= MAX_LATENESS else None


def format_late_span(late: timedelta | None) -> str:
    """Format a limit as `parse_late_span` reads it, in whole minutes, rounded down."""
    return ALWAYS_LATE if late is None else f"{int(late.total_seconds()) // 60}m"
