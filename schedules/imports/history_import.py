"""Import of posts that were published before the agency used Greenroom, without outbox rows,
permits or copies."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from foundation.db.bulk_insert import insert_rows
from foundation.db.database import Scope
from foundation.ids import derived_uuid
from schedules.posts import labels
from schedules.posts.content_digest import content_digest, media_digest
from schedules.posts.deliveries import DEFAULT_LATE_OK
from schedules.posts.models import Delivery, DeliveryMove, Post, PostLabel, Series
from schedules.posts.states import DeliveryState, SeriesState
from schedules.recurrence.models import PostTest
from schedules.recurrence.rules import RecurrenceRule, RecurrenceUnit
from studio.library import assets

MOVED_IN = "history"
"""`origin` of these posts; their origin key is their ID."""


@dataclass(frozen=True)
class PastTest:
    """A finished A/B test of two posts of a daily series on one account, from its first day on.
    Instants are UTC-aware."""

    id: UUID
    series_id: UUID
    creator_id: UUID
    channel_id: UUID
    posts: tuple[UUID, UUID]
    metric: str
    age_hours: int
    planned: int
    starts_on: date
    clock: str
    zone: str
    begun_at: datetime
    ended_at: datetime
    kept: str


@dataclass(frozen=True)
class PastUnit:
    """The series and the version of a post of an A/B test."""

    series_id: UUID
    variant: str


@dataclass(frozen=True)
class PastPost:
    """A post on one channel, published at `published_at`; `wall_time` is the local time
    (`2026-03-02T10:00`)."""

    id: UUID
    creator_id: UUID
    channel_id: UUID
    title: str
    body: str
    media: tuple[UUID, ...]
    author: str
    text_ai: str
    wall_time: str
    zone: str
    due_at: datetime
    published_at: datetime
    native_id: str
    unit: PastUnit | None = None
    """Set for a post of an A/B test, whose posts have several deliveries."""

    @property
    def delivery_id(self) -> UUID:
        """Return the ID of its delivery."""
        if self.unit is not None:
            return derived_uuid(self.id, self.channel_id, self.wall_time)
        return derived_uuid(self.id, self.channel_id)


def import_past_posts(
    scope: Scope, posts: Sequence[PastPost], tests: Sequence[PastTest] = ()
) -> int:
    """Insert published posts with their deliveries and last transitions, and the A/B tests of these
    posts; return the number of new deliveries."""
    shown = {asset for post in posts for asset in post.media}
    known = {
        asset: media_digest(str(asset), one)
        for asset, one in assets.get_renditions(scope, shown, "library").items()
    }
    insert_rows(
        scope,
        Post,
        [_build_post_row(post, [known[asset] for asset in post.media]) for post in posts],
    )
    insert_rows(scope, PostTest, [_build_test_row(one) for one in tests])
    insert_rows(scope, Series, [_build_series_row(one) for one in tests])
    new = insert_rows(scope, Delivery, [_build_delivery_row(post) for post in posts])
    insert_rows(scope, DeliveryMove, [_build_move_row(post) for post in posts])
    return new


def import_past_labels(scope: Scope, wanted: Mapping[PastPost, UUID]) -> None:
    """Insert a label for each of these posts; existing ones are not changed."""
    rows = labels.build_label_rows(
        scope,
        {post.id: (post.creator_id, [label]) for post, label in wanted.items()},
        file=MOVED_IN,
    )
    insert_rows(scope, PostLabel, rows)


def _build_post_row(post: PastPost, prints: Sequence[str]) -> Mapping[str, object]:
    return {
        "id": post.id,
        "created_at": post.due_at,
        "updated_at": post.due_at,
        "creator_id": post.creator_id,
        "title": post.title,
        "body": post.body,
        "media": [str(asset) for asset in post.media],
        "origin": MOVED_IN,
        "origin_key": str(post.id),
        "author": post.author,
        "parts": [],
        "overrides": [],
        "links": {},
        "text_ai": post.text_ai,
        "priority": 5,
        "late_ok": DEFAULT_LATE_OK,
        "digest": content_digest(post.title, post.body, prints, post.text_ai),
        "version": 1,
    }


def _build_delivery_row(post: PastPost) -> Mapping[str, object]:
    return {
        "id": post.delivery_id,
        "created_at": post.due_at,
        "updated_at": post.published_at,
        "creator_id": post.creator_id,
        "post_id": post.id,
        "channel_id": post.channel_id,
        "state": str(DeliveryState.PUBLISHED),
        "wall_time": post.wall_time,
        "zone": post.zone,
        "due_at": post.due_at,
        "late_until": max(post.due_at + DEFAULT_LATE_OK, post.published_at),
        "priority": 5,
        "occurrence_key": post.wall_time if post.unit is not None else "",
        "series_id": post.unit.series_id if post.unit is not None else None,
        "variant": post.unit.variant if post.unit is not None else None,
        "native_id": post.native_id,
        "parts": 1,
        "part_ids": [],
        "attempt": 1,
        "dry_run": False,
        "claimed_at": post.due_at,
        "settled_at": post.published_at,
        "version": 1,
    }


def _build_test_row(one: PastTest) -> Mapping[str, object]:
    return {
        "id": one.id,
        "created_at": one.begun_at,
        "updated_at": one.ended_at,
        "creator_id": one.creator_id,
        "a_id": one.posts[0],
        "b_id": one.posts[1],
        "more_ids": [],
        "channel_id": one.channel_id,
        "channels": [],
        "method": "fixed",
        "metric": one.metric,
        "age_hours": one.age_hours,
        "planned": one.planned,
        "by": "system:history",
        "ended_at": one.ended_at,
        "ended_by": "system:history",
        "kept": one.kept,
    }


def _build_series_row(one: PastTest) -> Mapping[str, object]:
    rule = RecurrenceRule(RecurrenceUnit.DAY, end=one.planned)
    return {
        "id": one.series_id,
        "created_at": one.begun_at,
        "updated_at": one.ended_at,
        "creator_id": one.creator_id,
        "post_id": one.posts[0],
        "nth": 1,
        "channels": [str(one.channel_id)],
        "rule": str(rule),
        "starts_on": one.starts_on,
        "clock": one.clock,
        "zone": one.zone,
        "gap_min": timedelta(0),
        "skipped": [],
        "state": str(SeriesState.STOPPED),
        "next_extend_at": None,
        "test_id": one.id,
    }


def _build_move_row(post: PastPost) -> Mapping[str, object]:
    return {
        "id": derived_uuid(post.delivery_id, "published"),
        "created_at": post.published_at,
        "updated_at": post.published_at,
        "creator_id": post.creator_id,
        "delivery_id": post.delivery_id,
        "before": str(DeliveryState.PUBLISHING),
        "after": str(DeliveryState.PUBLISHED),
        "by": post.author,
    }
