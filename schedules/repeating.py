"""What the events of series and clocks do; each is one transaction, and twice is as once."""

from datetime import timedelta

from foundation import outbox
from foundation.database import OpenScope
from schedules import clocks, prints, recycling, series, series_reads
from schedules.events import ClocksDue, ExtendDue

SERIES = "system:series"
FORGOTTEN = timedelta(hours=1)
"""A series this late has no row that would extend it: its row was given up."""


def extend(event: ExtendDue, *, tenant: OpenScope) -> None:
    """Make the next deliveries of a series."""
    with tenant(event.tenant_id, SERIES) as scope:
        series.extend(scope, event.subject_id)


def look_at_clocks(event: ClocksDue, *, tenant: OpenScope) -> None:
    """Follow the clocks of every zone, take up what was forgotten, and keep the prints that are missing."""
    with tenant(event.tenant_id, SERIES) as scope:
        clocks.recompute(scope)
    with tenant(event.tenant_id, SERIES) as scope:
        for series_id in series_reads.overdue(scope, by=FORGOTTEN):
            if not outbox.awaited(scope, series_id, ExtendDue.kind):
                outbox.put(scope, ExtendDue(scope.tenant_id, series_id))
    with tenant(event.tenant_id, SERIES) as scope:
        prints.catch_up(scope)
        recycling.wake_forgotten(scope)
