"""The pool of a creator: which of her posts come back, where, how often, until when.
`schedules/recurrence/evergreen_planner.py` plans."""

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
"""What the occurrence keys of deliveries begin with that a pool planned."""

ORIGIN = "recycle"
"""`origin` of posts written as another wording of one in a pool."""

MAX_POOL_ENTRIES = 500
MAX_POOL_VARIANTS = 20
"""Entries of a pool, and wordings of one entry."""

MAX_POOL_AGE = timedelta(days=730)


@dataclass(frozen=True)
class PoolSchedule:
    """Where, when and how often posts of a pool come back. `label`: only slots of that name;
    `until`: the last day.

    `min_age` is between two times of one entry on an account, `every` between two of any.
    """

    channels: tuple[UUID, ...]
    min_age: timedelta = timedelta(days=60)
    every: timedelta = timedelta(days=1)
    label: str = ""
    until: date | None = None


def pool_schedule(row: Pool) -> PoolSchedule:
    """How a pool comes back."""
    return PoolSchedule(
        tuple(map(UUID, row.channels)), row.min_age, row.every, row.label, row.until
    )


def get_pool(scope: Scope, pool_id: UUID, *, lock: bool = False) -> Pool:
    """The pool. `lock`: nobody else plans or changes it until this transaction ends. Raises
    NotFound."""
    query = select(Pool).where(Pool.tenant_id == scope.tenant_id, Pool.id == pool_id)
    query = query.with_for_update() if lock else query
    row = scope.session.exec(query.execution_options(populate_existing=True)).first()
    if row is None:
        raise NotFound("pool.unknown")
    return row


def pool_of_creator(scope: Scope, creator_id: UUID) -> Pool | None:
    """A creator's pool, if she has one."""
    query = select(Pool).where(Pool.tenant_id == scope.tenant_id, Pool.creator_id == creator_id)
    return scope.session.exec(query.execution_options(populate_existing=True)).first()


def lock_pool(scope: Scope, creator_id: UUID) -> Pool | None:
    """A creator's pool, if she has one: nobody else makes one or changes it until this transaction
    ends."""
    scope.lock(f"{scope.tenant_id}:pool:{creator_id}")  # two at once would both make one
    row = pool_of_creator(scope, creator_id)
    return get_pool(scope, row.id, lock=True) if row is not None else None


def list_pool_entries(scope: Scope, pool_id: UUID) -> list[PoolEntry]:
    """What is in a pool, taken out or not, the oldest first."""
    query = select(PoolEntry).where(
        PoolEntry.tenant_id == scope.tenant_id, PoolEntry.pool_id == pool_id
    )
    ordered = query.order_by(col(PoolEntry.created_at), col(PoolEntry.id))
    return list(scope.session.exec(ordered.execution_options(populate_existing=True)))


def save_pool(scope: Scope, creator_id: UUID, rhythm: PoolSchedule) -> UUID:
    """Say how a creator's posts come back; what is planned already stays. Her pool's id, made where
    there was none.

    Raises BadInput for no account, too short or too long a time and an end that has passed;
    NotFound for an account that is not hers.
    """
    if not rhythm.channels:
        raise BadInput("compose.no_account")
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
    """Let a post come back; once per post, and one that was taken out is in again. The entry's id.

    Raises Conflict where its creator has no pool yet, BadInput for too many, NotFound.
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
    """The entries by which a post comes back: those it is a wording of, but what was taken out."""
    holds = type_coerce(PoolEntry.wordings, JSONB).contains([str(post_id)])
    here = (PoolEntry.tenant_id == scope.tenant_id, col(PoolEntry.taken_out).is_(False), holds)
    return list(scope.session.exec(select(PoolEntry.id).where(*here)))


def add_pool_variant(scope: Scope, entry_id: UUID, body: str, *, key: UUID, author: str) -> UUID:
    """Another wording of an entry, that takes its turn once it has the yes its creator asks for;
    once per `key`.

    Pictures, parts, prices, labels and what is said of addresses are those of the first one.
    Returns its post. Raises BadInput for the words of another wording and for too many,
    NotFound.
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
        raise BadInput("pool.same_words")
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
    """What it says, its pictures aside: all wordings show the same."""
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
    """Whose entry it is. Raises NotFound."""
    return _get_pool_entry(scope, entry_id).creator_id


def remove_pool_entry(scope: Scope, entry_id: UUID) -> int:
    """Let an entry come back no more, and take what is planned of it off the calendar; how many
    that were.

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
    """Plan no more, and take what is planned off the calendar; how many that were. Raises
    NotFound."""
    row = get_pool(scope, pool_id, lock=True)
    row.paused = True
    scope.add(row)
    outbox.cancel(scope, PoolDue.kind, row.id)
    posts = [UUID(one) for entry in list_pool_entries(scope, pool_id) for one in entry.wordings]
    return _drop_pending_deliveries(scope, posts, Message("pool.paused"))


def resume_pool(scope: Scope, pool_id: UUID) -> None:
    """Plan again. Raises NotFound."""
    row = get_pool(scope, pool_id, lock=True)
    row.paused = False
    scope.add(row)
    _schedule_pool_planning(scope, row)


def upcoming_pool_deliveries(
    scope: Scope, posts: Sequence[UUID], *, lock: bool = False
) -> list[Delivery]:
    """What a pool planned of these posts that has not left and waits for nobody's decision, the
    first due first."""
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
    """What is on hold waits for a decision, but for what waits for a yes: somebody's, days later,
    would send it."""
    found = _list_pool_deliveries(scope, posts, PENDING_STATES | {DeliveryState.HELD}, lock=True)
    rows = [
        one for one in found if one.state in PENDING_STATES or verdicts.is_held_for_approval(one)
    ]
    for row in rows:
        drop_delivery(scope, row, reason=reason)
    return len(rows)


def stalled_pools(scope: Scope) -> list[UUID]:
    """Pools that run and that no row would wake: theirs was given up."""
    rows = scope.session.exec(
        select(Pool.id).where(Pool.tenant_id == scope.tenant_id, ~col(Pool.paused))
    )
    return [one for one in rows if not outbox.is_pending(scope, one, PoolDue.kind)]
