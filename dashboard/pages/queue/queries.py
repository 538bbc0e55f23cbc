"""Queries of an account's queue: slots, entries, quiet periods and the move that can be undone."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from channels.accounts import queries
from channels.accounts.queries import Channel
from channels.accounts.states import ChannelState
from dashboard.pages.posts.accounts import PostAccount
from foundation.db.database import Scope
from foundation.errors import BadInput, NotFound
from foundation.ops.wall_time import WallTime, local_day
from schedules.availability import quiet_periods, slots
from schedules.availability.quiet_periods import QuietPeriod
from schedules.availability.slots import Slot, find_first_free_time
from schedules.rescheduling import bulk_moves, queue
from schedules.rescheduling.bulk_moves import MovePreview, UndoableMove
from schedules.rescheduling.queue import QueueEntry
from tenants.agencies.queries import Creator


@dataclass(frozen=True)
class QueueView:
    """The values of the queue page."""

    now: datetime
    today: date
    creator: Creator
    channel: Channel
    spares: Sequence[PostAccount]
    """Other active accounts of the same creator that can publish posts."""
    slots: Sequence[Slot]
    entries: Sequence[QueueEntry]
    next_free: WallTime | None
    forward: MovePreview
    """Moves that would result from pulling the queue forward."""
    quiet: Sequence[QuietPeriod]
    last: UndoableMove | None
    """The last bulk move while it can be undone."""
    names: Mapping[UUID, str]
    """Display names of the creator's accounts."""

    @property
    def versions(self) -> dict[UUID, int]:
        """Versions of the displayed entries, sent with each change to detect concurrent edits."""
        return {one.delivery_id: one.version for one in self.entries}


def load_queue(scope: Scope, mine: Sequence[Creator], channel_id: UUID) -> QueueView:
    """Return the queue of an account. Raise NotFound for an account of another creator
    than `mine`."""
    channel = queries.get_channel(scope, channel_id)
    creator = next((one for one in mine if one.id == channel.creator_id), None)
    if creator is None:
        raise NotFound("channel.unknown")
    theirs = queries.list_creator_channels(scope, creator.id)
    spares = [
        PostAccount(one.id, one.creator_id, one.name, one.platform, True)
        for one in theirs
        if one.id != channel_id and one.surface and one.state is ChannelState.ACTIVE
    ]
    known = slots.list_slots(scope, channel_id)
    return QueueView(
        now=scope.now,
        today=local_day(scope.now, creator.zone),
        creator=creator,
        channel=channel,
        spares=spares,
        slots=known,
        entries=queue.list_queue_entries(scope, channel_id),
        next_free=find_first_free_time(scope, channel_id) if known else None,
        forward=_preview_pull_forward(scope, channel_id),
        quiet=quiet_periods.quiet_periods_of_channel(scope, creator.id, channel_id),
        last=bulk_moves.latest_undoable_move(scope, [creator.id]),
        names={one.id: one.name for one in theirs},
    )


def _preview_pull_forward(scope: Scope, channel_id: UUID) -> MovePreview:
    try:
        return queue.preview_pull_forward(scope, channel_id)
    # The posts do not fit into the remaining slots, so nothing can be pulled forward.
    except BadInput:
        return MovePreview((), ())


def list_quiet_days(
    scope: Scope, creators: Sequence[Creator], first: date, last: date
) -> list[tuple[Creator, QuietPeriod]]:
    """Return the quiet days of these creators between two local days (inclusive), each with its
    creator."""
    by_id = {one.id: one for one in creators}
    return [
        (by_id[one.creator_id], one)
        for one in quiet_periods.list_quiet_periods(scope, by_id)
        if one.first is not None
        and one.last is not None
        and one.first <= last
        and one.last >= first
    ]
