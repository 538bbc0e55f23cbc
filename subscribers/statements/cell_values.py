"""Values of statement cells: times and amounts in the formats that platforms write. Pure; an
ambiguous value is an error."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Literal

from foundation.i18n.translation import Message
from foundation.money import Money, currency_exponent

DateOrder = Literal["day_first", "month_first"]
DecimalMark = Literal["either", "point", "comma"]

_CLOCK = (
    r"(?:(?:T|,? )(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?:\.\d+)?)?"
    r"(?: ?(?P<half>[AaPp])\.?[Mm]\.?)?(?: ?(?P<zone>Z|UTC|GMT|[+-]\d{2}:?\d{2}))?)?"
)
_ISO = re.compile(r"(?P<year>\d{4})-(?P<month>\d{2})-(?P<day>\d{2})" + _CLOCK)
_FORMS: Mapping[DateOrder, re.Pattern[str]] = {
    "day_first": re.compile(
        r"(?P<day>\d{1,2})[/.-](?P<month>\d{1,2})[/.-](?P<year>\d{4})" + _CLOCK
    ),
    "month_first": re.compile(
        r"(?P<month>\d{1,2})[/.-](?P<day>\d{1,2})[/.-](?P<year>\d{4})" + _CLOCK
    ),
}
_NAMED = re.compile(r"(?P<name>[A-Za-z]{3})[a-z]*\.? (?P<day>\d{1,2}),? (?P<year>\d{4})" + _CLOCK)
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")

_MARK = r"US\$|[$€£]|[A-Z]{3}"
_MINUS = "[-\N{MINUS SIGN}]"
_WRITTEN = re.compile(
    rf"(?P<open>\()?(?P<sign>\+|{_MINUS})?(?P<mark>{_MARK})?(?P<late>{_MINUS})?"
    rf"(?P<digits>\d[\d.,]*)(?P<after>{_MARK})?(?P<trail>{_MINUS})?(?P<close>\))?"
)
_MARKS: Mapping[str, frozenset[str]] = {
    "$": frozenset({"USD", "CAD", "AUD", "NZD", "MXN"}),
    "US$": frozenset({"USD"}),
    "€": frozenset({"EUR"}),
    "£": frozenset({"GBP"}),
}
_EITHER = re.compile(r"[1-9]\d{0,2}[.,]\d{3}")
"""Ambiguous numbers: 12,500 may contain thousands or decimals."""

_GROUPED: Mapping[DecimalMark, re.Pattern[str]] = {
    "point": re.compile(r"\d{1,3}(,\d{3})+(\.\d+)?|\d+(\.\d+)?"),
    "comma": re.compile(r"\d{1,3}(\.\d{3})+(,\d+)?|\d+(,\d+)?"),
}


class UnreadableCell(Exception):
    """A cell that cannot be interpreted; `reason` names its column."""

    def __init__(self, column: str, said: str) -> None:
        self.reason = Message("statement.bad_cell", {"column": column, "said": said[:40] or "…"})
        super().__init__(column)


def parse_instant(said: str, dates: DateOrder = "day_first") -> datetime:
    """Return the time of a cell: ISO, with an English month name, or numeric. Raises
    UnreadableCell.

    The result is in UTC if the cell has an offset; otherwise it is the time on the clock of the
    file, written as UTC (`is_zoned`).
    """
    found = _match_time(said, dates)
    if found is None:
        raise UnreadableCell("date", said)
    parts = found.groupdict()
    offset = _parse_offset(parts.pop("zone"))
    name = parts.pop("name", None)
    half = parts.pop("half")
    if name is not None:
        parts["month"] = (
            str(_MONTHS.index(name.casefold()) + 1) if name.casefold() in _MONTHS else "0"
        )
    numbers = {each: int(digits or 0) for each, digits in parts.items()}
    try:
        if half is not None:
            numbers["hour"] = _parse_hour(numbers["hour"], half)
        return datetime(**numbers, tzinfo=UTC) - offset
    except (ValueError, OverflowError):
        raise UnreadableCell("date", said) from None


def is_date_only(said: str, dates: DateOrder = "day_first") -> bool:
    """Return True if a cell contains a date without a time."""
    found = _match_time(said, dates)
    return found is not None and found["hour"] is None


def is_zoned(said: str, dates: DateOrder = "day_first") -> bool:
    """Return True if a cell contains a time with its offset from UTC."""
    found = _match_time(said, dates)
    return found is not None and found["zone"] is not None


def _match_time(said: str, dates: DateOrder) -> re.Match[str] | None:
    """Match a cell in one of the formats. Every kind of space counts: programs write U+202F before
    AM and PM."""
    text = " ".join(said.split())
    return _ISO.fullmatch(text) or _FORMS[dates].fullmatch(text) or _NAMED.fullmatch(text)


def _parse_offset(written: str | None) -> timedelta:
    if written is None or written[0] not in "+-":
        return timedelta()
    offset = timedelta(hours=int(written[1:3]), minutes=int(written[-2:]))
    return -offset if written[0] == "-" else offset


def is_instant(said: str, dates: DateOrder = "day_first") -> bool:
    """Return True if a cell contains a date, with or without a time."""
    try:
        parse_instant(said, dates)
    except UnreadableCell:
        return False
    return True


def _parse_hour(hour: int, half: str) -> int:
    """Return the hour on a 24-hour clock. Raises ValueError for an hour outside 1 to 12."""
    if not 1 <= hour <= 12:
        raise ValueError
    return hour % 12 + (12 if half in "pP" else 0)


def parse_amount(column: str, said: str, currency: str, decimals: DecimalMark = "either") -> Money:
    """Return a signed amount: a minus sign before or after, or parentheses. Raises UnreadableCell,
    also for another currency."""
    found = _WRITTEN.fullmatch(re.sub(r"[\s\u00a0\u202f'’]", "", said))
    if found is None:
        raise UnreadableCell(column, said)
    signs = [found[each] for each in ("sign", "late", "trail") if found[each]]
    bracketed = found["open"] is not None
    marks = [found[each] for each in ("mark", "after") if found[each]]
    if bracketed != (found["close"] is not None) or len(signs) + bracketed > 1:
        raise UnreadableCell(column, said)
    if any(currency not in _MARKS.get(mark, {mark}) for mark in marks):
        raise UnreadableCell(column, said)
    exponent = currency_exponent(currency)
    written = found["digits"]
    if decimals == "either" and _EITHER.fullmatch(written) and exponent < 3:
        if exponent:
            raise UnreadableCell(column, said)
        # A currency without decimals: the separator marks thousands.
        written = re.sub(r"[.,]", "", written)
    digits = _normalize_number(written, decimals)
    if not re.fullmatch(r"\d{1,12}(\.\d+)?", digits):
        raise UnreadableCell(column, said)
    minor = Decimal(digits).scaleb(exponent)
    if minor != minor.to_integral_value():
        raise UnreadableCell(column, said)
    taken = bracketed or any(sign != "+" for sign in signs)
    return Money(-int(minor) if taken else int(minor), currency)


def _normalize_number(digits: str, decimals: DecimalMark) -> str:
    """Return the digits with a decimal point and without thousands separators, or "" if they
    contradict `decimals`."""
    if decimals != "either":
        if not _GROUPED[decimals].fullmatch(digits):
            return ""
        between, before = (",", ".") if decimals == "point" else (".", ",")
        return digits.replace(between, "").replace(before, ".")
    if "," in digits:
        digits = (
            digits.replace(".", "").replace(",", ".")
            if digits.rfind(",") > digits.rfind(".")
            else digits
        )
        digits = digits.replace(",", "")
    return digits
