"""Series: recurring posts whose deliveries are created ahead of time from a rule.

A series can be started, extended, skipped on a date, changed from a date on and stopped.
`check_new_series` validates a rule while a member still edits it.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from itertools import chain
from typing import Any
from uuid import UUID

from sqlmodel import func, select

from channels.accounts import queries
from foundation.db.database import Scope
from foundation.errors import BadInput, Conflict, NotFound
from foundation.i18n.translation import Message
from foundation.ids import derived_uuid, uuid7
from foundation.ops.wall_time import WallTime
from foundation.outbox import outbox
from schedules.approvals import decisions, verdicts
from schedules.approvals.release import approver_names, release_post
from schedules.availability import quiet_periods
from schedules.drafts import drafts, reposts
from schedules.drafts.drafts import Draft, PlannedPost
from schedules.posts import channel_limits, deliveries, labels
from schedules.posts.deliveries import DEFAULT_LATE_OK, deliveries_of_post, drop_delivery
from schedules.posts.events import ExtendDue
from schedules.posts.models import Delivery, Series
from schedules.posts.states import (
    CANCELLABLE,
    DASHBOARD_ORIGIN,
    PENDING_STATES,
    SERIES_ORIGIN,
    SERIES_STATES,
    DeliveryState,
    SeriesState,
)
from schedules.recurrence import occurrences, variant_assignment
from schedules.recurrence.occurrences import (
    QuietByChannel,
    leave_out_quiet_deliveries,
    quiet_periods_of_series,
    recurrence_of_series,
    skipped_dates,
    upcoming_occurrences,
)
from schedules.recurrence.rules import Recurrence, find_crowded_time

SERIES_HORIZON = timedelta(days=90)
"""Time ahead for which the deliveries of a series are created."""

MIN_SERIES_GAP = timedelta(hours=6)
"""Default minimum interval between two occurrences of series on an account."""

CONFIRM_ABOVE_DELIVERIES = 20
"""Number of deliveries above which creating them at once requires a confirmation."""


@dataclass(frozen=True)
class SeriesUpdate:
    """The changes to a series from a date on; None keeps the previous value.

    Either a new `draft` or an existing `post_id` changes the content. `test_id` is the A/B test
    whose units the occurrences become.
    """

    repeat: Recurrence
    draft: Draft | None = None
    channels: tuple[UUID, ...] | None = None
    post_id: UUID | None = None
    test_id: UUID | None = None


def get_series(scope: Scope, series_id: UUID, *, lock: bool = False) -> Series:
    """Return a series; `lock` prevents concurrent changes until the transaction ends.

    Raises NotFound, also for a series of another tenant.
    """
    query = select(Series).where(Series.tenant_id == scope.tenant_id, Series.id == series_id)
    # key_share: a delivery that is moved concurrently checks its foreign key to the series.
    query = query.with_for_update(key_share=True) if lock else query
    row = scope.session.exec(query.execution_options(populate_existing=True)).first()
    if row is None:
        raise NotFound("series.unknown")
    return row


def plan_series(
    scope: Scope,
    draft: Draft,
    repeat: Recurrence,
    *,
    key: UUID,
    author: str,
    confirmed: bool = False,
    late_ok: timedelta | None = DEFAULT_LATE_OK,
    origin: str = DASHBOARD_ORIGIN,
    priority: int = deliveries.DEFAULT_PRIORITY,
) -> PlannedPost:
    """Create a recurring post and schedule its first occurrence, once per `key`.

    `extend_series` creates the later occurrences. Raises BadInput for an empty draft, and the
    errors of `begin_series`.
    """
    post_id = drafts.write_draft(
        scope, draft, key=key, author=author, late_ok=late_ok, origin=origin, priority=priority
    )
    row = get_series(
        scope, begin_series(scope, post_id, draft.channels, repeat, confirmed=confirmed)
    )
    channel_limits.require_channel_limits(scope, post_id)
    first = next(iter(upcoming_occurrences(scope, row, 1)), repeat.occurrence_on(repeat.starts_on))
    left = release_post(scope, post_id)
    return PlannedPost(post_id, first, approver_names(scope, post_id), left)


def begin_series(
    scope: Scope,
    post_id: UUID,
    channels: Sequence[UUID],
    repeat: Recurrence,
    *,
    confirmed: bool = False,
    gap: timedelta = MIN_SERIES_GAP,
    without: Iterable[date] = (),
    goes_on: bool = False,
    series_id: UUID | None = None,
    test_id: UUID | None = None,
) -> UUID:
    """Start a series of a post on accounts and return its ID.

    The first occurrence is created now, the others by `extend_series`. Idempotent per `series_id`,
    or per post without it.

    - `confirmed`: a member has confirmed the number of deliveries.
    - `gap`: the minimum interval between occurrences of series on an account.
    - `without`: local dates to skip.
    - `goes_on`: the series continues another one at the same times.

    Raises BadInput if the rule has no future occurrence, if all are in quiet periods (unless
    `goes_on`), if too many deliveries are created at once, or if occurrences are too close; and
    NotFound.
    """
    owner = deliveries.get_post(scope, post_id)
    if not channels:
        raise BadInput("compose.no_account").about("accounts")
    lock_series_planning(scope, owner.creator_id)
    series_id = series_id or derived_uuid(scope.tenant_id, post_id, "series")
    if scope.session.get(Series, (scope.tenant_id, series_id)) is not None:
        return series_id
    row = Series(
        tenant_id=scope.tenant_id,
        creator_id=owner.creator_id,
        id=series_id,
        post_id=post_id,
        nth=_max_series_number(scope, post_id) + 1,
        channels=[str(one) for one in dict.fromkeys(channels)],
        rule=str(repeat.rule),
        starts_on=repeat.starts_on,
        clock=repeat.clock.isoformat(
            "auto" if repeat.clock.second or repeat.clock.microsecond else "minutes"
        ),
        zone=repeat.zone,
        gap_min=gap,
        skipped=[str(day) for day in sorted(set(without))],
        next_extend_at=scope.now,
        test_id=test_id,
    )
    first = upcoming_occurrences(scope, row, 1)
    check_series_rule(scope, row, first, confirmed=confirmed, goes_on=goes_on)
    scope.add(row)
    _create_missing_deliveries(scope, row, first)
    outbox.put(scope, ExtendDue(scope.tenant_id, row.id), instead_of=ExtendDue)
    return row.id


def lock_series_planning(scope: Scope, creator_id: UUID) -> None:
    """Lock the planning of a creator's series until the transaction ends.

    Two series started concurrently would not see each other's occurrences. Take this lock before
    locking a series.
    """
    scope.lock(f"{scope.tenant_id}:series:{creator_id}")


def _max_series_number(scope: Scope, post_id: UUID) -> int:
    query = select(func.max(Series.nth)).where(
        Series.tenant_id == scope.tenant_id, variant_assignment.series_of_post(scope, post_id)
    )
    return scope.session.exec(query).one() or 0


def check_series_rule(
    scope: Scope, row: Series, first: Sequence[WallTime], *, confirmed: bool, goes_on: bool
) -> None:
    """Validate a new series, whose next occurrence is `first`. Raises BadInput as `begin_series`
    does."""
    if not first:
        comes = recurrence_of_series(row).iterate_occurrences(
            scope.now, 1, without=skipped_dates(row)
        )
        if not (comes and goes_on):  # an A/B test can be ended even if its time has become quiet
            raise BadInput("series.all_quiet" if comes else "series.never")
    closed = quiet_periods_of_series(scope, row)
    made = sum(
        can_publish_on_channel(closed, channel, wall)
        for wall in _list_times_in_horizon(scope, row)
        for channel in closed
    )
    if made > CONFIRM_ABOVE_DELIVERIES and not confirmed:
        raise BadInput("series.many", count=made)
    close = _find_series_collision(scope, row)
    if close is not None:
        raise BadInput(
            "series.too_close",
            hours=round(row.gap_min / timedelta(hours=1)),
            at=_format_wall_time(close),
        )


def can_publish_on_channel(closed: QuietByChannel, channel: UUID, wall: WallTime) -> bool:
    """Return True if an occurrence is not in a quiet period of an account."""
    return quiet_periods.find_covering_period(closed[channel], wall.instant()) is None


def _format_wall_time(wall: WallTime) -> str:
    return f"{wall.day:%d/%m/%Y} {wall.clock:%H:%M}"


def _list_times_in_horizon(scope: Scope, row: Series) -> list[WallTime]:
    """Return the occurrences within the horizon, excluding skipped dates."""
    without = skipped_dates(row)
    return [
        wall
        for wall in recurrence_of_series(row).occurrences_between(
            scope.now, scope.now + SERIES_HORIZON
        )
        if wall.day not in without
    ]


def _find_series_collision(scope: Scope, row: Series) -> WallTime | None:
    """Return the first occurrence that is too close to another one on one of its accounts, or None.

    Other series are compared by their rules, because their later deliveries are not created yet.
    """
    ours = {wall.instant(): wall for wall in _list_times_in_horizon(scope, row)}
    others = scope.session.exec(
        select(Series).where(
            Series.tenant_id == scope.tenant_id,
            Series.creator_id == row.creator_id,
            Series.id != row.id,
            Series.state != str(SeriesState.STOPPED),
        )
    )
    near = [other for other in others if set(other.channels) & set(row.channels)]
    theirs = [wall.instant() for other in near for wall in _list_times_in_horizon(scope, other)]
    found = find_crowded_time(list(ours), theirs, row.gap_min)
    if found is None:
        return None
    return min(ours.values(), key=lambda wall: abs(wall.instant() - found))


def extend_series(scope: Scope, series_id: UUID) -> int:
    """Create the missing deliveries of a series within `SERIES_HORIZON` and return their number.

    Deliveries in new quiet periods are cancelled, and those of ended periods are created again.
    While the post is rejected, no deliveries are created: they would only wait for an approval that
    was denied. Idempotent. Raises NotFound.
    """
    row = get_series(scope, series_id, lock=True)
    return _create_occurrences(scope, row) if row.state != SeriesState.STOPPED else 0


def _create_occurrences(scope: Scope, row: Series) -> int:
    leave_out_quiet_deliveries(scope, row)
    said = [deliveries.get_post(scope, one) for one in variant_assignment.variant_posts(scope, row)]
    refused = {one.id for one in said if decisions.is_rejected(scope, one, scope.now)}
    made = _create_missing_deliveries(scope, row, _list_times_in_horizon(scope, row), refused)
    for post_id in made:
        release_post(scope, post_id)
    _schedule_next_extension(scope, row)
    return made.total()


def _create_missing_deliveries(
    scope: Scope, row: Series, walls: Iterable[WallTime], refused: Collection[UUID] = ()
) -> Counter[UUID]:
    """Create missing deliveries, except of rejected posts; return their number per post."""
    known = occurrences.load_known_occurrences(
        scope, row, variant_assignment.variant_posts(scope, row)
    )
    closed = quiet_periods_of_series(scope, row)
    made = Counter[UUID]()
    back = set[tuple[UUID, str]]()
    asks: dict[tuple[UUID, UUID], datetime | None] = {}
    wanted = {(channel, occurrence_key(row, wall)): wall for wall in walls for channel in closed}
    for (channel, key), wall in {**wanted, **known.by_hand}.items():
        if (channel, key) in known.made or channel not in closed or wall.instant() < scope.now:
            continue
        if not can_publish_on_channel(closed, channel, wall):
            continue
        post_id, variant = variant_assignment.assign_variant(scope, row, channel, key)
        if post_id in refused:
            continue
        # after an account failover, an account may require its own approval
        if (post_id, channel) not in asks:
            asks[post_id, channel] = decisions.channel_review_start(
                scope, deliveries.get_post(scope, post_id), channel
            )
        more: dict[str, Any] = {
            "series_id": row.id,
            "variant": variant,
            "asks_since": asks[post_id, channel],
        }
        fresh = (
            key
            if (channel, key) not in known.taken
            else reposts.next_repost_key(scope, post_id, channel, key)
        )
        deliveries.create_delivery(scope, post_id, channel, at=wall, occurrence_key=fresh, **more)
        made[post_id] += 1
        back |= {(channel, key)} & known.out
    if back:
        occurrences.close_left_out_notice(scope, row, known.out - back)
    return made


def occurrence_key(row: Series, wall: WallTime) -> str:
    """Return the key of an occurrence: its time by the rule, even if the delivery is moved."""
    return str(wall) if row.nth == 1 else f"{wall}~{row.nth}"


def _schedule_next_extension(scope: Scope, row: Series) -> None:
    """Schedule the next extension at the next occurrence less `SERIES_HORIZON`, if there is one."""
    later = recurrence_of_series(row).iterate_occurrences(
        scope.now + SERIES_HORIZON, 1, without=skipped_dates(row)
    )
    row.next_extend_at = later[0].instant() - SERIES_HORIZON if later else None
    if row.next_extend_at is None:
        _transition_series(scope, row, SeriesState.PLANNED)
        outbox.cancel(scope, ExtendDue.kind, row.id)
        return
    scope.add(row)
    outbox.put(
        scope, ExtendDue(scope.tenant_id, row.id), at=row.next_extend_at, instead_of=ExtendDue
    )


def _transition_series(scope: Scope, row: Series, after: SeriesState) -> None:
    if row.state != after:
        SERIES_STATES.check(SeriesState(row.state), after)
        row.state = str(after)
    scope.add(row)


def skip_occurrence(
    scope: Scope, series_id: UUID, day: date, *, why: str = "series.skipped"
) -> list[Delivery]:
    """Skip one date of a series on every account; return the deliveries that were cancelled.

    Idempotent. Raises BadInput if there is no occurrence on the day, Conflict if a delivery of the
    day is or may be live.
    """
    row = _get_changeable_series(scope, series_id)
    if not recurrence_of_series(row).falls_on(day):
        raise BadInput("series.no_such_day", day=f"{day:%d/%m/%Y}")
    theirs = [one for one in _list_deliveries_from(scope, row, day) if _occurrence_day(one) == day]
    if any(one.state not in CANCELLABLE | {DeliveryState.CANCELLED} for one in theirs):
        raise Conflict("series.left_already", day=f"{day:%d/%m/%Y}")
    taken = [one for one in theirs if one.state in CANCELLABLE]
    _drop_deliveries(scope, taken, Message(why))
    row.skipped = sorted({*row.skipped, str(day)})
    scope.add(row)
    return taken


def stop_series(scope: Scope, series_id: UUID) -> int:
    """Stop a series and cancel its pending deliveries and those on hold for approval; return their
    number.

    Idempotent.
    """
    row = get_series(scope, series_id, lock=True)
    row.next_extend_at = None
    _transition_series(scope, row, SeriesState.STOPPED)
    outbox.cancel(scope, ExtendDue.kind, series_id)
    ahead = [
        one
        for one in _list_deliveries_from(scope, row, date.min)
        if one.state in PENDING_STATES or verdicts.is_held_for_approval(one)
    ]
    return _drop_deliveries(scope, ahead, Message("series.stopped"))


def change_following_occurrences(
    scope: Scope,
    series_id: UUID,
    day: date,
    change: SeriesUpdate,
    *,
    author: str,
    confirmed: bool = False,
) -> UUID:
    """End a series before one of its dates and start its successor there; return the successor's
    post ID.

    Moved deliveries from that date on are replaced too. Dates with a published delivery and skipped
    dates stay skipped. Without a content change existing approvals remain valid, but an added
    account requires a new one. Idempotent per series and date. Raises the errors of `begin_series`;
    BadInput if there is no occurrence on the day; NotFound for an account of another creator;
    Conflict if the series is stopped and while an A/B test runs on it.
    """
    # lock order: begin_series also takes this lock before the series
    lock_series_planning(scope, get_series(scope, series_id).creator_id)
    row = _get_changeable_series(scope, series_id)
    new_id = derived_uuid(series_id, "following", day)
    done = scope.session.get(Series, (scope.tenant_id, new_id))
    if done is not None:
        return done.post_id
    variant_assignment.require_no_running_test(scope, row)
    old = recurrence_of_series(row)
    if not old.falls_on(day) or change.repeat.starts_on < day:
        raise BadInput("series.no_such_day", day=f"{day:%d/%m/%Y}")
    channels = _resolve_series_channels(scope, row, change.channels)
    following = _list_deliveries_from(scope, row, day)
    gone = {
        _occurrence_day(one)
        for one in following
        if one.state not in CANCELLABLE | {DeliveryState.CANCELLED}
    }
    _drop_deliveries(scope, following, Message("series.replaced"))
    row.rule = str(old.dates_before(day).rule)
    # A new series has few deliveries yet, and the event that would create them ends here.
    _create_occurrences(scope, row)
    post_id = change.post_id or row.post_id
    if change.draft is not None:
        post_id = write_replacement_post(
            scope, row, change.draft, key=derived_uuid(row.id, "words", day), author=author
        )
    begin_series(
        scope,
        post_id,
        channels,
        change.repeat,
        confirmed=confirmed,
        gap=row.gap_min,
        without=gone | {one for one in skipped_dates(row) if one >= day},
        goes_on=change.repeat == old.recurrence_from(day),
        series_id=new_id,
        test_id=change.test_id,
    )
    _require_limits_of_change(scope, post_id, change)
    release_post(scope, post_id)
    return post_id


def _require_limits_of_change(scope: Scope, post_id: UUID, change: SeriesUpdate) -> None:
    """Check the limits of changed content and accounts. An A/B test, which workers conclude,
    changes neither."""
    if change.draft is not None or change.channels is not None:
        channel_limits.require_channel_limits(scope, post_id)


def _resolve_series_channels(
    scope: Scope, row: Series, channels: Sequence[UUID] | None
) -> list[UUID]:
    """Return the accounts of the successor: the given ones, or those of the series if none are
    given."""
    if channels is None:
        return [UUID(one) for one in row.channels]
    for one in channels:
        if queries.get_channel(scope, one).creator_id != row.creator_id:
            raise NotFound("channel.unknown", channel=str(one))
    return list(dict.fromkeys(channels))


def write_replacement_post(
    scope: Scope, row: Series, draft: Draft, *, key: UUID, author: str
) -> UUID:
    """Create a post that replaces a series on some dates, once per `key`.

    It inherits the late limit and priority of the series' post, and its labels if the draft sets
    none. Raises BadInput for an empty draft, and NotFound.
    """
    before = deliveries.get_post(scope, row.post_id)
    if draft.creator_id != row.creator_id:
        raise NotFound("series.unknown")
    late: dict[str, Any] = {"late_ok": before.late_ok, "until_midnight": before.until_midnight}
    if draft.labels is None:  # it inherits the labels of the series
        draft = replace(draft, labels=labels.label_ids_of_post(scope, before.id))
    return drafts.write_draft(
        scope, draft, key=key, author=author, origin=SERIES_ORIGIN, priority=before.priority, **late
    )


def _get_changeable_series(scope: Scope, series_id: UUID) -> Series:
    row = get_series(scope, series_id, lock=True)
    if row.state == SeriesState.STOPPED:
        raise Conflict("series.is_stopped")
    return row


def _list_deliveries_from(scope: Scope, row: Series, day: date) -> list[Delivery]:
    """Return the deliveries of a series from a local date on, locked.

    A moved delivery counts for its original date.
    """
    found = chain.from_iterable(
        deliveries_of_post(scope, one, lock=True)
        for one in variant_assignment.variant_posts(scope, row)
    )
    return [one for one in found if one.series_id == row.id and _occurrence_day(one) >= day]


def _occurrence_day(row: Delivery) -> date:
    return date.fromisoformat(row.occurrence_key[:10])


def _drop_deliveries(scope: Scope, rows: Iterable[Delivery], reason: Message) -> int:
    doomed = [one for one in rows if one.state in CANCELLABLE]
    for one in doomed:
        drop_delivery(scope, one, reason=reason)
    return len(doomed)


def check_new_series(
    scope: Scope,
    creator_id: UUID,
    channels: Sequence[UUID],
    repeat: Recurrence,
    *,
    instead_of: UUID | None = None,
) -> None:
    """Raise the errors of `begin_series` for a rule, except the confirmation of many deliveries.

    Nothing is written. `instead_of` is the series to be replaced, whose occurrences do not
    conflict. Raises BadInput and NotFound.
    """
    before = get_series(scope, instead_of) if instead_of is not None else None
    row = Series(
        tenant_id=scope.tenant_id,
        creator_id=creator_id,
        id=instead_of or uuid7(),
        post_id=uuid7(),
        channels=[str(one) for one in channels],
        rule=str(repeat.rule),
        starts_on=repeat.starts_on,
        clock=repeat.clock.isoformat(),
        zone=repeat.zone,
        gap_min=before.gap_min if before is not None else MIN_SERIES_GAP,
        skipped=before.skipped if before is not None else [],
    )
    first = occurrences.upcoming_occurrences(scope, row, 1)
    check_series_rule(scope, row, first, confirmed=True, goes_on=before is not None)
