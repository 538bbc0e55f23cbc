"""Notices of sales: one for each creator and day, which is renewed with each further sale.

The count and the sums are those of the ledger, so that a repeated event changes nothing, and an
import of a thousand sales notifies members as often as one sale.
"""

from datetime import date, datetime, timedelta
from uuid import UUID

from foundation.db.database import OpenScope, Scope
from foundation.i18n.translation import Message
from foundation.money import Money
from foundation.ops.wall_time import day_bounds, local_day
from foundation.outbox import outbox
from subscribers.ledger.events import SalesBooked
from tenants.agencies import queries
from tenants.notices import notices

RECENT = timedelta(days=2)
"""Maximum age of a sale that is news. Older ones come from statements and first readings."""

GATHERING = timedelta(seconds=5)
"""Time for which further sales of a creator are gathered."""


def schedule_sale_notice(scope: Scope, creator_id: UUID, at: datetime) -> None:
    """Notify members soon of a sale that was booked at `at` (UTC-aware), unless it is old."""
    if at < scope.now - RECENT:
        return
    day = local_day(at, queries.get_creator(scope, creator_id).zone)
    event = SalesBooked(scope.tenant_id, creator_id, day)
    outbox.put_coalesced(scope, event, within=GATHERING, part=day.isoformat())


def notify_of_sales(event: SalesBooked, *, tenant: OpenScope) -> None:
    """Notify the members who may see the creator's money of the sales of a day."""
    with tenant(event.tenant_id, "system:ledger") as scope:
        sales, sums = _sum_sales(scope, event.subject_id, event.day)
        if not sales:
            return
        message = Message(
            "sale.notice" if sales == 1 else "sale.notice_several",
            {"count": sales, "amounts": ", ".join(map(str, sums))},
        )
        cause = f"sales:{event.subject_id}:{event.day.isoformat()}"
        if notices.put(scope, message, cause=cause, creator_id=event.subject_id, informs=True):
            return
        if notices.open_message(scope, cause) != message:
            notices.renew_message(scope, message, cause=cause)


def _sum_sales(scope: Scope, creator_id: UUID, day: date) -> tuple[int, list[Money]]:
    """Return the number of sales of a day of the creator and their sums by currency."""
    since, until = day_bounds(day, queries.get_creator(scope, creator_id).zone)
    rows = scope.run(
        "SELECT e.currency, count(DISTINCT t.id) AS sales, -sum(e.amount_minor) AS minor"
        " FROM ledger_transactions t JOIN ledger_entries e"
        "   ON e.tenant_id = t.tenant_id AND e.transaction_id = t.id AND e.account = 'sales'"
        " WHERE t.tenant_id = :tenant AND t.creator_id = :creator AND t.kind = 'sale'"
        "   AND t.occurred_at >= :since AND t.occurred_at < :until"
        " GROUP BY e.currency ORDER BY e.currency",
        tenant=scope.tenant_id,
        creator=creator_id,
        since=since,
        until=until,
    ).all()
    return sum(row.sales for row in rows), [Money(int(row.minor), row.currency) for row in rows]
