"""Read models of the room: what people see of posts and deliveries."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row, func
from sqlmodel import col, select

from channels import reads as channel_reads
from foundation.database import Scope
from foundation.errors import NotFound
from foundation.words import Message
from schedules import linking, overrides
from schedules.calendar import bounds
from schedules.lateness import Late, choice_of
from schedules.linking import NO_WISH, Wanted
from schedules.models import Delivery, DeliveryMove, Post
from schedules.overrides import Content, Override, read
from schedules.states import HANDED_OVER, NEEDS_A_PERSON, DeliveryState
from schedules.threads import Piece, pieces


@dataclass(frozen=True)
class Entry:
    """One delivery on the calendar. `settled_at` is when its fate was known; instants are UTC-aware."""

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
    def ends_at(self) -> datetime | None:
        """When its platform has taken it away by itself; None of what stands, or did not leave."""
        if self.lasts_hours is None or self.state is not DeliveryState.PUBLISHED or self.settled_at is None:
            return None
        return self.settled_at + timedelta(hours=self.lasts_hours)

    @property
    def told(self) -> str:
        """How people are told its state: what waits for somebody's phone was taken by no platform yet."""
        waits = self.state is DeliveryState.PROCESSING and self.reason is not None and self.reason.code == HANDED_OVER
        return "handed_over" if waits else str(self.state)


@dataclass(frozen=True)
class Written:
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
    late: Late | None  # how late it may leave; None for a span that nobody can choose
    parts: tuple[Piece, ...] = ()
    others: tuple[Override, ...] = ()
    """What single places say otherwise."""
    links: Wanted = NO_WISH
    """What its author said of its addresses."""

    @property
    def said(self) -> Content:
        """What it says where no place says otherwise."""
        return Content(self.title, self.body, self.media, self.parts)

    def on(self, channel: channel_reads.Channel) -> Content:
        """What it says on an account."""
        return overrides.layered(self.said, self.others, channel)


@dataclass(frozen=True)
class Step:
    """One line of a delivery's story."""

    at: datetime
    before: DeliveryState
    after: DeliveryState
    by: str
    reason: Message | None


def entry_of(row: Delivery | Row[Any], owner: Post | Row[Any], names: Mapping[UUID, str]) -> Entry:
    """What people see of a delivery and its post; `names` are the accounts', by id."""
    return Entry(
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


def between(scope: Scope, creator_id: UUID, start: datetime, end: datetime, *, limit: int = 5000) -> list[Entry]:
    """A creator's deliveries due in [start, end), by time."""
    rows = scope.session.exec(
        select(Delivery, Post)
        .join(Post, (col(Post.tenant_id) == col(Delivery.tenant_id)) & (col(Post.id) == col(Delivery.post_id)))
        .where(
            Delivery.tenant_id == scope.tenant_id,
            Delivery.creator_id == creator_id,
            Delivery.due_at >= start,
            Delivery.due_at < end,
        )
        .order_by(col(Delivery.due_at), col(Delivery.id))
        .limit(limit)
    ).all()
    names = {channel.id: channel.name for channel in channel_reads.channels_of(scope, creator_id)}
    return [entry_of(row, owner, names) for row, owner in rows]


_SHOWN = (
    *(Delivery.id, Delivery.post_id, Delivery.channel_id, Delivery.state, Delivery.reason, Delivery.due_at),
    *(Delivery.zone, Delivery.settled_at, Delivery.url, Delivery.native_id, Delivery.version, Delivery.creator_id),
    *(Delivery.wall_time, Delivery.not_before, Delivery.parts, Delivery.part_ids, Delivery.occurrence_key),
    *(Delivery.series_id, Delivery.dry_run, Delivery.priority, Delivery.late_until, Delivery.lasts_hours),
    *(Post.title, Post.body, Post.media),
)
"""What an entry is made of: whole rows of thousands of deliveries take three times as long to read."""


def agenda(
    scope: Scope,
    creators: Collection[UUID],
    start: datetime,
    end: datetime,
    *,
    names: Mapping[UUID, str],
    also: Collection[UUID] = (),
    limit: int = 2000,
) -> list[Entry]:
    """The deliveries of several creators due in [start, end), by time, and those of theirs in `also`, whenever due.

    `names` are the accounts', by id.
    """
    rows = scope.session.execute(
        select(*_SHOWN)  # type: ignore[call-overload]  # more columns than it has overloads for
        .join(Post, (col(Post.tenant_id) == col(Delivery.tenant_id)) & (col(Post.id) == col(Delivery.post_id)))
        .where(
            Delivery.tenant_id == scope.tenant_id,
            col(Delivery.creator_id).in_(list(creators)),
            ((col(Delivery.due_at) >= start) & (col(Delivery.due_at) < end)) | col(Delivery.id).in_(list(also)),
        )
        .order_by(col(Delivery.due_at), col(Delivery.id))
        .limit(limit)
    ).all()
    return [entry_of(row, row, names) for row in rows]


def written_post(scope: Scope, post_id: UUID) -> Written:
    """A post. Raises NotFound; another tenant's looks the same."""
    row = scope.session.get(Post, (scope.tenant_id, post_id))
    if row is None:
        raise NotFound("post.unknown")
    return written_of(row)


def written_of(row: Post) -> Written:
    """The same of its row."""
    words = (row.title, row.body, tuple(UUID(asset) for asset in row.media), row.text_ai, row.author)
    return Written(
        row.id,
        row.creator_id,
        *words,
        *(row.author_principal, row.version, choice_of(row.late_ok, until_midnight=row.until_midnight)),
        pieces(row.parts),
        read(row),
        linking.read(row).wanted,
    )


def of_post(scope: Scope, post_id: UUID, *, names: Mapping[UUID, str]) -> list[Entry]:
    """Where a post goes, by time; nothing of a post nobody here has."""
    rows = scope.session.exec(
        select(Delivery, Post)
        .join(Post, (col(Post.tenant_id) == col(Delivery.tenant_id)) & (col(Post.id) == col(Delivery.post_id)))
        .where(Delivery.tenant_id == scope.tenant_id, Delivery.post_id == post_id)
        .order_by(col(Delivery.due_at), col(Delivery.id))
        .execution_options(populate_existing=True)
    ).all()
    return [entry_of(row, owner, names) for row, owner in rows]


def post_of(scope: Scope, delivery_id: UUID) -> UUID:
    """The post of a delivery. Raises NotFound; another tenant's looks the same."""
    found = scope.session.exec(
        select(Delivery.post_id).where(Delivery.tenant_id == scope.tenant_id, Delivery.id == delivery_id)
    ).first()
    if found is None:
        raise NotFound("delivery.unknown")
    return found


def deliveries_between(scope: Scope, low: UUID, high: UUID) -> dict[UUID, list[UUID]]:
    """The deliveries whose own id, or whose post's, lies from `low` to `high`: by post, in the order they were made."""
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


def day(scope: Scope, creator_id: UUID, local: date, zone: str) -> list[Entry]:
    """A creator's deliveries of one local day."""
    start, end = bounds(local, zone)
    return between(scope, creator_id, start, end)


def needs_a_person(scope: Scope, *, limit: int = 100) -> list[Entry]:
    """Deliveries that wait for somebody's decision, the oldest first."""
    waiting = sorted(map(str, NEEDS_A_PERSON))
    rows = scope.session.exec(
        select(Delivery, Post)
        .join(Post, (col(Post.tenant_id) == col(Delivery.tenant_id)) & (col(Post.id) == col(Delivery.post_id)))
        .where(Delivery.tenant_id == scope.tenant_id, col(Delivery.state).in_(waiting))
        .order_by(col(Delivery.due_at))
        .limit(limit)
    ).all()
    names = channel_reads.names(scope) if rows else {}
    return [entry_of(row, owner, names) for row, owner in rows]


def timeline(scope: Scope, delivery_id: UUID) -> list[Step]:
    """Every move of a delivery, in order."""
    return stories(scope, [delivery_id])[delivery_id]


def stories(scope: Scope, deliveries: Collection[UUID]) -> dict[UUID, list[Step]]:
    """Every move of each of these deliveries, in order."""
    rows = scope.session.exec(
        select(DeliveryMove)
        .where(DeliveryMove.tenant_id == scope.tenant_id, col(DeliveryMove.delivery_id).in_(list(deliveries)))
        .order_by(col(DeliveryMove.created_at), col(DeliveryMove.id))
    )
    found: dict[UUID, list[Step]] = {delivery_id: [] for delivery_id in deliveries}
    for row in rows:
        reason = Message.from_json(row.reason) if row.reason else None
        before, after = DeliveryState(row.before), DeliveryState(row.after)
        found[row.delivery_id].append(Step(row.created_at or scope.now, before, after, row.by, reason))
    return found


def published_at(scope: Scope, deliveries: Collection[UUID]) -> dict[UUID, datetime]:
    """Since when each of these deliveries stands outside (UTC-aware); those that do not are left out."""
    rows = scope.session.exec(
        select(Delivery.id, func.coalesce(Delivery.settled_at, Delivery.due_at)).where(
            Delivery.tenant_id == scope.tenant_id,
            col(Delivery.id).in_(list(deliveries)),
            Delivery.state == str(DeliveryState.PUBLISHED),
        )
    )
    return dict(rows.all())


def standing_at(scope: Scope, addresses: Collection[str]) -> list[tuple[UUID, UUID]]:
    """The creator and the delivery of each post that was published at one of these addresses."""
    rows = scope.session.exec(
        select(Delivery.creator_id, Delivery.id).where(
            Delivery.tenant_id == scope.tenant_id, col(Delivery.url).in_(list(addresses))
        )
    )
    return [(creator_id, delivery_id) for creator_id, delivery_id in rows]


def written(scope: Scope, origin: str, prefix: str) -> dict[str, UUID]:
    """The posts of an origin whose key begins with a prefix, by key."""
    rows = scope.session.exec(
        select(Post.origin_key, Post.id).where(
            Post.tenant_id == scope.tenant_id,
            Post.origin == origin,
            col(Post.origin_key).startswith(prefix, autoescape=True),
        )
    )
    return dict(rows.all())


def of_origin(scope: Scope, origin: str, creators: Collection[UUID], *, limit: int = 60) -> list[tuple[str, Entry]]:
    """The newest deliveries of posts of an origin, with the key each post was written under; the names of accounts
    are left out."""
    rows = scope.session.exec(
        select(Delivery, Post)
        .join(Post, (col(Post.tenant_id) == col(Delivery.tenant_id)) & (col(Post.id) == col(Delivery.post_id)))
        .where(Post.tenant_id == scope.tenant_id, Post.origin == origin, col(Delivery.creator_id).in_(list(creators)))
        .order_by(col(Post.id).desc(), col(Delivery.due_at), col(Delivery.id))
        .limit(limit)
        .execution_options(populate_existing=True)
    ).all()
    return [(owner.origin_key, entry_of(row, owner, {})) for row, owner in rows]


@dataclass(frozen=True)
class Move:
    """One move of one delivery, with what a person recognises it by."""

    id: UUID
    at: datetime
    channel: str
    text: str
    before: DeliveryState
    after: DeliveryState
    due_at: datetime | None
    reason: Message | None


def moves_since(scope: Scope, creator_id: UUID, since: datetime, *, limit: int = 1000) -> list[Move]:
    """What the deliveries of a creator did from an instant on, in order."""
    rows = scope.session.exec(
        select(DeliveryMove, Delivery, Post)
        .join(Delivery, (col(Delivery.tenant_id) == scope.tenant_id) & (col(Delivery.id) == DeliveryMove.delivery_id))
        .join(Post, (col(Post.tenant_id) == scope.tenant_id) & (col(Post.id) == col(Delivery.post_id)))
        .where(
            DeliveryMove.tenant_id == scope.tenant_id,
            DeliveryMove.creator_id == creator_id,
            col(DeliveryMove.created_at) >= since,
        )
        .order_by(col(DeliveryMove.created_at), col(DeliveryMove.id))
        .limit(limit)
    ).all()
    names = {channel.id: channel.name for channel in channel_reads.channels_of(scope, creator_id)}
    return [
        Move(
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
