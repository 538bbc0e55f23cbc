"""Read models of the room: what people see of posts and deliveries.

What stands at an address that somebody pasted: the bytes of the posts we published there.
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
"""Rows of one page."""


@dataclass(frozen=True)
class DeliveryEntry:
    """One delivery on the calendar. `settled_at` is when its fate was known; instants are
    UTC-aware."""

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
    """What a page hands back when it changes the delivery, so that it changes what was seen."""
    creator_id: UUID
    wall_time: str
    """What people planned: the local date and clock time in `zone`, as 2026-03-02T10:00."""
    media: tuple[UUID, ...]
    not_before: datetime | None
    parts: int = 1
    """How many parts it has there, and below how many of a thread stand so far."""
    done: int = 0
    occurrence_key: str = ""
    series_id: UUID | None = None
    dry: bool = False
    """It bears the mark of a rehearsal: it is never sent."""
    priority: int = 5
    """1 leaves first, 9 last."""
    late_until: datetime | None = None
    """After this it is held, and somebody told; none where it may be late without end."""
    lasts_hours: int | None = None
    """After so many its platform takes it away by itself; none of what stands."""

    @property
    def expires_at(self) -> datetime | None:
        """When its platform has taken it away by itself; None of what stands, or did not leave."""
        if (
            self.lasts_hours is None
            or self.state is not DeliveryState.PUBLISHED
            or self.settled_at is None
        ):
            return None
        return self.settled_at + timedelta(hours=self.lasts_hours)

    @property
    def display_state(self) -> str:
        """How people are told its state: what waits for somebody's phone was taken by no platform
        yet."""
        waits = (
            self.state is DeliveryState.PROCESSING
            and self.reason is not None
            and self.reason.code == WAITS_FOR_MANUAL_POSTING
        )
        return "handed_over" if waits else str(self.state)


@dataclass(frozen=True)
class StoredPost:
    """A post as it stands: what its author wrote, and who that was."""

    id: UUID
    creator_id: UUID
    title: str
    body: str
    media: tuple[UUID, ...]
    text_ai: str
    author: str
    author_principal: UUID | None
    version: int
    late: LateLimit | None  # how late it may leave; None for a span that nobody can choose
    parts: tuple[ThreadPart, ...] = ()
    others: tuple[ChannelOverride, ...] = ()
    """What single places say otherwise."""
    links: LinkChoices = DEFAULT_LINK_CHOICES
    """What its author said of its addresses."""

    @property
    def base_content(self) -> PostContent:
        """What it says where no place says otherwise."""
        return PostContent(self.title, self.body, self.media, self.parts)

    def content_for_channel(self, channel: queries.Channel) -> PostContent:
        """What it says on an account."""
        return channel_overrides.apply_overrides(self.base_content, self.others, channel)


@dataclass(frozen=True)
class DeliveryStep:
    """One line of a delivery's story."""

    at: datetime
    before: DeliveryState
    after: DeliveryState
    by: str
    reason: Message | None


def build_entry(
    row: Delivery | Row[Any], owner: Post | Row[Any], names: Mapping[UUID, str]
) -> DeliveryEntry:
    """What people see of a delivery and its post; `names` are the accounts', by id."""
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
    """A creator's deliveries due in [start, end), by time."""
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
"""What an entry is made of: whole rows of thousands of deliveries take three times as long to
read."""


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
    """The deliveries of several creators due in [start, end), by time, and those of theirs in
    `also`, whenever due.

    `names` are the accounts', by id.
    """
    rows = scope.session.execute(
        select(*_SHOWN)  # type: ignore[call-overload]  # more columns than it has overloads for
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
    """A post. Raises NotFound; another tenant's looks the same."""
    row = scope.session.get(Post, (scope.tenant_id, post_id))
    if row is None:
        raise NotFound("post.unknown")
    return build_stored_post(row)


def build_stored_post(row: Post) -> StoredPost:
    """The same of its row."""
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
    """Where a post goes, by time; nothing of a post nobody here has."""
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
    """The post of a delivery. Raises NotFound; another tenant's looks the same."""
    found = scope.session.exec(
        select(Delivery.post_id).where(
            Delivery.tenant_id == scope.tenant_id, Delivery.id == delivery_id
        )
    ).first()
    if found is None:
        raise NotFound("delivery.unknown")
    return found


def delivery_ids_between(scope: Scope, low: UUID, high: UUID) -> dict[UUID, list[UUID]]:
    """The deliveries whose own id, or whose post's, lies from `low` to `high`: by post, in the
    order they were made."""
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
    """A creator's deliveries of one local day."""
    start, end = day_bounds(local, zone)
    return entries_between(scope, creator_id, start, end)


def entries_needing_decision(scope: Scope, *, limit: int = 100) -> list[DeliveryEntry]:
    """Deliveries that wait for somebody's decision, the oldest first."""
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
    """Every move of a delivery, in order."""
    return delivery_timelines(scope, [delivery_id])[delivery_id]


def delivery_timelines(
    scope: Scope, deliveries: Collection[UUID]
) -> dict[UUID, list[DeliveryStep]]:
    """Every move of each of these deliveries, in order."""
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
    """Since when each of these deliveries stands outside (UTC-aware); those that do not are left
    out."""
    rows = scope.session.exec(
        select(Delivery.id, func.coalesce(Delivery.settled_at, Delivery.due_at)).where(
            Delivery.tenant_id == scope.tenant_id,
            col(Delivery.id).in_(list(deliveries)),
            Delivery.state == str(DeliveryState.PUBLISHED),
        )
    )
    return dict(rows.all())


def find_live_at_addresses(scope: Scope, addresses: Collection[str]) -> list[tuple[UUID, UUID]]:
    """The creator and the delivery of each post that was published at one of these addresses."""
    rows = scope.session.exec(
        select(Delivery.creator_id, Delivery.id).where(
            Delivery.tenant_id == scope.tenant_id, col(Delivery.url).in_(list(addresses))
        )
    )
    return [(creator_id, delivery_id) for creator_id, delivery_id in rows]


def post_ids_by_origin_key(scope: Scope, origin: str, prefix: str) -> dict[str, UUID]:
    """The posts of an origin whose key begins with a prefix, by key."""
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
    """The newest deliveries of posts of an origin, with the key each post was written under; the
    names of accounts are left out."""
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
    """One move of one delivery, with what a person recognises it by."""

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
    """What the deliveries of a creator did from an instant on, in order."""
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
"""Digests by creator."""


def parse_address(address: str) -> SplitResult | None:
    """An address as a browser would open it, with or without what comes before `//`; None for what
    is none."""
    try:
        parts = urlsplit(address if "://" in address else f"https://{address}")
        known = parts.hostname is not None and (parts.port is None or parts.port > 0)
    except ValueError:  # brackets that never close, a port that is no number
        return None
    return parts if known and parts.scheme in ("http", "https") else None


def find_media_published_at(scope: Scope, address: str) -> MediaDigestsByCreator:
    """The bytes of what this agency posted at an address; whatever follows `?` may be missing, or
    too much."""
    parts = parse_address(address)
    if parts is None:
        return {}
    rest = f"{parts.netloc.lower()}{parts.path}".rstrip("/")
    queried = f"{rest}?{parts.query}" if parts.query else rest
    hosted = [f"{one}{end}" for one in (rest, queried) for end in ("", "/")]
    addresses = [f"{way}://{one}" for way in ("https", "http") for one in hosted]
    found: MediaDigestsByCreator = {}
    for creator_id, delivery_id in find_live_at_addresses(scope, addresses):
        for copy in live_copies.list_consumed_permits(scope, Subject("delivery", delivery_id)):
            found.setdefault(creator_id, set()).update(copy.media)
    return {creator_id: digests for creator_id, digests in found.items() if digests}
