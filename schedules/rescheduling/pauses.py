"""Pauses: announced days on which a creator or an account posts nothing; its posts are moved to
later days.

Posts on these days are moved when the member confirms the preview. A pause never delays a post at
its due time, so the calendar shows the actual publishing times. Occurrences of series are cancelled
instead of moved, because the next occurrence may already be at the new time and the same text would
be published twice.
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
"""Time after a pause within which its queue is rescheduled."""

A_DAY = TimeOffset(days=1)


@dataclass(frozen=True)
class PostingPause:
    """The days of a pause, both included, on one account or all, in a time zone; `words` is the
    announcement."""

    creator_id: UUID
    channel_id: UUID | None
    first: date
    last: date
    zone: str
    words: str

    @property
    def as_quiet_period(self) -> QuietPeriod:
        """The pause as a quiet period that is not stored yet."""
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
    """Return the effect of a pause.

    Individually planned posts move by the length of the pause and keep their time of day. A queue
    with a post on these days continues after them in the same order, which moves later posts.
    Occurrences of series are cancelled during the pause and not changed after it. Posts that are
    being published stay. Raises BadInput as `bulk_moves.preview_bulk_move` does, and if the queue
    finds no slots.
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
            continue  # no queued post is in these days, so the queue does not change
        taken = [goes[one].instant() for one in here if one in goes]
        # The pause is not stored yet, so it is passed as a hypothetical change.
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
    """Return the occurrences of series in these days, with the reason.

    The reason also says if the pause covers all remaining occurrences of a series.
    """
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
    """Return the local time moved by the length of the pause.

    If the result is still in the pause, because time zones differ, it is moved further by days.
    """
    later = TimeOffset(days=(wanted.last - wanted.first).days + 1).shift_wall_time(wall)
    while wanted.as_quiet_period.covers(later.instant()):
        later = A_DAY.shift_wall_time(later)
    return later


def start_pause(
    scope: Scope, wanted: PostingPause, *, seen: Mapping[UUID, int]
) -> tuple[UUID, MoveResult]:
    """Start or announce a pause and move posts as in the preview `seen`; return the ID of the
    pause.

    Members see a notice until it ends. Raises BadInput for invalid or past days, the errors of
    `preview_pause`, and NotFound.
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
    """Return True if the first day of a pause has begun."""
    return scope.now >= kept.quiet_window[0]


def cancel_pause(scope: Scope, pause_id: UUID) -> MovePreview:
    """Cancel a pause that has not started and undo its moves.

    Deliveries that changed since stay. Cancelled occurrences of series are created again. Returns
    the deliveries that moved and those that stayed. Raises NotFound, and Conflict once the pause
    has started.
    """
    kept = _get_pause(scope, pause_id)
    if has_pause_started(scope, kept):
        raise Conflict("pause.begun")
    _delete_pause(scope, kept)
    if kept.shift_id is None:
        raise NotFound("pause.unknown")
    return bulk_moves.revert_bulk_move(scope, kept.shift_id)


def end_pause(scope: Scope, pause_id: UUID) -> None:
    """End a pause now. Moved posts keep their new times; series are published again.

    Raises NotFound.
    """
    _delete_pause(scope, _get_pause(scope, pause_id))


def finish_pause(scope: Scope, pause_id: UUID) -> None:
    """Close the notice of a pause that is over."""
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
