"""Closed months: the member who closed a month, the time, and a digest of all entries. Later
bookings fall into an open month."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import UniqueConstraint

from foundation.canonical_json import canonical_json
from foundation.db.database import Scope
from foundation.db.tables import CreatorOwnedRow, table_arguments
from foundation.errors import Refused
from foundation.ids import uuid7
from subscribers.ledger import entries
from subscribers.ledger.entries import SalesTotals, StatementLineView
from tenants.agencies import queries


class MonthClose(CreatorOwnedRow, table=True):
    """A closed month of a creator."""

    __tablename__ = "month_closes"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "creator_id", "month"), about="creator", keep="10 years"
    )
    month: date
    digest: str
    by: str


@dataclass(frozen=True)
class ClosedMonth:
    """A closed month. `unchanged` is True if its entries still have the digest recorded at the
    close."""

    month: date
    by: str
    at: datetime
    digest: str
    unchanged: bool


@dataclass(frozen=True)
class LedgerMonth:
    """A creator's month in the ledger: totals by currency, all entries, its close, if any, and the
    names of other parties by account."""

    month: date
    since: datetime
    until: datetime
    totals: tuple[SalesTotals, ...]
    lines: tuple[StatementLineView, ...]
    close: ClosedMonth | None
    parties: Mapping[str, str] = field(default_factory=dict)


def month_bounds(zone: str, month: date) -> tuple[datetime, datetime]:
    """Return the start and the exclusive end of a month in a time zone."""
    first = month.replace(day=1)
    after = (first.replace(day=28).toordinal() + 4) - first.toordinal()
    following = date.fromordinal(first.toordinal() + after).replace(day=1)
    there = ZoneInfo(zone)
    return datetime.combine(first, time.min, tzinfo=there), datetime.combine(
        following, time.min, tzinfo=there
    )


def load_ledger_month(scope: Scope, creator_id: UUID, first: date) -> LedgerMonth:
    """Return a creator's month. Raises NotFound for an unknown creator."""
    since, until = month_bounds(queries.get_creator(scope, creator_id).zone, first)
    lines = entries.creator_statement(scope, creator_id=creator_id, since=since, until=until)
    row = scope.run(
        "SELECT month, by, created_at, digest FROM month_closes WHERE tenant_id = :tenant AND "
        "creator_id = :creator"
        " AND month = :month",
        tenant=scope.tenant_id,
        creator=creator_id,
        month=first.replace(day=1),
    ).one_or_none()
    close = (
        ClosedMonth(
            row.month, row.by, row.created_at, row.digest, row.digest == digest_lines(lines)
        )
        if row
        else None
    )
    totals = entries.creator_totals(scope, creator_id, since, until)
    return LedgerMonth(
        first.replace(day=1),
        since,
        until,
        tuple(totals),
        tuple(lines),
        close,
        entries.party_names(scope, creator_id),
    )


def digest_lines(lines: list[StatementLineView]) -> str:
    """Return a digest of ledger entries that does not depend on their order."""
    told = sorted(
        [
            line.at.isoformat(),
            line.kind,
            line.source_kind,
            line.source_key,
            line.account,
            line.money.minor,
            line.money.currency,
        ]
        for line in lines
    )
    return hashlib.sha256(canonical_json(told)).hexdigest()


def close_month(scope: Scope, creator_id: UUID, first: date) -> str:
    """Close a past month, once, and return its digest. Raises Refused if the month is not over.

    It waits for transactions that book entries of this creator; later ones find the month closed.
    """
    scope.lock(_books_lock_key(scope, creator_id))
    found = load_ledger_month(scope, creator_id, first)
    if found.until > scope.now:
        raise Refused("month.still_runs")
    told = digest_lines(list(found.lines))
    scope.run(
        "INSERT INTO month_closes (tenant_id, id, creator_id, month, digest, by)"
        " VALUES (:tenant, :id, :creator, :month, :digest, :by) ON CONFLICT (tenant_id, "
        "creator_id, month) DO NOTHING",
        tenant=scope.tenant_id,
        id=uuid7(),
        creator=creator_id,
        month=found.month,
        digest=told,
        by=scope.actor,
    )
    return told


def list_closed_months(scope: Scope, creator_id: UUID) -> frozenset[date]:
    """Return the first days of a creator's closed months. No month can be closed until this
    transaction ends."""
    scope.lock_shared(_books_lock_key(scope, creator_id))
    found = scope.run(
        "SELECT month FROM month_closes WHERE tenant_id = :tenant AND creator_id = :creator",
        tenant=scope.tenant_id,
        creator=creator_id,
    )
    return frozenset(found.scalars())


def booking_time(scope: Scope, creator_id: UUID, at: datetime) -> datetime:
    """Return the time at which an event is booked: `at`, or now if its month is closed."""
    zone = ZoneInfo(queries.get_creator(scope, creator_id).zone)
    return (
        scope.now
        if at.astimezone(zone).date().replace(day=1) in list_closed_months(scope, creator_id)
        else at
    )


def _books_lock_key(scope: Scope, creator_id: UUID) -> str:
    return f"books:{scope.tenant_id}:{creator_id}"
