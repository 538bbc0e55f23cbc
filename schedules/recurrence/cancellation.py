"""What makes a post leave again and again, stopped: its series, later stretches at other hours too,
and its pools."""

from uuid import UUID

from sqlmodel import col, select

from foundation.db.database import Scope
from schedules.posts.models import Series
from schedules.posts.states import SeriesState
from schedules.recurrence import evergreen_pools, series, variant_assignment


def stop_recurrence(scope: Scope, post_id: UUID) -> int:
    """Make no more of a post, and take what of it is ahead by them off the calendar; how many
    series and entries of pools that ended. Twice is as once."""
    entries = evergreen_pools.pool_entries_of_post(scope, post_id)
    for (
        entry_id
    ) in entries:  # before series: whoever fills a pool, or moves it, locks in this order
        evergreen_pools.remove_pool_entry(scope, entry_id)
    goes_on = (Series.tenant_id == scope.tenant_id, Series.state != str(SeriesState.STOPPED))
    ours = (
        select(Series.id)
        .where(*goes_on, variant_assignment.series_of_post(scope, post_id))
        .order_by(col(Series.id))
    )
    ended = scope.session.exec(ours).all()
    for series_id in ended:
        series.stop_series(scope, series_id)
    return len(ended) + len(entries)
