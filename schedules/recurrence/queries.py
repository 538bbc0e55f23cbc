"""Queries of recurrence: deliveries and candidates of evergreen pools, and views of series."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from uuid import UUID

from sqlalchemy import tuple_
from sqlalchemy.dialects.postgresql import distinct_on
from sqlmodel import col, func, select

from foundation.db.database import Scope
from foundation.errors import NotFound
from foundation.ops.wall_time import WallTime
from schedules.posts.models import Delivery, Post, Series
from schedules.posts.queries import MAX_PAGE_SIZE, DeliveryEntry, build_entry
from schedules.posts.states import CANCELLABLE, DeliveryState, SeriesState
from schedules.recurrence import occurrences, variant_assignment
from schedules.recurrence.occurrences import recurrence_of_series, skipped_dates
from schedules.recurrence.rules import Recurrence
from schedules.recurrence.series import SERIES_HORIZON, occurrence_key


def entries_of_pool_posts(
    scope: Scope,
    posts: Collection[UUID],
    start: datetime,
    end: datetime,
    *,
    names: Mapping[UUID, str],
) -> list[DeliveryEntry]:
    """Return the deliveries of these posts due in [start, end) (UTC-aware), by time.

    `names` maps account IDs to names.
    """
    rows = scope.session.exec(
        select(Delivery, Post)
        .join(
            Post,
            (col(Post.tenant_id) == col(Delivery.tenant_id))
            & (col(Post.id) == col(Delivery.post_id)),
        )
        .where(
            Delivery.tenant_id == scope.tenant_id,
            col(Delivery.post_id).in_(list(posts)),
            Delivery.due_at >= start,
            Delivery.due_at < end,
        )
        .order_by(col(Delivery.due_at), col(Delivery.id))
    )
    return [build_entry(row, owner, names) for row, owner in rows]


def list_pool_candidates(
    scope: Scope,
    creator_id: UUID,
    since: datetime,
    *,
    without: Collection[UUID],
    names: Mapping[UUID, str],
    limit: int,
) -> list[DeliveryEntry]:
    """Return a creator's posts published since an instant (UTC-aware), latest first.

    Each has its latest delivery. Posts of series and those in `without` are not included.
    """
    latest = (
        select(Delivery.id)
        .ext(distinct_on(col(Delivery.post_id)))
        .where(
            Delivery.tenant_id == scope.tenant_id,
            Delivery.creator_id == creator_id,
            Delivery.state == str(DeliveryState.PUBLISHED),
            Delivery.due_at >= since,
            col(Delivery.series_id).is_(None),
            col(Delivery.post_id).not_in(list(without)),
        )
        .order_by(col(Delivery.post_id), col(Delivery.due_at).desc())
    )
    rows = scope.session.exec(
        select(Delivery, Post)
        .join(
            Post,
            (col(Post.tenant_id) == col(Delivery.tenant_id))
            & (col(Post.id) == col(Delivery.post_id)),
        )
        .where(Delivery.tenant_id == scope.tenant_id, col(Delivery.id).in_(latest))
        .order_by(col(Delivery.due_at).desc(), col(Delivery.id))
        .limit(limit)
    )
    return [build_entry(row, owner, names) for row, owner in rows]


UPCOMING_COUNT = 5
"""Number of next occurrences that a view contains."""


@dataclass(frozen=True)
class SeriesView:
    """A series of a post. `coming` are its next occurrences by the rule; the times of moved
    deliveries may differ."""

    id: UUID
    repeat: Recurrence
    state: SeriesState
    coming: tuple[WallTime, ...]
    left_out: tuple[date, ...]
    """Future dates that were skipped, in order."""
    next_key: str
    """The occurrence key of the next occurrence; empty if there is none."""
    channels: tuple[UUID, ...] = ()
    """The accounts on which the series is published."""
    quiet: tuple[tuple[WallTime, str], ...] = ()
    """Occurrences within `SERIES_HORIZON` that quiet periods suppress, with the label of the
    period."""
    version: str = ""
    """The version of the post, "a" or "b", while an A/B test runs on the series; a version is drawn
    for each date."""


def series_of_post_views(scope: Scope, post_id: UUID) -> list[SeriesView]:
    """Return the series that publish a post, in order; empty for an unknown post."""
    rows = scope.session.exec(
        select(Series)
        .where(
            Series.tenant_id == scope.tenant_id, variant_assignment.series_of_post(scope, post_id)
        )
        .order_by(col(Series.nth))
        .execution_options(populate_existing=True)
    )
    return [
        replace(
            build_series_view(scope, row),
            version=variant_assignment.variant_of_post(scope, row, post_id),
        )
        for row in rows
    ]


def count_dates_ahead(scope: Scope, post_id: UUID) -> int:
    """Return the number of future dates of a recurring post; an edit changes the text on each."""
    query = select(func.count(func.distinct(func.left(Delivery.occurrence_key, 10)))).where(
        Delivery.tenant_id == scope.tenant_id,
        Delivery.post_id == post_id,
        col(Delivery.series_id).is_not(None),
        col(Delivery.state).in_(sorted(map(str, CANCELLABLE))),
    )
    return scope.session.exec(query).one()


def build_series_view(scope: Scope, row: Series) -> SeriesView:
    """Build the view of a series."""
    repeat = recurrence_of_series(row)
    out = skipped_dates(row)
    stopped = row.state == SeriesState.STOPPED
    coming = () if stopped else tuple(occurrences.upcoming_occurrences(scope, row, UPCOMING_COUNT))
    left_out = tuple(sorted(day for day in out if repeat.occurrence_on(day).instant() > scope.now))
    key = occurrence_key(row, coming[0]) if coming else ""
    quiet = () if stopped else occurrences.quiet_occurrences(scope, row, scope.now + SERIES_HORIZON)
    channels = tuple(map(UUID, row.channels))
    return SeriesView(
        row.id, repeat, SeriesState(row.state), coming, left_out, key, channels, quiet
    )


def list_overdue_series(scope: Scope, *, by: timedelta) -> list[UUID]:
    """Return the running series whose extension is overdue by more than `by`."""
    return list(
        scope.session.exec(
            select(Series.id).where(
                Series.tenant_id == scope.tenant_id,
                Series.state == str(SeriesState.RUNNING),
                col(Series.next_extend_at) < scope.now - by,
            )
        )
    )


@dataclass(frozen=True)
class SeriesRecord:
    """A series with its creator, post and accounts, for the API."""

    series: SeriesView
    creator_id: UUID
    post_id: UUID
    channels: tuple[UUID, ...]
    skipped: tuple[date, ...]
    """All skipped dates, including past ones."""
    made_at: datetime


def list_series_records(
    scope: Scope, creators: Collection[UUID], *, before: tuple[datetime, UUID] | None, limit: int
) -> list[SeriesRecord]:
    """Return series of these creators, newest first.

    `before` is the creation time and ID of the last series of the previous page.
    """
    query = (
        select(Series)
        .where(Series.tenant_id == scope.tenant_id, col(Series.creator_id).in_(list(creators)))
        .order_by(col(Series.created_at).desc(), col(Series.id).desc())
        .limit(min(limit, MAX_PAGE_SIZE))
        .execution_options(populate_existing=True)
    )
    query = (
        query
        if before is None
        else query.where(tuple_(col(Series.created_at), col(Series.id)) < before)
    )
    return [_series_record_from_row(scope, row) for row in scope.session.exec(query)]


def get_series_record(scope: Scope, creators: Collection[UUID], series_id: UUID) -> SeriesRecord:
    """Return one series. Raises NotFound, also for series of other tenants and creators."""
    row = scope.session.get(Series, (scope.tenant_id, series_id), populate_existing=True)
    if row is None or row.creator_id not in creators:
        raise NotFound("series.unknown")
    return _series_record_from_row(scope, row)


def _series_record_from_row(scope: Scope, row: Series) -> SeriesRecord:
    channels = tuple(map(UUID, row.channels))
    out = tuple(sorted(skipped_dates(row)))
    return SeriesRecord(
        build_series_view(scope, row),
        row.creator_id,
        row.post_id,
        channels,
        out,
        row.created_at or scope.now,
    )
