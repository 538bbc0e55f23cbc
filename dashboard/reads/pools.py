"""The posts that come back: what is in a creator's pool, what comes next, and what could be put in."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from channels import reads as channel_reads
from dashboard.reads.compose import Account
from dashboard.reads.compose import accounts as accounts_of
from foundation.database import Scope
from gate.switches import Halt
from schedules import blocked, pool_reads, pools, slots
from schedules import reads as schedule_reads
from schedules.calendar import local_day
from schedules.coming import stopped
from schedules.pools import Rhythm
from schedules.reads import Entry, Written
from schedules.states import NEEDS_A_PERSON, TO_COME, DeliveryState
from tenants.reads import Creator

S = DeliveryState
RECENT = timedelta(days=365)
OFFERED = 60
"""Published posts that may be put in, the latest first."""

SHOWN = TO_COME | NEEDS_A_PERSON
"""States of what its page lists: while one waits for a decision, its entry does not come back."""


@dataclass(frozen=True)
class Item:
    """One entry: its wordings, when it left last and when it leaves next, on whatever account."""

    id: UUID
    wordings: Sequence[Written]
    taken_out: bool
    last: datetime | None
    next: datetime | None


@dataclass(frozen=True)
class Recycled:
    """All that is drawn of a creator's pool; `pool_id` None while she has none."""

    now: datetime
    creator: Creator
    accounts: Sequence[Account]
    labels: Sequence[str]
    """Names of slots."""
    no_slots: Sequence[str]
    """Accounts of the pool that have no slot, by name: nothing comes back there."""
    pool_id: UUID | None
    rhythm: Rhythm | None
    paused: bool
    items: Sequence[Item]
    coming: Sequence[Entry]
    """What is planned of it and what of it waits for a decision, the first due first."""
    offered: Sequence[Entry]
    """Posts that left and are not in it."""
    halt: Halt
    """Where nothing leaves, whatever hour it has."""

    @property
    def why_nothing(self) -> str:
        """Why nothing comes next, as a sentence says it; of one that is paused, that stands beside its button."""
        if self.paused:
            return ""
        if all(one.taken_out for one in self.items):
            return "pool.nothing_inside"
        until, today = self.rhythm.until if self.rhythm else None, local_day(self.now, self.creator.zone)
        return "pool.is_over" if until is not None and until < today else "pool.nothing_coming"

    def short(self, entry: Entry) -> str:
        """How it stands, as `calendar.short.<name>` says it."""
        return "stopped" if stopped(self.halt, entry) else entry.told


def recycled(scope: Scope, creator: Creator) -> Recycled:
    """A creator's pool as it stands."""
    row = pools.of_creator(scope, creator.id)
    entries = pools.entries_of(scope, row.id) if row is not None else []
    inside = {UUID(one) for entry in entries for one in entry.wordings}
    since, names = scope.now - RECENT, channel_reads.names(scope)
    known = pool_reads.of_posts(scope, inside, since, scope.now + RECENT, names=names)
    accounts = accounts_of(scope, [creator])
    hours = {one.id: slots.slots_of(scope, one.id) for one in accounts}
    rhythm = pools.rhythm_of(row) if row is not None else None
    return Recycled(
        now=scope.now,
        creator=creator,
        accounts=accounts,
        labels=sorted({slot.label for each in hours.values() for slot in each if slot.label}),
        no_slots=[one.name for one in accounts if rhythm and one.id in rhythm.channels and not hours[one.id]],
        pool_id=row.id if row is not None else None,
        rhythm=rhythm,
        paused=row is not None and row.paused,
        items=[_item(scope, entry.id, list(map(UUID, entry.wordings)), entry.taken_out, known) for entry in entries],
        coming=[one for one in known if one.occurrence_key.startswith(pools.KEY) and one.state in SHOWN],
        offered=pool_reads.left(scope, creator.id, since, without=inside, names=names, limit=OFFERED),
        halt=blocked.halted(scope),
    )


def _item(scope: Scope, entry_id: UUID, wordings: Sequence[UUID], out: bool, known: Sequence[Entry]) -> Item:
    mine = [one for one in known if one.post_id in wordings]
    left = [one.settled_at or one.due_at for one in mine if one.state is S.PUBLISHED]
    ahead = [one.due_at for one in mine if one.state in TO_COME]
    written = [schedule_reads.written_post(scope, one) for one in wordings]
    return Item(entry_id, written, out, max(left, default=None), min(ahead, default=None))
