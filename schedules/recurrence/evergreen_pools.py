"""Evergreen pools: the posts of a creator that are reposted, with accounts, intervals and an end
date.

`schedules/recurrence/evergreen_planner.py` creates the deliveries.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import col, select, type_coerce

from channels.accounts import queries
from foundation.db.database import Scope
from foundation.errors import BadInput, Conflict, NotFound
from foundation.i18n.translation import Message
from foundation.ids import derived_uuid
from foundation.ops.wall_time import local_day
from foundation.outbox import outbox
from schedules.approvals import verdicts
from schedules.drafts import drafts
from schedules.drafts.drafts import Draft
from schedules.posts import channel_overrides, deliveries, labels, link_tracking, text_similarity
from schedules.posts.channel_overrides import PostContent
from schedules.posts.deliveries import drop_delivery
from schedules.posts.models import Delivery, Post
from schedules.posts.states import PENDING_STATES, DeliveryState
from schedules.posts.text_similarity import Fingerprint
from schedules.recurrence.events import PoolDue
from schedules.recurrence.models import Pool, PoolEntry

POOL_KEY_PREFIX = "pool-"
"""Prefix of the occurrence keys of deliveries that a pool has planned."""

ORIGIN = "recycle"
"""`origin` of posts created as variants of a pool entry."""

MAX_POOL_ENTRIES = 500
MAX_POOL_VARIANTS = 20
"""Maximum number of variants of an entry; a pool has at most `MAX_POOL_ENTRIES` entries."""

MAX_POOL_AGE = timedelta(days=730)


@dataclass(frozen=True)
class PoolSchedule:
    """The accounts and intervals of a pool. `label` limits it to slots of that name; `until` is the
    last day.

    `min_age` is the minimum interval between two publications of an entry on an account, `every`
    that between any two posts of the pool there.
    """

    channels: tuple[UUID, ...]
    min_age: timedelta = timedelta(days=60)
    every: timedelta = timedelta(days=1)
    label: str = ""
    until: date | None = None


def pool_schedule(row: Pool) -> PoolSchedule:
    """Return the schedule of a pool."""
    return PoolSchedule(
        tuple(map(UUID, row.channels)), row.min_age, row.every, row.label, row.until
    )


def get_pool(scope: Scope, pool_id: UUID, *, lock: bool = False) -> Pool:
    """Return a pool; `lock` prevents concurrent planning and changes until the transaction ends.

    Raises NotFound.
    """
    query = select(Pool).where(Pool.tenant_id == scope.tenant_id, Pool.id == pool_id)
    query = query.with_for_update() if lock else query
    row = scope.session.exec(query.execution_options(populate_existing=True)).first()
    if row is None:
        raise NotFound("pool.unknown")
    return row


def pool_of_creator(scope: Scope, creator_id: UUID) -> Pool | None:
    """Return the pool of a creator, or None."""
    query = select(Pool).where(Pool.tenant_id == scope.tenant_id, Pool.creator_id == creator_id)
    return scope.session.exec(query.execution_options(populate_existing=True)).first()


def lock_pool(scope: Scope, creator_id: UUID) -> Pool | None:
    """Lock and return the pool of a creator, or None.

    Without a pool, the lock prevents other transactions from creating one.
    """
    # otherwise two concurrent requests would both create a pool
    scope.lock(f"{scope.tenant_id}:pool:{creator_id}")
    row = pool_of_creator(scope, creator_id)
    return get_pool(scope, row.id, lock=True) if row is not None else None


def list_pool_entries(scope: Scope, pool_id: UUID) -> list[PoolEntry]:
    """Return all entries of a pool, including removed ones, oldest first."""
    query = select(PoolEntry).where(
        PoolEntry.tenant_id == scope.tenant_id, PoolEntry.pool_id == pool_id
    )
    ordered = query.order_by(col(PoolEntry.created_at), col(PoolEntry.id))
    return list(scope.session.exec(ordered.execution_options(populate_existing=True)))


def save_pool(scope: Scope, creator_id: UUID, rhythm: PoolSchedule) -> UUID:
    """Create or update the pool of a creator and return its ID. Existing deliveries are not
    changed.

    Raises BadInput without accounts, for intervals out of range and for an end date in the past;
    NotFound for an account that is not the creator's.
    """
    if not rhythm.channels:
        raise BadInput("compose.no_account").about("accounts")
    if (
        not text_similarity.SIMILARITY_WINDOW <= rhythm.min_age <= MAX_POOL_AGE
        or not timedelta(0) <= rhythm.every <= MAX_POOL_AGE
    ):
        raise BadInput(
            "pool.rhythm_wrong",
            least=text_similarity.SIMILARITY_WINDOW.days,
            most=MAX_POOL_AGE.days,
        )
    if rhythm.until is not None and rhythm.until < local_day(scope.now, "UTC") - timedelta(days=1):
        raise BadInput("pool.over")
    mine = {one.id for one in queries.list_creator_channels(scope, creator_id)}
    if not mine >= set(rhythm.channels):
        raise NotFound("channel.unknown")
    row = _lock_or_build_pool(scope, creator_id, rhythm)
    row.channels = [str(one) for one in dict.fromkeys(rhythm.channels)]
    row.min_age = rhythm.min_age
    row.every = rhythm.every
    row.label = rhythm.label
    row.until = rhythm.until
    scope.add(row)
    _schedule_pool_planning(scope, row)
    return row.id


def _lock_or_build_pool(scope: Scope, creator_id: UUID, rhythm: PoolSchedule) -> Pool:
    row = lock_pool(scope, creator_id)
    if row is not None:
        return row
    return Pool(
        tenant_id=scope.tenant_id,
        creator_id=creator_id,
        id=derived_uuid(creator_id, "pool"),
        min_age=rhythm.min_age,
        every=rhythm.every,
    )


def _schedule_pool_planning(scope: Scope, row: Pool) -> None:
    if not row.paused:
        outbox.put(scope, PoolDue(scope.tenant_id, row.id), instead_of=PoolDue)


def add_post_to_pool(scope: Scope, post_id: UUID) -> UUID:
    """Add a post to the pool of its creator, or restore a removed one; return the entry's ID.

    Idempotent. Raises Conflict if the creator has no pool, BadInput if it is full, NotFound.
    """
    owner = deliveries.get_post(scope, post_id)
    known = pool_of_creator(scope, owner.creator_id)
    if known is None:
        raise Conflict("pool.none_yet")
    row = get_pool(scope, known.id, lock=True)
    entries = list_pool_entries(scope, known.id)
    entry = next((one for one in entries if str(post_id) in one.wordings), None)
    if entry is None:
        if len(entries) >= MAX_POOL_ENTRIES:
            raise BadInput("pool.full", most=MAX_POOL_ENTRIES)
        entry = PoolEntry(
            tenant_id=scope.tenant_id,
            creator_id=owner.creator_id,
            id=derived_uuid(row.id, post_id),
            pool_id=row.id,
            first_id=post_id,
            wordings=[str(post_id)],
        )
    entry.taken_out = False
    scope.add(entry)
    _schedule_pool_planning(scope, row)
    return entry.id


def pool_entries_of_post(scope: Scope, post_id: UUID) -> list[UUID]:
    """Return the active entries of which a post is a variant."""
    holds = type_coerce(PoolEntry.wordings, JSONB).contains([str(post_id)])
    here = (PoolEntry.tenant_id == scope.tenant_id, col(PoolEntry.taken_out).is_(False), holds)
    return list(scope.session.exec(select(PoolEntry.id).where(*here)))


def add_pool_variant(scope: Scope, entry_id: UUID, body: str, *, key: UUID, author: str) -> UUID:
    """Add a variant with another text to an entry and return its post; once per `key`.

    Media, parts, prices, labels and link settings are those of the first variant. The variant is
    used once it has the required approval. Raises BadInput if another variant has the same text and
    for too many variants, and NotFound.
    """
    entry = _get_pool_entry(scope, entry_id)
    row = get_pool(scope, entry.pool_id, lock=True)
    entry = _get_pool_entry(scope, entry_id)
    first = deliveries.get_post(scope, entry.first_id)
    said = channel_overrides.base_content(first)
    wordings = [deliveries.get_post(scope, one) for one in map(UUID, entry.wordings)]
    made = next(
        (one.id for one in wordings if one.origin == ORIGIN and one.origin_key == str(key)), None
    )
    if made is not None:
        return made
    new = _fingerprint_text_only(replace(said, body=body))
    if any(
        text_similarity.compare_fingerprints(
            new, _fingerprint_text_only(channel_overrides.base_content(one))
        )
        for one in _filter_posts_with_text(wordings)
    ):
        raise BadInput("pool.same_words").about("words")
    if len(wordings) >= MAX_POOL_VARIANTS:
        raise BadInput("pool.many_wordings", most=MAX_POOL_VARIANTS)
    asks = channel_overrides.price_and_option_overrides(first)
    links = link_tracking.link_plan_of_post(first).wanted
    draft = Draft(
        first.creator_id,
        first.title,
        body,
        said.media,
        (),
        first.text_ai,
        said.parts,
        asks,
        links=links,
    )
    draft = replace(draft, labels=labels.label_ids_of_post(scope, first.id))
    late: dict[str, Any] = {"late_ok": first.late_ok, "until_midnight": first.until_midnight}
    post_id = drafts.write_draft(
        scope, draft, key=key, author=author, origin=ORIGIN, priority=first.priority, **late
    )
    entry.wordings = [*entry.wordings, str(post_id)]
    scope.add(entry)
    _schedule_pool_planning(scope, row)
    return post_id


def _fingerprint_text_only(said: PostContent) -> Fingerprint:
    """Return the fingerprint of the text alone, because all variants share the media."""
    return replace(text_similarity.fingerprint_content(said), pictures=frozenset())


def _filter_posts_with_text(wordings: Sequence[Post]) -> list[Post]:
    return [one for one in wordings if one.title or one.body]


def _get_pool_entry(scope: Scope, entry_id: UUID) -> PoolEntry:
    query = select(PoolEntry).where(
        PoolEntry.tenant_id == scope.tenant_id, PoolEntry.id == entry_id
    )
    row = scope.session.exec(query.execution_options(populate_existing=True)).first()
    if row is None:
        raise NotFound("pool.no_entry")
    return row


def creator_of_pool_entry(scope: Scope, entry_id: UUID) -> UUID:
    """Return the creator of an entry. Raises NotFound."""
    return _get_pool_entry(scope, entry_id).creator_id


def remove_pool_entry(scope: Scope, entry_id: UUID) -> int:
    """Remove an entry from its pool and cancel its pending deliveries; return their number.

    Raises NotFound.
    """
    row = get_pool(scope, _get_pool_entry(scope, entry_id).pool_id, lock=True)
    entry = _get_pool_entry(scope, entry_id)
    entry.taken_out = True
    scope.add(entry)
    _schedule_pool_planning(scope, row)
    return _drop_pending_deliveries(
        scope, [UUID(one) for one in entry.wordings], Message("pool.taken_out")
    )


def pause_pool(scope: Scope, pool_id: UUID) -> int:
    """Pause a pool and cancel its pending deliveries; return their number. Raises NotFound."""
    row = get_pool(scope, pool_id, lock=True)
    row.paused = True
    scope.add(row)
    outbox.cancel(scope, PoolDue.kind, row.id)
    posts = [UUID(one) for entry in list_pool_entries(scope, pool_id) for one in entry.wordings]
    return _drop_pending_deliveries(scope, posts, Message("pool.paused"))


def resume_pool(scope: Scope, pool_id: UUID) -> None:
    """Resume a paused pool. Raises NotFound."""
    row = get_pool(scope, pool_id, lock=True)
    row.paused = False
    scope.add(row)
    _schedule_pool_planning(scope, row)


def upcoming_pool_deliveries(
    scope: Scope, posts: Sequence[UUID], *, lock: bool = False
) -> list[Delivery]:
    """Return the pending deliveries of these posts that a pool planned, earliest first.

    Deliveries on hold are not included.
    """
    return _list_pool_deliveries(scope, posts, PENDING_STATES, lock=lock)


def _list_pool_deliveries(
    scope: Scope, posts: Sequence[UUID], states: Collection[DeliveryState], *, lock: bool
) -> list[Delivery]:
    query = (
        select(Delivery)
        .where(
            Delivery.tenant_id == scope.tenant_id,
            col(Delivery.post_id).in_(list(posts)),
            col(Delivery.occurrence_key).startswith(POOL_KEY_PREFIX),
            col(Delivery.state).in_(sorted(map(str, states))),
        )
        .order_by(col(Delivery.due_at), col(Delivery.id))
    )
    query = query.with_for_update() if lock else query
    return list(scope.session.exec(query.execution_options(populate_existing=True)))


def _drop_pending_deliveries(scope: Scope, posts: Sequence[UUID], reason: Message) -> int:
    """Cancel pending deliveries, and those on hold for a missing approval.

    A later approval would otherwise publish them. Deliveries on hold for other reasons wait for a
    decision.
    """
    found = _list_pool_deliveries(scope, posts, PENDING_STATES | {DeliveryState.HELD}, lock=True)
    rows = [
        one for one in found if one.state in PENDING_STATES or verdicts.is_held_for_approval(one)
    ]
    for row in rows:
        drop_delivery(scope, row, reason=reason)
    return len(rows)


def stalled_pools(scope: Scope) -> list[UUID]:
    """Return the active pools that have no pending event because their last event failed
    permanently."""
    rows = scope.session.exec(
        select(Pool.id).where(Pool.tenant_id == scope.tenant_id, ~col(Pool.paused))
    )
    return [one for one in rows if not outbox.is_pending(scope, one, PoolDue.kind)]
