"""Queries of the evergreen queue: its posts, its next dates, and posts that can be added."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from channels.accounts.queries import channel_names
from dashboard.pages.posts.accounts import PostAccount, list_post_accounts
from foundation.db.database import Scope
from foundation.ops.wall_time import local_day
from gate.policy.emergency_stops import StoppedScope
from schedules.availability import slots
from schedules.calendar.next_steps import is_next_step_stopped
from schedules.downtime import account_blocks
from schedules.posts.queries import DeliveryEntry, StoredPost, get_stored_post
from schedules.posts.states import NEEDS_DECISION, PENDING_STATES, DeliveryState
from schedules.recurrence import evergreen_pools, queries
from schedules.recurrence.evergreen_pools import PoolSchedule
from tenants.agencies.queries import Creator

RECENT = timedelta(days=365)
OFFERED = 60
"""Number of newest published posts that can be added."""

SHOWN = PENDING_STATES | NEEDS_DECISION
"""Delivery states in the list of upcoming posts. An entry is not scheduled again while one of its
posts needs a decision."""


@dataclass(frozen=True)
class EvergreenEntry:
    """One entry of the queue: its text variants and its last and next publishing time on any
    channel."""

    id: UUID
    wordings: Sequence[StoredPost]
    taken_out: bool
    last: datetime | None
    next: datetime | None


@dataclass(frozen=True)
class EvergreenView:
    """The data of a creator's queue; `pool_id` is None if there is no queue yet."""

    now: datetime
    creator: Creator
    accounts: Sequence[PostAccount]
    labels: Sequence[str]
    """Names of slots."""
    no_slots: Sequence[str]
    """Names of the queue's channels without any slot: nothing is published there."""
    pool_id: UUID | None
    rhythm: PoolSchedule | None
    paused: bool
    items: Sequence[EvergreenEntry]
    coming: Sequence[DeliveryEntry]
    """Deliveries of the queue that are scheduled or need a decision, earliest first."""
    offered: Sequence[DeliveryEntry]
    """Published posts that are not in the queue."""
    halt: StoppedScope
    """Scope of the active emergency stops."""

    @property
    def empty_reason(self) -> str:
        """Return the message code for an empty list of upcoming posts.

        Empty for a paused queue, which has a note beside its button.
        """
        if self.paused:
            return ""
        if all(one.taken_out for one in self.items):
            return "pool.nothing_inside"
        until = self.rhythm.until if self.rhythm else None
        today = local_day(self.now, self.creator.zone)
        return "pool.is_over" if until is not None and until < today else "pool.nothing_coming"

    def state_code(self, entry: DeliveryEntry) -> str:
        """Return the state of a delivery as the suffix of `calendar.short.<state>`."""
        return "stopped" if is_next_step_stopped(self.halt, entry) else entry.display_state


def load_evergreen(scope: Scope, creator: Creator) -> EvergreenView:
    """Return a creator's queue in its current state."""
    row = evergreen_pools.pool_of_creator(scope, creator.id)
    entries = evergreen_pools.list_pool_entries(scope, row.id) if row is not None else []
    inside = {UUID(one) for entry in entries for one in entry.wordings}
    since = scope.now - RECENT
    names = channel_names(scope)
    known = queries.entries_of_pool_posts(scope, inside, since, scope.now + RECENT, names=names)
    accounts = list_post_accounts(scope, [creator])
    hours = {one.id: slots.list_slots(scope, one.id) for one in accounts}
    rhythm = evergreen_pools.pool_schedule(row) if row is not None else None
    return EvergreenView(
        now=scope.now,
        creator=creator,
        accounts=accounts,
        labels=sorted({slot.label for each in hours.values() for slot in each if slot.label}),
        no_slots=[
            one.name
            for one in accounts
            if rhythm and one.id in rhythm.channels and not hours[one.id]
        ],
        pool_id=row.id if row is not None else None,
        rhythm=rhythm,
        paused=row is not None and row.paused,
        items=[
            _build_evergreen_entry(
                scope, entry.id, list(map(UUID, entry.wordings)), entry.taken_out, known
            )
            for entry in entries
        ],
        coming=[
            one
            for one in known
            if one.occurrence_key.startswith(evergreen_pools.POOL_KEY_PREFIX) and one.state in SHOWN
        ],
        offered=queries.list_pool_candidates(
            scope, creator.id, since, without=inside, names=names, limit=OFFERED
        ),
        halt=account_blocks.load_emergency_stops(scope),
    )


def _build_evergreen_entry(
    scope: Scope,
    entry_id: UUID,
    wordings: Sequence[UUID],
    out: bool,
    known: Sequence[DeliveryEntry],
) -> EvergreenEntry:
    mine = [one for one in known if one.post_id in wordings]
    left = [one.settled_at or one.due_at for one in mine if one.state is DeliveryState.PUBLISHED]
    ahead = [one.due_at for one in mine if one.state in PENDING_STATES]
    written = [get_stored_post(scope, one) for one in wordings]
    return EvergreenEntry(entry_id, written, out, max(left, default=None), min(ahead, default=None))
