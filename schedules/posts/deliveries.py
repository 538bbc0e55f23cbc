"""Writing posts and putting them on the calendar."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import inspect
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col, select

from channels.accounts import queries
from foundation.db.database import Scope
from foundation.errors import BadInput, Conflict, NotFound
from foundation.i18n.translation import Message
from foundation.ops.wall_time import WallTime
from foundation.outbox import outbox
from schedules.posts import (
    channel_overrides,
    dry_run_state,
    fingerprints,
    lateness,
    link_tracking,
    thread_parts,
)
from schedules.posts.channel_overrides import ChannelOverride, PostContent
from schedules.posts.content_digest import current_digest
from schedules.posts.events import PreflightDue, PublishDue, ReconcileDue, StageDue
from schedules.posts.link_tracking import DEFAULT_LINK_CHOICES, LinkChoices
from schedules.posts.models import Delivery, Post
from schedules.posts.states import CANCEL_REFUSALS, CANCELLABLE, FINAL_STATES, DeliveryState
from schedules.posts.thread_parts import ThreadPart
from schedules.posts.transitions import (
    FIRST_PREFLIGHT_LEAD,
    PREFLIGHT_QUEUE_PRIORITY,
    get_delivery,
    transition_delivery,
)
from studio.library import assets
from tenants.agencies.queries import get_member

PLANNING_HORIZON = timedelta(days=731)
"""So far ahead a post may be planned: two years."""


BEYOND_PLANNING_HORIZON = "calendar.out_of_reach"


def check_planning_horizon(at: datetime, now: datetime) -> None:
    """Raise BadInput for an instant that is further ahead than anything may be planned."""
    if at > now + PLANNING_HORIZON:
        raise BadInput(BEYOND_PLANNING_HORIZON)


FINAL_PREFLIGHT_LEAD = timedelta(minutes=10)
"""How long before its time a delivery is checked for the last time."""

IN_THREAD = 1
"""The priority of the next part of a thread: what has begun goes on before another post begins."""

DEFAULT_PRIORITY = 5
LOWEST_POST_PRIORITY = 9
"""Of a post where nobody says; people choose from 1 (first) to 9, and 0 is for what the house
itself must post."""

DEFAULT_LATE_OK = lateness.DEFAULT_LATE_SPAN

ONCE = ("tenant_id", "post_id", "channel_id", "occurrence_key")
"""What a delivery is known by: there is one."""


def get_post(scope: Scope, post_id: UUID) -> Post:
    """The post. Raises NotFound; another tenant's looks the same."""
    row = scope.session.get(Post, (scope.tenant_id, post_id))
    if row is None:
        raise NotFound("post.unknown")
    return row


def create_post(
    scope: Scope,
    *,
    creator_id: UUID,
    title: str,
    body: str,
    media: Sequence[UUID],
    origin: str,
    origin_key: str,
    author: str,
    author_principal: UUID | None = None,
    text_ai: str = "none",
    late_ok: timedelta | None = DEFAULT_LATE_OK,
    until_midnight: bool = False,
    parts: Sequence[ThreadPart] = (),
    others: Sequence[ChannelOverride] = (),
    priority: int = DEFAULT_PRIORITY,
    links: LinkChoices = DEFAULT_LINK_CHOICES,
) -> UUID:
    """Write a post once per (origin, origin_key); a repeat returns the id of the first one.

    `media` are asset ids; `late_ok` is how late it may still leave, None for always, unless it may
    `until_midnight` of its local day. An author who is a member is known by their principal.
    `parts` follow as a thread; `others` are what single places say otherwise. `priority` orders
    what leaves an account at once, 0 first; `links` is what is said of its addresses. Raises
    BadInput, and NotFound for a picture that is not in her library.
    """
    channel_overrides.check_content(PostContent(title, body, tuple(media), tuple(parts)), others)
    if not 0 <= priority <= LOWEST_POST_PRIORITY:
        raise BadInput("post.priority_wrong", most=LOWEST_POST_PRIORITY)
    assets.lock_library(scope, "post", origin, origin_key)
    known = _find_post_by_origin(scope, origin, origin_key)
    if known is not None:
        return known
    assets.check_assets_owned(
        scope, creator_id, channel_overrides.collect_assets(media, parts, others)
    )
    row = Post(
        tenant_id=scope.tenant_id,
        creator_id=creator_id,
        title=title,
        body=body,
        media=[str(asset) for asset in media],
        parts=thread_parts.dump_thread(parts),
        overrides=channel_overrides.dump_overrides(others),
        links=link_tracking.build_link_plan(scope, creator_id, links),
        origin=origin,
        origin_key=origin_key,
        author=author,
        author_principal=author_principal or principal_of_author(scope, author),
        text_ai=text_ai,
        priority=priority,
        late_ok=late_ok,
        until_midnight=until_midnight,
        digest="",
    )
    row.digest = current_digest(scope, row)
    scope.add(row)
    fingerprints.store_new_fingerprints(scope, [row])
    return row.id


def _find_post_by_origin(scope: Scope, origin: str, origin_key: str) -> UUID | None:
    return scope.session.exec(
        select(Post.id).where(
            Post.tenant_id == scope.tenant_id, Post.origin == origin, Post.origin_key == origin_key
        )
    ).first()


def principal_of_author(scope: Scope, author: str) -> UUID | None:
    """The human behind an author: without it, somebody could approve their own work."""
    kind, _, key = author.partition(":")
    return get_member(scope, UUID(key)).principal_id if kind == "member" else None


def create_delivery(
    scope: Scope,
    post_id: UUID,
    channel_id: UUID,
    *,
    at: WallTime,
    occurrence_key: str = "",
    series_id: UUID | None = None,
    variant: str | None = None,
    asks_since: datetime | None = None,
    instead_of: Delivery | None = None,
    by_rule: bool = False,
) -> UUID:
    """Wish a post on a channel at a wall time, held then without a yes; once per `ONCE`. Raises
    NotFound, BadInput.

    `asks_since`: what `approvals.added` says of it. In the place of another one it is as important,
    and only rehearsed where that was. `by_rule`: its time was a series', whose reach is its own and
    which is never marked as rehearsed.
    """
    owner = get_post(scope, post_id)
    channel = queries.get_channel(scope, channel_id)
    if channel.creator_id != owner.creator_id:
        raise NotFound("channel.unknown", channel=str(channel_id))
    due = at.instant()
    by_hand = series_id is None and not by_rule
    if by_hand:
        check_planning_horizon(due, scope.now)
    row = Delivery(
        tenant_id=scope.tenant_id,
        creator_id=owner.creator_id,
        post_id=post_id,
        channel_id=channel_id,
        wall_time=str(at),
        zone=at.zone,
        due_at=due,
        late_until=late_deadline(owner, due, at.zone),
        priority=owner.priority if instead_of is None else instead_of.priority,
        occurrence_key=occurrence_key,
        series_id=series_id,
        variant=variant,
        asks_since=asks_since,
        dry_run=instead_of.dry_run
        if instead_of
        else by_hand and dry_run_state.is_in_dry_run(scope, post_id, channel_id),
    )
    if _insert_if_absent(scope, row):
        _enqueue_publishing(scope, row, due)
        scope.session.info.setdefault(_MADE, {})[row.id] = (due, row.priority)
        return row.id
    return scope.session.exec(
        select(Delivery.id).where(*(getattr(Delivery, name) == getattr(row, name) for name in ONCE))
    ).one()


def _insert_if_absent(scope: Scope, row: Delivery) -> bool:
    """Write it unless it is there. Of two at once the second waits for the first: a series makes
    hundreds, and asking before each, alone, took as long again."""
    values = {column.name: getattr(row, column.name) for column in inspect(Delivery).columns}
    values = {
        name: value for name, value in values.items() if name not in ("created_at", "updated_at")
    }
    put = (
        insert(Delivery)
        .values(values)
        .on_conflict_do_nothing(index_elements=ONCE)
        .returning(col(Delivery.id))
    )
    return scope.session.execute(put).first() is not None


def late_deadline(owner: Post, due: datetime, zone: str) -> datetime | None:
    """Until when a delivery of a post may leave, None for always; `due` is UTC-aware."""
    return lateness.latest_publish_time(
        owner.late_ok, due, zone, until_midnight=owner.until_midnight
    )


def deliveries_of_post(
    scope: Scope, post_id: UUID, *, lock: bool = False, ended: bool = True
) -> list[Delivery]:
    """The deliveries of a post, the first due first; without those that `ended`, which of what
    repeats are most.

    `lock`: to be moved in this transaction, so that one whose time comes just now is waited for and
    seen as it then is.
    """
    query = (
        select(Delivery)
        .where(Delivery.tenant_id == scope.tenant_id, Delivery.post_id == post_id)
        .order_by(col(Delivery.due_at), col(Delivery.id))
    )
    query = (
        query if ended else query.where(col(Delivery.state).not_in(sorted(map(str, FINAL_STATES))))
    )
    query = query.with_for_update() if lock else query
    return list(scope.session.exec(query.execution_options(populate_existing=True)))


def has_approved_deliveries(scope: Scope, post_id: UUID) -> bool:
    """Whether any delivery of a post waits to be planned; true until this transaction ends, for who
    plans them then."""
    return any(
        row.state == DeliveryState.APPROVED
        for row in deliveries_of_post(scope, post_id, lock=True, ended=False)
    )


def schedule_post(scope: Scope, post_id: UUID) -> list[UUID]:
    """Put every approved delivery of a post on the calendar at its wished time; the outbox wakes
    each.

    A wish that has passed by less than its lateness allows leaves at once. Raises NotFound, and
    Conflict when nothing is approved.
    """
    get_post(scope, post_id)
    planned = schedule_approved(scope, deliveries_of_post(scope, post_id, lock=True, ended=False))
    if not planned:
        raise Conflict("post.nothing_approved")
    return planned


def schedule_approved(scope: Scope, rows: Iterable[Delivery]) -> list[UUID]:
    """Put those of these deliveries that are approved on the calendar; the caller holds them."""
    approved = [row for row in rows if row.state == DeliveryState.APPROVED]
    for row in approved:
        transition_delivery(scope, row, DeliveryState.SCHEDULED)
        schedule_wakeups(scope, row)
    return [row.id for row in approved]


_MADE = "schedules.made"
"""When and how soon each delivery leaves that this transaction made, as the rows say that carry
it."""


def schedule_wakeups(scope: Scope, row: Delivery, *, at: datetime | None = None) -> None:
    """Write the rows that carry a delivery, in the place of those it had: its check ahead, its
    publication."""
    due = at or row.due_at
    if scope.session.info.get(_MADE, {}).get(row.id) == (due, row.priority):
        return  # as it was made: a series plans what it makes
    cancel_wakeups(scope, row.id)
    _enqueue_publishing(scope, row, due)


def _enqueue_publishing(scope: Scope, row: Delivery, due: datetime) -> None:
    ids = (scope.tenant_id, row.id)
    lane = f"channel:{row.channel_id}"
    if due - FINAL_PREFLIGHT_LEAD > scope.now:
        outbox.put(
            scope,
            PreflightDue(*ids),
            at=max(due - FIRST_PREFLIGHT_LEAD, scope.now),
            priority=PREFLIGHT_QUEUE_PRIORITY,
        )
        if channel_overrides.has_pictures(get_post(scope, row.post_id)) and not row.part_ids:
            outbox.put(
                scope, StageDue(*ids), at=due - FINAL_PREFLIGHT_LEAD, lane=f"stage:{row.channel_id}"
            )
    first = min(row.priority, IN_THREAD) if row.part_ids else row.priority
    outbox.put(scope, PublishDue(*ids), at=due, lane=lane, priority=first)


def cancel_wakeups(scope: Scope, delivery_id: UUID) -> None:
    """Cancel the rows that would wake a delivery."""
    scope.session.info.get(_MADE, {}).pop(delivery_id, None)
    outbox.cancel_all(
        scope,
        delivery_id,
        *(one.kind for one in (PreflightDue, StageDue, PublishDue, ReconcileDue)),
    )


def cancel_delivery(scope: Scope, delivery_id: UUID) -> None:
    """Take a delivery off the calendar. Raises Conflict once it is on its way, in doubt or outside:
    those have acts of their own (`doubts.leave`, `post_removal.request_post_removal`)."""
    drop_delivery(scope, get_delivery(scope, delivery_id))


def drop_delivery(scope: Scope, row: Delivery, *, reason: Message | None = None) -> None:
    """Take a delivery off the calendar, with a reason people can read. Raises Conflict as
    `cancel`."""
    if row.state not in CANCELLABLE:
        raise Conflict(CANCEL_REFUSALS[DeliveryState(row.state)])
    transition_delivery(scope, row, DeliveryState.CANCELLED, reason=reason)
    cancel_wakeups(scope, row.id)
