"""Stop the recurrence of a post: end its series, including continuations, and its evergreen
entries."""

from uuid import UUID

from sqlmodel import col, select

from foundation.db.database import Scope
from schedules.posts.models import Series
from schedules.posts.states import SeriesState
from schedules.recurrence import evergreen_pools, series, variant_assignment


def stop_recurrence(scope: Scope, post_id: UUID) -> int:
    """End all series and pool entries of a post and cancel their pending deliveries.

    Returns the number of series and entries that ended. Idempotent.
    """
    entries = evergreen_pools.pool_entries_of_post(scope, post_id)
    # Lock order: filling a pool locks the pool before its series.
    for entry_id in entries:
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
