"""Statements of platforms we do not call: what a creator downloaded there, read line by line. Pure; no guesses.

A file has one line per movement, with a heading that names its columns. The amounts are what the platform booked: a
sale or a refund with its gross and its fee, or a payout. What cannot be read is said with its line, never skipped.
"""

import csv
import hashlib
import io
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Literal

from foundation.errors import BadInput
from foundation.money import EXPONENTS, Money
from foundation.words import Message

RAIL = "statement"
MAX_BYTES, MAX_LINES = 2_000_000, 10_000
Kind = Literal["sale", "refund", "payout"]

_COLUMNS: Mapping[str, frozenset[str]] = {
    "date": frozenset({"date", "jour"}),
    "kind": frozenset({"type", "kind", "nature"}),
    "reference": frozenset({"reference", "référence", "ref", "id"}),
    "gross": frozenset({"gross", "brut", "amount", "montant"}),
    "fee": frozenset({"fee", "frais", "commission"}),
    "currency": frozenset({"currency", "devise", "monnaie"}),
}
_KINDS: Mapping[str, Kind] = {
    **dict.fromkeys(("sale", "vente", "tip", "pourboire", "subscription", "abonnement"), "sale"),
    **dict.fromkeys(("refund", "remboursement", "chargeback", "contestation"), "refund"),
    **dict.fromkeys(("payout", "virement", "versement"), "payout"),
}
_CLOCK = r"(?:[T ](?P<hour>\d{2}):(?P<minute>\d{2})(?::(?P<second>\d{2}))?(?:Z|\+00:00)?)?"
_ISO = re.compile(r"(?P<year>\d{4})-(?P<month>\d{2})-(?P<day>\d{2})" + _CLOCK)
_OURS = re.compile(r"(?P<day>\d{2})/(?P<month>\d{2})/(?P<year>\d{4})" + _CLOCK)
_TOTAL = re.compile(r"total|somme", re.IGNORECASE)


@dataclass(frozen=True)
class Movement:
    """One line: `gross` and `fee` are positive, `key` is the same for the same movement in every file. What
    was `paid_for` is told by programs alone."""

    number: int
    at: datetime
    kind: Kind
    reference: str
    gross: Money
    fee: Money
    key: str
    paid_for: str = ""

    @property
    def net(self) -> Money:
        """What the line leaves on the account: less for a refund or a payout."""
        kept = self.gross - self.fee
        return kept if self.kind == "sale" else -kept


@dataclass(frozen=True)
class Unread:
    """A line that says nothing we understand, and why."""

    number: int
    reason: Message


@dataclass(frozen=True)
class Sheet:
    """A file as it was read."""

    digest: str
    movements: tuple[Movement, ...]
    unread: tuple[Unread, ...]

    def nets(self) -> dict[str, Money]:
        """The sum of the file by currency."""
        sums: dict[str, Money] = {}
        for line in self.movements:
            code = line.gross.currency
            sums[code] = sums.get(code, Money(0, code)) + line.net
        return sums


def read(data: bytes, source: str) -> Sheet:
    """Read a file of a platform called `source`. Raises BadInput for what is no statement we know."""
    if len(data) > MAX_BYTES:
        raise BadInput("statement.too_large", most=MAX_BYTES // 1_000_000)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("cp1252", errors="replace")
    head, _, _ = text.partition("\n")
    sign = max(";,\t", key=head.count)
    rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=sign))
    if len(rows) > MAX_LINES:
        raise BadInput("statement.too_long", most=MAX_LINES)
    columns = _columns(rows[0] if rows else [])
    movements, unread, equal = list[Movement](), list[Unread](), Counter[str]()
    for number, row in enumerate(rows[1:], start=2):
        if not any(cell.strip() for cell in row) or _TOTAL.match(row[0].strip()):
            continue
        try:
            movements.append(_movement(number, row, columns, source, equal))
        except _Unreadable as wrong:
            unread.append(Unread(number, wrong.reason))
    return Sheet(hashlib.sha256(data).hexdigest(), tuple(movements), tuple(unread))


class _Unreadable(Exception):
    def __init__(self, column: str, said: str) -> None:
        self.reason = Message("statement.bad_cell", {"column": column, "said": said[:40] or "…"})
        super().__init__(column)


def _columns(heading: Sequence[str]) -> Mapping[str, int]:
    places = {name.strip().casefold(): place for place, name in enumerate(heading)}
    found = {
        column: next(places[name] for name in sorted(names) if name in places)
        for column, names in _COLUMNS.items()
        if names & places.keys()
    }
    missing = [column for column in _COLUMNS if column not in found]
    if missing:
        raise BadInput("statement.unknown_columns", columns=", ".join(missing))
    return found


def _movement(
    number: int, row: Sequence[str], columns: Mapping[str, int], source: str, equal: "Counter[str]"
) -> Movement:
    cells = {name: row[place].strip() if place < len(row) else "" for name, place in columns.items()}
    kind = _KINDS.get(cells["kind"].casefold())
    if kind is None:
        raise _Unreadable("type", cells["kind"])
    currency = cells["currency"].upper()
    if not re.fullmatch(r"[A-Z]{3}", currency):
        raise _Unreadable("currency", cells["currency"])
    at = _instant(cells["date"])
    gross, fee = _amount("gross", cells["gross"], currency), _amount("fee", cells["fee"] or "0", currency)
    if not gross.minor or fee.minor > gross.minor:
        raise _Unreadable("gross", cells["gross"])
    same = "\x1f".join((source, at.isoformat(), kind, cells["reference"], str(gross), str(fee)))
    equal[same] += 1
    key = hashlib.sha256(f"{same}\x1f{equal[same]}".encode()).hexdigest()
    return Movement(number, at, kind, cells["reference"], gross, fee, key)


def _instant(said: str) -> datetime:
    found = _ISO.fullmatch(said) or _OURS.fullmatch(said)
    if found is None:
        raise _Unreadable("date", said)
    parts = {name: int(digits or 0) for name, digits in found.groupdict().items()}
    try:
        return datetime(**parts, tzinfo=UTC)
    except ValueError:
        raise _Unreadable("date", said) from None


def _amount(column: str, said: str, currency: str) -> Money:
    """An amount without its sign: refunds and payouts are written with a minus by some, without by others."""
    digits = re.sub(r"[\s\u00a0\u202f'’]", "", said).lstrip("-+")
    if "," in digits:
        digits = digits.replace(".", "").replace(",", ".") if digits.rfind(",") > digits.rfind(".") else digits
        digits = digits.replace(",", "")
    if not re.fullmatch(r"\d{1,12}(\.\d+)?", digits):
        raise _Unreadable(column, said)
    try:
        minor = Decimal(digits).scaleb(EXPONENTS.get(currency, 2))
    except InvalidOperation:
        raise _Unreadable(column, said) from None
    if minor != minor.to_integral_value():
        raise _Unreadable(column, said)
    return Money(int(minor), currency)
