"""Create posts and deliveries; schedule and cancel deliveries."""

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
from tenants.agencies import agency_settings
from tenants.agencies.queries import get_member

PLANNING_HORIZON = timedelta(days=731)
"""Maximum time ahead for which a post can be scheduled: two years."""


BEYOND_PLANNING_HORIZON = "calendar.out_of_reach"


def check_planning_horizon(at: datetime, now: datetime) -> None:
    """Raise BadInput if an instant is beyond the planning horizon."""
    if at > now + PLANNING_HORIZON:
        raise BadInput(BEYOND_PLANNING_HORIZON)


FINAL_PREFLIGHT_LEAD = timedelta(minutes=10)
"""Time between the last preflight check of a delivery and its due time."""

IN_THREAD = 1
"""Outbox priority of the next part of a thread: a thread is finished before another post begins."""

DEFAULT_PRIORITY = 5
LOWEST_POST_PRIORITY = 9
"""The lowest priority. Users choose from 1 (first) to 9; 0 is reserved for posts of the
installation."""

DEFAULT_LATE_OK = lateness.DEFAULT_LATE_SPAN

ONCE = ("tenant_id", "post_id", "channel_id", "occurrence_key")
"""The unique key of a delivery."""


def get_post(scope: Scope, post_id: UUID) -> Post:
    """Return a post.

    Raises NotFound, also for a post of another tenant.
    """
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
    """Create a post once for each (origin, origin_key). A repeated call returns the existing ID.

    `media` are asset IDs and `parts` the rest of the thread; `others` are channel overrides.
    `late_ok` is the delay after which the post is no longer published, or None for no limit; with
    `until_midnight` the limit is the end of its local day. `priority` orders posts that are due on
    one account, 0 first. Raises BadInput, and NotFound for media outside the creator's library.
    """
    channel_overrides.check_content(PostContent(title, body, tuple(media), tuple(parts)), others)
    if not 0 <= priority <= LOWEST_POST_PRIORITY:
        raise BadInput("post.priority_wrong", most=LOWEST_POST_PRIORITY)
    # Without the lock, concurrent repeats would both find no post and insert one.
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
    """Return the principal of an author who is a member, so that members cannot approve their own
    work."""
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
    """Create a draft delivery of a post on a channel, once for each `ONCE` key, and return its ID.

    `at` is the requested local time. Approvals from before `asks_since` do not count for the
    delivery. `instead_of` is a delivery whose priority and dry-run mark are copied. `by_rule` means
    that a series computed the time: the planning horizon does not apply, and an active dry run does
    not mark the delivery. Raises NotFound or BadInput.
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
        late_until=draft_deadline(scope, owner, due, at.zone),
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
    """Insert a delivery unless its key exists; of two concurrent inserts the second waits for the
    first.

    One statement instead of a read and a write: a series creates hundreds of deliveries, and the
    reads took as long as the writes.
    """
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
    """Return the last instant at which a delivery of a post can be published, or None without a
    limit.

    `due` is UTC-aware.
    """
    return lateness.latest_publish_time(
        owner.late_ok, due, zone, until_midnight=owner.until_midnight
    )


def draft_deadline(scope: Scope, owner: Post, due: datetime, zone: str) -> datetime | None:
    """Return the last instant at which a draft delivery can be approved and published, or None
    without a limit. `due` is UTC-aware."""
    return allow_approval_time(scope, late_deadline(owner, due, zone), due)


def reopened_deadline(scope: Scope, row: Delivery) -> datetime | None:
    """Return the last instant at which a delivery that becomes a draft again can be approved and
    published, or None without a limit."""
    return allow_approval_time(scope, row.late_until, row.due_at)


def allow_approval_time(scope: Scope, late: datetime | None, due: datetime) -> datetime | None:
    """Return the deadline of a draft that is due at `due` and has the limit `late` for a late post,
    both UTC-aware. See `lateness.approval_deadline`."""
    if due > scope.now + lateness.AT_ONCE:
        # The setting is read for the few drafts that are due at once.
        return late
    time = agency_settings.get_approval_time(scope)
    return lateness.approval_deadline(late, due, scope.now, time)


def approved_deadline(scope: Scope, row: Delivery) -> datetime | None:
    """Return the last instant for publishing a draft that was approved now, or None without a
    limit. After a late approval, the limit of the post counts from now."""
    since = row.due_at if scope.now <= row.due_at + lateness.AT_ONCE else scope.now
    own = late_deadline(get_post(scope, row.post_id), since, row.zone)
    return lateness.deadline_after_approval(row.late_until, own)


def deliveries_of_post(
    scope: Scope, post_id: UUID, *, lock: bool = False, ended: bool = True
) -> list[Delivery]:
    """Return the deliveries of a post by due time.

    Without `ended`, deliveries in a final state are excluded; most deliveries of a series are in
    one. With `lock` the rows are locked until the transaction ends; for a delivery that is being
    published the call waits and returns the new state.
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
    """Return True if a delivery of a post is approved but not scheduled.

    Locks the deliveries, so that the result holds until the transaction ends.
    """
    return any(
        row.state == DeliveryState.APPROVED
        for row in deliveries_of_post(scope, post_id, lock=True, ended=False)
    )


def schedule_post(scope: Scope, post_id: UUID) -> list[UUID]:
    """Schedule the approved deliveries of a post at their requested times and return their IDs.

    A delivery whose time has passed is published immediately if it is not too late. Raises
    NotFound, and Conflict if no delivery is approved.
    """
    get_post(scope, post_id)
    planned = schedule_approved(scope, deliveries_of_post(scope, post_id, lock=True, ended=False))
    if not planned:
        raise Conflict("post.nothing_approved")
    return planned


def schedule_approved(scope: Scope, rows: Iterable[Delivery]) -> list[UUID]:
    """Schedule the approved ones of these deliveries; the caller must hold their locks."""
    approved = [row for row in rows if row.state == DeliveryState.APPROVED]
    for row in approved:
        late = approved_deadline(scope, row)
        transition_delivery(scope, row, DeliveryState.SCHEDULED, late_until=late)
        schedule_wakeups(scope, row)
    return [row.id for row in approved]


_MADE = "schedules.made"
"""Key of `session.info`: due time and priority of each delivery that this transaction created."""


def schedule_wakeups(scope: Scope, row: Delivery, *, at: datetime | None = None) -> None:
    """Replace the outbox rows of a delivery: preflight, upload and publication."""
    due = at or row.due_at
    if scope.session.info.get(_MADE, {}).get(row.id) == (due, row.priority):
        # The rows that create_delivery wrote are still correct.
        return
    cancel_wakeups(scope, row.id)
    _enqueue_publishing(scope, row, due)


def _enqueue_publishing(scope: Scope, row: Delivery, due: datetime) -> None:
    ids = (scope.tenant_id, row.id)
    lane = f"channel:{row.channel_id}"
    # A delivery that is due sooner is checked by its claim only.
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
    """Cancel the outbox rows of a delivery."""
    scope.session.info.get(_MADE, {}).pop(delivery_id, None)
    outbox.cancel_all(
        scope,
        delivery_id,
        *(one.kind for one in (PreflightDue, StageDue, PublishDue, ReconcileDue)),
    )


def cancel_delivery(scope: Scope, delivery_id: UUID) -> None:
    """Cancel a delivery.

    Raises Conflict if the delivery is being published, uncertain or published. In these cases use
    `post_removal.request_post_removal` or `uncertain_deliveries.close_uncertain_delivery`.
    """
    drop_delivery(scope, get_delivery(scope, delivery_id))


def drop_delivery(scope: Scope, row: Delivery, *, reason: Message | None = None) -> None:
    """Cancel a delivery with a reason for its members. Raises Conflict like `cancel_delivery`."""
    if row.state not in CANCELLABLE:
        raise Conflict(CANCEL_REFUSALS[DeliveryState(row.state)])
    transition_delivery(scope, row, DeliveryState.CANCELLED, reason=reason)
    cancel_wakeups(scope, row.id)
