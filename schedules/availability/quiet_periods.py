"""Quiet periods: days off, public holidays, weekly hours and pauses during which nothing is posted.

Slots, proposed times and recurring posts skip quiet periods. Planning a post in one only warns.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID

from sqlmodel import col, or_, select

from channels.accounts import queries
from foundation.db.database import Scope
from foundation.errors import BadInput, NotFound
from foundation.ids import derived_uuid
from foundation.ops.wall_time import day_bounds, load_zone, to_wall_time
from foundation.outbox import outbox
from schedules.availability import public_holidays
from schedules.availability.models import QuietPeriodRow
from schedules.posts.events import ExtendDue
from schedules.posts.models import Series
from schedules.posts.states import SeriesState
from tenants.agencies.queries import get_agency, get_creator, list_creators

DAY = timedelta(days=1)
MAX_QUIET_LABEL_LENGTH = 200
MAX_QUIET_DAYS = 366
"""Maximum length of one period in days: a typing error in the year must not stop an account for a
decade."""


@dataclass(frozen=True)
class QuietPeriod:
    """A quiet period of one account, or of all accounts of a creator if `channel_id` is None.

    It covers either the local days from `first` to `last`, both included, or the hours from `start`
    to `end` on `weekday` (0 is Monday, None every day). Hours that end before they start continue
    into the next day. For a pause, `shift_id` is the ID of the bulk move that rescheduled its
    posts; otherwise it is None.
    """

    id: UUID
    creator_id: UUID
    channel_id: UUID | None
    label: str
    zone: str
    first: date | None = None
    last: date | None = None
    weekday: int | None = None
    start: time | None = None
    end: time | None = None
    shift_id: UUID | None = None
    country: str = ""
    """Country of a public holiday, "" for any other period. The `label` of a holiday is in the
    agency's language."""
    names: tuple[tuple[str, str], ...] = ()

    def display_name(self, language: str) -> str:
        """Return the label, or the name of a public holiday in `language`."""
        return dict(self.names).get(language, self.label)

    def covers(self, at: datetime) -> bool:
        """Return True if the period contains an instant (UTC-aware)."""
        if (
            self.first is not None
            and self.last is not None
            and not self.first - DAY <= at.date() <= self.last + DAY
        ):
            # cheap test first: local dates differ from UTC by a day at most, and time zones are
            # slow to compute for the holidays of several years
            return False
        wall = to_wall_time(at, self.zone)
        if self.first is not None and self.last is not None:
            return self.first <= wall.day <= self.last
        if self.start is None or self.end is None:
            return False
        if self.start < self.end:
            return self._is_on_weekday(wall.day) and self.start <= wall.clock < self.end
        begun = self._is_on_weekday(wall.day) and wall.clock >= self.start
        return begun or (self._is_on_weekday(wall.day - DAY) and wall.clock < self.end)

    def _is_on_weekday(self, day: date) -> bool:
        return self.weekday in (None, day.weekday())

    @property
    def quiet_window(self) -> tuple[datetime, datetime]:
        """The instants (UTC-aware) at which the days begin and end. Raises BadInput for weekly
        hours."""
        if self.first is None or self.last is None:
            raise BadInput("quiet.no_days").about("days")
        return day_bounds(self.first, self.zone)[0], day_bounds(self.last, self.zone)[1]


def find_covering_period(periods: Iterable[QuietPeriod], at: datetime) -> QuietPeriod | None:
    """Return the first of the periods that contains an instant, or None; pure."""
    return next((one for one in periods if one.covers(at)), None)


def list_quiet_periods(scope: Scope, creators: Iterable[UUID]) -> list[QuietPeriod]:
    """Return the current and future periods of these creators: days by time, then weekly hours,
    then public holidays."""
    creators = list(creators)
    rows = scope.session.exec(
        select(QuietPeriodRow)
        .where(
            QuietPeriodRow.tenant_id == scope.tenant_id,
            col(QuietPeriodRow.creator_id).in_(creators),
            or_(
                col(QuietPeriodRow.last_day).is_(None),
                col(QuietPeriodRow.last_day) >= scope.now.date() - DAY,
            ),
        )
        .order_by(
            col(QuietPeriodRow.first_day),
            col(QuietPeriodRow.weekday),
            col(QuietPeriodRow.start_time),
            col(QuietPeriodRow.id),
        )
        .execution_options(populate_existing=True)
    )
    return [*(_period_from_row(row) for row in rows), *_list_holiday_periods(scope, creators)]


def _list_holiday_periods(scope: Scope, creators: Iterable[UUID]) -> list[QuietPeriod]:
    """Return the public holidays that are quiet days, each in the time zone of its creator."""
    chosen = public_holidays.effective_holiday_settings(scope, creators)
    if not chosen:
        return []
    language = get_agency(scope).language
    since = scope.now.date() - DAY
    zones = {one.id: one.zone for one in list_creators(scope)}
    return [
        QuietPeriod(
            derived_uuid(of.id, creator_id, one.day.isoformat()),
            creator_id,
            None,
            one.display_name(language),
            zones[creator_id],
            first=one.day,
            last=one.day,
            country=of.country,
            names=(("en", one.english), ("fr", one.french)),
        )
        for creator_id, of in chosen.items()
        for one in public_holidays.list_quiet_holidays(of, since)
    ]


def quiet_periods_of_channel(scope: Scope, creator_id: UUID, channel_id: UUID) -> list[QuietPeriod]:
    """Return the quiet periods that apply to an account: those of the account and of its
    creator."""
    return [
        one
        for one in list_quiet_periods(scope, [creator_id])
        if one.channel_id in (None, channel_id)
    ]


def pause_move_ids_query(scope: Scope) -> Any:
    """Return a query of the bulk moves made by pauses; they are reverted when the pause is
    cancelled."""
    return select(QuietPeriodRow.shift_id).where(
        QuietPeriodRow.tenant_id == scope.tenant_id, col(QuietPeriodRow.shift_id).is_not(None)
    )


def get_quiet_period(scope: Scope, quiet_id: UUID) -> QuietPeriod:
    """Return one period. Raises NotFound."""
    return _period_from_row(_get_period_row(scope, quiet_id))


def add_quiet_days(
    scope: Scope,
    creator_id: UUID,
    channel_id: UUID | None,
    *,
    label: str,
    zone: str,
    first: date,
    last: date,
    shift_id: UUID | None = None,
) -> QuietPeriod:
    """Add a quiet period of local days, both ends included.

    Raises BadInput if the days are in the wrong order, too many or in the past, NotFound if the
    account is not the creator's.
    """
    if last < first or (last - first).days >= MAX_QUIET_DAYS:
        raise BadInput("quiet.days_wrong", most=MAX_QUIET_DAYS).about("first")
    if day_bounds(last, zone)[1] <= scope.now:
        raise BadInput("quiet.over")
    return _create_quiet_period(
        scope,
        creator_id,
        channel_id,
        label=label,
        zone=zone,
        first_day=first,
        last_day=last,
        shift_id=shift_id,
    )


def add_quiet_hours(
    scope: Scope,
    creator_id: UUID,
    channel_id: UUID | None,
    *,
    label: str,
    zone: str,
    weekday: int | None,
    start: time,
    end: time,
) -> QuietPeriod:
    """Add weekly quiet hours on one weekday, or on every day if `weekday` is None.

    Raises BadInput if start and end are equal, and NotFound.
    """
    if start == end or (weekday is not None and not 0 <= weekday <= 6):
        raise BadInput("quiet.hours_wrong").about("start")
    hours: dict[str, Any] = {"weekday": weekday, "start_time": start, "end_time": end}
    return _create_quiet_period(scope, creator_id, channel_id, label=label, zone=zone, **hours)


def delete_quiet_period(scope: Scope, quiet_id: UUID) -> None:
    """Delete a period. Scheduled deliveries keep their times; series use the freed times again.
    Raises NotFound."""
    row = _get_period_row(scope, quiet_id)
    scope.session.delete(row)
    scope.session.flush()
    reschedule_all_series(scope, row.creator_id)


def reschedule_all_series(scope: Scope, creator_id: UUID) -> None:
    """Queue the rescheduling of all active series of a creator after a change of quiet periods."""
    theirs = select(Series.id).where(
        Series.tenant_id == scope.tenant_id,
        Series.creator_id == creator_id,
        Series.state != str(SeriesState.STOPPED),
    )
    for series_id in scope.session.exec(theirs).all():
        outbox.put(scope, ExtendDue(scope.tenant_id, series_id), instead_of=ExtendDue)


def _create_quiet_period(
    scope: Scope, creator_id: UUID, channel_id: UUID | None, *, label: str, zone: str, **when: Any
) -> QuietPeriod:
    load_zone(zone)
    get_creator(scope, creator_id)
    if channel_id is not None and queries.get_channel(scope, channel_id).creator_id != creator_id:
        raise NotFound("channel.unknown")
    words = " ".join(label.replace("\x00", "").split())[:MAX_QUIET_LABEL_LENGTH]
    row = QuietPeriodRow(
        tenant_id=scope.tenant_id,
        creator_id=creator_id,
        channel_id=channel_id,
        label=words,
        zone=zone,
        **when,
    )
    scope.add(row)
    reschedule_all_series(scope, creator_id)
    return _period_from_row(row)


def _get_period_row(scope: Scope, quiet_id: UUID) -> QuietPeriodRow:
    row = scope.session.get(QuietPeriodRow, (scope.tenant_id, quiet_id))
    if row is None:
        raise NotFound("quiet.unknown")
    return row


def _period_from_row(row: QuietPeriodRow) -> QuietPeriod:
    return QuietPeriod(
        row.id,
        row.creator_id,
        row.channel_id,
        row.label,
        row.zone,
        row.first_day,
        row.last_day,
        row.weekday,
        row.start_time,
        row.end_time,
        row.shift_id,
    )
