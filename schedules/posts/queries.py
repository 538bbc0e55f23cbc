"""Queries for posts and deliveries, for pages and for other packages.

`find_media_published_at` returns the media of the posts that the agency published at an address.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from urllib.parse import SplitResult, urlsplit
from uuid import UUID

from sqlalchemy import Row, func
from sqlmodel import col, select

from channels.accounts import queries
from foundation.db.database import Scope
from foundation.errors import NotFound
from foundation.i18n.translation import Message
from foundation.ops.wall_time import day_bounds
from gate.contract.units import Subject
from gate.copies import live_copies
from schedules.posts import channel_overrides, link_tracking
from schedules.posts.channel_overrides import ChannelOverride, PostContent, overrides_of_post
from schedules.posts.lateness import LateLimit, late_limit_of
from schedules.posts.link_tracking import DEFAULT_LINK_CHOICES, LinkChoices
from schedules.posts.models import Delivery, DeliveryMove, Post
from schedules.posts.states import NEEDS_DECISION, WAITS_FOR_MANUAL_POSTING, DeliveryState
from schedules.posts.thread_parts import ThreadPart, parse_thread

MAX_PAGE_SIZE = 200
"""Maximum number of rows on one page."""


@dataclass(frozen=True)
class DeliveryEntry:
    """A delivery on the calendar. `settled_at` is the time at which its outcome became known;
    instants are UTC-aware."""

    delivery_id: UUID
    post_id: UUID
    channel_id: UUID
    channel: str
    title: str
    body: str
    state: DeliveryState
    reason: Message | None
    due_at: datetime
    zone: str
    settled_at: datetime | None
    url: str | None
    native_id: str | None
    version: int
    """The version that a page sends back with a change, so that a change from a stale page is
    refused."""
    creator_id: UUID
    wall_time: str
    """The planned local date and time in `zone`, as 2026-03-02T10:00."""
    media: tuple[UUID, ...]
    not_before: datetime | None
    parts: int = 1
    """Number of parts; `done` counts those of a thread that are published."""
    done: int = 0
    occurrence_key: str = ""
    series_id: UUID | None = None
    dry: bool = False
    """True if it has the dry-run mark and is never sent."""
    priority: int = 5
    """1 is published first, 9 last."""
    late_until: datetime | None = None
    """Instant after which it is put on hold and members are notified, or None for no limit."""
    lasts_hours: int | None = None
    """Hours after which the platform deletes it, or None if it does not expire."""

    @property
    def expires_at(self) -> datetime | None:
        """Return the instant at which the platform deletes it, or None if it does not expire or is
        not published."""
        if (
            self.lasts_hours is None
            or self.state is not DeliveryState.PUBLISHED
            or self.settled_at is None
        ):
            return None
        return self.settled_at + timedelta(hours=self.lasts_hours)

    @property
    def display_state(self) -> str:
        """Return the state for display. A delivery that awaits manual posting is not shown as
        processing."""
        waits = (
            self.state is DeliveryState.PROCESSING
            and self.reason is not None
            and self.reason.code == WAITS_FOR_MANUAL_POSTING
        )
        return "handed_over" if waits else str(self.state)


@dataclass(frozen=True)
class StoredPost:
    """A post as its author wrote it."""

    id: UUID
    creator_id: UUID
    title: str
    body: str
    media: tuple[UUID, ...]
    text_ai: str
    author: str
    author_principal: UUID | None
    version: int
    late: LateLimit | None  # None for a span that is not one of the choices
    parts: tuple[ThreadPart, ...] = ()
    others: tuple[ChannelOverride, ...] = ()
    """Channel overrides."""
    links: LinkChoices = DEFAULT_LINK_CHOICES
    """The author's choices for links."""

    @property
    def base_content(self) -> PostContent:
        """Return the content without overrides."""
        return PostContent(self.title, self.body, self.media, self.parts)

    def content_for_channel(self, channel: queries.Channel) -> PostContent:
        """Return the content on an account."""
        return channel_overrides.apply_overrides(self.base_content, self.others, channel)


@dataclass(frozen=True)
class DeliveryStep:
    """One transition in the history of a delivery."""

    at: datetime
    before: DeliveryState
    after: DeliveryState
    by: str
    reason: Message | None


def build_entry(
    row: Delivery | Row[Any], owner: Post | Row[Any], names: Mapping[UUID, str]
) -> DeliveryEntry:
    """Build the entry of a delivery and its post; `names` maps account IDs to names."""
    return DeliveryEntry(
        row.id,
        row.post_id,
        row.channel_id,
        names.get(row.channel_id, "?"),
        owner.title,
        owner.body,
        DeliveryState(row.state),
        Message.from_json(row.reason) if row.reason else None,
        row.due_at,
        row.zone,
        row.settled_at,
        row.url,
        row.native_id,
        row.version,
        row.creator_id,
        row.wall_time,
        tuple(UUID(asset) for asset in owner.media),
        row.not_before,
        row.parts,
        len(row.part_ids),
        row.occurrence_key,
        row.series_id,
        row.dry_run,
        row.priority,
        row.late_until,
        row.lasts_hours,
    )


def entries_between(
    scope: Scope, creator_id: UUID, start: datetime, end: datetime, *, limit: int = 5000
) -> list[DeliveryEntry]:
    """Return the deliveries of a creator due in [start, end), by time."""
    rows = scope.session.exec(
        select(Delivery, Post)
        .join(
            Post,
            (col(Post.tenant_id) == col(Delivery.tenant_id))
            & (col(Post.id) == col(Delivery.post_id)),
        )
        .where(
            Delivery.tenant_id == scope.tenant_id,
            Delivery.creator_id == creator_id,
            Delivery.due_at >= start,
            Delivery.due_at < end,
        )
        .order_by(col(Delivery.due_at), col(Delivery.id))
        .limit(limit)
    ).all()
    names = {
        channel.id: channel.name for channel in queries.list_creator_channels(scope, creator_id)
    }
    return [build_entry(row, owner, names) for row, owner in rows]


_SHOWN = (
    *(
        Delivery.id,
        Delivery.post_id,
        Delivery.channel_id,
        Delivery.state,
        Delivery.reason,
        Delivery.due_at,
    ),
    *(
        Delivery.zone,
        Delivery.settled_at,
        Delivery.url,
        Delivery.native_id,
        Delivery.version,
        Delivery.creator_id,
    ),
    *(
        Delivery.wall_time,
        Delivery.not_before,
        Delivery.parts,
        Delivery.part_ids,
        Delivery.occurrence_key,
    ),
    *(
        Delivery.series_id,
        Delivery.dry_run,
        Delivery.priority,
        Delivery.late_until,
        Delivery.lasts_hours,
    ),
    *(Post.title, Post.body, Post.media),
)
"""The columns of an entry. Reading whole rows took three times as long for thousands of deliveries.
"""


def calendar_entries(
    scope: Scope,
    creators: Collection[UUID],
    start: datetime,
    end: datetime,
    *,
    names: Mapping[UUID, str],
    also: Collection[UUID] = (),
    limit: int = 2000,
) -> list[DeliveryEntry]:
    """Return the deliveries of these creators due in [start, end), by time, and those in `also`.

    `also` are IDs of further deliveries of the creators, whenever due; `names` maps account IDs to
    names.
    """
    rows = scope.session.execute(
        # More columns than select() has overloads for.
        select(*_SHOWN)  # type: ignore[call-overload]  # see above
        .join(
            Post,
            (col(Post.tenant_id) == col(Delivery.tenant_id))
            & (col(Post.id) == col(Delivery.post_id)),
        )
        .where(
            Delivery.tenant_id == scope.tenant_id,
            col(Delivery.creator_id).in_(list(creators)),
            ((col(Delivery.due_at) >= start) & (col(Delivery.due_at) < end))
            | col(Delivery.id).in_(list(also)),
        )
        .order_by(col(Delivery.due_at), col(Delivery.id))
        .limit(limit)
    ).all()
    return [build_entry(row, row, names) for row in rows]


def get_stored_post(scope: Scope, post_id: UUID) -> StoredPost:
    """Return a post.

    Raises NotFound, also for a post of another tenant.
    """
    row = scope.session.get(Post, (scope.tenant_id, post_id))
    if row is None:
        raise NotFound("post.unknown")
    return build_stored_post(row)


def build_stored_post(row: Post) -> StoredPost:
    """Build the StoredPost of a row."""
    words = (
        row.title,
        row.body,
        tuple(UUID(asset) for asset in row.media),
        row.text_ai,
        row.author,
    )
    return StoredPost(
        row.id,
        row.creator_id,
        *words,
        *(
            row.author_principal,
            row.version,
            late_limit_of(row.late_ok, until_midnight=row.until_midnight),
        ),
        parse_thread(row.parts),
        overrides_of_post(row),
        link_tracking.link_plan_of_post(row).wanted,
    )


def entries_of_post(
    scope: Scope, post_id: UUID, *, names: Mapping[UUID, str]
) -> list[DeliveryEntry]:
    """Return the deliveries of a post, by time; empty for an unknown post."""
    rows = scope.session.exec(
        select(Delivery, Post)
        .join(
            Post,
            (col(Post.tenant_id) == col(Delivery.tenant_id))
            & (col(Post.id) == col(Delivery.post_id)),
        )
        .where(Delivery.tenant_id == scope.tenant_id, Delivery.post_id == post_id)
        .order_by(col(Delivery.due_at), col(Delivery.id))
        .execution_options(populate_existing=True)
    ).all()
    return [build_entry(row, owner, names) for row, owner in rows]


def post_id_of_delivery(scope: Scope, delivery_id: UUID) -> UUID:
    """Return the post of a delivery.

    Raises NotFound, also for a delivery of another tenant.
    """
    found = scope.session.exec(
        select(Delivery.post_id).where(
            Delivery.tenant_id == scope.tenant_id, Delivery.id == delivery_id
        )
    ).first()
    if found is None:
        raise NotFound("delivery.unknown")
    return found


def delivery_ids_between(scope: Scope, low: UUID, high: UUID) -> dict[UUID, list[UUID]]:
    """Return the deliveries whose ID, or whose post's ID, is between `low` and `high`.

    The result maps each post to its deliveries in order of creation.
    """
    rows = scope.session.exec(
        select(Delivery.post_id, Delivery.id)
        .where(
            Delivery.tenant_id == scope.tenant_id,
            col(Delivery.id).between(low, high) | col(Delivery.post_id).between(low, high),
        )
        .order_by(col(Delivery.id))
    )
    found: dict[UUID, list[UUID]] = {}
    for post, delivery in rows:
        found.setdefault(post, []).append(delivery)
    return found


def entries_of_day(scope: Scope, creator_id: UUID, local: date, zone: str) -> list[DeliveryEntry]:
    """Return the deliveries of a creator on one local day."""
    start, end = day_bounds(local, zone)
    return entries_between(scope, creator_id, start, end)


def entries_needing_decision(scope: Scope, *, limit: int = 100) -> list[DeliveryEntry]:
    """Return the deliveries that need a member's decision, by due time."""
    waiting = sorted(map(str, NEEDS_DECISION))
    rows = scope.session.exec(
        select(Delivery, Post)
        .join(
            Post,
            (col(Post.tenant_id) == col(Delivery.tenant_id))
            & (col(Post.id) == col(Delivery.post_id)),
        )
        .where(Delivery.tenant_id == scope.tenant_id, col(Delivery.state).in_(waiting))
        .order_by(col(Delivery.due_at))
        .limit(limit)
    ).all()
    names = queries.channel_names(scope) if rows else {}
    return [build_entry(row, owner, names) for row, owner in rows]


def delivery_timeline(scope: Scope, delivery_id: UUID) -> list[DeliveryStep]:
    """Return every transition of a delivery, in order."""
    return delivery_timelines(scope, [delivery_id])[delivery_id]


def delivery_timelines(
    scope: Scope, deliveries: Collection[UUID]
) -> dict[UUID, list[DeliveryStep]]:
    """Return every transition of each of these deliveries, in order."""
    rows = scope.session.exec(
        select(DeliveryMove)
        .where(
            DeliveryMove.tenant_id == scope.tenant_id,
            col(DeliveryMove.delivery_id).in_(list(deliveries)),
        )
        .order_by(col(DeliveryMove.created_at), col(DeliveryMove.id))
    )
    found: dict[UUID, list[DeliveryStep]] = {delivery_id: [] for delivery_id in deliveries}
    for row in rows:
        reason = Message.from_json(row.reason) if row.reason else None
        before = DeliveryState(row.before)
        after = DeliveryState(row.after)
        found[row.delivery_id].append(
            DeliveryStep(row.created_at or scope.now, before, after, row.by, reason)
        )
    return found


def publish_times(scope: Scope, deliveries: Collection[UUID]) -> dict[UUID, datetime]:
    """Return the publish time of each of these deliveries (UTC-aware), without unpublished ones."""
    rows = scope.session.exec(
        select(Delivery.id, func.coalesce(Delivery.settled_at, Delivery.due_at)).where(
            Delivery.tenant_id == scope.tenant_id,
            col(Delivery.id).in_(list(deliveries)),
            Delivery.state == str(DeliveryState.PUBLISHED),
        )
    )
    return dict(rows.all())


def find_live_at_addresses(scope: Scope, addresses: Collection[str]) -> list[tuple[UUID, UUID]]:
    """Return the creator and delivery of each post that was published at one of these addresses."""
    rows = scope.session.exec(
        select(Delivery.creator_id, Delivery.id).where(
            Delivery.tenant_id == scope.tenant_id, col(Delivery.url).in_(list(addresses))
        )
    )
    return [(creator_id, delivery_id) for creator_id, delivery_id in rows]


def post_ids_by_origin_key(scope: Scope, origin: str, prefix: str) -> dict[str, UUID]:
    """Return the posts of an origin whose key begins with a prefix, by key."""
    rows = scope.session.exec(
        select(Post.origin_key, Post.id).where(
            Post.tenant_id == scope.tenant_id,
            Post.origin == origin,
            col(Post.origin_key).startswith(prefix, autoescape=True),
        )
    )
    return dict(rows.all())


def entries_of_origin(
    scope: Scope, origin: str, creators: Collection[UUID], *, limit: int = 60
) -> list[tuple[str, DeliveryEntry]]:
    """Return the newest deliveries of posts of an origin, each with the origin key of its post.

    The entries have no account names.
    """
    rows = scope.session.exec(
        select(Delivery, Post)
        .join(
            Post,
            (col(Post.tenant_id) == col(Delivery.tenant_id))
            & (col(Post.id) == col(Delivery.post_id)),
        )
        .where(
            Post.tenant_id == scope.tenant_id,
            Post.origin == origin,
            col(Delivery.creator_id).in_(list(creators)),
        )
        .order_by(col(Post.id).desc(), col(Delivery.due_at), col(Delivery.id))
        .limit(limit)
        .execution_options(populate_existing=True)
    ).all()
    return [(owner.origin_key, build_entry(row, owner, {})) for row, owner in rows]


@dataclass(frozen=True)
class DeliveryMoveEntry:
    """A transition of a delivery, with the text by which members recognize the post."""

    id: UUID
    at: datetime
    channel: str
    text: str
    before: DeliveryState
    after: DeliveryState
    due_at: datetime | None
    reason: Message | None


def delivery_moves_since(
    scope: Scope, creator_id: UUID, since: datetime, *, limit: int = 1000
) -> list[DeliveryMoveEntry]:
    """Return the transitions of a creator's deliveries since an instant, in order."""
    rows = scope.session.exec(
        select(DeliveryMove, Delivery, Post)
        .join(
            Delivery,
            (col(Delivery.tenant_id) == scope.tenant_id)
            & (col(Delivery.id) == DeliveryMove.delivery_id),
        )
        .join(
            Post, (col(Post.tenant_id) == scope.tenant_id) & (col(Post.id) == col(Delivery.post_id))
        )
        .where(
            DeliveryMove.tenant_id == scope.tenant_id,
            DeliveryMove.creator_id == creator_id,
            col(DeliveryMove.created_at) >= since,
        )
        .order_by(col(DeliveryMove.created_at), col(DeliveryMove.id))
        .limit(limit)
    ).all()
    names = {
        channel.id: channel.name for channel in queries.list_creator_channels(scope, creator_id)
    }
    return [
        DeliveryMoveEntry(
            move.id,
            move.created_at or scope.now,
            names.get(delivery.channel_id, "?"),
            owner.title or owner.body,
            DeliveryState(move.before),
            DeliveryState(move.after),
            delivery.due_at,
            Message.from_json(move.reason) if move.reason else None,
        )
        for move, delivery, owner in rows
    ]


MediaDigestsByCreator = dict[UUID, set[str]]
"""SHA-256 digests of media, by creator."""


def parse_address(address: str) -> SplitResult | None:
    """Parse an address as a browser would, with or without a scheme; return None if it is
    invalid."""
    try:
        parts = urlsplit(address if "://" in address else f"https://{address}")
        known = parts.hostname is not None and (parts.port is None or parts.port > 0)
    except ValueError:  # unclosed brackets, or a port that is not a number
        return None
    return parts if known and parts.scheme in ("http", "https") else None


def find_media_published_at(scope: Scope, address: str) -> MediaDigestsByCreator:
    """Return the digests of the media that the agency published at an address.

    Query strings, trailing slashes and the scheme are ignored in the comparison.
    """
    parts = parse_address(address)
    if parts is None:
        return {}
    rest = f"{parts.netloc.lower()}{parts.path}".rstrip("/")
    queried = f"{rest}?{parts.query}" if parts.query else rest
    # Stored addresses may differ in query string, trailing slash and scheme.
    hosted = [f"{one}{end}" for one in (rest, queried) for end in ("", "/")]
    addresses = [f"{way}://{one}" for way in ("https", "http") for one in hosted]
    found: MediaDigestsByCreator = {}
    for creator_id, delivery_id in find_live_at_addresses(scope, addresses):
        for copy in live_copies.list_consumed_permits(scope, Subject("delivery", delivery_id)):
            found.setdefault(creator_id, set()).update(copy.media)
    return {creator_id: digests for creator_id, digests in found.items() if digests}
