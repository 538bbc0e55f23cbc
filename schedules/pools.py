"""The pool of a creator: which of her posts come back, where, how often, until when. `schedules/recycling.py` plans."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import col, select, type_coerce

from channels import reads as channel_reads
from foundation import outbox
from foundation.database import Scope
from foundation.errors import BadInput, Conflict, NotFound
from foundation.ids import derived
from foundation.words import Message
from schedules import drafting, labels, likeness, linking, overrides, planning, yeses
from schedules.calendar import local_day
from schedules.drafting import Draft
from schedules.events import PoolDue
from schedules.likeness import Print
from schedules.models import Delivery, Post
from schedules.models_planning import Pool, PoolEntry
from schedules.overrides import Content
from schedules.planning import drop
from schedules.states import TO_COME, DeliveryState

S = DeliveryState
KEY = "pool-"
"""What the occurrence keys of deliveries begin with that a pool planned."""

ORIGIN = "recycle"
"""`origin` of posts written as another wording of one in a pool."""

MOST, MOST_WORDINGS = 500, 20
"""Entries of a pool, and wordings of one entry."""

OLDEST = timedelta(days=730)


@dataclass(frozen=True)
class Rhythm:
    """Where, when and how often posts of a pool come back. `label`: only slots of that name; `until`: the last day.

    `min_age` is between two times of one entry on an account, `every` between two of any.
    """

    channels: tuple[UUID, ...]
    min_age: timedelta = timedelta(days=60)
    every: timedelta = timedelta(days=1)
    label: str = ""
    until: date | None = None


def rhythm_of(row: Pool) -> Rhythm:
    """How a pool comes back."""
    return Rhythm(tuple(map(UUID, row.channels)), row.min_age, row.every, row.label, row.until)


def pool(scope: Scope, pool_id: UUID, *, lock: bool = False) -> Pool:
    """The pool. `lock`: nobody else plans or changes it until this transaction ends. Raises NotFound."""
    query = select(Pool).where(Pool.tenant_id == scope.tenant_id, Pool.id == pool_id)
    query = query.with_for_update() if lock else query
    row = scope.session.exec(query.execution_options(populate_existing=True)).first()
    if row is None:
        raise NotFound("pool.unknown")
    return row


def of_creator(scope: Scope, creator_id: UUID) -> Pool | None:
    """A creator's pool, if she has one."""
    query = select(Pool).where(Pool.tenant_id == scope.tenant_id, Pool.creator_id == creator_id)
    return scope.session.exec(query.execution_options(populate_existing=True)).first()


def held(scope: Scope, creator_id: UUID) -> Pool | None:
    """A creator's pool, if she has one: nobody else makes one or changes it until this transaction ends."""
    scope.hold(f"{scope.tenant_id}:pool:{creator_id}")  # two at once would both make one
    row = of_creator(scope, creator_id)
    return pool(scope, row.id, lock=True) if row is not None else None


def entries_of(scope: Scope, pool_id: UUID) -> list[PoolEntry]:
    """What is in a pool, taken out or not, the oldest first."""
    query = select(PoolEntry).where(PoolEntry.tenant_id == scope.tenant_id, PoolEntry.pool_id == pool_id)
    ordered = query.order_by(col(PoolEntry.created_at), col(PoolEntry.id))
    return list(scope.session.exec(ordered.execution_options(populate_existing=True)))


def settle(scope: Scope, creator_id: UUID, rhythm: Rhythm) -> UUID:
    """Say how a creator's posts come back; what is planned already stays. Her pool's id, made where there was none.

    Raises BadInput for no account, too short or too long a time and an end that has passed; NotFound for an account
    that is not hers.
    """
    if not rhythm.channels:
        raise BadInput("compose.no_account")
    if not likeness.WINDOW <= rhythm.min_age <= OLDEST or not timedelta(0) <= rhythm.every <= OLDEST:
        raise BadInput("pool.rhythm_wrong", least=likeness.WINDOW.days, most=OLDEST.days)
    if rhythm.until is not None and rhythm.until < local_day(scope.now, "UTC") - timedelta(days=1):
        raise BadInput("pool.over")
    mine = {one.id for one in channel_reads.channels_of(scope, creator_id)}
    if not mine >= set(rhythm.channels):
        raise NotFound("channel.unknown")
    row = _made(scope, creator_id, rhythm)
    row.channels = [str(one) for one in dict.fromkeys(rhythm.channels)]
    row.min_age, row.every, row.label, row.until = rhythm.min_age, rhythm.every, rhythm.label, rhythm.until
    scope.add(row)
    _wake(scope, row)
    return row.id


def _made(scope: Scope, creator_id: UUID, rhythm: Rhythm) -> Pool:
    row = held(scope, creator_id)
    if row is not None:
        return row
    return Pool(
        tenant_id=scope.tenant_id,
        creator_id=creator_id,
        id=derived(creator_id, "pool"),
        min_age=rhythm.min_age,
        every=rhythm.every,
    )


def _wake(scope: Scope, row: Pool) -> None:
    if not row.paused:
        outbox.put(scope, PoolDue(scope.tenant_id, row.id), instead_of=PoolDue)


def add(scope: Scope, post_id: UUID) -> UUID:
    """Let a post come back; once per post, and one that was taken out is in again. The entry's id.

    Raises Conflict where its creator has no pool yet, BadInput for too many, NotFound.
    """
    owner = planning.post(scope, post_id)
    known = of_creator(scope, owner.creator_id)
    if known is None:
        raise Conflict("pool.none_yet")
    row, entries = pool(scope, known.id, lock=True), entries_of(scope, known.id)
    entry = next((one for one in entries if str(post_id) in one.wordings), None)
    if entry is None:
        if len(entries) >= MOST:
            raise BadInput("pool.full", most=MOST)
        entry = PoolEntry(
            tenant_id=scope.tenant_id,
            creator_id=owner.creator_id,
            id=derived(row.id, post_id),
            pool_id=row.id,
            first_id=post_id,
            wordings=[str(post_id)],
        )
    entry.taken_out = False
    scope.add(entry)
    _wake(scope, row)
    return entry.id


def holding(scope: Scope, post_id: UUID) -> list[UUID]:
    """The entries by which a post comes back: those it is a wording of, but what was taken out."""
    holds = type_coerce(PoolEntry.wordings, JSONB).contains([str(post_id)])
    here = (PoolEntry.tenant_id == scope.tenant_id, col(PoolEntry.taken_out).is_(False), holds)
    return list(scope.session.exec(select(PoolEntry.id).where(*here)))


def add_wording(scope: Scope, entry_id: UUID, body: str, *, key: UUID, author: str) -> UUID:
    """Another wording of an entry, that takes its turn once it has the yes its creator asks for; once per `key`.

    Pictures, parts, prices, labels and what is said of addresses are those of the first one. Returns its post. Raises
    BadInput for the words of another wording and for too many, NotFound.
    """
    entry = _entry(scope, entry_id)
    row = pool(scope, entry.pool_id, lock=True)
    entry = _entry(scope, entry_id)
    first = planning.post(scope, entry.first_id)
    said = overrides.written(first)
    wordings = [planning.post(scope, one) for one in map(UUID, entry.wordings)]
    made = next((one.id for one in wordings if one.origin == ORIGIN and one.origin_key == str(key)), None)
    if made is not None:
        return made
    new = _words(replace(said, body=body))
    if any(likeness.alike(new, _words(overrides.written(one))) for one in _worded(wordings)):
        raise BadInput("pool.same_words")
    if len(wordings) >= MOST_WORDINGS:
        raise BadInput("pool.many_wordings", most=MOST_WORDINGS)
    asks, links = overrides.asked(first), linking.read(first).wanted
    draft = Draft(first.creator_id, first.title, body, said.media, (), first.text_ai, said.parts, asks, links=links)
    draft = replace(draft, labels=labels.ids_of(scope, first.id))
    late: dict[str, Any] = {"late_ok": first.late_ok, "until_midnight": first.until_midnight}
    post_id = drafting.write(scope, draft, key=key, author=author, origin=ORIGIN, priority=first.priority, **late)
    entry.wordings = [*entry.wordings, str(post_id)]
    scope.add(entry)
    _wake(scope, row)
    return post_id


def _words(said: Content) -> Print:
    """What it says, its pictures aside: all wordings show the same."""
    return replace(likeness.of_content(said), pictures=frozenset())


def _worded(wordings: Sequence[Post]) -> list[Post]:
    return [one for one in wordings if one.title or one.body]


def _entry(scope: Scope, entry_id: UUID) -> PoolEntry:
    query = select(PoolEntry).where(PoolEntry.tenant_id == scope.tenant_id, PoolEntry.id == entry_id)
    row = scope.session.exec(query.execution_options(populate_existing=True)).first()
    if row is None:
        raise NotFound("pool.no_entry")
    return row


def creator_of(scope: Scope, entry_id: UUID) -> UUID:
    """Whose entry it is. Raises NotFound."""
    return _entry(scope, entry_id).creator_id


def take_out(scope: Scope, entry_id: UUID) -> int:
    """Let an entry come back no more, and take what is planned of it off the calendar; how many that were.

    Raises NotFound.
    """
    row = pool(scope, _entry(scope, entry_id).pool_id, lock=True)
    entry = _entry(scope, entry_id)
    entry.taken_out = True
    scope.add(entry)
    _wake(scope, row)
    return _take_off(scope, [UUID(one) for one in entry.wordings], Message("pool.taken_out"))


def pause(scope: Scope, pool_id: UUID) -> int:
    """Plan no more, and take what is planned off the calendar; how many that were. Raises NotFound."""
    row = pool(scope, pool_id, lock=True)
    row.paused = True
    scope.add(row)
    outbox.cancel(scope, PoolDue.kind, row.id)
    posts = [UUID(one) for entry in entries_of(scope, pool_id) for one in entry.wordings]
    return _take_off(scope, posts, Message("pool.paused"))


def resume(scope: Scope, pool_id: UUID) -> None:
    """Plan again. Raises NotFound."""
    row = pool(scope, pool_id, lock=True)
    row.paused = False
    scope.add(row)
    _wake(scope, row)


def coming(scope: Scope, posts: Sequence[UUID], *, lock: bool = False) -> list[Delivery]:
    """What a pool planned of these posts that has not left and waits for nobody's decision, the first due first."""
    return _planned(scope, posts, TO_COME, lock=lock)


def _planned(scope: Scope, posts: Sequence[UUID], states: Collection[DeliveryState], *, lock: bool) -> list[Delivery]:
    query = (
        select(Delivery)
        .where(
            Delivery.tenant_id == scope.tenant_id,
            col(Delivery.post_id).in_(list(posts)),
            col(Delivery.occurrence_key).startswith(KEY),
            col(Delivery.state).in_(sorted(map(str, states))),
        )
        .order_by(col(Delivery.due_at), col(Delivery.id))
    )
    query = query.with_for_update() if lock else query
    return list(scope.session.exec(query.execution_options(populate_existing=True)))


def _take_off(scope: Scope, posts: Sequence[UUID], reason: Message) -> int:
    """What is on hold waits for a decision, but for what waits for a yes: somebody's, days later, would send it."""
    found = _planned(scope, posts, TO_COME | {S.HELD}, lock=True)
    rows = [one for one in found if one.state in TO_COME or yeses.lifts(one)]
    for row in rows:
        drop(scope, row, reason=reason)
    return len(rows)


def forgotten(scope: Scope) -> list[UUID]:
    """Pools that run and that no row would wake: theirs was given up."""
    rows = scope.session.exec(select(Pool.id).where(Pool.tenant_id == scope.tenant_id, ~col(Pool.paused)))
    return [one for one in rows if not outbox.awaited(scope, one, PoolDue.kind)]
