"""A post that leaves again and again: begun, extended ahead of time, one left out, changed from a date on, stopped."""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from itertools import chain
from typing import Any
from uuid import UUID

from sqlmodel import func, select

from channels import reads as channel_reads
from foundation import outbox
from foundation.database import Scope
from foundation.errors import BadInput, Conflict, NotFound
from foundation.ids import derived
from foundation.words import Message
from schedules import anew, approvals, assigning, drafting, labels, planning, quiet, series_rule, yeses
from schedules.calendar import WallTime
from schedules.drafting import Draft, Planned
from schedules.events import ExtendDue
from schedules.models import Delivery, Series
from schedules.planning import LATE_OK, deliveries_of, drop
from schedules.recurrence import Repeat, crowded
from schedules.series_rule import Shut, coming, give_way, repeat_of, shut_of, skipped
from schedules.states import CANCELLABLE, SERIES_STATES, TO_COME, DeliveryState, SeriesState

AHEAD = timedelta(days=90)
"""How far ahead the deliveries of a series are made."""

GAP = timedelta(hours=6)
"""Between two times of series on one account, at least."""

AT_ONCE = 20
"""More deliveries made at once than this want an explicit word."""

S = DeliveryState


@dataclass(frozen=True)
class Change:
    """What a series becomes from a date on: when, and what it says and where it goes where that changes too (None: as
    before), its words written anew or as another post has them; `test_id` is the test whose units its times are."""

    repeat: Repeat
    draft: Draft | None = None
    channels: tuple[UUID, ...] | None = None
    post_id: UUID | None = None
    test_id: UUID | None = None


def series(scope: Scope, series_id: UUID, *, lock: bool = False) -> Series:
    """The series. `lock`: nobody else extends or changes it until this transaction ends.

    Raises NotFound; another tenant's looks the same.
    """
    query = select(Series).where(Series.tenant_id == scope.tenant_id, Series.id == series_id)
    query = query.with_for_update(key_share=True) if lock else query  # a delivery that is moved twice looks at its key
    row = scope.session.exec(query.execution_options(populate_existing=True)).first()
    if row is None:
        raise NotFound("series.unknown")
    return row


def plan(
    scope: Scope,
    draft: Draft,
    repeat: Repeat,
    *,
    key: UUID,
    author: str,
    confirmed: bool = False,
    late_ok: timedelta | None = LATE_OK,
    origin: str = drafting.ORIGIN,
    priority: int = planning.PRIORITY,
) -> Planned:
    """Write a post that repeats and put its first times on the calendar, once per `key`; the others follow at once.

    Raises BadInput for an empty draft, and as `begin` does.
    """
    post_id = drafting.write(scope, draft, key=key, author=author, late_ok=late_ok, origin=origin, priority=priority)
    row = series(scope, begin(scope, post_id, draft.channels, repeat, confirmed=confirmed))
    first = next(iter(coming(scope, row, 1)), repeat.at(repeat.starts_on))
    left = drafting.settle(scope, post_id)
    return Planned(post_id, first, drafting.approvers(scope, post_id), left)


def begin(
    scope: Scope,
    post_id: UUID,
    channels: Sequence[UUID],
    repeat: Repeat,
    *,
    confirmed: bool = False,
    gap: timedelta = GAP,
    without: Iterable[date] = (),
    goes_on: bool = False,
    series_id: UUID | None = None,
    test_id: UUID | None = None,
) -> UUID:
    """Let a post repeat on these accounts; its first time is made now, the others by `series.extend`.

    Once per `series_id`; without one, once per post. `confirmed`: somebody saw how many are made at once; `gap`: the
    least time between two times of series on one account; `without`: local dates to leave out; `goes_on`: its hours
    were those of another before. Raises BadInput for a rule that has no time to come, or none but in days and hours
    without posts where these are new, for too many at once, and for too little room between two; NotFound.
    """
    owner = planning.post(scope, post_id)
    if not channels:
        raise BadInput("compose.no_account")
    alone(scope, owner.creator_id)
    series_id = series_id or derived(scope.tenant_id, post_id, "series")
    if scope.session.get(Series, (scope.tenant_id, series_id)) is not None:
        return series_id
    row = Series(
        tenant_id=scope.tenant_id,
        creator_id=owner.creator_id,
        id=series_id,
        post_id=post_id,
        nth=_times_ruled(scope, post_id) + 1,
        channels=[str(one) for one in dict.fromkeys(channels)],
        rule=str(repeat.rule),
        starts_on=repeat.starts_on,
        clock=repeat.clock.isoformat("auto" if repeat.clock.second or repeat.clock.microsecond else "minutes"),
        zone=repeat.zone,
        gap_min=gap,
        skipped=[str(day) for day in sorted(set(without))],
        next_extend_at=scope.now,
        test_id=test_id,
    )
    first = coming(scope, row, 1)
    check_rule(scope, row, first, confirmed=confirmed, goes_on=goes_on)
    scope.add(row)
    _make(scope, row, first)
    outbox.put(scope, ExtendDue(scope.tenant_id, row.id), instead_of=ExtendDue)
    return row.id


def alone(scope: Scope, creator_id: UUID) -> None:
    """One at a time begins or changes series of a creator, until the transaction ends: two begun at once would not see
    each other's times. To be held before a series is locked."""
    scope.hold(f"{scope.tenant_id}:series:{creator_id}")


def _times_ruled(scope: Scope, post_id: UUID) -> int:
    query = select(func.max(Series.nth)).where(Series.tenant_id == scope.tenant_id, assigning.says(scope, post_id))
    return scope.session.exec(query).one() or 0


def check_rule(scope: Scope, row: Series, first: Sequence[WallTime], *, confirmed: bool, goes_on: bool) -> None:
    """Refuse a series that is to begin, of whose times this is the `first` to come. Raises BadInput as `begin` does."""
    if not first:
        comes = repeat_of(row).upcoming(scope.now, 1, without=skipped(row))
        if not (comes and goes_on):  # a test of two versions ends also where its hour is quiet by now
            raise BadInput("series.all_quiet" if comes else "series.never")
    closed = shut_of(scope, row)
    made = sum(leaves(closed, channel, wall) for wall in _window(scope, row) for channel in closed)
    if made > AT_ONCE and not confirmed:
        raise BadInput("series.many", count=made)
    close = _crowded(scope, row)
    if close is not None:
        raise BadInput("series.too_close", hours=round(row.gap_min / timedelta(hours=1)), at=_said(close))


def leaves(closed: Shut, channel: UUID, wall: WallTime) -> bool:
    """Whether a time of a series leaves on an account: days and hours without posts have none by a rule."""
    return quiet.covering(closed[channel], wall.instant()) is None


def _said(wall: WallTime) -> str:
    return f"{wall.day:%d/%m/%Y} {wall.clock:%H:%M}"


def _window(scope: Scope, row: Series) -> list[WallTime]:
    """The times of a series that are to be on the calendar now, where they are not quiet."""
    without = skipped(row)
    return [wall for wall in repeat_of(row).between(scope.now, scope.now + AHEAD) if wall.day not in without]


def _crowded(scope: Scope, row: Series) -> WallTime | None:
    """The first time of a series that has another too near it on one of its accounts; the windows are compared, since
    what another series will do later is not on the calendar yet."""
    ours = {wall.instant(): wall for wall in _window(scope, row)}
    others = scope.session.exec(
        select(Series).where(
            Series.tenant_id == scope.tenant_id,
            Series.creator_id == row.creator_id,
            Series.id != row.id,
            Series.state != str(SeriesState.STOPPED),
        )
    )
    near = [other for other in others if set(other.channels) & set(row.channels)]
    theirs = [wall.instant() for other in near for wall in _window(scope, other)]
    found = crowded(list(ours), theirs, row.gap_min)
    if found is None:
        return None
    return min(ours.values(), key=lambda wall: abs(wall.instant() - found))


def extend(scope: Scope, series_id: UUID) -> int:
    """Make every delivery of a series that is due within `AHEAD` and not made yet; how many. Twice is as once. What is
    quiet since is left out, and what is not any more is made again.

    While somebody says no to the post, none are made: they would only wait for a yes that was refused.

    Raises NotFound.
    """
    row = series(scope, series_id, lock=True)
    return _lay_out(scope, row) if row.state != SeriesState.STOPPED else 0


def _lay_out(scope: Scope, row: Series) -> int:
    give_way(scope, row)
    said = [planning.post(scope, one) for one in assigning.posts(scope, row)]
    refused = {one.id for one in said if approvals.is_refused(scope, one, scope.now)}
    made = _make(scope, row, _window(scope, row), refused)
    for post_id in made:
        drafting.settle(scope, post_id)
    _wait(scope, row)
    return made.total()


def _make(scope: Scope, row: Series, walls: Iterable[WallTime], refused: Collection[UUID] = ()) -> Counter[UUID]:
    """What is missing, but of posts that somebody refused; how many of each post."""
    known, closed = series_rule.known(scope, row, assigning.posts(scope, row)), shut_of(scope, row)
    made, back = Counter[UUID](), set[tuple[UUID, str]]()
    asks: dict[tuple[UUID, UUID], datetime | None] = {}
    wanted = {(channel, key_of(row, wall)): wall for wall in walls for channel in closed}
    for (channel, key), wall in {**wanted, **known.by_hand}.items():
        if (channel, key) in known.made or channel not in closed or wall.instant() < scope.now:
            continue
        if not leaves(closed, channel, wall):
            continue
        post_id, variant = assigning.turn(scope, row, channel, key)
        if post_id in refused:
            continue
        if (post_id, channel) not in asks:  # on a spare account it may wait for a yes of its own
            asks[post_id, channel] = approvals.added(scope, planning.post(scope, post_id), channel)
        more: dict[str, Any] = {"series_id": row.id, "variant": variant, "asks_since": asks[post_id, channel]}
        fresh = key if (channel, key) not in known.taken else anew.further_key(scope, post_id, channel, key)
        planning.add_delivery(scope, post_id, channel, at=wall, occurrence_key=fresh, **more)
        made[post_id] += 1
        back |= {(channel, key)} & known.out
    if back:
        series_rule.came_back(scope, row, known.out - back)
    return made


def key_of(row: Series, wall: WallTime) -> str:
    """What the delivery of one of its times is known by; the hour it has by the rule, wherever it is moved."""
    return str(wall) if row.nth == 1 else f"{wall}~{row.nth}"


def _wait(scope: Scope, row: Series) -> None:
    """Write when the next delivery is to be made: its own time less `AHEAD`; nothing where there is none."""
    later = repeat_of(row).upcoming(scope.now + AHEAD, 1, without=skipped(row))
    row.next_extend_at = later[0].instant() - AHEAD if later else None
    if row.next_extend_at is None:
        _become(scope, row, SeriesState.PLANNED)
        outbox.cancel(scope, ExtendDue.kind, row.id)
        return
    scope.add(row)
    outbox.put(scope, ExtendDue(scope.tenant_id, row.id), at=row.next_extend_at, instead_of=ExtendDue)


def _become(scope: Scope, row: Series, after: SeriesState) -> None:
    if row.state != after:
        SERIES_STATES.check(SeriesState(row.state), after)
        row.state = str(after)
    scope.add(row)


def skip(scope: Scope, series_id: UUID, day: date, *, why: str = "series.skipped") -> list[Delivery]:
    """Leave one of its dates out, on every account; what that takes off the calendar. Twice is as once.

    Raises BadInput for a day it does not fall on, Conflict for one that has left or is on its way.
    """
    row = _changeable(scope, series_id)
    if not repeat_of(row).falls_on(day):
        raise BadInput("series.no_such_day", day=f"{day:%d/%m/%Y}")
    theirs = [one for one in _from(scope, row, day) if _day(one) == day]
    if any(one.state not in CANCELLABLE | {S.CANCELLED} for one in theirs):
        raise Conflict("series.left_already", day=f"{day:%d/%m/%Y}")
    taken = [one for one in theirs if one.state in CANCELLABLE]
    _drop(scope, taken, Message(why))
    row.skipped = sorted({*row.skipped, str(day)})
    scope.add(row)
    return taken


def stop(scope: Scope, series_id: UUID) -> int:
    """Make no more of it, and take off the calendar what is still ahead and what a yes would send; how many that were.
    Twice is as once."""
    row = series(scope, series_id, lock=True)
    row.next_extend_at = None
    _become(scope, row, SeriesState.STOPPED)
    outbox.cancel(scope, ExtendDue.kind, series_id)
    ahead = [one for one in _from(scope, row, date.min) if one.state in TO_COME or yeses.lifts(one)]
    return _drop(scope, ahead, Message("series.stopped"))


def change_following(
    scope: Scope, series_id: UUID, day: date, change: Change, *, author: str, confirmed: bool = False
) -> UUID:
    """End a series before one of its dates and begin another there, with another time or other words; its post's id.

    What had a time of its own from that date on is replaced as well; what has left counts for its date, and dates that
    were left out stay so. Without other words the yes that was said stands, but an account that is added waits for one
    of its own. Once per series and date. Raises BadInput as `begin` does, and for a day it does not fall on; NotFound
    for an account of another creator; Conflict once it is stopped, and while a test runs on it.
    """
    alone(scope, series(scope, series_id).creator_id)  # before its rows: whoever begins one locks in this order
    row = _changeable(scope, series_id)
    new_id = derived(series_id, "following", day)
    done = scope.session.get(Series, (scope.tenant_id, new_id))
    if done is not None:
        return done.post_id
    assigning.untested(scope, row)
    old = repeat_of(row)
    if not old.falls_on(day) or change.repeat.starts_on < day:
        raise BadInput("series.no_such_day", day=f"{day:%d/%m/%Y}")
    channels = _theirs(scope, row, change.channels)
    following = _from(scope, row, day)
    gone = {_day(one) for one in following if one.state not in CANCELLABLE | {S.CANCELLED}}
    _drop(scope, following, Message("series.replaced"))
    row.rule = str(old.before(day).rule)
    _lay_out(scope, row)  # of one that was just planned most is not made yet, and the row that would make it ends here
    post_id = change.post_id or row.post_id
    if change.draft is not None:
        post_id = write_beside(scope, row, change.draft, key=derived(row.id, "words", day), author=author)
    begin(
        scope,
        post_id,
        channels,
        change.repeat,
        confirmed=confirmed,
        gap=row.gap_min,
        without=gone | {one for one in skipped(row) if one >= day},
        goes_on=change.repeat == old.following(day),
        series_id=new_id,
        test_id=change.test_id,
    )
    drafting.settle(scope, post_id)
    return post_id


def _theirs(scope: Scope, row: Series, channels: Sequence[UUID] | None) -> list[UUID]:
    """The accounts a series goes to from now on: those it has, unless others are named."""
    if channels is None:
        return [UUID(one) for one in row.channels]
    for one in channels:
        if channel_reads.channel(scope, one).creator_id != row.creator_id:
            raise NotFound("channel.unknown", channel=str(one))
    return list(dict.fromkeys(channels))


def write_beside(scope: Scope, row: Series, draft: Draft, *, key: UUID, author: str) -> UUID:
    """Write what takes the place of a series on some of its dates, once per `key`: as late, as important and, where the
    draft says nothing of that, with the labels that it has. Raises BadInput for an empty draft, and NotFound."""
    before = planning.post(scope, row.post_id)
    if draft.creator_id != row.creator_id:
        raise NotFound("series.unknown")
    late: dict[str, Any] = {"late_ok": before.late_ok, "until_midnight": before.until_midnight}
    if draft.labels is None:  # it belongs to what it was part of
        draft = replace(draft, labels=labels.ids_of(scope, before.id))
    return drafting.write(
        scope, draft, key=key, author=author, origin=drafting.OF_SERIES, priority=before.priority, **late
    )


def _changeable(scope: Scope, series_id: UUID) -> Series:
    row = series(scope, series_id, lock=True)
    if row.state == SeriesState.STOPPED:
        raise Conflict("series.is_stopped")
    return row


def _from(scope: Scope, row: Series, day: date) -> list[Delivery]:
    """The deliveries of a series of this local date and later, locked; one that was moved counts for its first date."""
    found = chain.from_iterable(deliveries_of(scope, one, lock=True) for one in assigning.posts(scope, row))
    return [one for one in found if one.series_id == row.id and _day(one) >= day]


def _day(row: Delivery) -> date:
    return date.fromisoformat(row.occurrence_key[:10])


def _drop(scope: Scope, rows: Iterable[Delivery], reason: Message) -> int:
    doomed = [one for one in rows if one.state in CANCELLABLE]
    for one in doomed:
        drop(scope, one, reason=reason)
    return len(doomed)
