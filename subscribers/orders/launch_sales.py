"""Sales of a creator or a pack since an instant, for the live view of a launch."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from foundation.db.database import Scope
from foundation.money import Money
from foundation.ops.wall_time import local_day
from subscribers.orders import sales
from subscribers.orders.sales import SaleFilter
from tenants.agencies.queries import Creator

MAX_SALES = 5000
"""Maximum number of sales and refunds that are read, the latest first."""

_SINCE = """
SELECT at, currency, gross, state, order_id, title FROM found
WHERE at >= :start AND state NOT IN ('fee', 'awaiting', 'lapsed')
ORDER BY at DESC, id LIMIT :most
"""


@dataclass(frozen=True)
class LaunchSale:
    """A sale, or a refund with a negative amount. `at` is UTC-aware."""

    at: datetime
    amount: Money
    title: str
    order_id: UUID | None
    is_refund: bool


def list_sales_since(
    scope: Scope, creators: Sequence[Creator], since: datetime, *, pack_id: UUID | None = None
) -> list[LaunchSale]:
    """Return the sales and refunds of these creators since an instant, latest first. Their sum is
    gross minus refunds."""
    asked = SaleFilter(
        creators=tuple(creators),
        first=min(local_day(since, one.zone) for one in creators),
        last=max(local_day(scope.now, one.zone) for one in creators),
        pack_id=pack_id,
        sees_fans=False,
    )
    rows = sales.query_sales(scope, asked, _SINCE, start=since, most=MAX_SALES)
    return [
        LaunchSale(
            row.at,
            Money(int(row.gross), row.currency),
            row.title,
            row.order_id,
            row.state == "refund",
        )
        for row in rows
    ]
