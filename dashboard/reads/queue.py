"""The queue of one account: its hours of the week, what leaves at them, when nothing is posted, what may be undone."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from channels import reads as channel_reads
from channels.reads import Channel
from channels.states import ChannelState
from dashboard.reads.compose import Account
from foundation.database import Scope
from foundation.errors import BadInput, NotFound
from foundation.words import Message
from schedules import preflights, queueing, quiet, shifting, slots, spacing
from schedules.calendar import WallTime, local_day
from schedules.queueing import Queued
from schedules.quiet import Quiet
from schedules.shifting import Last, Preview
from schedules.slots import Slot
from schedules.spacing import Near
from tenants.reads import Creator


@dataclass(frozen=True)
class Queue:
    """All that is drawn of one account's queue."""

    now: datetime
    today: date
    creator: Creator
    channel: Channel
    spares: Sequence[Account]
    """Other accounts of the same creator that can post."""
    slots: Sequence[Slot]
    entries: Sequence[Queued]
    next_free: WallTime | None
    forward: Preview
    """What would move if the queue were pulled forward."""
    quiet: Sequence[Quiet]
    last: Last | None
    """The last shift, while it may be taken back."""
    names: Mapping[UUID, str]
    """What people call each account of the creator."""

    @property
    def versions(self) -> dict[UUID, int]:
        """The queue as it is drawn: handed back with each change."""
        return {one.delivery_id: one.version for one in self.entries}


def before(scope: Scope, channels: Sequence[UUID], at: datetime) -> list[Message]:
    """What of the accounts of a post would keep it back at a time, each said once; it can be planned all the same."""
    found: list[Message] = []
    for channel_id in channels:
        said = preflights.of_account(scope, channel_reads.channel(scope, channel_id), at)
        found += [one for one in said if one not in found]
    return found


def queue(scope: Scope, mine: Sequence[Creator], channel_id: UUID) -> Queue:
    """One account's queue. Raises NotFound for an account of a creator who is not theirs."""
    channel = channel_reads.channel(scope, channel_id)
    creator = next((one for one in mine if one.id == channel.creator_id), None)
    if creator is None:
        raise NotFound("channel.unknown")
    theirs = channel_reads.channels_of(scope, creator.id)
    spares = [
        Account(one.id, one.creator_id, one.name, one.platform, True)
        for one in theirs
        if one.id != channel_id and one.surface and one.state is ChannelState.ACTIVE
    ]
    known = slots.slots_of(scope, channel_id)
    return Queue(
        now=scope.now,
        today=local_day(scope.now, creator.zone),
        creator=creator,
        channel=channel,
        spares=spares,
        slots=known,
        entries=queueing.entries(scope, channel_id),
        next_free=queueing.first_free(scope, channel_id) if known else None,
        forward=_forward(scope, channel_id),
        quiet=quiet.of_channel(scope, creator.id, channel_id),
        last=shifting.last(scope, [creator.id]),
        names={one.id: one.name for one in theirs},
    )


def _forward(scope: Scope, channel_id: UUID) -> Preview:
    try:
        return queueing.forward(scope, channel_id)
    except BadInput:  # it does not fit on the slots that are left: nothing can be pulled forward
        return Preview((), ())


def pauses(scope: Scope, creators: Sequence[Creator], first: date, last: date) -> list[tuple[Creator, Quiet]]:
    """The days these creators keep free, from one local day to another, each with whose they are."""
    by_id = {one.id: one for one in creators}
    return [
        (by_id[one.creator_id], one)
        for one in quiet.periods(scope, by_id)
        if one.first is not None and one.last is not None and one.first <= last and one.last >= first
    ]


def first_slots(scope: Scope, channels: Sequence[UUID]) -> dict[UUID, WallTime]:
    """When a post would leave each of these accounts from its queue; those without a free slot are left out."""
    found = {one: queueing.first_free(scope, one) for one in channels}
    return {one: at for one, at in found.items() if at is not None}


def warnings(scope: Scope, channels: Sequence[UUID], at: datetime) -> list[Near]:
    """What speaks against a time, account by account."""
    found = (spacing.warning(scope, one, at) for one in channels)
    return [one for one in found if one is not None]


def beside(scope: Scope, channel_id: UUID, delivery_id: UUID, due_at: datetime) -> tuple[Near | None, WallTime | None]:
    """What speaks against the time of one post on one account, and when the queue would let it leave, none if it does
    already."""
    near = spacing.warning(scope, channel_id, due_at, but=delivery_id) if due_at > scope.now else None
    queued = any(one.delivery_id == delivery_id for one in queueing.entries(scope, channel_id))
    return near, None if queued else queueing.first_free(scope, channel_id)
