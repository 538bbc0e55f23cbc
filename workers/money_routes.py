"""Money as platforms tell it, wired: what accounts earned, and what moved on those that sell."""

from collections.abc import Collection
from datetime import date
from functools import partial
from uuid import UUID

from foundation import outbox
from foundation.database import Scope
from insights.events import RollupDue
from subscribers import earning, reconciling
from subscribers.events import EarningsDue, RailReconcile
from workers.dispatch import Route
from workers.wiring import Services

READING_SECONDS = 240
"""A reading of earnings, or of what moved on an account, page by page."""


def routes(s: Services) -> tuple[Route, ...]:
    """The routes of readings of money."""
    earned = partial(earning.read, tenant=s.tenant, ask=s.earnings, earns=s.earns, summed=_rolled_up)
    compare = partial(
        reconciling.reconcile, tenant=s.tenant, ask=s.movements, lists=s.lists, rails=s.rails, summed=_rolled_up
    )
    return (
        Route(EarningsDue, earned, deadline_seconds=READING_SECONDS),
        Route(RailReconcile, compare, deadline_seconds=READING_SECONDS),
    )


def _rolled_up(scope: Scope, creator_id: UUID, days: Collection[date]) -> None:
    """The sums of these days are made anew."""
    for day in sorted(days):
        outbox.put(scope, RollupDue(scope.tenant_id, creator_id, day))  # the beat's row may be running: it saw no line
