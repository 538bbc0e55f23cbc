"""Drafts of members and automated processes: create, schedule, rewrite and retry posts.

A post that an automated process drafts is published only after a member approves it.
"""

from dataclasses import dataclass, replace
from datetime import timedelta
from uuid import UUID

from channels.accounts.queries import Channel, get_channel
from connectors.shared.options import ChosenOptions
from foundation.db.database import Scope
from foundation.errors import BadInput, Conflict, NotFound
from foundation.ops.wall_time import WallTime
from schedules.approvals import change_requests, decisions
from schedules.approvals.release import approver_names, release_post
from schedules.approvals.time_changes import expedite_delivery
from schedules.downtime import missed_posts
from schedules.posts import (
    channel_limits,
    channel_overrides,
    deliveries,
    fingerprints,
    labels,
    lateness,
    link_tracking,
    queries,
    thread_parts,
)
from schedules.posts.channel_overrides import ChannelOverride, PostContent
from schedules.posts.content_digest import current_digest
from schedules.posts.deliveries import (
    DEFAULT_LATE_OK,
    deliveries_of_post,
    get_post,
    reopened_deadline,
    schedule_wakeups,
)
from schedules.posts.lateness import LateLimit
from schedules.posts.link_tracking import DEFAULT_LINK_CHOICES, LinkChoices, LinkPolicy
from schedules.posts.queries import StoredPost
from schedules.posts.states import CANCELLABLE, DASHBOARD_ORIGIN, DeliveryState
from schedules.posts.thread_parts import ThreadPart
from schedules.posts.transitions import get_delivery, transition_delivery
from studio.library import assets


@dataclass(frozen=True)
class Draft:
    """The content and accounts of a post that is not stored yet."""

    creator_id: UUID
    title: str
    body: str
    media: tuple[UUID, ...]
    channels: tuple[UUID, ...]
    text_ai: str = "none"
    parts: tuple[ThreadPart, ...] = ()
    """The rest of the thread, the first comment last."""
    others: tuple[ChannelOverride, ...] = ()
    """Channel overrides."""
    links: LinkChoices = DEFAULT_LINK_CHOICES
    """The author's choices for links."""
    late: LateLimit | None = None
    """The chosen limit for a late post, or None to keep the default. A rewrite does not change it.
    """
    labels: tuple[UUID, ...] | None = None
    """All labels of the post, or None to keep its current ones."""
    post_id: UUID | None = None
    """The stored post that this is a draft of, if any."""

    @property
    def base_content(self) -> PostContent:
        """Return the content without overrides."""
        return PostContent(self.title, self.body, self.media, self.parts)

    @property
    def assets(self) -> list[UUID]:
        """Return every asset of the post and its overrides."""
        return channel_overrides.collect_assets(self.media, self.parts, self.others)

    @property
    def content_only(self) -> "Draft":
        """Return the draft without accounts, late limit and labels, which can change without a
        rewrite."""
        return replace(self, channels=(), late=None, labels=None, post_id=None)

    @property
    def is_empty(self) -> bool:
        """Return True if the draft has neither text nor pictures."""
        return not (self.body.strip() or self.title.strip() or self.media)


@dataclass(frozen=True)
class PlannedPost:
    """The result of scheduling. `waiting` names the members who can approve the post; it is empty
    if no approval is needed."""

    post_id: UUID
    at: WallTime
    waiting: tuple[str, ...]
    left: bool
    """True if it is scheduled and will be published automatically."""


def plan_draft(
    scope: Scope,
    draft: Draft,
    *,
    key: UUID,
    at: WallTime,
    author: str,
    late_ok: timedelta | None = DEFAULT_LATE_OK,
    origin: str = DASHBOARD_ORIGIN,
    priority: int = deliveries.DEFAULT_PRIORITY,
) -> PlannedPost:
    """Create a post with deliveries, once for each `key`, and schedule it unless it needs approval.

    Raises BadInput for a draft without content or accounts, for one that exceeds a limit of an
    account and for a time in the past, and NotFound.
    """
    allowed = late_ok if draft.late is None else lateness.late_span(draft.late)
    late = lateness.latest_publish_time(
        allowed, at.instant(), at.zone, until_midnight=draft.late is LateLimit.DAY
    )
    if late is not None and late < scope.now:
        raise BadInput("delivery.time_passed")
    require_channel(draft)
    post_id = write_draft(
        scope, draft, key=key, author=author, late_ok=late_ok, origin=origin, priority=priority
    )
    for channel_id in draft.channels:
        deliveries.create_delivery(scope, post_id, channel_id, at=at)
    channel_limits.require_channel_limits(scope, post_id)
    return PlannedPost(post_id, at, approver_names(scope, post_id), release_post(scope, post_id))


def schedule_draft(scope: Scope, post_id: UUID) -> bool:
    """Schedule the drafts of a post that needs no approval; return True if any was scheduled.

    Raises BadInput for a post that exceeds a limit of one of its accounts.
    """
    channel_limits.require_channel_limits(scope, post_id)
    return release_post(scope, post_id)


def write_draft(
    scope: Scope,
    draft: Draft,
    *,
    key: UUID,
    author: str,
    late_ok: timedelta | None = DEFAULT_LATE_OK,
    until_midnight: bool = False,
    origin: str = DASHBOARD_ORIGIN,
    priority: int = deliveries.DEFAULT_PRIORITY,
) -> UUID:
    """Create the post of a draft without deliveries, once for each `key`, and return its ID.

    `priority` is 1 (first) to 9. The draft's `late` overrides `late_ok` and `until_midnight`. A
    draft with a `post_id` rewrites that post. Raises BadInput for a draft without content,
    NotFound, and Conflict if that post has deliveries.
    """
    if draft.is_empty:
        raise BadInput("compose.empty").about("body")
    if draft.post_id is not None:
        return _go_on(scope, draft.post_id, draft, author=author, priority=max(priority, 1))
    known = queries.post_ids_by_origin_key(scope, origin, str(key)) if draft.labels else {}
    # Priority 0 is reserved for posts of the installation.
    post_id = deliveries.create_post(
        scope,
        creator_id=draft.creator_id,
        title=draft.title,
        body=draft.body,
        media=draft.media,
        origin=origin,
        origin_key=str(key),
        author=author,
        text_ai=draft.text_ai,
        late_ok=late_ok if draft.late is None else lateness.late_span(draft.late),
        until_midnight=until_midnight if draft.late is None else draft.late is LateLimit.DAY,
        parts=draft.parts,
        others=draft.others,
        priority=max(priority, 1),
        links=draft.links,
    )
    # A repeat must not restore labels that were removed in the meantime.
    if draft.labels and str(key) not in known:
        labels.set_post_labels(scope, post_id, draft.labels)
    return post_id


def _go_on(scope: Scope, post_id: UUID, draft: Draft, *, author: str, priority: int) -> UUID:
    row = get_post(scope, post_id)
    scope.session.refresh(row, with_for_update={"key_share": True})
    if row.creator_id != draft.creator_id:
        raise NotFound("post.unknown")
    if deliveries_of_post(scope, post_id):
        raise Conflict("post.changed_meanwhile")
    rewrite_post(scope, post_id, draft, author=author)
    row.priority = priority
    if draft.late is not None:
        row.late_ok = lateness.late_span(draft.late)
        row.until_midnight = draft.late is LateLimit.DAY
    scope.add(row)
    return post_id


def require_channel(draft: Draft) -> None:
    """Raise BadInput for a draft without accounts."""
    if not draft.channels:
        raise BadInput("compose.no_account").about("accounts")


def rewrite_post(
    scope: Scope,
    post_id: UUID,
    draft: Draft,
    *,
    author: str,
    seen: Draft | None = None,
    rule: LinkPolicy | None = None,
) -> bool:
    """Change the content of an unpublished post; return True if the post is scheduled.

    `rule` is the link policy, by default that of the creator. If the post needs approval, its
    deliveries become drafts and keep their times. Raises BadInput for empty content and for content
    that exceeds a limit of an account, NotFound for a picture of another creator, and Conflict if a
    part was published in the meantime or the content differs from `seen`.
    """
    if draft.is_empty:
        raise BadInput("compose.empty").about("body")
    channel_overrides.check_content(draft.base_content, draft.others)
    row = get_post(scope, post_id)
    # Concurrent rewrites run one after the other, each with a new version.
    scope.session.refresh(row, with_for_update={"key_share": True})
    if seen is not None:
        require_unchanged(scope, post_id, seen)
    assets.check_assets_owned(scope, row.creator_id, draft.assets)
    # Before the outbox rows, as in a cancellation: another order could deadlock.
    rows = deliveries_of_post(scope, post_id, lock=True)
    known = [one for one in rows if one.state != DeliveryState.CANCELLED]
    if (rows and not known) or any(one.state not in CANCELLABLE for one in known):
        raise Conflict("post.left_already")
    row.title = draft.title
    row.body = draft.body
    row.media = [str(asset) for asset in draft.media]
    row.parts = thread_parts.dump_thread(draft.parts)
    row.overrides = channel_overrides.dump_overrides(draft.others)
    row.links = link_tracking.dump_link_plan(
        rule or link_tracking.link_policy_of_creator(scope, row.creator_id), draft.links
    )
    row.text_ai = draft.text_ai
    row.author = author
    row.author_principal = deliveries.principal_of_author(scope, author)
    row.version += 1
    before = row.digest
    row.digest = current_digest(scope, row)
    # Changed content answers an open change request.
    if row.digest != before:
        change_requests.close_change_request(scope, post_id)
    scope.add(row)
    fingerprints.store_fingerprints(scope, row)
    if draft.labels is not None:
        labels.set_post_labels(scope, post_id, draft.labels)
    for one in known:
        if missed_posts.is_still_held(scope, one):
            continue
        if one.state != DeliveryState.DRAFT:
            late = reopened_deadline(scope, one)
            transition_delivery(scope, one, DeliveryState.DRAFT, late_until=late)
        schedule_wakeups(scope, one)
    channel_limits.require_channel_limits(scope, post_id)
    return release_post(scope, post_id)


def is_published_on_approval(scope: Scope, post_id: UUID) -> bool:
    """Return True if a changed post is published as soon as it is approved: it is due and not too
    late."""
    rows = [row for row in deliveries_of_post(scope, post_id) if row.state in CANCELLABLE]
    rows = [
        row
        for row in rows
        if row.due_at <= scope.now and not missed_posts.is_still_held(scope, row)
    ]
    return any(row.late_until is None or scope.now <= row.late_until for row in rows)


def require_unchanged(scope: Scope, post_id: UUID, seen: Draft) -> None:
    """Raise Conflict if the content of a post differs from `seen`."""
    if draft_of_post(queries.get_stored_post(scope, post_id)).content_only != seen.content_only:
        raise Conflict("post.changed_meanwhile")


def set_channel_options(
    scope: Scope, post_id: UUID, channel_id: UUID, options: ChosenOptions, *, author: str
) -> bool | None:
    """Change the options of a post on one account.

    Returns None if nothing changes, otherwise True if the post is scheduled and False if not.
    Options are part of the approved content. Raises the same errors as `rewrite_post`, and NotFound
    for an account that the post does not use.
    """
    row = get_post(scope, post_id)
    # Lock the post, so that a concurrent change is not overwritten.
    scope.session.refresh(row, with_for_update={"key_share": True})
    channels = _goes_to(scope, post_id)
    others = channel_overrides.set_option_override(
        row, list(channels.values()), channel_of_post(scope, post_id, channel_id), options
    )
    if channel_overrides.dump_overrides(others) == row.overrides:
        return None
    written = replace(draft_of_post(queries.build_stored_post(row)), others=others)
    return rewrite_post(
        scope, post_id, written, author=author, rule=link_tracking.link_plan_of_post(row).rule
    )


def _goes_to(scope: Scope, post_id: UUID) -> dict[UUID, Channel]:
    live = dict.fromkeys(
        one.channel_id
        for one in deliveries_of_post(scope, post_id)
        if one.state != DeliveryState.CANCELLED
    )
    return {one: get_channel(scope, one) for one in live}


def channel_of_post(scope: Scope, post_id: UUID, channel_id: UUID) -> Channel:
    """Return an account that a post is published to. Raises NotFound for any other."""
    found = _goes_to(scope, post_id).get(channel_id)
    if found is None:
        raise NotFound("channel.unknown")
    return found


def draft_of_post(of: StoredPost, channels: tuple[UUID, ...] = ()) -> Draft:
    """Return a stored post as a draft for these accounts."""
    words = (of.title, of.body, of.media, channels, of.text_ai, of.parts, of.others, of.links)
    return Draft(of.creator_id, *words, late=of.late, post_id=of.id)


def remove_channel_from_post(scope: Scope, delivery_id: UUID) -> None:
    """Remove an account from a post. Raises Conflict if the post is, or is being, published
    there."""
    deliveries.cancel_delivery(scope, delivery_id)


def retry_delivery(scope: Scope, delivery_id: UUID, *, version: int | None = None) -> None:
    """Retry a failed or held delivery, or the rest of an interrupted thread, now.

    Raises Conflict for a delivery in another state, and the errors of `publish_now`.
    """
    if get_delivery(scope, delivery_id).state not in (
        DeliveryState.HELD,
        DeliveryState.FAILED,
        DeliveryState.BROKEN_OFF,
    ):
        raise Conflict("delivery.not_movable")
    publish_now(scope, delivery_id, version=version)


def publish_now(scope: Scope, delivery_id: UUID, *, version: int | None = None) -> None:
    """Publish a delivery now, as `expedite_delivery` does.

    Raises Conflict if the approval is missing; for the rest of a thread the claim checks that.
    """
    row = get_delivery(scope, delivery_id)
    if row.state != DeliveryState.BROKEN_OFF and not decisions.is_delivery_approved(
        scope, get_post(scope, row.post_id), row, scope.now
    ):
        raise Conflict("delivery.needs_yes")
    expedite_delivery(scope, delivery_id, version=version)


def propose_draft(
    scope: Scope, draft: Draft, *, key: UUID, at: WallTime | None, author: str, origin: str
) -> UUID:
    """Create a draft proposed by an automated process, once for each `key`; `at` is the requested
    time.

    It is never scheduled automatically, even if members' posts need no approval; at its time it is
    put on hold. Raises BadInput for an empty draft, for accounts without a time and for a time
    without accounts, and NotFound.
    """
    if at is None:
        if draft.channels:
            raise BadInput("post.no_time")
        return write_draft(scope, draft, key=key, author=author, origin=origin)
    require_channel(draft)
    if at.instant() < scope.now:
        raise BadInput("delivery.time_passed")
    post_id = write_draft(scope, draft, key=key, author=author, origin=origin)
    for channel_id in draft.channels:
        deliveries.create_delivery(scope, post_id, channel_id, at=at)
    return post_id
