"""When nothing is to be posted: days that are kept free, public holidays, hours of the night, a pause.

Slots and proposed hours skip them, what repeats is left out in them; planning by hand is warned.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID

from sqlmodel import col, or_, select

from channels import reads as channel_reads
from foundation import outbox
from foundation.database import Scope
from foundation.errors import BadInput, NotFound
from foundation.ids import derived
from schedules import public_holidays
from schedules.calendar import bounds, local_wall, zone_of
from schedules.events import ExtendDue
from schedules.models import Series
from schedules.models_planning import QuietRow
from schedules.states import SeriesState
from tenants import reads as tenant_reads

DAY = timedelta(days=1)
LONGEST_LABEL = 200
LONGEST = 366
"""Days of one holiday at most: a typing error in the year must not silence an account for a decade."""


@dataclass(frozen=True)
class Quiet:
    """A quiet period, on one account or, without `channel_id`, on all of the creator's.

    Either local days from `first` to `last`, both included, or the hours from `start` to `end` on `weekday` (0 is
    Monday; every day without one); hours that end before they start go on into the next day. `shift_id` is what a
    pause moved away, None for any other.
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
    """Of a public holiday, whose; "" for any other period. Its `label` is its name in the agency's language."""
    names: tuple[tuple[str, str], ...] = ()

    def named(self, language: str) -> str:
        """What it is called: as somebody wrote it, and a public holiday in a language."""
        return dict(self.names).get(language, self.label)

    def covers(self, at: datetime) -> bool:
        """Whether an instant (UTC-aware) lies in it."""
        if self.first is not None and self.last is not None and not self.first - DAY <= at.date() <= self.last + DAY:
            return False  # on no clock of the world; asked of each holiday of years, so before any clock is
        wall = local_wall(at, self.zone)
        if self.first is not None and self.last is not None:
            return self.first <= wall.day <= self.last
        if self.start is None or self.end is None:
            return False
        if self.start < self.end:
            return self._on(wall.day) and self.start <= wall.clock < self.end
        begun = self._on(wall.day) and wall.clock >= self.start
        return begun or (self._on(wall.day - DAY) and wall.clock < self.end)

    def _on(self, day: date) -> bool:
        return self.weekday in (None, day.weekday())

    @property
    def window(self) -> tuple[datetime, datetime]:
        """The instants between which its days lie. Raises BadInput for hours, which have no end."""
        if self.first is None or self.last is None:
            raise BadInput("quiet.no_days")
        return bounds(self.first, self.zone)[0], bounds(self.last, self.zone)[1]


def covering(periods: Iterable[Quiet], at: datetime) -> Quiet | None:
    """The first of these periods in which an instant lies; pure."""
    return next((one for one in periods if one.covers(at)), None)


def periods(scope: Scope, creators: Iterable[UUID]) -> list[Quiet]:
    """Every period of these creators that is not over: days first, by time, then hours, then public holidays."""
    creators = list(creators)
    rows = scope.session.exec(
        select(QuietRow)
        .where(
            QuietRow.tenant_id == scope.tenant_id,
            col(QuietRow.creator_id).in_(creators),
            or_(col(QuietRow.last_day).is_(None), col(QuietRow.last_day) >= scope.now.date() - DAY),
        )
        .order_by(col(QuietRow.first_day), col(QuietRow.weekday), col(QuietRow.start_time), col(QuietRow.id))
        .execution_options(populate_existing=True)
    )
    return [*(_value(row) for row in rows), *_public(scope, creators)]


def _public(scope: Scope, creators: Iterable[UUID]) -> list[Quiet]:
    """The public holidays that somebody chose to keep free, each on its creator's own clock."""
    chosen = public_holidays.in_force(scope, creators)
    if not chosen:
        return []
    language, since = tenant_reads.agency(scope).language, scope.now.date() - DAY
    zones = {one.id: one.zone for one in tenant_reads.creators(scope)}
    return [
        Quiet(
            derived(of.id, creator_id, one.day.isoformat()),
            creator_id,
            None,
            one.named(language),
            zones[creator_id],
            first=one.day,
            last=one.day,
            country=of.country,
            names=(("en", one.english), ("fr", one.french)),
        )
        for creator_id, of in chosen.items()
        for one in public_holidays.quiet_days(of, since)
    ]


def of_channel(scope: Scope, creator_id: UUID, channel_id: UUID) -> list[Quiet]:
    """The periods that hold for an account: its own and its creator's."""
    return [one for one in periods(scope, [creator_id]) if one.channel_id in (None, channel_id)]


def moved_by_pauses(scope: Scope) -> Any:
    """The shifts that pauses made, as a query: they are taken back with the pause."""
    return select(QuietRow.shift_id).where(QuietRow.tenant_id == scope.tenant_id, col(QuietRow.shift_id).is_not(None))


def period(scope: Scope, quiet_id: UUID) -> Quiet:
    """One period. Raises NotFound."""
    return _value(_row(scope, quiet_id))


def keep_days(
    scope: Scope,
    creator_id: UUID,
    channel_id: UUID | None,
    *,
    label: str,
    zone: str,
    first: date,
    last: date,
    shift_id: UUID | None = None,
) -> Quiet:
    """Keep local days free, the first and the last included. Raises BadInput for days that make no period, or that are
    over; NotFound for an account that is not the creator's."""
    if last < first or (last - first).days >= LONGEST:
        raise BadInput("quiet.days_wrong", most=LONGEST)
    if bounds(last, zone)[1] <= scope.now:
        raise BadInput("quiet.over")
    return _write(
        scope, creator_id, channel_id, label=label, zone=zone, first_day=first, last_day=last, shift_id=shift_id
    )


def keep_hours(
    scope: Scope,
    creator_id: UUID,
    channel_id: UUID | None,
    *,
    label: str,
    zone: str,
    weekday: int | None,
    start: time,
    end: time,
) -> Quiet:
    """Keep hours of the week free, on one weekday or each. Raises BadInput for hours of no length, and NotFound."""
    if start == end or (weekday is not None and not 0 <= weekday <= 6):
        raise BadInput("quiet.hours_wrong")
    hours: dict[str, Any] = {"weekday": weekday, "start_time": start, "end_time": end}
    return _write(scope, creator_id, channel_id, label=label, zone=zone, **hours)


def forget(scope: Scope, quiet_id: UUID) -> None:
    """Take a period away; what was planned stays where it is, what repeats leaves in it again. Raises NotFound."""
    row = _row(scope, quiet_id)
    scope.session.delete(row)
    scope.session.flush()
    look_again(scope, row.creator_id)


def look_again(scope: Scope, creator_id: UUID) -> None:
    """What repeats of a creator is laid anew a moment later: its rules give way to other days now."""
    theirs = select(Series.id).where(
        Series.tenant_id == scope.tenant_id,
        Series.creator_id == creator_id,
        Series.state != str(SeriesState.STOPPED),
    )
    for series_id in scope.session.exec(theirs).all():
        outbox.put(scope, ExtendDue(scope.tenant_id, series_id), instead_of=ExtendDue)


def _write(scope: Scope, creator_id: UUID, channel_id: UUID | None, *, label: str, zone: str, **when: Any) -> Quiet:
    zone_of(zone)
    tenant_reads.creator(scope, creator_id)
    if channel_id is not None and channel_reads.channel(scope, channel_id).creator_id != creator_id:
        raise NotFound("channel.unknown")
    words = " ".join(label.replace("\x00", "").split())[:LONGEST_LABEL]
    row = QuietRow(
        tenant_id=scope.tenant_id, creator_id=creator_id, channel_id=channel_id, label=words, zone=zone, **when
    )
    scope.add(row)
    look_again(scope, creator_id)
    return _value(row)


def _row(scope: Scope, quiet_id: UUID) -> QuietRow:
    row = scope.session.get(QuietRow, (scope.tenant_id, quiet_id))
    if row is None:
        raise NotFound("quiet.unknown")
    return row


def _value(row: QuietRow) -> Quiet:
    return Quiet(
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
