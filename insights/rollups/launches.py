"""The state of a launch: metrics, chats and sales since a post or pack was published."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from channels.links import short_links
from foundation.db.database import Scope
from foundation.money import Money
from insights.metrics.queries import latest_metrics
from schedules.posts.delivery_units import delivery_subject
from subscribers.conversations.queries import count_chat_activity
from subscribers.orders.launch_sales import LaunchSale, list_sales_since
from tenants.agencies.queries import Creator

MAX_STEPS = 60
"""Number of points of the course of net sales."""


@dataclass(frozen=True)
class LaunchState:
    """The effects of a launch since its start. `metrics` are the latest of the post, absent for a
    pack; `clicks` those of people on the links of the post, None without links.

    `sales` are the latest first; `net` has one amount for each currency, gross minus refunds.
    """

    since: datetime
    now: datetime
    metrics: Mapping[str, int]
    clicks: int | None
    new_fans: int
    messages_in: int
    sales: Sequence[LaunchSale]

    @property
    def orders(self) -> int:
        """Return the number of sales."""
        return sum(not one.is_refund for one in self.sales)

    @property
    def net(self) -> list[Money]:
        """Return gross minus refunds in each currency, the one with most sales first."""
        return [
            Money(sum(one.amount.minor for one in self.sales_in(code)), code)
            for code in self.currencies
        ]

    @property
    def currencies(self) -> list[str]:
        """Return the currencies of the sales, the one with most sales first."""
        codes = [one.amount.currency for one in self.sales]
        return sorted(set(codes), key=lambda code: (-codes.count(code), code))

    def sales_in(self, currency: str) -> list[LaunchSale]:
        """Return the sales in one currency, latest first."""
        return [one for one in self.sales if one.amount.currency == currency]

    def course(self, currency: str) -> list[tuple[datetime, Money]]:
        """Return the net amount so far at equal steps from the start until now."""
        step = max((self.now - self.since) / MAX_STEPS, timedelta(seconds=1))
        count = max(round((self.now - self.since) / step), 1)
        ends = [*(self.since + step * number for number in range(count)), self.now]
        earliest_first = list(reversed(self.sales_in(currency)))
        found = []
        total = 0
        place = 0
        for end in ends:
            while place < len(earliest_first) and earliest_first[place].at <= end:
                total += earliest_first[place].amount.minor
                place += 1
            found.append((end, Money(total, currency)))
        return found


def load_launch(
    scope: Scope,
    creator: Creator,
    *,
    since: datetime,
    delivery_id: UUID | None = None,
    pack_id: UUID | None = None,
) -> LaunchState:
    """Return the state of a launch of a creator: of a post with all sales of the creator, or of a
    pack with its own sales."""
    metrics = latest_metrics(scope, [delivery_id]).get(delivery_id, {}) if delivery_id else {}
    subjects = [delivery_subject(delivery_id)] if delivery_id else []
    clicks = short_links.clicks_of(scope, subjects) if subjects else {}
    chat = count_chat_activity(scope, creator.id, since, scope.now)
    return LaunchState(
        since=since,
        now=scope.now,
        metrics=metrics,
        clicks=sum(one.people for one in clicks.values()) if clicks else None,
        new_fans=chat.new_fans,
        messages_in=chat.messages_in,
        sales=list_sales_since(scope, [creator], since, pack_id=pack_id),
    )
