"""Posts that come back: a pool of each creator, planned ahead on free slots of her accounts, variants in turn.

What comes back is an ordinary delivery on a slot, as if a person had put the post in the queue: it may be moved, taken
off, and needs whatever yes its creator asks for. Which entry comes next is read from what was planned before, so that
there is no second list that could part from the calendar.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from uuid import UUID

from sqlmodel import col, or_, select

from channels import reads as channel_reads
from channels.reads import Channel
from channels.states import LOST
from connectors.contract import Connector
from foundation import outbox
from foundation.database import OpenScope, Scope
from foundation.errors import NotFound
from schedules import approvals, drafting, overrides, planning, pools, queueing, repeats, slots
from schedules.calendar import local_day
from schedules.events import PoolDue
from schedules.models import Delivery
from schedules.models_planning import Pool
from schedules.pools import KEY
from schedules.slots import Place
from schedules.states import TO_COME, DeliveryState

S = DeliveryState
RECYCLING = "system:recycling"
FULL = 3
"""Posts of a pool that wait on one account; more of them would only stand in the way of what is new."""

LEAD = timedelta(hours=1)
"""A slot sooner than this is left to people."""

FARTHEST = timedelta(days=30)
"""Slots further ahead are left for later."""

AGAIN = timedelta(hours=6)
"""How often a pool looks for room."""

SECOND = timedelta(seconds=1)
"""A slot exactly so much later is late enough."""

NEVER_LEFT = frozenset({S.CANCELLED, S.FAILED})
NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True)
class Use:
    """One time at which a post of a pool was to leave an account, or is: at `at`, UTC-aware."""

    post_id: UUID
    at: datetime
    state: DeliveryState
    by_pool: bool


@dataclass(frozen=True)
class Turn:
    """An entry of a pool and its wordings, the one whose turn it is first."""

    entry_id: UUID
    wordings: tuple[UUID, ...]
    last: datetime | None
    """When any of them was on the account last, or will be."""


def turns(entries: Mapping[UUID, Sequence[UUID]], uses: Sequence[Use]) -> list[Turn]:
    """The entries of a pool (wordings by id) in the order of their turns on an account: first what never was there,
    then what was there longest ago; pure."""
    found = []
    for entry_id, wordings in entries.items():
        mine = [one for one in uses if one.post_id in wordings and one.state not in NEVER_LEFT]
        last = max(mine, key=lambda one: one.at, default=None)
        turn = (list(wordings).index(last.post_id) + 1) % len(wordings) if last is not None else 0
        found.append(Turn(entry_id, (*wordings[turn:], *wordings[:turn]), last.at if last is not None else None))
    return sorted(found, key=lambda one: (one.last or NEVER, str(one.entry_id)))


def fill(scope: Scope, pool_id: UUID, *, connectors: Mapping[str, Connector]) -> int:
    """Plan what of a pool fits on the free slots of its accounts; how many that were. Twice is as once.

    A pool that is paused or over plans nothing and asks no more. Raises NotFound.
    """
    pool = pools.pool(scope, pool_id, lock=True)
    if pool.paused or (pool.until is not None and pool.until < local_day(scope.now, "UTC") - timedelta(days=1)):
        return 0
    outbox.put(scope, PoolDue(scope.tenant_id, pool.id), at=scope.now + AGAIN, instead_of=PoolDue)
    known = {one.id: one for one in channel_reads.channels_of(scope, pool.creator_id)}
    able = [one for one in map(UUID, pool.channels) if one in known and known[one].state not in LOST]
    chosen = [known[one] for one in able]  # on a lost account each of them would be held at its hour
    slots.hold(scope, *(one.id for one in chosen))
    return sum(_fill(scope, _Here(pool, one, connectors)) for one in chosen)


@dataclass(frozen=True)
class _Here:
    """A pool on one of its accounts."""

    pool: Pool
    channel: Channel
    connectors: Mapping[str, Connector]


def _fill(scope: Scope, here: _Here) -> int:
    known = pools.entries_of(scope, here.pool.id)
    entries = {one.id: tuple(map(UUID, one.wordings)) for one in known if not one.taken_out}
    posts = {one for each in entries.values() for one in each}
    made = 0
    while entries:
        uses = _uses(scope, here.channel.id, posts)
        ours = [one for one in uses if one.by_pool and one.state not in NEVER_LEFT]
        if sum(one.state in TO_COME and one.at > scope.now for one in ours) >= FULL:
            break
        after = max([scope.now + LEAD, *(one.at + here.pool.every - SECOND for one in ours)])
        place = next(_places(scope, here, after), None)
        post_id = _whose_turn(scope, here, place, turns(entries, uses)) if place else None
        if place is None or post_id is None:
            break
        _plan(scope, here.channel, place, post_id)
        made += 1
    return made


def _places(scope: Scope, here: _Here, after: datetime) -> Iterator[Place]:
    pool = here.pool
    for place in queueing.next_free(scope, here.channel, after=after):
        if place.due > scope.now + FARTHEST or (pool.until is not None and place.day > pool.until):
            return
        if not pool.label or place.slot.label == pool.label:
            yield place


def _whose_turn(scope: Scope, here: _Here, place: Place, waiting: Sequence[Turn]) -> UUID | None:
    """The first wording that is old enough, that nobody refused, that says nothing the account has lately, and gives
    nothing away."""
    for turn in waiting:
        if turn.last is not None and place.due - turn.last < here.pool.min_age:
            continue
        for post_id in turn.wordings:
            owner, there = planning.post(scope, post_id), [here.channel.id]
            if approvals.is_refused(scope, owner, scope.now):  # it would only wait for a yes that was refused
                continue
            said = overrides.content(owner, here.channel)
            given = overrides.given_away(owner, here.channel)
            if not given and not repeats.of_content(scope, said, there, place.due, connectors=here.connectors):
                return post_id
    return None


def _plan(scope: Scope, channel: Channel, place: Place, post_id: UUID) -> None:
    here = select(Delivery.occurrence_key).where(
        Delivery.tenant_id == scope.tenant_id, Delivery.post_id == post_id, Delivery.channel_id == channel.id
    )
    known = scope.session.exec(here).all()  # what was moved here has the key it had on the other account
    key = next(one for number in count(len(known) + 1) if (one := f"{KEY}{number}") not in known)
    asks_since = approvals.added(scope, planning.post(scope, post_id), channel.id)
    delivery_id = planning.add_delivery(
        scope, post_id, channel.id, at=place.at, occurrence_key=key, asks_since=asks_since
    )
    slots.take(scope, place, delivery_id)
    drafting.settle(scope, post_id)


def _uses(scope: Scope, channel_id: UUID, posts: Collection[UUID]) -> list[Use]:
    """The times of these posts on an account, and of whatever its pool planned there."""
    rows = scope.session.exec(
        select(Delivery)
        .where(
            Delivery.tenant_id == scope.tenant_id,
            Delivery.channel_id == channel_id,
            or_(col(Delivery.occurrence_key).startswith(KEY), col(Delivery.post_id).in_(list(posts))),
        )
        .execution_options(populate_existing=True)
    )
    return [Use(row.post_id, row.due_at, S(row.state), row.occurrence_key.startswith(KEY)) for row in rows]


def recycle(event: PoolDue, *, tenant: OpenScope, connectors: Mapping[str, Connector]) -> None:
    """Plan what a pool has room for."""
    with tenant(event.tenant_id, RECYCLING) as scope:
        try:
            fill(scope, event.subject_id, connectors=connectors)
        except NotFound:  # the agency's rows went meanwhile
            return


def wake_forgotten(scope: Scope) -> None:
    """Pools whose row was given up look for room again."""
    for pool_id in pools.forgotten(scope):
        outbox.put(scope, PoolDue(scope.tenant_id, pool_id))
