"""What the page of a pool reads: where the posts in it go, and which others could be put in.

What people see of a series: when it repeats, what comes next, which dates were left out.

Series as programs read them: of creators, the newest first, each with its post and its accounts.
"""

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
    """Where these posts go in [start, end) (UTC-aware), by time; `names` are the accounts', by
    id."""
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
    """A creator's posts that left since an instant (UTC-aware), the latest first, each with its
    latest delivery: none of a series, nor those in `without`."""
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
"""So many of the times to come are shown."""


@dataclass(frozen=True)
class SeriesView:
    """One series of a post. `coming` are its next times by the rule; one that was moved leaves at a
    time of its own."""

    id: UUID
    repeat: Recurrence
    state: SeriesState
    coming: tuple[WallTime, ...]
    left_out: tuple[date, ...]
    """Dates to come that were left out, in order."""
    next_key: str
    """What the deliveries of its next time are known by; nothing where none comes."""
    channels: tuple[UUID, ...] = ()
    """The accounts it goes to."""
    quiet: tuple[tuple[WallTime, str], ...] = ()
    """Times of the next ninety days that give way to days or hours without posts, each with what
    those are called."""
    version: str = ""
    """Of the series of a post: which version of a test that runs it is, a or b. A draw decides of
    each date."""


def series_of_post_views(scope: Scope, post_id: UUID) -> list[SeriesView]:
    """The series that say a post, the first rule first; nothing of a post nobody here has."""
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
    """How many dates of a post that repeats are on the calendar and have not left: other words are
    said on each."""
    query = select(func.count(func.distinct(func.left(Delivery.occurrence_key, 10)))).where(
        Delivery.tenant_id == scope.tenant_id,
        Delivery.post_id == post_id,
        col(Delivery.series_id).is_not(None),
        col(Delivery.state).in_(sorted(map(str, CANCELLABLE))),
    )
    return scope.session.exec(query).one()


def build_series_view(scope: Scope, row: Series) -> SeriesView:
    """What people see of it."""
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
    """Series that should have been extended so long ago."""
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
    """A series with whose it is, of which post and on which accounts."""

    series: SeriesView
    creator_id: UUID
    post_id: UUID
    channels: tuple[UUID, ...]
    skipped: tuple[date, ...]
    """Every date that was left out, those that have passed too."""
    made_at: datetime


def list_series_records(
    scope: Scope, creators: Collection[UUID], *, before: tuple[datetime, UUID] | None, limit: int
) -> list[SeriesRecord]:
    """Series of these creators, the newest first; with `before` (when one was made, its id), those
    behind it."""
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
    """One series. Raises NotFound; another tenant's, and another creator's, look the same."""
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
