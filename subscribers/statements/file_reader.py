"""Reader of statement files that a creator downloads from a platform. Pure; ambiguous lines are
reported, never guessed.

A file has a heading and one line for each movement: a sale or refund with gross and fee, or a
payout. Each unreadable line is reported with its number.
"""

import hashlib
import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import get_args

from foundation import uploaded_tables
from foundation.errors import BadInput
from foundation.i18n.translation import Message
from foundation.money import Money, currency_exponent
from foundation.uploaded_tables import StrayQuoteError, UnknownEncodingError
from subscribers.statements import cell_values, columns
from subscribers.statements.cell_values import UnreadableCell
from subscribers.statements.columns import StatementFormat, StatementLineKind

STATEMENT_RAIL = "statement"
MAX_BYTES = 2_000_000
MAX_LINES = 10_000

_KEY_DECIMALS = {"XTR": 0, "XTS": 0, "JPY": 0, "KWD": 3, "BHD": 3, "TND": 3}
_TOTAL = re.compile(r"total|somme", re.IGNORECASE)


@dataclass(frozen=True)
class StatementMovement:
    """One line. `gross` and `fee` are positive, or negative if a refund or payout was undone.

    The fee of a refund is the part that the platform gives back; it is negative if the platform
    charges one in addition, as for a chargeback.

    `key` is equal for the same movement in every file. `paid_for` is only set for movements read
    from a platform's API.
    """

    number: int
    at: datetime
    kind: StatementLineKind
    reference: str
    gross: Money
    fee: Money
    key: str
    paid_for: str = ""
    whole_day: bool = False
    """True if the file gives a date without a time. `at` is then 00:00 UTC, and the date is that of
    the creator's time zone."""

    zoned: bool = True
    """False for a time without an offset: `at` is then the time on the clock of the creator's time
    zone, written as UTC."""

    @property
    def is_reversal(self) -> bool:
        """True for a refund or a payout that was undone."""
        return self.gross.minor < 0

    @property
    def is_empty(self) -> bool:
        """True for a line without an amount, such as a free trial."""
        return not self.gross.minor and not self.fee.minor

    @property
    def net(self) -> Money:
        """The change of the account's balance, negative for a refund or payout."""
        kept = self.gross - self.fee
        return kept if self.kind == "sale" else -kept


@dataclass(frozen=True)
class UnreadLine:
    """A line that could not be interpreted, and the reason."""

    number: int
    reason: Message


@dataclass(frozen=True)
class StatementFile:
    """A file with its movements and unreadable lines."""

    digest: str
    movements: tuple[StatementMovement, ...]
    unread: tuple[UnreadLine, ...]

    def net_by_currency(self) -> dict[str, Money]:
        """Return the net sum of the file by currency."""
        sums: dict[str, Money] = {}
        for line in self.movements:
            code = line.gross.currency
            sums[code] = sums.get(code, Money(0, code)) + line.net
        return sums


@dataclass(frozen=True)
class StatementTable:
    """The cells of a file: its heading, and the lines below it with their numbers."""

    digest: str
    heading: tuple[str, ...]
    rows: tuple[tuple[int, tuple[str, ...]], ...]
    separator: str = ","


@dataclass(frozen=True)
class _StatementLine:
    """A parsed line; its amounts have the signs of the file."""

    number: int
    at: datetime
    kind: StatementLineKind
    reference: str
    gross: Money
    fee: Money
    net: Money | None
    whole_day: bool
    zoned: bool
    words: str
    reversal: bool
    needs_original: bool


@dataclass(frozen=True)
class _Signs:
    """The signs that a file uses: `fees` is True if fees of sales are negative, False if they are
    positive, None if no sale has one; `kinds` are the kinds whose amounts are negative, and
    `present` are the kinds in the file."""

    fees: bool | None
    kinds: frozenset[StatementLineKind]
    present: frozenset[StatementLineKind]


def parse_table(data: bytes) -> StatementTable:
    """Split a file into cells. Raises BadInput if it is too large or no table."""
    if len(data) > MAX_BYTES:
        raise BadInput("statement.too_large", most=MAX_BYTES // 1_000_000)
    try:
        table = uploaded_tables.parse_table(
            uploaded_tables.decode_table(data), _is_own_heading, _is_date
        )
    except UnknownEncodingError as error:
        raise BadInput("statement.encoding_unknown", line=error.line) from error
    except StrayQuoteError as error:
        raise BadInput("statement.stray_quote", line=error.line) from error
    if len(table.rows) > MAX_LINES:
        raise BadInput("statement.too_long", most=MAX_LINES)
    rows = ((number, tuple(cell.strip() for cell in row)) for number, row in table.rows)
    return StatementTable(
        hashlib.sha256(data).hexdigest(),
        tuple(cell.strip() for cell in table.heading),
        tuple((number, row) for number, row in rows if any(row)),
        table.separator,
    )


def _is_own_heading(cells: Sequence[str]) -> bool:
    return columns.own_format(cells) is not None


def _is_date(cell: str) -> bool:
    return any(cell_values.is_instant(cell, dates) for dates in get_args(cell_values.DateOrder))


def read_statement(data: bytes, source: str, said: StatementFormat | None = None) -> StatementFile:
    """Read a file of the platform `source`, in the format `said` that a member defined.

    Raises BadInput for a file that is not a statement, and for an unknown heading without a format.
    """
    found = parse_table(data)
    known = said if said is not None else columns.own_format(found.heading)
    if known is None:
        missing = [
            name
            for name in columns.COLUMN_FIELDS
            if name not in {*columns.guess_columns(found.heading), *columns.OPTIONAL_COLUMNS}
        ]
        raise BadInput("statement.unknown_columns", columns=", ".join(missing))
    lines = list[_StatementLine]()
    totals = list[tuple[int, Mapping[str, str]]]()
    unread = list[UnreadLine]()
    for number, row in found.rows:
        cell = _select_cells(row, known)
        if _is_total(row, cell, known):
            totals.append((number, cell))
            continue
        if len(row) < len(found.heading) and any(found.separator in cell for cell in row):
            # Two columns are joined in one cell.
            raise BadInput("statement.stray_quote", line=number)
        try:
            lines.append(_parse_line(number, cell, known))
        except UnreadableCell as wrong:
            unread.append(UnreadLine(number, wrong.reason))
    movements = _build_movements(lines, source, unread)
    if not unread:  # Sums of a partly read file would be wrong too.
        unread += [
            wrong
            for number, cell in totals
            for wrong in _find_wrong_sums(number, cell, lines, movements, known)
        ]
    return StatementFile(
        found.digest, tuple(movements), tuple(sorted(unread, key=lambda one: one.number))
    )


def _select_cells(row: Sequence[str], known: StatementFormat) -> dict[str, str]:
    return {name: row[place] if place < len(row) else "" for name, place in known.places.items()}


def _is_total(row: Sequence[str], cell: Mapping[str, str], known: StatementFormat) -> bool:
    """Return True for a line of sums: it starts with such a word and has no date."""
    if not _TOTAL.match(next(filter(None, row))):
        return False
    try:
        cell_values.parse_instant(cell["date"], known.dates)
    except UnreadableCell:
        return True
    return False


def _parse_line(number: int, cell: Mapping[str, str], known: StatementFormat) -> _StatementLine:
    """Return the parsed line. Raises UnreadableCell."""
    kind = known.kind(cell["kind"]) if "kind" in cell else "sale"
    if kind is None:
        raise UnreadableCell("type", cell["kind"])
    if not columns.is_completed(cell.get("status", "")):
        raise UnreadableCell("status", cell["status"])
    currency = _parse_currency(cell, known)
    at = cell_values.parse_instant(cell["date"], known.dates)
    gross = cell_values.parse_amount("gross", cell["gross"], currency, known.decimals)
    net = (
        cell_values.parse_amount("net", cell["net"], currency, known.decimals)
        if cell.get("net")
        else None
    )
    if cell.get("fee") or net is None:
        fee = cell_values.parse_amount("fee", cell.get("fee") or "0", currency, known.decimals)
    else:
        fee = (
            Money(abs(gross.minor) - abs(net.minor), currency) if gross.minor >= 0 else gross - net
        )
    if kind == "sale" and gross.minor >= 0 and abs(fee.minor) > abs(gross.minor):
        raise UnreadableCell("gross", cell["gross"])
    _check_net(gross, fee, net, cell, kind)
    return _StatementLine(
        number,
        at,
        kind,
        cell.get("reference", ""),
        gross,
        fee,
        net,
        cell_values.is_date_only(cell["date"], known.dates),
        cell_values.is_zoned(cell["date"], known.dates),
        words := cell.get("kind", ""),
        known.is_reversal(words),
        known.needs_original(words),
    )


def _check_net(
    gross: Money, fee: Money, net: Money | None, cell: Mapping[str, str], kind: StatementLineKind
) -> None:
    """Raise UnreadableCell if the amounts of a line contradict each other in every sign. A fee
    reduces what a sale brings; it may increase what a refund or payout takes."""
    if net is None:
        return
    reduced = abs(gross.minor) - abs(fee.minor)
    possible = {reduced} if reduced >= 0 else set[int]()
    if kind != "sale" or gross.minor < 0:
        possible.add(abs(gross.minor) + abs(fee.minor))
    if abs(net.minor) not in possible:
        raise UnreadableCell("net", cell["net"])


def _parse_currency(cell: Mapping[str, str], known: StatementFormat) -> str:
    said = cell.get("currency", "").upper() or known.currency
    if not re.fullmatch(r"[A-Z]{3}", said):
        raise UnreadableCell("currency", said)
    return said


def _build_movements(
    lines: Sequence[_StatementLine], source: str, unread: list[UnreadLine]
) -> list[StatementMovement]:
    """Return the movements, by the signs that the whole file uses. Lines that contradict them are
    added to `unread`."""
    sales = [one for one in lines if one.kind == "sale" and one.gross.minor > 0 and one.fee.minor]
    signs = _Signs(
        any(one.fee.minor < 0 for one in sales) if sales else None,
        frozenset(one.kind for one in lines if one.gross.minor < 0 and not one.reversal),
        frozenset(one.kind for one in lines if not one.reversal),
    )
    originals = {
        (one.kind, one.gross.currency, abs(one.gross.minor)) for one in lines if not one.reversal
    }
    charges = {(abs(one.gross.minor), abs(one.fee.minor)) for one in sales}
    movements = list[StatementMovement]()
    equal = Counter[str]()
    for one in lines:
        try:
            kind = _resolve_kind(one, signs, originals)
            adds = _is_fee_added(one, kind, signs, charges)
        except UnreadableCell as wrong:
            unread.append(UnreadLine(one.number, wrong.reason))
            continue
        way = -1 if one.reversal else 1
        gross = Money(way * abs(one.gross.minor), one.gross.currency)
        fee = Money((-way if adds else way) * abs(one.fee.minor), one.fee.currency)
        amounts = (_format_key_amount(gross), _format_key_amount(fee))
        same = "\x1f".join((source, one.at.isoformat(), kind, one.reference, *amounts))
        equal[same] += 1
        key = hashlib.sha256(f"{same}\x1f{equal[same]}".encode()).hexdigest()
        movements.append(
            StatementMovement(
                one.number,
                one.at,
                kind,
                one.reference,
                gross,
                fee,
                key,
                whole_day=one.whole_day,
                zoned=one.zoned,
            )
        )
    return movements


def _format_key_amount(amount: Money) -> str:
    """Return an amount as text for a line's key, stable across versions.

    The keys are older than the table of currency decimals: most currencies have two decimals in
    them.
    """
    value = Decimal(amount.minor).scaleb(-currency_exponent(amount.currency))
    digits = Decimal(1).scaleb(-_KEY_DECIMALS.get(amount.currency, 2))
    short = value.quantize(digits)
    return f"{short if short == value else value} {amount.currency}"


def _resolve_kind(
    one: _StatementLine, signs: _Signs, originals: Collection[tuple[str, str, int]]
) -> StatementLineKind:
    """Return the kind of a line; a negative sale is a refund. Raises UnreadableCell for an
    ambiguous sign.

    Some files write refunds and payouts with a minus, some without. In a file with both, the other
    sign means that something was undone, and it is unclear what. `originals` are the kinds,
    currencies and amounts of the lines that a line may undo.
    """
    if one.needs_original:
        undone = one.kind if one.reversal else "sale"
        if (undone, one.gross.currency, abs(one.gross.minor)) not in originals:
            raise UnreadableCell("type", one.words)
    if one.reversal:
        if one.gross.minor < 0 and (one.kind in signs.kinds or one.kind not in signs.present):
            raise UnreadableCell("gross", str(one.gross))  # Undone, or a second refund?
        return one.kind
    if one.kind != "sale":
        if one.gross.minor > 0 and one.kind in signs.kinds:
            raise UnreadableCell("gross", str(one.gross))
        return one.kind
    if not one.gross.minor:
        return "sale"
    charged = _charged_minor(one, signs)
    if one.gross.minor > 0:
        if charged < 0:
            raise UnreadableCell("fee", str(one.fee))
        return "sale"
    # A fee in addition to the refund, or a fee refunded with it?
    if charged > 0 and one.net is None:
        raise UnreadableCell("fee", str(one.fee))
    return "refund"


def _charged_minor(one: _StatementLine, signs: _Signs) -> int:
    """Return the fee of a line in minor units, positive if it is charged, by the sign that fees of
    sales have in the file."""
    return -one.fee.minor if signs.fees else one.fee.minor


def _is_fee_added(
    one: _StatementLine,
    kind: StatementLineKind,
    signs: _Signs,
    charges: Collection[tuple[int, int]],
) -> bool:
    """Return True if a fee increases what a refund or payout takes, False if it was given back.

    The line's own net decides. Without it, an amount with a sign is a change of the balance, from
    which a fee is subtracted. `charges` are the amounts and fees of sales. Raises UnreadableCell if
    it is uncertain.
    """
    if kind == "sale" or not one.fee.minor or not one.gross.minor:
        return False
    if one.net is not None:
        return abs(one.net.minor) > abs(one.gross.minor)
    charged = _charged_minor(one, signs)
    if one.gross.minor < 0 or (one.reversal and one.kind in signs.kinds):
        if signs.fees is None and one.fee.minor < 0:
            raise UnreadableCell("fee", str(one.fee))
        return (one.gross.minor < 0) != (charged < 0)
    # Without signs, the fee of the sale is given back; a dispute may have a fee of its own.
    has_own = bool(charges) and (abs(one.gross.minor), abs(one.fee.minor)) not in charges
    if charged < 0 or (has_own and columns.names_dispute(one.words)):
        raise UnreadableCell("fee", str(one.fee))
    return False


def _find_wrong_sums(
    number: int,
    cell: Mapping[str, str],
    lines: Sequence[_StatementLine],
    movements: Sequence[StatementMovement],
    known: StatementFormat,
) -> Iterable[UnreadLine]:
    """Yield the sums of the file that match its lines neither as written nor as interpreted, with
    or without payouts."""
    said = cell.get("currency", "").upper()
    among = [
        pair for pair in zip(lines, movements, strict=True) if said in ("", pair[0].gross.currency)
    ]
    code = said or next((line.gross.currency for line, _ in among), known.currency)
    for column in ("gross", "fee", "net"):
        if not cell.get(column):
            continue
        try:
            told = abs(cell_values.parse_amount(column, cell[column], code, known.decimals).minor)
        except UnreadableCell as wrong:
            yield UnreadLine(number, wrong.reason)
            continue
        sums = _compute_sums(column, among)
        if told not in sums:
            params: dict[str, str | int] = {
                "column": column,
                "said": cell[column],
                "sum": str(Money(sums[0], code)),
            }
            yield UnreadLine(number, Message("statement.bad_total", params))


def _compute_sums(
    column: str, among: Sequence[tuple[_StatementLine, StatementMovement]]
) -> list[int]:
    sums = []
    for kept in (among, [pair for pair in among if pair[1].kind != "payout"]):
        signed = [
            (getattr(line, column), 1 if one.kind == "sale" or line.reversal else -1)
            for line, one in kept
        ]
        written = [(money.minor, sign) for money, sign in signed if money is not None]
        booked = [
            one.net.minor
            if column == "net"
            else getattr(one, column).minor * (1 if one.kind == "sale" else -1)
            for _, one in kept
        ]
        sums += [
            abs(sum(booked)),
            abs(sum(abs(minor) * sign for minor, sign in written)),
            abs(sum(minor for minor, _ in written)),
        ]
    return sums
