"""A pause: days on which a creator, or one account, posts nothing, said kindly, and what was planned in them follows.

What lies in the days is moved as soon as somebody says so, after they saw what goes where: nothing is ever kept back
at its time for it, and what a page shows is when it leaves. What repeats is left out in them, not moved: so many days
later its own next time stands already, and the same words would leave twice (ADR 0106).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from uuid import UUID

from foundation import outbox
from foundation.database import Scope
from foundation.errors import Conflict, NotFound
from foundation.words import Message
from schedules import queueing, quiet, series, series_rule, shifting
from schedules.calendar import WallTime, parse
from schedules.events import PauseOver
from schedules.models import Delivery, Post
from schedules.queueing import Change
from schedules.quiet import Quiet
from schedules.shifting import By, Chosen, Done, Out, Preview
from schedules.states import TO_COME
from tenants import notices

FOLLOWS = timedelta(days=400)
"""How far behind a pause its queue is laid anew."""

A_DAY = By(days=1)


@dataclass(frozen=True)
class Pause:
    """Days of a creator, on one account or all, the first and the last included, in a zone; `words` say why, kindly."""

    creator_id: UUID
    channel_id: UUID | None
    first: date
    last: date
    zone: str
    words: str

    @property
    def period(self) -> Quiet:
        """The same as a period that is not written yet."""
        return Quiet(
            self.creator_id, self.creator_id, self.channel_id, self.words, self.zone, first=self.first, last=self.last
        )


def preview(scope: Scope, wanted: Pause) -> Preview:
    """What a pause would move where.

    What was planned by hand in its days goes that many days later, at its clock time. A queue with a place in them goes
    on after them in its order, and those behind make room. Times of series are left out in them, and stay where they
    are behind them. What is on its way stays. Raises BadInput as
    `shifting.preview`, and where the queue finds no slots.
    """
    start, end = wanted.period.window
    inside = shifting.rows(scope, Chosen(wanted.creator_id, wanted.channel_id, max(start, scope.now), end))
    out = _left_out(scope, wanted, inside)
    inside = [(row, owner) for row, owner in inside if row.id not in {one.delivery_id for one in out}]
    movable = [row for row, _ in inside if row.state in TO_COME]
    queues = {
        channel_id: [
            one.delivery_id
            for one in queueing.entries(scope, channel_id)
            if one.due_at >= start and one.series_id is None
        ]
        for channel_id in sorted({row.channel_id for row in movable})
    }
    queued = {one for queue in queues.values() for one in queue}
    goes = {row.id: _after(wanted, parse(row.wall_time, row.zone)) for row in movable if row.id not in queued}
    behind: list[UUID] = []
    for channel_id, queue in queues.items():
        here = [row.id for row in movable if row.channel_id == channel_id]
        if not set(here) & set(queue):
            continue  # none of its own lies in the days: it goes on as it is
        taken = [goes[one].instant() for one in here if one in goes]
        change = Change(away=[*here, *(one.delivery_id for one in out)], taken=taken, closed=[wanted.period])
        goes |= queueing.laid(scope, channel_id, queue, after=max(start, scope.now), change=change)
        behind += queue
    rest = shifting.rows(scope, Chosen(wanted.creator_id, wanted.channel_id, end, end + FOLLOWS), only=behind)
    follow = [(row, owner) for row, owner in rest if goes[row.id] != parse(row.wall_time, row.zone)]
    return replace(shifting.sorted_out(scope, [*inside, *follow], goes), out=out)


def _left_out(scope: Scope, wanted: Pause, inside: Sequence[tuple[Delivery, Post]]) -> tuple[Out, ...]:
    """The times of series in its days, each with why it does not leave; said too where nothing is left of a series."""
    over: dict[tuple[UUID, UUID], Message] = {}
    found = []
    for row, owner in inside:
        if row.series_id is None or row.state not in TO_COME:
            continue
        key = (row.series_id, row.channel_id)
        if key not in over:
            ends = series_rule.nothing_left(scope, series.series(scope, row.series_id), row.channel_id, wanted.period)
            over[key] = Message("pause.series_over" if ends else "series.quiet", {"label": wanted.words})
        at = parse(row.wall_time, row.zone)
        found.append(Out(row.id, row.version, row.channel_id, owner.title or owner.body, at, over[key]))
    return tuple(found)


def _after(wanted: Pause, wall: WallTime) -> WallTime:
    """As many days later as the pause is long, and further while that lies in it: zones may differ by a day."""
    later = By(days=(wanted.last - wanted.first).days + 1).of(wall)
    while wanted.period.covers(later.instant()):
        later = A_DAY.of(later)
    return later


def pause(scope: Scope, wanted: Pause, *, seen: Mapping[UUID, int]) -> tuple[UUID, Done]:
    """Begin or announce a pause, and move or leave out what lies in it as it was `seen` in the preview; the pause's id.

    Members are told until it is over. Raises BadInput for days that are none, or over, and as `preview`; NotFound.
    """
    start, end = wanted.period.window
    shifting.lock(scope, Chosen(wanted.creator_id, wanted.channel_id, max(start, scope.now), end + FOLLOWS))
    done = shifting.give(scope, wanted.creator_id, preview(scope, wanted), seen=seen)
    kept = quiet.keep_days(
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
    notices.put(scope, said, cause=_cause(kept.id), creator_id=wanted.creator_id)
    outbox.put(scope, PauseOver(scope.tenant_id, kept.id), at=end)
    return kept.id, done


def begun(scope: Scope, kept: Quiet) -> bool:
    """Whether the first day of a pause has come."""
    return scope.now >= kept.window[0]


def call_off(scope: Scope, pause_id: UUID) -> Preview:
    """Take a pause back that has not begun: what it moved goes back where it was, unless somebody touched it since; the
    times of series that it left out are made again a moment later.

    What moved, and what stays. Raises NotFound, and Conflict once it has begun.
    """
    kept = _pause(scope, pause_id)
    if begun(scope, kept):
        raise Conflict("pause.begun")
    _end(scope, kept)
    if kept.shift_id is None:
        raise NotFound("pause.unknown")
    return shifting.bring_back(scope, kept.shift_id)


def come_back(scope: Scope, pause_id: UUID) -> None:
    """End a pause now. What it moved stays where it is; the queue may be pulled forward, and what repeats leaves again.
    Raises NotFound."""
    _end(scope, _pause(scope, pause_id))


def over(scope: Scope, pause_id: UUID) -> None:
    """Its days are over: nobody need be told any more."""
    notices.settle(scope, _cause(pause_id))


def _pause(scope: Scope, pause_id: UUID) -> Quiet:
    kept = quiet.period(scope, pause_id)
    if kept.shift_id is None:
        raise NotFound("pause.unknown")
    return kept


def _end(scope: Scope, kept: Quiet) -> None:
    quiet.forget(scope, kept.id)
    outbox.cancel(scope, PauseOver.kind, kept.id)
    over(scope, kept.id)


def _cause(pause_id: UUID) -> str:
    return f"pause:{pause_id}"
