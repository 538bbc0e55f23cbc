"""Queries of rollups."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlmodel import col, select

from foundation.db.database import Scope
from foundation.money import Money
from insights.rollups.models import CreatorDay, SalesDay


@dataclass(frozen=True)
class DaySales:
    """Sales of one or more days in one currency: gross = charges; net = gross - refunds.

    The shares of creator, agency, staff and other parties are net of refunds. `fees` are what
    platforms keep.
    """

    orders: int
    gross: Money
    refunds: Money
    creator: Money
    agency: Money
    staff: Money
    others_minor: int = 0
    fees_minor: int = 0

    @property
    def others(self) -> Money:
        """Return the shares of other parties."""
        return Money(self.others_minor, self.gross.currency)

    @property
    def fees(self) -> Money:
        """Return what platforms keep of the sales."""
        return Money(self.fees_minor, self.gross.currency)

    @property
    def net(self) -> Money:
        """Return gross minus refunds."""
        return self.gross - self.refunds


def add_sales(rows: Iterable[DaySales]) -> dict[str, DaySales]:
    """Return the sums of sales by currency, in the order of the codes."""
    groups: dict[str, list[DaySales]] = {}
    for row in rows:
        groups.setdefault(row.gross.currency, []).append(row)
    return {currency: _add_rows(groups[currency], currency) for currency in sorted(groups)}


def _add_rows(rows: Sequence[DaySales], currency: str) -> DaySales:
    return DaySales(
        orders=sum(row.orders for row in rows),
        gross=Money(sum(row.gross.minor for row in rows), currency),
        refunds=Money(sum(row.refunds.minor for row in rows), currency),
        creator=Money(sum(row.creator.minor for row in rows), currency),
        agency=Money(sum(row.agency.minor for row in rows), currency),
        staff=Money(sum(row.staff.minor for row in rows), currency),
        others_minor=sum(row.others_minor for row in rows),
        fees_minor=sum(row.fees_minor for row in rows),
    )


def no_sales(currency: str) -> DaySales:
    """Return the sums of no sales in a currency."""
    none = Money(0, currency)
    return DaySales(0, none, none, none, none, none)


@dataclass(frozen=True)
class DayWork:
    """Work of a day; `lateness_p95_ms` is None on a day without posts."""

    published: int = 0
    waiting: int = 0
    troubled: int = 0
    lateness_p95_ms: int | None = None
    views: int = 0
    interactions: int = 0
    messages_in: int = 0
    messages_out: int = 0
    new_fans: int = 0


def daily_sales(
    scope: Scope, creator_id: UUID, first: date, last: date
) -> dict[date, list[DaySales]]:
    """Return the sales of each local day from `first` to `last` inclusive; days without sales are
    absent."""
    rows = scope.session.exec(
        select(SalesDay)
        .where(
            SalesDay.tenant_id == scope.tenant_id,
            SalesDay.creator_id == creator_id,
            SalesDay.day >= first,
            SalesDay.day <= last,
        )
        .order_by(col(SalesDay.day), col(SalesDay.currency))
    )
    found: dict[date, list[DaySales]] = {}
    for row in rows:
        found.setdefault(row.day, []).append(_sales_from_row(row))
    return found


def daily_sales_by_creator(
    scope: Scope, creators: Collection[UUID], first: date, last: date
) -> dict[UUID, dict[date, list[DaySales]]]:
    """Return `daily_sales` of several creators with one query; empty without sales."""
    rows = scope.session.exec(
        select(SalesDay)
        .where(
            SalesDay.tenant_id == scope.tenant_id,
            col(SalesDay.creator_id).in_(list(creators)),
            SalesDay.day >= first,
            SalesDay.day <= last,
        )
        .order_by(col(SalesDay.day), col(SalesDay.currency))
    )
    found: dict[UUID, dict[date, list[DaySales]]] = {creator: {} for creator in creators}
    for row in rows:
        found[row.creator_id].setdefault(row.day, []).append(_sales_from_row(row))
    return found


def _sales_from_row(row: SalesDay) -> DaySales:
    parts = (
        row.gross_minor,
        row.refunds_minor,
        row.creator_minor,
        row.agency_minor,
        row.staff_minor,
    )
    gross, refunds, creator, agency, staff = (Money(part, row.currency) for part in parts)
    return DaySales(
        row.orders, gross, refunds, creator, agency, staff, row.others_minor, row.fees_minor
    )


def daily_work(scope: Scope, creator_id: UUID, first: date, last: date) -> dict[date, DayWork]:
    """Return the work of each local day from `first` to `last` inclusive; days without a rollup are
    absent."""
    return daily_work_by_creator(scope, [creator_id], first, last)[creator_id]


def daily_work_by_creator(
    scope: Scope, creators: Collection[UUID], first: date, last: date
) -> dict[UUID, dict[date, DayWork]]:
    """Return `daily_work` of several creators with one query; empty without rollups."""
    rows = scope.session.exec(
        select(CreatorDay).where(
            CreatorDay.tenant_id == scope.tenant_id,
            col(CreatorDay.creator_id).in_(list(creators)),
            CreatorDay.day >= first,
            CreatorDay.day <= last,
        )
    )
    found: dict[UUID, dict[date, DayWork]] = {creator: {} for creator in creators}
    for row in rows:
        found[row.creator_id][row.day] = DayWork(
            row.published,
            row.waiting,
            row.troubled,
            row.lateness_p95_ms,
            row.views,
            row.interactions,
            row.messages_in,
            row.messages_out,
            row.new_fans,
        )
    return found


def rollup_times(
    scope: Scope, creators: Collection[UUID], first: date, last: date
) -> dict[str, datetime]:
    """Return when the newest row of "sales" and of "work" in a period was computed (UTC-aware).
    Without rows the key is absent."""
    found: dict[str, datetime] = {}
    for name, table in (("sales", "sales_daily"), ("work", "creator_daily")):
        at = scope.run(
            f"SELECT max(updated_at) FROM {table} WHERE tenant_id = :tenant"  # noqa: S608  our own
            " AND creator_id = ANY(CAST(:creators AS uuid[])) AND day BETWEEN :first AND :last",
            tenant=scope.tenant_id,
            creators=list(creators),
            first=first,
            last=last,
        ).scalar()
        if at is not None:
            found[name] = at
    return found
