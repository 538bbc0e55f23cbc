"""Import of statements into the ledger: a preview of each line, then the booking. No line is booked
twice.

Movements read from a platform's API (`subscribers/checkout/platform_earnings.py`) are stored as
statement lines too. The sales and refunds of a day have one source: a file import skips days that
the API already covers.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time
from enum import StrEnum
from functools import partial
from types import MappingProxyType
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import ForeignKeyConstraint, Index, UniqueConstraint, text
from sqlmodel import Field

from foundation.db.database import Scope
from foundation.db.tables import CreatorOwnedRow, table_arguments, timestamp_column
from foundation.errors import BadInput, Refused
from foundation.i18n.translation import Message
from foundation.ids import derived_uuid, uuid7
from subscribers.ledger import entries, month_close
from subscribers.ledger.entries import LedgerLine
from subscribers.statements import file_reader
from subscribers.statements.file_reader import StatementFile, StatementMovement
from subscribers.table_columns import amount_column
from tenants.agencies import queries
from tenants.notices import notices

NOON = time(12)
MAX_SOURCE_NAME_LENGTH = 60


class Statement(CreatorOwnedRow, table=True):
    """An imported file, or, with a `channel_id`, movements from one reading of a platform's API."""

    __tablename__ = "statements"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "creator_id", "digest"), about="creator", keep="10 years"
    )
    channel_id: UUID | None = None
    source: str
    name: str
    digest: str
    lines: int
    by: str


class StatementLine(CreatorOwnedRow, table=True):
    """One movement of a statement. `booked_at` is its time in the ledger."""

    __tablename__ = "statement_lines"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "creator_id", "line_key"),
        Index(
            "statement_lines_paid_for",
            "tenant_id",
            "creator_id",
            "paid_for",
            postgresql_where=text("paid_for <> ''"),
        ),
        Index("statement_lines_booked", "tenant_id", "ledger_key"),
        ForeignKeyConstraint(
            ["tenant_id", "statement_id"], ["statements.tenant_id", "statements.id"]
        ),
        about="creator",
        keep="10 years",
    )
    statement_id: UUID
    source: str
    line_key: str
    at: datetime = timestamp_column()
    booked_at: datetime = timestamp_column()
    kind: str
    reference: str
    gross_minor: int = amount_column()
    fee_minor: int = amount_column()
    currency: str
    paid_for: str = Field(default="", sa_column_kwargs={"server_default": ""})
    """The platform's ID of the message or post that was paid or refunded, or "" if unknown."""
    ledger_key: str = Field(default="", sa_column_kwargs={"server_default": ""})
    """The `source_key` of the line's transactions in the ledger."""


class LineOutcome(StrEnum):
    """Results of importing a line."""

    NEW = "new"
    KNOWN = "known"
    MOVED = "moved"
    TOLD = "told"
    EMPTY = "empty"


BOOKED_OUTCOMES = frozenset((LineOutcome.NEW, LineOutcome.MOVED))


@dataclass(frozen=True)
class CheckedLine:
    """A line with its outcome and its time.

    `moved` is booked today because its month is closed. `told` is skipped because the platform's
    API covers that day. `empty` has no amount.
    """

    line: StatementMovement
    fate: LineOutcome
    at: datetime


@dataclass(frozen=True)
class ImportedStatement:
    """An imported file, its source, and its number of lines."""

    id: UUID
    source: str
    name: str
    lines: int
    at: datetime


def preview_statement(
    scope: Scope, creator_id: UUID, sheet: StatementFile, *, source: str
) -> list[CheckedLine]:
    """Return the outcome of importing each line of a file; nothing is written."""
    known = set(
        scope.run(
            "SELECT line_key FROM statement_lines WHERE tenant_id = :tenant AND creator_id = "
            ":creator"
            " AND line_key = ANY(:keys)",
            tenant=scope.tenant_id,
            creator=creator_id,
            keys=[line.key for line in sheet.movements],
        ).scalars()
    )
    told = days_with_movements(scope, creator_id, source, told=True)
    found = []
    for one in booking_times(scope, creator_id, sheet.movements):
        fate = LineOutcome.KNOWN if one.line.key in known else one.fate
        if one.line.is_empty:
            fate = LineOutcome.EMPTY
        if (
            fate in BOOKED_OUTCOMES
            and one.line.kind != "payout"
            and _recorded_time(one).date() in told
        ):
            fate = LineOutcome.TOLD
        found.append(replace(one, fate=fate))
    return found


def booking_times(
    scope: Scope, creator_id: UUID, lines: Sequence[StatementMovement]
) -> list[CheckedLine]:
    """Return the lines with their times. A line of a closed month is marked as moved: it is booked
    today."""
    shut = month_close.list_closed_months(scope, creator_id)
    zone = ZoneInfo(queries.get_creator(scope, creator_id).zone)
    when = [_resolve_time(one, zone) for one in lines]
    late = [at.astimezone(zone).date().replace(day=1) in shut for at in when]
    fates = [LineOutcome.MOVED if each else LineOutcome.NEW for each in late]
    return [CheckedLine(*one) for one in zip(lines, fates, when, strict=True)]


def _resolve_time(line: StatementMovement, zone: ZoneInfo) -> datetime:
    if line.whole_day:
        return datetime.combine(line.at.date(), NOON, tzinfo=zone)
    return line.at if line.zoned else line.at.replace(tzinfo=zone).astimezone(UTC)


def _recorded_time(one: CheckedLine) -> datetime:
    """Return the time of a line in UTC; of a date without a time, its midnight."""
    return one.line.at if one.line.whole_day else one.at.astimezone(UTC)


def days_with_movements(
    scope: Scope, creator_id: UUID, source: str, *, told: bool
) -> frozenset[date]:
    """Return the days (UTC) with sales or refunds from the platform's API (`told`), or from
    imported files.

    Platform names are compared loosely: members write Fanvue or fanvue.com.
    """
    rows = scope.run(
        "SELECT DISTINCT l.source, (l.at AT TIME ZONE 'UTC')::date AS day FROM statement_lines l "
        "JOIN statements s"
        " ON s.tenant_id = l.tenant_id AND s.id = l.statement_id WHERE l.tenant_id = :tenant"
        " AND l.creator_id = :creator AND l.kind <> 'payout' AND (s.channel_id IS NOT NULL) = "
        ":told",
        tenant=scope.tenant_id,
        creator=creator_id,
        told=told,
    )
    mine = _normalize_source(source)
    return frozenset(
        row.day
        for row in rows
        if (
            _normalize_source(row.source) in mine if told else mine in _normalize_source(row.source)
        )
    )


def _normalize_source(source: str) -> str:
    return "".join(one for one in source.casefold() if one.isalnum())


def import_statement(
    scope: Scope, creator_id: UUID, sheet: StatementFile, *, source: str, name: str
) -> int:
    """Book all lines of a file that are not booked yet and return their number. Importing the same
    file again changes nothing.

    Raises BadInput for a file without lines or with unreadable ones, or without a platform name.
    Raises Refused for a file imported before under another name or with other columns, because its
    amounts would count twice.
    """
    if sheet.unread or not sheet.movements:
        raise BadInput("statement.unread_lines", count=len(sheet.unread))
    lock_statements(scope, creator_id)
    # Under another name its lines would have other keys.
    if (known := ledger_source_name(scope, creator_id, source)) != source:
        raise Refused("statement.other_source", source=known)
    before = _check_file(scope, creator_id, sheet, source)
    new = [
        one
        for one in preview_statement(scope, creator_id, sheet, source=source)
        if one.fate in BOOKED_OUTCOMES
    ]
    if before and new:
        raise Refused("statement.read_otherwise")
    book_lines(scope, creator_id, new, source=source, name=name, digest=sheet.digest)
    return len(new)


def lock_statements(scope: Scope, creator_id: UUID) -> None:
    """Lock the statements of this creator until the transaction ends."""
    scope.lock(f"statement:{scope.tenant_id}:{creator_id}")


def book_lines(
    scope: Scope,
    creator_id: UUID,
    new: Sequence[CheckedLine],
    *,
    source: str,
    name: str,
    digest: str,
    channel_id: UUID | None = None,
    fans: Mapping[str, UUID] = MappingProxyType({}),
) -> list[datetime]:
    """Book new lines and return the time of each. The caller holds `lock_statements`. `fans` maps
    `paid_for` to the paying fan."""
    if not new:
        return []
    row = Statement(
        tenant_id=scope.tenant_id,
        id=uuid7(),
        creator_id=creator_id,
        channel_id=channel_id,
        source=source,
        name=name[:MAX_SOURCE_NAME_LENGTH],
        digest=digest,
        lines=len(new),
        by=scope.actor,
    )
    scope.add(row)
    scope.add(*[_build_statement_line(scope, row, one) for one in new])
    for one in new:
        _book_line(scope, creator_id, source, one, fans.get(one.line.paid_for))
    for month in {one.line.at.date().replace(day=1) for one in new}:
        notices.close(scope, _statement_cause(creator_id, month))
    return [_booked_at(scope, one) for one in new]


def expect_statement(scope: Scope, creator_id: UUID, month: date, source: str) -> None:
    """Notify members once that the statement of a month is due; its first line closes
    the notice."""
    cause = _statement_cause(creator_id, month)
    if not notices.has_been_notified(scope, cause):
        params: dict[str, str | int] = {"source": source, "month": f"{month:%m/%Y}"}
        notices.put(scope, Message("statement.awaited", params), cause=cause, creator_id=creator_id)


def _statement_cause(creator_id: UUID, month: date) -> str:
    return f"statement:{creator_id}:{month:%Y-%m}"


def _check_file(scope: Scope, creator_id: UUID, sheet: StatementFile, source: str) -> bool:
    """Return True if this file was imported before. Raises Refused if that was under another
    platform name."""
    known = scope.run(
        "SELECT source FROM statements WHERE tenant_id = :tenant AND creator_id = :creator AND "
        "digest = :digest",
        tenant=scope.tenant_id,
        creator=creator_id,
        digest=sheet.digest,
    ).scalar()
    if known is not None and known != source:
        raise Refused("statement.other_source", source=known)
    return known is not None


def ledger_source_name(scope: Scope, creator_id: UUID, source: str) -> str:
    """Return the platform name used in the ledger: the spelling of this creator's earlier files, so
    that a line has one key.

    Raises BadInput for an empty or too long name.
    """
    name = " ".join(source.replace(":", " ").split())
    if not 0 < len(name) <= MAX_SOURCE_NAME_LENGTH:
        raise BadInput("statement.no_source", most=MAX_SOURCE_NAME_LENGTH).about("source")
    rows = scope.run(
        "SELECT source FROM statements WHERE tenant_id = :tenant AND creator_id = :creator AND "
        "channel_id IS NULL"
        " GROUP BY source ORDER BY source <> :name, min(id::text)",
        tenant=scope.tenant_id,
        creator=creator_id,
        name=name,
    )
    return next((one for one in rows.scalars().all() if _is_same_source(one, name)), name)


def _is_same_source(one: str, other: str) -> bool:
    plain = _normalize_source(one).removesuffix("com")
    return one == other or (bool(plain) and plain == _normalize_source(other).removesuffix("com"))


def _build_statement_line(scope: Scope, row: Statement, one: CheckedLine) -> StatementLine:
    line = one.line
    return StatementLine(
        tenant_id=scope.tenant_id,
        creator_id=row.creator_id,
        statement_id=row.id,
        source=row.source,
        line_key=line.key,
        at=_recorded_time(one),
        booked_at=_booked_at(scope, one),
        kind=line.kind,
        reference=line.reference,
        gross_minor=line.gross.minor,
        fee_minor=line.fee.minor,
        currency=line.gross.currency,
        paid_for=line.paid_for,
        ledger_key=str(_payment_of(scope, row.creator_id, line.key)),
    )


def _booked_at(scope: Scope, one: CheckedLine) -> datetime:
    return scope.now if one.fate is LineOutcome.MOVED else one.at


def _payment_of(scope: Scope, creator_id: UUID, line_key: str) -> UUID:
    """Return the ledger's payment ID of a line."""
    return derived_uuid(scope.tenant_id, creator_id, file_reader.STATEMENT_RAIL, line_key)


def ledger_keys_of(scope: Scope, creator_id: UUID, paid_for: Sequence[str]) -> list[UUID]:
    """Return the ledger's payment IDs of the movements about these messages or posts."""
    rows = scope.run(
        "SELECT line_key FROM statement_lines WHERE tenant_id = :tenant AND creator_id = :creator "
        "AND paid_for <> ''"
        " AND paid_for = ANY(:ids)",
        tenant=scope.tenant_id,
        creator=creator_id,
        ids=list(paid_for),
    )
    return [_payment_of(scope, creator_id, key) for key in rows.scalars()]


def _book_line(
    scope: Scope, creator_id: UUID, source: str, one: CheckedLine, fan_id: UUID | None
) -> None:
    line = one.line
    at = _booked_at(scope, one)
    key = _payment_of(scope, creator_id, line.key)
    rail = entries.rail_ledger_account(file_reader.STATEMENT_RAIL, source)
    book = partial(entries.post_transaction, scope, occurred_at=at, creator_id=creator_id)
    if line.kind == "payout":
        paid = -line.net
        book(
            "payout",
            "statement",
            str(key),
            [LedgerLine(f"payout:{source}", paid), LedgerLine(rail, -paid)],
        )
        return
    fee = line.fee if line.kind == "sale" else -line.fee
    if line.gross.minor:  # A gross of zero: only the fee changed.
        record = entries.record_sale if line.kind == "sale" else entries.record_unmatched_refund
        record(scope, key, line.gross, rail=rail, at=at, creator_id=creator_id, fan_id=fan_id)
    if fee.minor:
        book(
            "fee",
            "statement_fee",
            str(key),
            [LedgerLine(entries.FEES_ACCOUNT, fee), LedgerLine(rail, -fee)],
        )


def list_imported_statements(
    scope: Scope, creators: Sequence[UUID], *, limit: int = 10
) -> list[ImportedStatement]:
    """Return the files imported last, newest first."""
    rows = scope.run(
        "SELECT id, source, name, lines, created_at FROM statements WHERE tenant_id = :tenant"
        " AND creator_id = ANY(:creators) AND channel_id IS NULL ORDER BY id DESC LIMIT :limit",
        tenant=scope.tenant_id,
        creators=list(creators),
        limit=limit,
    )
    return [ImportedStatement(*row) for row in rows]


def sum_statements(scope: Scope, creators: Sequence[UUID]) -> Mapping[tuple[UUID, str, str], int]:
    """Return the net balances according to the statements, by creator, platform and currency, in
    minor units."""
    rows = scope.run(
        "SELECT creator_id, source, currency, sum((gross_minor - fee_minor) * CASE kind WHEN "
        "'sale' THEN 1 ELSE -1 END)"
        " AS minor FROM statement_lines WHERE tenant_id = :tenant AND creator_id = ANY(:creators)"
        " GROUP BY creator_id, source, currency",
        tenant=scope.tenant_id,
        creators=list(creators),
    )
    return {(row.creator_id, row.source, row.currency): int(row.minor) for row in rows}
