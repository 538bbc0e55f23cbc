"""Routes of events about revenue: platform earnings, reconciliation of transactions,
subscriptions, and notices of sales."""

from collections.abc import Collection
from datetime import date
from functools import partial
from uuid import UUID

from channels.sending import account_actions
from foundation.db.database import Scope
from foundation.outbox import outbox
from insights.metrics.events import RollupDue
from subscribers.checkout import platform_earnings, rail_reconciliation, subscription_endings
from subscribers.checkout.events import EarningsDue, RailReconcile
from subscribers.intake import handlers
from subscribers.ledger import sale_notices
from subscribers.ledger.events import SalesBooked
from subscribers.subscriptions.events import SubscriptionEnd, SubscriptionNear, SubscriptionStop
from workers.relay.dispatch import NETWORK_DEADLINE_SECONDS, EventRoute
from workers.wiring import Services

READING_SECONDS = 240
"""Deadline of a paged read of earnings or transactions."""


def revenue_routes(s: Services) -> tuple[EventRoute, ...]:
    """Return the routes of earnings, reconciliation and subscriptions."""
    earned = partial(
        platform_earnings.read_earnings,
        tenant=s.tenant,
        ask=s.read_earnings,
        earns=s.earnings_platforms,
        summed=_rolled_up,
    )
    compare = partial(
        rail_reconciliation.reconcile_rail_account,
        tenant=s.tenant,
        ask=s.list_transactions,
        lists=s.transaction_platforms,
        rails=s.rails,
        summed=_rolled_up,
    )
    ask = partial(
        account_actions.stop_subscription_renewal,
        tenant=s.tenant,
        transport=s.transport,
        connectors=s.chat_connectors,
    )
    stop = partial(subscription_endings.stop_renewal, tenant=s.tenant, ask=ask)
    gave_up = partial(handlers.notify_failed_event, tenant=s.tenant)
    return (
        EventRoute(
            SubscriptionStop, stop, deadline_seconds=NETWORK_DEADLINE_SECONDS, on_dead=gave_up
        ),
        EventRoute(
            SubscriptionNear,
            partial(subscription_endings.remind_of_subscription_end, tenant=s.tenant),
        ),
        EventRoute(
            SubscriptionEnd, partial(subscription_endings.handle_subscription_end, tenant=s.tenant)
        ),
        EventRoute(SalesBooked, partial(sale_notices.notify_of_sales, tenant=s.tenant)),
        EventRoute(EarningsDue, earned, deadline_seconds=READING_SECONDS),
        EventRoute(RailReconcile, compare, deadline_seconds=READING_SECONDS),
    )


def _rolled_up(scope: Scope, creator_id: UUID, days: Collection[date]) -> None:
    """Schedule new rollups of these days."""
    for day in sorted(days):
        outbox.put(
            scope, RollupDue(scope.tenant_id, creator_id, day)
        )  # a scheduled rollup may already run without the new row
