"""A pause: days on which a creator, or one account, posts nothing, said kindly, and what was
planned in them follows.

What lies in the days is moved as soon as somebody says so, after they saw what goes where: nothing
is ever kept back at its time for it, and what a page shows is when it leaves. What repeats is left
out in them, not moved: so many days later its own next time stands already, and the same words
would leave twice (ADR 0106).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from uuid import UUID

from foundation.db.database import Scope
from foundation.errors import Conflict, NotFound
from foundation.i18n.translation import Message
from foundation.ops.wall_time import WallTime, parse_wall_time
from foundation.outbox import outbox
from schedules.availability import quiet_periods
from schedules.availability.quiet_periods import QuietPeriod
from schedules.availability.slots import QueueChange
from schedules.posts.models import Delivery, Post
from schedules.posts.states import PENDING_STATES
from schedules.recurrence import occurrences, series
from schedules.rescheduling import bulk_moves
from schedules.rescheduling.bulk_moves import (
    LeftOutOccurrence,
    MovePreview,
    MoveResult,
    MoveSelection,
    TimeOffset,
)
from schedules.rescheduling.events import PauseOver
from schedules.rescheduling.queue import lay_out_queue, list_queue_entries
from tenants.notices import notices

FOLLOWS = timedelta(days=400)
"""How far behind a pause its queue is laid anew."""

A_DAY = TimeOffset(days=1)


@dataclass(frozen=True)
class PostingPause:
    """Days of a creator, on one account or all, the first and the last included, in a zone; `words`
    say why, kindly."""

    creator_id: UUID
    channel_id: UUID | None
    first: date
    last: date
    zone: str
    words: str

    @property
    def as_quiet_period(self) -> QuietPeriod:
        """The same as a period that is not written yet."""
        return QuietPeriod(
            self.creator_id,
            self.creator_id,
            self.channel_id,
            self.words,
            self.zone,
            first=self.first,
            last=self.last,
        )


def preview_pause(scope: Scope, wanted: PostingPause) -> MovePreview:
    """What a pause would move where.

    What was planned by hand in its days goes that many days later, at its clock time. A queue with
    a place in them goes on after them in its order, and those behind make room. Times of series are
    left out in them, and stay where they are behind them. What is on its way stays. Raises BadInput
    as `bulk_moves.preview_bulk_move`, and where the queue finds no slots.
    """
    start, end = wanted.as_quiet_period.quiet_window
    inside = bulk_moves.select_deliveries(
        scope, MoveSelection(wanted.creator_id, wanted.channel_id, max(start, scope.now), end)
    )
    out = _list_left_out_occurrences(scope, wanted, inside)
    inside = [
        (row, owner) for row, owner in inside if row.id not in {one.delivery_id for one in out}
    ]
    movable = [row for row, _ in inside if row.state in PENDING_STATES]
    queues = {
        channel_id: [
            one.delivery_id
            for one in list_queue_entries(scope, channel_id)
            if one.due_at >= start and one.series_id is None
        ]
        for channel_id in sorted({row.channel_id for row in movable})
    }
    queued = {one for queue in queues.values() for one in queue}
    goes = {
        row.id: _shift_past_pause(wanted, parse_wall_time(row.wall_time, row.zone))
        for row in movable
        if row.id not in queued
    }
    behind: list[UUID] = []
    for channel_id, queue in queues.items():
        here = [row.id for row in movable if row.channel_id == channel_id]
        if not set(here) & set(queue):
            continue  # none of its own lies in the days: it goes on as it is
        taken = [goes[one].instant() for one in here if one in goes]
        change = QueueChange(
            away=[*here, *(one.delivery_id for one in out)],
            taken=taken,
            closed=[wanted.as_quiet_period],
        )
        goes |= lay_out_queue(scope, channel_id, queue, after=max(start, scope.now), change=change)
        behind += queue
    rest = bulk_moves.select_deliveries(
        scope, MoveSelection(wanted.creator_id, wanted.channel_id, end, end + FOLLOWS), only=behind
    )
    follow = [
        (row, owner)
        for row, owner in rest
        if goes[row.id] != parse_wall_time(row.wall_time, row.zone)
    ]
    return replace(bulk_moves.plan_moves(scope, [*inside, *follow], goes), out=out)


def _list_left_out_occurrences(
    scope: Scope, wanted: PostingPause, inside: Sequence[tuple[Delivery, Post]]
) -> tuple[LeftOutOccurrence, ...]:
    """The times of series in its days, each with why it does not leave; said too where nothing is
    left of a series."""
    over: dict[tuple[UUID, UUID], Message] = {}
    found = []
    for row, owner in inside:
        if row.series_id is None or row.state not in PENDING_STATES:
            continue
        key = (row.series_id, row.channel_id)
        if key not in over:
            ends = occurrences.is_never_published(
                scope,
                series.get_series(scope, row.series_id),
                row.channel_id,
                wanted.as_quiet_period,
            )
            over[key] = Message(
                "pause.series_over" if ends else "series.quiet", {"label": wanted.words}
            )
        at = parse_wall_time(row.wall_time, row.zone)
        found.append(
            LeftOutOccurrence(
                row.id, row.version, row.channel_id, owner.title or owner.body, at, over[key]
            )
        )
    return tuple(found)


def _shift_past_pause(wanted: PostingPause, wall: WallTime) -> WallTime:
    """As many days later as the pause is long, and further while that lies in it: zones may differ
    by a day."""
    later = TimeOffset(days=(wanted.last - wanted.first).days + 1).shift_wall_time(wall)
    while wanted.as_quiet_period.covers(later.instant()):
        later = A_DAY.shift_wall_time(later)
    return later


def start_pause(
    scope: Scope, wanted: PostingPause, *, seen: Mapping[UUID, int]
) -> tuple[UUID, MoveResult]:
    """Begin or announce a pause, and move or leave out what lies in it as it was `seen` in the
    preview; the pause's id.

    Members are told until it is over. Raises BadInput for days that are none, or over, and as
    `preview`; NotFound.
    """
    start, end = wanted.as_quiet_period.quiet_window
    bulk_moves.lock_selection(
        scope,
        MoveSelection(wanted.creator_id, wanted.channel_id, max(start, scope.now), end + FOLLOWS),
    )
    done = bulk_moves.apply_moves(scope, wanted.creator_id, preview_pause(scope, wanted), seen=seen)
    kept = quiet_periods.add_quiet_days(
        scope,
        wanted.creator_id,
        wanted.channel_id,
        label=wanted.words,
        zone=wanted.zone,
        first=wanted.first,
        last=wanted.last,
        shift_id=done.shift_id,
    )
    days = {"first": f"{kept.first:%d/%m/%Y}", "last": f"{kept.last:%d/%m/%Y}", "words": kept.label}
    said = Message("pause.told_day" if kept.first == kept.last else "pause.told", days)
    notices.put(scope, said, cause=_pause_notice_cause(kept.id), creator_id=wanted.creator_id)
    outbox.put(scope, PauseOver(scope.tenant_id, kept.id), at=end)
    return kept.id, done


def has_pause_started(scope: Scope, kept: QuietPeriod) -> bool:
    """Whether the first day of a pause has come."""
    return scope.now >= kept.quiet_window[0]


def cancel_pause(scope: Scope, pause_id: UUID) -> MovePreview:
    """Take a pause back that has not begun: what it moved goes back where it was, unless somebody
    touched it since; the times of series that it left out are made again a moment later.

    What moved, and what stays. Raises NotFound, and Conflict once it has begun.
    """
    kept = _get_pause(scope, pause_id)
    if has_pause_started(scope, kept):
        raise Conflict("pause.begun")
    _delete_pause(scope, kept)
    if kept.shift_id is None:
        raise NotFound("pause.unknown")
    return bulk_moves.revert_bulk_move(scope, kept.shift_id)


def end_pause(scope: Scope, pause_id: UUID) -> None:
    """End a pause now. What it moved stays where it is; the queue may be pulled forward, and what
    repeats leaves again. Raises NotFound."""
    _delete_pause(scope, _get_pause(scope, pause_id))


def finish_pause(scope: Scope, pause_id: UUID) -> None:
    """Its days are over: nobody need be told any more."""
    notices.close(scope, _pause_notice_cause(pause_id))


def _get_pause(scope: Scope, pause_id: UUID) -> QuietPeriod:
    kept = quiet_periods.get_quiet_period(scope, pause_id)
    if kept.shift_id is None:
        raise NotFound("pause.unknown")
    return kept


def _delete_pause(scope: Scope, kept: QuietPeriod) -> None:
    quiet_periods.delete_quiet_period(scope, kept.id)
    outbox.cancel(scope, PauseOver.kind, kept.id)
    finish_pause(scope, kept.id)


def _pause_notice_cause(pause_id: UUID) -> str:
    return f"pause:{pause_id}"
