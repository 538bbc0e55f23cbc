"""Statements brought into the ledger: looked at first, line by line, then booked; the same line never twice."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from functools import partial
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import ForeignKeyConstraint, UniqueConstraint

from foundation.database import CreatorRow, Scope, instant, table
from foundation.errors import BadInput, Refused
from foundation.ids import derived, uuid7
from foundation.words import Message
from subscribers import closing, ledger
from subscribers.ledger import Entry
from subscribers.models import minor
from subscribers.rails import statement
from subscribers.rails.statement import Movement, Sheet
from tenants import notices
from tenants import reads as tenant_reads

FEES = "platform_fee"
LONGEST_NAME = 60


class Statement(CreatorRow, table=True):
    """A file that was brought in."""

    __tablename__ = "statements"
    __table_args__ = table(UniqueConstraint("tenant_id", "creator_id", "digest"), about="creator", keep="10 years")
    source: str
    name: str
    digest: str
    lines: int
    by: str


class StatementLine(CreatorRow, table=True):
    """One movement of a file, as the platform wrote it; `booked_at` is its day in the ledger."""

    __tablename__ = "statement_lines"
    __table_args__ = table(
        UniqueConstraint("tenant_id", "creator_id", "line_key"),
        ForeignKeyConstraint(["tenant_id", "statement_id"], ["statements.tenant_id", "statements.id"]),
        about="creator",
        keep="10 years",
    )
    statement_id: UUID
    source: str
    line_key: str
    at: datetime = instant()
    booked_at: datetime = instant()
    kind: str
    reference: str
    gross_minor: int = minor()
    fee_minor: int = minor()
    currency: str


class Fate(StrEnum):
    """What bringing a line in would do."""

    NEW, KNOWN, MOVED = "new", "known", "moved"


@dataclass(frozen=True)
class Weighed:
    """A line of a file and what becomes of it; `moved` is booked today, since its month is closed."""

    line: Movement
    fate: Fate


@dataclass(frozen=True)
class Brought:
    """A file that was brought in, and its sum by currency."""

    id: UUID
    source: str
    name: str
    lines: int
    at: datetime


def weigh(scope: Scope, creator_id: UUID, sheet: Sheet) -> list[Weighed]:
    """What bringing a file in would do, line by line; nothing is written."""
    known = set(
        scope.run(
            "SELECT line_key FROM statement_lines WHERE tenant_id = :tenant AND creator_id = :creator"
            " AND line_key = ANY(:keys)",
            tenant=scope.tenant_id,
            creator=creator_id,
            keys=[line.key for line in sheet.movements],
        ).scalars()
    )
    shut, zone = closing.closed_months(scope, creator_id), ZoneInfo(tenant_reads.creator(scope, creator_id).zone)
    found = []
    for line in sheet.movements:
        moved = line.at.astimezone(zone).date().replace(day=1) in shut
        fate = Fate.KNOWN if line.key in known else Fate.MOVED if moved else Fate.NEW
        found.append(Weighed(line, fate))
    return found


def bring_in(scope: Scope, creator_id: UUID, sheet: Sheet, *, source: str, name: str) -> int:
    """Book every line of a file that is not booked yet; returns how many those were. The same file again changes none.

    Raises BadInput for a file with lines that cannot be read, for none at all, or without a platform's name.
    """
    source = check_source(source)
    if sheet.unread or not sheet.movements:
        raise BadInput("statement.unread_lines", count=len(sheet.unread))
    scope.hold(f"statement:{scope.tenant_id}:{creator_id}")
    _check_file(scope, creator_id, sheet, source)
    new = [one for one in weigh(scope, creator_id, sheet) if one.fate is not Fate.KNOWN]
    if not new:
        return 0
    row = Statement(
        tenant_id=scope.tenant_id,
        id=uuid7(),
        creator_id=creator_id,
        source=source,
        name=name[:LONGEST_NAME],
        digest=sheet.digest,
        lines=len(new),
        by=scope.actor,
    )
    scope.add(row)
    scope.add(*[_kept(scope, row, one) for one in new])
    for one in new:
        _book(scope, creator_id, source, one)
    for month in {one.line.at.date().replace(day=1) for one in new}:
        notices.settle(scope, _awaited(creator_id, month))
    return len(new)


def expect(scope: Scope, creator_id: UUID, month: date, source: str) -> None:
    """Tell the members, once, that the statement of a month is to be brought in; its first line ends that."""
    cause = _awaited(creator_id, month)
    if not notices.known(scope, cause):
        params: dict[str, str | int] = {"source": source, "month": f"{month:%m/%Y}"}
        notices.put(scope, Message("statement.awaited", params), cause=cause, creator_id=creator_id)


def _awaited(creator_id: UUID, month: date) -> str:
    return f"statement:{creator_id}:{month:%Y-%m}"


def _check_file(scope: Scope, creator_id: UUID, sheet: Sheet, source: str) -> None:
    """The same file under another platform's name would count its money twice."""
    known = scope.run(
        "SELECT source FROM statements WHERE tenant_id = :tenant AND creator_id = :creator AND digest = :digest",
        tenant=scope.tenant_id,
        creator=creator_id,
        digest=sheet.digest,
    ).scalar()
    if known is not None and known != source:
        raise Refused("statement.other_source", source=known)


def check_source(source: str) -> str:
    """The platform's name as the ledger writes it. Raises BadInput for none, or one that is too long."""
    name = " ".join(source.replace(":", " ").split())
    if not 0 < len(name) <= LONGEST_NAME:
        raise BadInput("statement.no_source", most=LONGEST_NAME)
    return name


def _kept(scope: Scope, row: Statement, one: Weighed) -> StatementLine:
    line = one.line
    return StatementLine(
        tenant_id=scope.tenant_id,
        creator_id=row.creator_id,
        statement_id=row.id,
        source=row.source,
        line_key=line.key,
        at=line.at,
        booked_at=_booked_at(scope, one),
        kind=line.kind,
        reference=line.reference,
        gross_minor=line.gross.minor,
        fee_minor=line.fee.minor,
        currency=line.gross.currency,
    )


def _booked_at(scope: Scope, one: Weighed) -> datetime:
    return scope.now if one.fate is Fate.MOVED else one.line.at


def _book(scope: Scope, creator_id: UUID, source: str, one: Weighed) -> None:
    line, at = one.line, _booked_at(scope, one)
    key = derived(scope.tenant_id, creator_id, statement.RAIL, line.key)
    rail = ledger.rail_account(statement.RAIL, source)
    book = partial(ledger.post, scope, occurred_at=at, creator_id=creator_id)
    if line.kind == "payout":
        paid = -line.net
        book("payout", "statement", str(key), [Entry(f"payout:{source}", paid), Entry(rail, -paid)])
        return
    sign = line.gross if line.kind == "sale" else -line.gross
    fee = line.fee if line.kind == "sale" else -line.fee
    if line.kind == "sale":
        ledger.record_sale(scope, key, sign, rail=rail, at=at, creator_id=creator_id, fan_id=None)
    else:
        ledger.record_given_back(scope, key, line.gross, rail=rail, at=at, creator_id=creator_id)
    if fee.minor:
        book("fee", "statement_fee", str(key), [Entry(FEES, fee), Entry(rail, -fee)])


def recent(scope: Scope, creators: Sequence[UUID], *, limit: int = 10) -> list[Brought]:
    """The files brought in last."""
    rows = scope.run(
        "SELECT id, source, name, lines, created_at FROM statements WHERE tenant_id = :tenant"
        " AND creator_id = ANY(:creators) ORDER BY id DESC LIMIT :limit",
        tenant=scope.tenant_id,
        creators=list(creators),
        limit=limit,
    )
    return [Brought(*row) for row in rows]


def sums(scope: Scope, creators: Sequence[UUID]) -> Mapping[tuple[UUID, str, str], int]:
    """What the files say lies on each platform: net by creator, platform and currency, minor units."""
    rows = scope.run(
        "SELECT creator_id, source, currency, sum((gross_minor - fee_minor) * CASE kind WHEN 'sale' THEN 1 ELSE -1 END)"
        " AS minor FROM statement_lines WHERE tenant_id = :tenant AND creator_id = ANY(:creators)"
        " GROUP BY creator_id, source, currency",
        tenant=scope.tenant_id,
        creators=list(creators),
    )
    return {(row.creator_id, row.source, row.currency): int(row.minor) for row in rows}
