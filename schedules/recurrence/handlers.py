"""Handlers of series and time zone events. Each step is one idempotent transaction."""

from datetime import timedelta

from foundation.db.database import OpenScope
from foundation.outbox import outbox
from schedules.availability import time_zone_updates
from schedules.posts import fingerprints
from schedules.posts.events import ExtendDue
from schedules.recurrence import evergreen_planner, queries, series
from schedules.recurrence.events import ClocksDue

SERIES = "system:series"
FORGOTTEN = timedelta(hours=1)
"""Time after which an overdue series counts as stalled: it has no pending event, because its last
event failed permanently."""


def handle_extend_due(event: ExtendDue, *, tenant: OpenScope) -> None:
    """Create the next deliveries of a series."""
    with tenant(event.tenant_id, SERIES) as scope:
        series.extend_series(scope, event.subject_id)


def handle_clocks_due(event: ClocksDue, *, tenant: OpenScope) -> None:
    """Recompute due times, queue stalled series and pools, and add missing content fingerprints."""
    with tenant(event.tenant_id, SERIES) as scope:
        time_zone_updates.recompute_due_times(scope)
    with tenant(event.tenant_id, SERIES) as scope:
        for series_id in queries.list_overdue_series(scope, by=FORGOTTEN):
            if not outbox.is_pending(scope, series_id, ExtendDue.kind):
                outbox.put(scope, ExtendDue(scope.tenant_id, series_id))
    with tenant(event.tenant_id, SERIES) as scope:
        fingerprints.backfill_fingerprints(scope)
        evergreen_planner.wake_stalled_pools(scope)
