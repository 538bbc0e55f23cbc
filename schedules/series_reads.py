"""What people see of a series: when it repeats, what comes next, which dates were left out."""

from dataclasses import dataclass, replace
from datetime import date, timedelta
from uuid import UUID

from sqlmodel import col, func, select

from foundation.database import Scope
from schedules import assigning, series_rule
from schedules.calendar import WallTime
from schedules.models import Delivery, Series
from schedules.recurrence import Repeat
from schedules.series import AHEAD, key_of
from schedules.series_rule import repeat_of, skipped
from schedules.states import CANCELLABLE, SeriesState

NEXT = 5
"""So many of the times to come are shown."""


@dataclass(frozen=True)
class Repeated:
    """One series of a post. `coming` are its next times by the rule; one that was moved leaves at a time of its own."""

    id: UUID
    repeat: Repeat
    state: SeriesState
    coming: tuple[WallTime, ...]
    left_out: tuple[date, ...]
    """Dates to come that were left out, in order."""
    next_key: str
    """What the deliveries of its next time are known by; nothing where none comes."""
    channels: tuple[UUID, ...] = ()
    """The accounts it goes to."""
    quiet: tuple[tuple[WallTime, str], ...] = ()
    """Times of the next ninety days that give way to days or hours without posts, each with what those are called."""
    version: str = ""
    """Of the series of a post: which version of a test that runs it is, a or b. A draw decides of each date."""


def of_post(scope: Scope, post_id: UUID) -> list[Repeated]:
    """The series that say a post, the first rule first; nothing of a post nobody here has."""
    rows = scope.session.exec(
        select(Series)
        .where(Series.tenant_id == scope.tenant_id, assigning.says(scope, post_id))
        .order_by(col(Series.nth))
        .execution_options(populate_existing=True)
    )
    return [replace(repeated(scope, row), version=assigning.version_of(scope, row, post_id)) for row in rows]


def dates_ahead(scope: Scope, post_id: UUID) -> int:
    """How many dates of a post that repeats are on the calendar and have not left: other words are said on each."""
    query = select(func.count(func.distinct(func.left(Delivery.occurrence_key, 10)))).where(
        Delivery.tenant_id == scope.tenant_id,
        Delivery.post_id == post_id,
        col(Delivery.series_id).is_not(None),
        col(Delivery.state).in_(sorted(map(str, CANCELLABLE))),
    )
    return scope.session.exec(query).one()


def repeated(scope: Scope, row: Series) -> Repeated:
    """What people see of it."""
    repeat, out, stopped = repeat_of(row), skipped(row), row.state == SeriesState.STOPPED
    coming = () if stopped else tuple(series_rule.coming(scope, row, NEXT))
    left_out = tuple(sorted(day for day in out if repeat.at(day).instant() > scope.now))
    key = key_of(row, coming[0]) if coming else ""
    quiet = () if stopped else series_rule.left_out(scope, row, scope.now + AHEAD)
    channels = tuple(map(UUID, row.channels))
    return Repeated(row.id, repeat, SeriesState(row.state), coming, left_out, key, channels, quiet)


def overdue(scope: Scope, *, by: timedelta) -> list[UUID]:
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
