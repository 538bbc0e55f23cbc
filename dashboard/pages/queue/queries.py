"""The queue of one account: its hours of the week, what leaves at them, when nothing is posted,
what may be undone."""

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
    """All that is drawn of one account's queue."""

    now: datetime
    today: date
    creator: Creator
    channel: Channel
    spares: Sequence[PostAccount]
    """Other accounts of the same creator that can post."""
    slots: Sequence[Slot]
    entries: Sequence[QueueEntry]
    next_free: WallTime | None
    forward: MovePreview
    """What would move if the queue were pulled forward."""
    quiet: Sequence[QuietPeriod]
    last: UndoableMove | None
    """The last shift, while it may be taken back."""
    names: Mapping[UUID, str]
    """What people call each account of the creator."""

    @property
    def versions(self) -> dict[UUID, int]:
        """The queue as it is drawn: handed back with each change."""
        return {one.delivery_id: one.version for one in self.entries}


def load_queue(scope: Scope, mine: Sequence[Creator], channel_id: UUID) -> QueueView:
    """One account's queue. Raises NotFound for an account of a creator who is not theirs."""
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
    except BadInput:  # it does not fit on the slots that are left: nothing can be pulled forward
        return MovePreview((), ())


def list_quiet_days(
    scope: Scope, creators: Sequence[Creator], first: date, last: date
) -> list[tuple[Creator, QuietPeriod]]:
    """The days these creators keep free, from one local day to another, each with whose they
    are."""
    by_id = {one.id: one for one in creators}
    return [
        (by_id[one.creator_id], one)
        for one in quiet_periods.list_quiet_periods(scope, by_id)
        if one.first is not None
        and one.last is not None
        and one.first <= last
        and one.last >= first
    ]
