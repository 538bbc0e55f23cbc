"""Published posts: their IDs and publish times, and their content for comparisons of results."""

import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from sqlmodel import col, select
from sqlmodel.sql.expression import Select

from channels.accounts import queries
from foundation.db.database import Scope
from gate.assets import asset_records
from generators.media.pictures import POST_PROFILE
from schedules.posts import channel_overrides
from schedules.posts.channel_overrides import PostContent
from schedules.posts.models import Delivery, Post
from schedules.posts.states import DeliveryState

_TAG = re.compile(r"(?<!\w)#([^\W\d_]\w{0,49})")


class PostFormat(StrEnum):
    """The format of a post, for comparisons of results."""

    WORDS = "words"
    PICTURE = "picture"
    PICTURES = "pictures"
    FILM = "film"
    SOUND = "sound"
    THREAD = "thread"


@dataclass(frozen=True)
class LivePost:
    """A published delivery: its ID on the platform and the time since which it has been live
    (UTC-aware)."""

    creator_id: UUID
    channel_id: UUID
    native_id: str
    at: datetime
    ends: datetime | None = None
    """The instant from which the platform may have deleted it, or None if it does not expire."""

    def has_expired(self, now: datetime) -> bool:
        """Return True if the platform may have deleted it."""
        return self.ends is not None and now >= self.ends


def find_live_post(scope: Scope, delivery_id: UUID) -> LivePost | None:
    """Return the live post of a delivery, or None if it is not published."""
    row = scope.session.get(Delivery, (scope.tenant_id, delivery_id))
    if row is None or row.native_id is None or row.state != DeliveryState.PUBLISHED:
        return None
    at = row.settled_at or row.due_at
    lasts = timedelta(hours=row.lasts_hours) if row.lasts_hours is not None else None
    # The earliest possible end: the platform may count from the request.
    ends = min(row.claimed_at or at, at) + lasts if lasts is not None else None
    return LivePost(row.creator_id, row.channel_id, row.native_id, at, ends)


@dataclass(frozen=True)
class LivePostContent:
    """A published post on one account. `at`, since when it has been live, and `due_at` are
    UTC-aware; `tags` are in lower case."""

    delivery_id: UUID
    post_id: UUID
    channel_id: UUID
    at: datetime
    due_at: datetime
    words: str
    form: PostFormat
    tags: tuple[str, ...]
    title: str = ""
    media: tuple[UUID, ...] = ()
    url: str | None = None


def list_live_posts(
    scope: Scope, creator_id: UUID, deliveries: Collection[UUID]
) -> list[LivePostContent]:
    """Return the published ones of these deliveries that belong to the creator, without dry
    runs."""
    query = _live_posts_query(scope, [creator_id]).where(col(Delivery.id).in_(list(deliveries)))
    return _load_live_posts(scope, [creator_id], query)


def list_live_posts_between(
    scope: Scope, creators: Collection[UUID], start: datetime, end: datetime, *, limit: int | None
) -> list[LivePostContent]:
    """Return the published posts of these creators that were due in [start, end), without dry runs,
    newest first; at most `limit`, or all with None."""
    query = (
        _live_posts_query(scope, creators)
        .where(Delivery.due_at >= start, Delivery.due_at < end)
        .order_by(col(Delivery.due_at).desc(), col(Delivery.id))
        .limit(limit)
    )
    return _load_live_posts(scope, creators, query)


def _live_posts_query(scope: Scope, creators: Collection[UUID]) -> Select[Delivery, Post]:
    return (
        select(Delivery, Post)
        .join(
            Post,
            (col(Post.tenant_id) == col(Delivery.tenant_id))
            & (col(Post.id) == col(Delivery.post_id)),
        )
        .where(
            Delivery.tenant_id == scope.tenant_id,
            col(Delivery.creator_id).in_(list(creators)),
            Delivery.state == str(DeliveryState.PUBLISHED),
            col(Delivery.dry_run).is_(False),
        )
    )


def _load_live_posts(
    scope: Scope, creators: Collection[UUID], query: Select[Delivery, Post]
) -> list[LivePostContent]:
    rows = scope.session.exec(query).all()
    accounts = {one.id: one for one in queries.list_channels(scope) if one.creator_id in creators}
    said = [
        (row, channel_overrides.content_for_channel(owner, accounts[row.channel_id]))
        for row, owner in rows
        if row.channel_id in accounts
    ]
    shown = {asset for _, one in said for asset in one.media}
    mimes = {
        asset: made.mime
        for asset, made in asset_records.newest_renditions(scope, shown, POST_PROFILE.name).items()
    }
    return [
        LivePostContent(
            row.id,
            row.post_id,
            row.channel_id,
            row.settled_at or row.due_at,
            row.due_at,
            one.body,
            _post_format_of(one, mimes),
            find_hashtags(one.body),
            one.title,
            one.media,
            row.url,
        )
        for row, one in said
    ]


def list_published_deliveries(
    scope: Scope, creator_id: UUID, start: datetime, end: datetime
) -> list[UUID]:
    """Return the published deliveries of a creator that were due in [start, end), without dry
    runs, oldest first."""
    return list(
        scope.session.exec(
            select(Delivery.id)
            .where(
                Delivery.tenant_id == scope.tenant_id,
                Delivery.creator_id == creator_id,
                Delivery.state == str(DeliveryState.PUBLISHED),
                col(Delivery.dry_run).is_(False),
                Delivery.due_at >= start,
                Delivery.due_at < end,
            )
            .order_by(col(Delivery.due_at), col(Delivery.id))
        )
    )


def find_deliveries_by_native_ids(
    scope: Scope, posts: Collection[tuple[UUID, str]]
) -> dict[tuple[UUID, str], UUID]:
    """Return the deliveries of posts by account and ID on the platform; unknown ones are absent.

    Later parts of a thread have no entry of their own.
    """
    rows = scope.run(
        "SELECT d.channel_id, d.native_id, d.id FROM deliveries d"
        " JOIN unnest(CAST(:channels AS uuid[]), CAST(:natives AS text[]))"
        " AS p (channel_id, native_id)"
        " ON d.channel_id = p.channel_id AND d.native_id = p.native_id"
        " WHERE d.tenant_id = :tenant",
        tenant=scope.tenant_id,
        channels=[channel for channel, _ in posts],
        natives=[native for _, native in posts],
    )
    return {(row.channel_id, row.native_id): row.id for row in rows}


def find_hashtags(words: str) -> tuple[str, ...]:
    """Return the hashtags of a text in lower case, each once; pure."""
    return tuple(dict.fromkeys(found.casefold() for found in _TAG.findall(words)))


def _post_format_of(said: PostContent, mimes: dict[UUID, str]) -> PostFormat:
    if any(not piece.comment for piece in said.parts):
        return PostFormat.THREAD
    kinds = {mimes.get(asset, "").partition("/")[0] for asset in said.media}
    if "video" in kinds:
        return PostFormat.FILM
    if "audio" in kinds:
        return PostFormat.SOUND
    return (PostFormat.WORDS, PostFormat.PICTURE, PostFormat.PICTURES)[min(len(said.media), 2)]
