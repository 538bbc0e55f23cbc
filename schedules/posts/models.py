"""Tables of posts: what they say and where, what was said of them, by whom they were allowed;
series."""

from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKeyConstraint,
    Index,
    Interval,
    UniqueConstraint,
    text,
)
from sqlmodel import Field

import schedules.downtime.models
import schedules.recurrence.models  # noqa: F401  foreign keys refer to its tables
from foundation.db.tables import (
    CreatorOwnedRow,
    TenantRow,
    jsonb_column,
    message_column,
    table_arguments,
    timestamp_column,
)


class LabelRow(TenantRow, table=True):
    """A name an agency gives to posts that belong together: a campaign, a theme. Platforms never
    hear of it."""

    __tablename__ = "labels"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "folded", name="labels_name"),
        about="tenant",
        keep="while the tenant is here",
    )
    name: str
    folded: str
    """The name without regard to case: two that differ by that alone would be one to people."""
    colour: str


class PostLabel(CreatorOwnedRow, table=True):
    """A post that has a label: beside the post and not in it, so that its digest and its version
    know nothing of it."""

    __tablename__ = "post_labels"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "post_id", "label_id", name="post_labels_once"),
        ForeignKeyConstraint(["tenant_id", "post_id"], ["posts.tenant_id", "posts.id"]),
        ForeignKeyConstraint(["tenant_id", "label_id"], ["labels.tenant_id", "labels.id"]),
        Index("post_labels_label", "tenant_id", "label_id", "post_id"),
        about="creator",
        keep="while the tenant is here",
    )
    post_id: UUID
    label_id: UUID


class Post(CreatorOwnedRow, table=True):
    """What one wants to say; its state is that of its deliveries, never stored."""

    __tablename__ = "posts"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "origin", "origin_key"),
        Index("posts_newest", "tenant_id", "created_at", "id"),
        about="creator",
        keep="while the tenant is here",
    )
    title: str
    body: str
    media: list[str] = jsonb_column(list)
    """Asset ids in order; each channel's profile picks the rendition."""
    parts: list[dict[str, Any]] = jsonb_column(list)
    """What follows as a thread, and the first comment at last: `schedules/posts/thread_parts.py`
    reads and writes them."""
    overrides: list[dict[str, Any]] = jsonb_column(list)
    """What it says otherwise in one place: `schedules/posts/channel_overrides.py` reads and writes
    them."""
    links: dict[str, Any] = jsonb_column()
    """What becomes of the addresses in it: `schedules/posts/link_tracking.py` reads and writes it;
    empty where they stay."""
    origin: str
    origin_key: str
    author: str
    """Who wrote it: an actor. Approvals by the same principal do not count."""
    author_principal: UUID | None = None
    text_ai: str = "none"
    """none, assisted or generated: whether a model wrote the text."""
    priority: int = 5
    late_ok: timedelta | None = Field(sa_type=Interval, nullable=True)
    """Still fine this much after its time; null means always. No default: the mapper would write it
    for a null."""
    until_midnight: bool = Field(default=False, sa_column_kwargs={"server_default": "false"})
    """Still fine until its local day is over; `late_ok` says nothing then."""
    digest: str
    version: int = 1


class Delivery(CreatorOwnedRow, table=True):
    """A post on one channel; it alone owns a state."""

    __tablename__ = "deliveries"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "post_id", "channel_id", "occurrence_key"),
        UniqueConstraint("tenant_id", "channel_id", "native_id"),
        ForeignKeyConstraint(["tenant_id", "post_id"], ["posts.tenant_id", "posts.id"]),
        ForeignKeyConstraint(["tenant_id", "series_id"], ["series.tenant_id", "series.id"]),
        ForeignKeyConstraint(["tenant_id", "downtime_id"], ["downtimes.tenant_id", "downtimes.id"]),
        CheckConstraint("late_until IS NULL OR due_at <= late_until", name="deliveries_late"),
        Index("deliveries_due", "tenant_id", "creator_id", "due_at"),
        Index("deliveries_channel", "tenant_id", "channel_id", "due_at"),
        Index("deliveries_state", "tenant_id", "state", "due_at"),
        Index(
            "deliveries_downtime",
            "tenant_id",
            "downtime_id",
            postgresql_where=text("downtime_id IS NOT NULL"),
        ),
        Index(
            "deliveries_kept",
            "tenant_id",
            "not_before",
            postgresql_where=text("not_before IS NOT NULL"),
        ),
        about="creator",
        keep="while the tenant is here",
    )
    post_id: UUID
    channel_id: UUID
    state: str = "draft"
    reason: dict[str, Any] | None = message_column()
    wall_time: str
    zone: str
    due_at: datetime = timestamp_column()
    late_until: datetime | None = timestamp_column(optional=True)
    not_before: datetime | None = timestamp_column(optional=True)
    priority: int = 5
    occurrence_key: str = ""
    """Of a series, the local date and time its rule says, as 2026-03-02T10:00; it stays when a
    person moves it."""
    series_id: UUID | None = None
    variant: str | None = None
    """Of a unit of a test, which version it says: a or b; nothing of any other."""
    native_id: str | None = None
    url: str | None = None
    """Native id and address are those of the first part."""
    parts: int = 1
    """How many parts it leaves in there."""
    part_ids: list[str] = jsonb_column(list)
    """Native ids of the parts of a thread that stand, in order; nothing where there is one part."""
    attempt: int = 0
    claimed_at: datetime | None = timestamp_column(optional=True)
    deadline_at: datetime | None = timestamp_column(optional=True)
    uncertain_since: datetime | None = timestamp_column(optional=True)
    settled_at: datetime | None = timestamp_column(optional=True)
    dry_run: bool = False
    """Only rehearsed: it is never sent, whatever becomes of the rehearsal it was planned in."""
    downtime_id: UUID | None = None
    """What its time was missed in; none any more once a person gave it another."""
    at_once: bool = False
    """A person said "now": it waits for no distance. Over once it gets a time."""
    asks_since: datetime | None = timestamp_column(optional=True)
    """Of an account that was added to a post after a yes: only one that is said later is for it
    too."""
    lasts_hours: int | None = None
    """After so many its platform takes it away by itself; none of what stands. Said by the last
    claim."""
    version: int = 1


class DeliveryMove(CreatorOwnedRow, table=True):
    """One transition of one delivery, written in its transaction; append-only."""

    __tablename__ = "delivery_moves"
    __table_args__ = table_arguments(
        ForeignKeyConstraint(
            ["tenant_id", "delivery_id"], ["deliveries.tenant_id", "deliveries.id"]
        ),
        Index("delivery_moves_story", "tenant_id", "delivery_id", "created_at"),
        Index("delivery_moves_recent", "tenant_id", "creator_id", "created_at"),
        about="creator",
        keep="while the tenant is here",
    )
    delivery_id: UUID
    before: str
    after: str
    by: str
    reason: dict[str, Any] | None = message_column()


class Series(CreatorOwnedRow, table=True):
    """A post that leaves again and again: each time is a delivery of its own, made ahead from the
    rule."""

    __tablename__ = "series"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "post_id", "nth"),
        ForeignKeyConstraint(["tenant_id", "post_id"], ["posts.tenant_id", "posts.id"]),
        ForeignKeyConstraint(["tenant_id", "test_id"], ["post_tests.tenant_id", "post_tests.id"]),
        UniqueConstraint("tenant_id", "test_id"),
        Index("series_creator", "tenant_id", "creator_id"),
        about="creator",
        keep="while the tenant is here",
    )
    post_id: UUID
    nth: int = 1
    """The first rule of its post, or a later one: cancelled deliveries keep their keys, which must
    tell them apart."""
    channels: list[str] = jsonb_column(list)
    rule: str
    """As `schedules/recurrence/rules.py` writes it, its end included."""
    starts_on: date
    clock: str
    zone: str
    gap_min: timedelta = Field(sa_type=Interval)
    skipped: list[str] = jsonb_column(list)
    """Local dates a person took out, in order."""
    state: str = "running"
    next_extend_at: datetime | None = timestamp_column(optional=True)
    """When the next delivery is to be made; nothing once all of them are."""
    test_id: UUID | None = None
    """The test whose units its times are."""


class LinkRule(CreatorOwnedRow, table=True):
    """What becomes of addresses in a creator's posts that are written from now on: marks, and a
    short one instead."""

    __tablename__ = "link_rules"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "creator_id"),
        about="creator",
        keep="while the tenant is here",
    )
    base: str = ""
    """Where short addresses lie, as https://example.org; empty where addresses stay long."""
    source: str = ""
    medium: str = ""
    campaign: str = ""
    content: str = ""


class DryRun(TenantRow, table=True):
    """What is only rehearsed for now: nothing of it is sent."""

    __tablename__ = "rehearsals"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "of_id"), about="creator", keep="while the tenant is here"
    )
    what: str
    """tenant, channel or post."""
    of_id: UUID
    by: str


class PostFingerprint(CreatorOwnedRow, table=True):
    """What a post is found by that another one repeats (`schedules/posts/text_similarity.py`): of
    every version of it."""

    __tablename__ = "post_prints"
    __table_args__ = table_arguments(
        ForeignKeyConstraint(["tenant_id", "post_id"], ["posts.tenant_id", "posts.id"]),
        Index("post_prints_mark", "tenant_id", "creator_id", "mark"),
        Index("post_prints_post", "post_id"),  # alone: nobody may read all of a tenant by it
        about="creator",
        keep="while the tenant is here",
    )
    post_id: UUID
    mark: int = Field(sa_type=BigInteger)
    kind: str
    letters: int | None = Field(default=None, sa_type=BigInteger)
