"""Evergreen planner: schedules posts of a creator's pool on free slots, rotating their variants.

A planned repost is an ordinary delivery in a slot, as if a member had added the post to the queue:
it can be moved or cancelled, and needs the approval that its creator requires. The next entry is
derived from earlier deliveries, so that no second list can diverge from the calendar.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from uuid import UUID

from sqlmodel import col, or_, select

from channels.accounts import queries
from channels.accounts.queries import Channel
from channels.accounts.states import UNUSABLE_STATES
from connectors.contract.connector import Connector
from foundation.db.database import OpenScope, Scope
from foundation.errors import NotFound
from foundation.ops.wall_time import local_day
from foundation.outbox import outbox
from schedules.approvals import decisions
from schedules.approvals.release import release_post
from schedules.availability import slots
from schedules.availability.slots import SlotPlace, find_free_places
from schedules.drafts import duplicates
from schedules.posts import channel_overrides, deliveries
from schedules.posts.models import Delivery
from schedules.posts.states import PENDING_STATES, DeliveryState
from schedules.recurrence import evergreen_pools
from schedules.recurrence.events import PoolDue
from schedules.recurrence.evergreen_pools import POOL_KEY_PREFIX
from schedules.recurrence.models import Pool

RECYCLING = "system:recycling"
FULL = 3
"""Maximum number of pending pool posts on an account; more would only block slots for new posts."""

LEAD = timedelta(hours=1)
"""Minimum time ahead of a slot that the planner uses; earlier slots are reserved for members."""

FARTHEST = timedelta(days=30)
"""Maximum time ahead for which slots are used."""

AGAIN = timedelta(hours=6)
"""Interval at which a pool is planned again."""

SECOND = timedelta(seconds=1)
"""Tolerance when intervals are compared, so that a slot exactly one interval later is acceptable.
"""

NEVER_LEFT = frozenset({DeliveryState.CANCELLED, DeliveryState.FAILED})
NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True)
class PoolUse:
    """A past or planned publication of a pool post on an account, at `at` (UTC-aware)."""

    post_id: UUID
    at: datetime
    state: DeliveryState
    by_pool: bool


@dataclass(frozen=True)
class PoolTurn:
    """A pool entry with its variants, the next one first."""

    entry_id: UUID
    wordings: tuple[UUID, ...]
    last: datetime | None
    """The latest past or planned publication of any variant on the account."""


def order_pool_turns(
    entries: Mapping[UUID, Sequence[UUID]], uses: Sequence[PoolUse]
) -> list[PoolTurn]:
    """Return pool entries in the order of their turns on an account; pure.

    Entries that were never published there are first, followed by those published longest ago.
    `entries` maps entries to the posts of their variants.
    """
    found = []
    for entry_id, wordings in entries.items():
        mine = [one for one in uses if one.post_id in wordings and one.state not in NEVER_LEFT]
        last = max(mine, key=lambda one: one.at, default=None)
        turn = (list(wordings).index(last.post_id) + 1) % len(wordings) if last is not None else 0
        found.append(
            PoolTurn(
                entry_id,
                (*wordings[turn:], *wordings[:turn]),
                last.at if last is not None else None,
            )
        )
    return sorted(found, key=lambda one: (one.last or NEVER, str(one.entry_id)))


def fill_free_slots(scope: Scope, pool_id: UUID, *, connectors: Mapping[str, Connector]) -> int:
    """Plan posts of a pool on the free slots of its accounts; return the number of posts.

    Idempotent. For a pool that is paused or has ended, nothing is planned and no next run is
    queued. Raises NotFound.
    """
    pool = evergreen_pools.get_pool(scope, pool_id, lock=True)
    if pool.paused or (
        pool.until is not None and pool.until < local_day(scope.now, "UTC") - timedelta(days=1)
    ):
        return 0
    outbox.put(scope, PoolDue(scope.tenant_id, pool.id), at=scope.now + AGAIN, instead_of=PoolDue)
    known = {one.id: one for one in queries.list_creator_channels(scope, pool.creator_id)}
    able = [
        one
        for one in map(UUID, pool.channels)
        # Deliveries on a disconnected account would only be put on hold at their time.
        if one in known and known[one].state not in UNUSABLE_STATES
    ]
    chosen = [known[one] for one in able]
    slots.lock_queues(scope, *(one.id for one in chosen))
    return sum(_fill_pool_slots(scope, _Here(pool, one, connectors)) for one in chosen)


@dataclass(frozen=True)
class _Here:
    pool: Pool
    channel: Channel
    connectors: Mapping[str, Connector]


def _fill_pool_slots(scope: Scope, here: _Here) -> int:
    known = evergreen_pools.list_pool_entries(scope, here.pool.id)
    entries = {one.id: tuple(map(UUID, one.wordings)) for one in known if not one.taken_out}
    posts = {one for each in entries.values() for one in each}
    made = 0
    while entries:
        uses = _load_pool_uses(scope, here.channel.id, posts)
        ours = [one for one in uses if one.by_pool and one.state not in NEVER_LEFT]
        if sum(one.state in PENDING_STATES and one.at > scope.now for one in ours) >= FULL:
            break
        after = max([scope.now + LEAD, *(one.at + here.pool.every - SECOND for one in ours)])
        place = next(_iterate_free_places(scope, here, after), None)
        post_id = (
            _choose_next_variant(scope, here, place, order_pool_turns(entries, uses))
            if place
            else None
        )
        if place is None or post_id is None:
            break
        _create_pool_delivery(scope, here.channel, place, post_id)
        made += 1
    return made


def _iterate_free_places(scope: Scope, here: _Here, after: datetime) -> Iterator[SlotPlace]:
    pool = here.pool
    for place in find_free_places(scope, here.channel, after=after):
        if place.due_time > scope.now + FARTHEST or (
            pool.until is not None and place.day > pool.until
        ):
            return
        if not pool.label or place.slot.label == pool.label:
            yield place


def _choose_next_variant(
    scope: Scope, here: _Here, place: SlotPlace, waiting: Sequence[PoolTurn]
) -> UUID | None:
    """Return the first variant that may be published in a slot, or None if there is none.

    The variant must be old enough, not rejected and not a near-duplicate of recent posts on the
    account, and must not offer paid content for free.
    """
    for turn in waiting:
        if turn.last is not None and place.due_time - turn.last < here.pool.min_age:
            continue
        for post_id in turn.wordings:
            owner = deliveries.get_post(scope, post_id)
            there = [here.channel.id]
            # A rejected post would only wait for an approval that was denied.
            if decisions.is_rejected(scope, owner, scope.now):
                continue
            said = channel_overrides.content_for_channel(owner, here.channel)
            given = channel_overrides.is_paid_content_free(owner, here.channel)
            if not given and not duplicates.find_content_duplicates(
                scope, said, there, place.due_time, connectors=here.connectors
            ):
                return post_id
    return None


def _create_pool_delivery(scope: Scope, channel: Channel, place: SlotPlace, post_id: UUID) -> None:
    here = select(Delivery.occurrence_key).where(
        Delivery.tenant_id == scope.tenant_id,
        Delivery.post_id == post_id,
        # Includes deliveries moved here from another account, whose keys may have gaps.
        Delivery.channel_id == channel.id,
    )
    known = scope.session.exec(here).all()
    key = next(
        one
        for number in count(len(known) + 1)
        if (one := f"{POOL_KEY_PREFIX}{number}") not in known
    )
    asks_since = decisions.channel_review_start(
        scope, deliveries.get_post(scope, post_id), channel.id
    )
    delivery_id = deliveries.create_delivery(
        scope, post_id, channel.id, at=place.wall_time, occurrence_key=key, asks_since=asks_since
    )
    slots.take_place(scope, place, delivery_id)
    release_post(scope, post_id)


def _load_pool_uses(scope: Scope, channel_id: UUID, posts: Collection[UUID]) -> list[PoolUse]:
    """Return the deliveries of these posts on an account, and all deliveries that the pool planned
    there."""
    rows = scope.session.exec(
        select(Delivery)
        .where(
            Delivery.tenant_id == scope.tenant_id,
            Delivery.channel_id == channel_id,
            or_(
                col(Delivery.occurrence_key).startswith(POOL_KEY_PREFIX),
                col(Delivery.post_id).in_(list(posts)),
            ),
        )
        .execution_options(populate_existing=True)
    )
    return [
        PoolUse(
            row.post_id,
            row.due_at,
            DeliveryState(row.state),
            row.occurrence_key.startswith(POOL_KEY_PREFIX),
        )
        for row in rows
    ]


def plan_pool(event: PoolDue, *, tenant: OpenScope, connectors: Mapping[str, Connector]) -> None:
    """Handle PoolDue: plan a pool in one transaction."""
    with tenant(event.tenant_id, RECYCLING) as scope:
        try:
            fill_free_slots(scope, event.subject_id, connectors=connectors)
        except NotFound:  # the tenant was deleted in the meantime
            return


def wake_stalled_pools(scope: Scope) -> None:
    """Queue the planning of pools that have no pending event because their last event failed
    permanently."""
    for pool_id in evergreen_pools.stalled_pools(scope):
        outbox.put(scope, PoolDue(scope.tenant_id, pool_id))
