"""What the events of series and clocks do; each is one transaction, and twice is as once."""

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
"""A series this late has no row that would extend it: its row was given up."""


def handle_extend_due(event: ExtendDue, *, tenant: OpenScope) -> None:
    """Make the next deliveries of a series."""
    with tenant(event.tenant_id, SERIES) as scope:
        series.extend_series(scope, event.subject_id)


def handle_clocks_due(event: ClocksDue, *, tenant: OpenScope) -> None:
    """Follow the clocks of every zone, take up what was forgotten, and keep the prints that are
    missing."""
    with tenant(event.tenant_id, SERIES) as scope:
        time_zone_updates.recompute_due_times(scope)
    with tenant(event.tenant_id, SERIES) as scope:
        for series_id in queries.list_overdue_series(scope, by=FORGOTTEN):
            if not outbox.is_pending(scope, series_id, ExtendDue.kind):
                outbox.put(scope, ExtendDue(scope.tenant_id, series_id))
    with tenant(event.tenant_id, SERIES) as scope:
        fingerprints.backfill_fingerprints(scope)
        evergreen_planner.wake_stalled_pools(scope)
