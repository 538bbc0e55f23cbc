"""Money as platforms tell it and take it, wired: what accounts earned, what moved on those that sell, subscriptions."""

from collections.abc import Collection
from datetime import date
from functools import partial
from uuid import UUID

from channels import controlling
from foundation import outbox
from foundation.database import Scope
from insights.events import RollupDue
from subscribers import earning, ending, handling, reconciling
from subscribers.events import EarningsDue, RailReconcile, SubscriptionEnd, SubscriptionNear, SubscriptionStop
from workers.dispatch import ACT_SECONDS, Route
from workers.wiring import Services

READING_SECONDS = 240
"""A reading of earnings, or of what moved on an account, page by page."""


def routes(s: Services) -> tuple[Route, ...]:
    """The routes of readings of money, and of what is paid month by month."""
    earned = partial(earning.read, tenant=s.tenant, ask=s.earnings, earns=s.earns, summed=_rolled_up)
    compare = partial(
        reconciling.reconcile, tenant=s.tenant, ask=s.movements, lists=s.lists, rails=s.rails, summed=_rolled_up
    )
    ask = partial(controlling.stop_renewal, tenant=s.tenant, transport=s.transport, connectors=s.chat_connectors)
    stop = partial(ending.stop, tenant=s.tenant, ask=ask)
    gave_up = partial(handling.gave_up, tenant=s.tenant)
    return (
        Route(SubscriptionStop, stop, deadline_seconds=ACT_SECONDS, on_dead=gave_up),
        Route(SubscriptionNear, partial(ending.near, tenant=s.tenant)),
        Route(SubscriptionEnd, partial(ending.ended, tenant=s.tenant)),
        Route(EarningsDue, earned, deadline_seconds=READING_SECONDS),
        Route(RailReconcile, compare, deadline_seconds=READING_SECONDS),
    )


def _rolled_up(scope: Scope, creator_id: UUID, days: Collection[date]) -> None:
    """The sums of these days are made anew."""
    for day in sorted(days):
        outbox.put(scope, RollupDue(scope.tenant_id, creator_id, day))  # the beat's row may be running: it saw no line
