"""A post as somebody writes it, and putting it on the calendar.

What a machine proposes: a draft with a time as its wish. It leaves for nobody before a person says
yes to it.
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
    """What somebody wants to say, and where; nothing of it is written yet."""

    creator_id: UUID
    title: str
    body: str
    media: tuple[UUID, ...]
    channels: tuple[UUID, ...]
    text_ai: str = "none"
    parts: tuple[ThreadPart, ...] = ()
    """What follows as a thread, and the first comment at last."""
    others: tuple[ChannelOverride, ...] = ()
    """What single places say otherwise."""
    links: LinkChoices = DEFAULT_LINK_CHOICES
    """What is said of its addresses."""
    late: LateLimit | None = None
    """How late it may still leave, where somebody chose; rewriting does not change it."""
    labels: tuple[UUID, ...] | None = None
    """The labels it is to have, all of them; None leaves a post those it has."""
    post_id: UUID | None = None
    """The post it is of, where that is written already."""

    @property
    def base_content(self) -> PostContent:
        """What it says where no place says otherwise."""
        return PostContent(self.title, self.body, self.media, self.parts)

    @property
    def assets(self) -> list[UUID]:
        """Every picture of it, in whatever place."""
        return channel_overrides.collect_assets(self.media, self.parts, self.others)

    @property
    def content_only(self) -> "Draft":
        """What it says alone: where it goes, its lateness and its labels change without it."""
        return replace(self, channels=(), late=None, labels=None, post_id=None)

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to show."""
        return not (self.body.strip() or self.title.strip() or self.media)


@dataclass(frozen=True)
class PlannedPost:
    """What became of a post that was planned: `waiting` names who may approve it, nobody where none
    is asked for."""

    post_id: UUID
    at: WallTime
    waiting: tuple[str, ...]
    left: bool
    """Whether it is on the calendar, to leave by itself."""


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
    """Write a post and put it on the calendar, once per `key`; where a yes is asked for, it waits
    for one.

    Raises BadInput for a draft without words, pictures or accounts, and for a time that has passed;
    NotFound.
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
    return PlannedPost(post_id, at, approver_names(scope, post_id), release_post(scope, post_id))


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
    """Write the post of a draft, once per `key`; it has no time yet. People's `priority` is 1
    (first) to 9.

    What the draft says of its lateness counts before `late_ok` and `until_midnight`. One of a post
    that was put aside goes on with that one.

    Raises BadInput for a draft without words and pictures, NotFound, and Conflict for a post that
    goes anywhere by now.
    """
    if draft.is_empty:
        raise BadInput("compose.empty")
    if draft.post_id is not None:
        return _go_on(scope, draft.post_id, draft, author=author, priority=max(priority, 1))
    known = queries.post_ids_by_origin_key(scope, origin, str(key)) if draft.labels else {}
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
    if (
        draft.labels and str(key) not in known
    ):  # a repeat gives none anew that was taken off meanwhile
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
    """Raise BadInput for a draft that names no account."""
    if not draft.channels:
        raise BadInput("compose.no_account")


def rewrite_post(
    scope: Scope,
    post_id: UUID,
    draft: Draft,
    *,
    author: str,
    seen: Draft | None = None,
    rule: LinkPolicy | None = None,
) -> bool:
    """Change the words and pictures of a post of which nothing is outside; whether it is on the
    calendar again. `rule`: what becomes of its addresses, as its creator has it now where nobody
    says.

    What was approved was another content: it waits for a yes again, and its time is kept as a wish.
    Raises BadInput for an empty one, NotFound for a picture that is not hers, Conflict when a part
    has left meanwhile, or where it says something else by now than what its author has `seen`.
    """
    if draft.is_empty:
        raise BadInput("compose.empty")
    channel_overrides.check_content(draft.base_content, draft.others)
    row = get_post(scope, post_id)
    scope.session.refresh(
        row, with_for_update={"key_share": True}
    )  # two writers at once: each makes its own version
    if seen is not None:
        require_unchanged(scope, post_id, seen)
    assets.check_assets_owned(scope, row.creator_id, draft.assets)
    rows = deliveries_of_post(
        scope, post_id, lock=True
    )  # before what wakes them, as whoever takes one off
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
            transition_delivery(scope, one, DeliveryState.DRAFT)
        schedule_wakeups(scope, one)
    return release_post(scope, post_id)


def is_published_on_approval(scope: Scope, post_id: UUID) -> bool:
    """Whether a post whose words change leaves once nobody's yes is missing: its hour is over, not
    its lateness."""
    rows = [row for row in deliveries_of_post(scope, post_id) if row.state in CANCELLABLE]
    rows = [
        row
        for row in rows
        if row.due_at <= scope.now and not missed_posts.is_still_held(scope, row)
    ]
    return any(row.late_until is None or scope.now <= row.late_until for row in rows)


def require_unchanged(scope: Scope, post_id: UUID, seen: Draft) -> None:
    """Raise Conflict for a post that says something else by now than what was seen of it."""
    if draft_of_post(queries.get_stored_post(scope, post_id)).content_only != seen.content_only:
        raise Conflict("post.changed_meanwhile")


def set_channel_options(
    scope: Scope, post_id: UUID, channel_id: UUID, options: ChosenOptions, *, author: str
) -> bool | None:
    """Change what a post chooses on one account beside its words, and nothing else of it; None
    where that is as it was, else whether it is on the calendar again.

    It is content: what was approved was another. Raises as `rewrite` does, and NotFound for an
    account that it does not go to.
    """
    row = get_post(scope, post_id)
    scope.session.refresh(
        row, with_for_update={"key_share": True}
    )  # what somebody else wrote just now is kept
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
    """An account that a post goes to. Raises NotFound for any other."""
    found = _goes_to(scope, post_id).get(channel_id)
    if found is None:
        raise NotFound("channel.unknown")
    return found


def draft_of_post(of: StoredPost, channels: tuple[UUID, ...] = ()) -> Draft:
    """A post as it stands, as a draft of itself for these accounts."""
    words = (of.title, of.body, of.media, channels, of.text_ai, of.parts, of.others, of.links)
    return Draft(of.creator_id, *words, late=of.late, post_id=of.id)


def remove_channel_from_post(scope: Scope, delivery_id: UUID) -> None:
    """Take one account off a post. Raises Conflict once it is on its way or outside: removal is
    another act."""
    deliveries.cancel_delivery(scope, delivery_id)


def retry_delivery(scope: Scope, delivery_id: UUID, *, version: int | None = None) -> None:
    """Try a refused or held delivery again now, or the rest of one that was broken off.

    Raises Conflict for any other, and as `now`.
    """
    if get_delivery(scope, delivery_id).state not in (
        DeliveryState.HELD,
        DeliveryState.FAILED,
        DeliveryState.BROKEN_OFF,
    ):
        raise Conflict("delivery.not_movable")
    publish_now(scope, delivery_id, version=version)


def publish_now(scope: Scope, delivery_id: UUID, *, version: int | None = None) -> None:
    """A member's or a program's "now": as `deliveries.expedite_delivery`, and Conflict for what
    would only be put on hold for want of a yes; of what stands in part that is asked when its rest
    leaves."""
    row = get_delivery(scope, delivery_id)
    if row.state != DeliveryState.BROKEN_OFF and not decisions.is_delivery_approved(
        scope, get_post(scope, row.post_id), row, scope.now
    ):
        raise Conflict("delivery.needs_yes")
    expedite_delivery(scope, delivery_id, version=version)


def propose_draft(
    scope: Scope, draft: Draft, *, key: UUID, at: WallTime | None, author: str, origin: str
) -> UUID:
    """Write a draft once per `key`; with `at`, that time is wished on its accounts. Nothing of it
    goes onto the calendar by itself, also where a person's post needs nobody's yes: at its hour it
    is on hold.

    Raises BadInput for an empty one, for accounts without a time or a time without accounts;
    NotFound.
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
