"""Tables of posts, deliveries, transitions, labels, series, link rules, dry runs and
fingerprints."""

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
    """A label that groups posts of an agency, such as a campaign or a theme; never sent to a
    platform."""

    __tablename__ = "labels"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "folded", name="labels_name"),
        about="tenant",
        keep="while the tenant exists",
    )
    name: str
    folded: str
    """The case-folded name, which must be unique."""
    colour: str


class PostLabel(CreatorOwnedRow, table=True):
    """A label of a post. Stored separately, so that the post's digest and version stay the same."""

    __tablename__ = "post_labels"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "post_id", "label_id", name="post_labels_once"),
        ForeignKeyConstraint(["tenant_id", "post_id"], ["posts.tenant_id", "posts.id"]),
        ForeignKeyConstraint(["tenant_id", "label_id"], ["labels.tenant_id", "labels.id"]),
        Index("post_labels_label", "tenant_id", "label_id", "post_id"),
        about="creator",
        keep="while the tenant exists",
    )
    post_id: UUID
    label_id: UUID


class Post(CreatorOwnedRow, table=True):
    """The content of a post. Its state is computed from its deliveries, never stored."""

    __tablename__ = "posts"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "origin", "origin_key"),
        Index("posts_newest", "tenant_id", "created_at", "id"),
        about="creator",
        keep="while the tenant exists",
    )
    title: str
    body: str
    media: list[str] = jsonb_column(list)
    """Asset IDs in order; the profile of each channel selects the rendition."""
    parts: list[dict[str, Any]] = jsonb_column(list)
    """The rest of the thread and, last, the first comment, in the form of
    `schedules/posts/thread_parts.py`."""
    overrides: list[dict[str, Any]] = jsonb_column(list)
    """Channel overrides, in the form of `schedules/posts/channel_overrides.py`."""
    links: dict[str, Any] = jsonb_column()
    """The link plan, in the form of `schedules/posts/link_tracking.py`; empty if links stay
    unchanged."""
    origin: str
    origin_key: str
    author: str
    """The actor who wrote it. Approvals by the same principal do not count."""
    author_principal: UUID | None = None
    text_ai: str = "none"
    """AI use in the text: none, assisted or generated."""
    priority: int = 5
    late_ok: timedelta | None = Field(sa_type=Interval, nullable=True)
    """The delay after which it is no longer published; null means no limit. The column has no
    default, because the mapper would write the default for a null."""
    until_midnight: bool = Field(default=False, sa_column_kwargs={"server_default": "false"})
    """True if it may be published until its local day ends; `late_ok` is ignored then."""
    digest: str
    version: int = 1


class Delivery(CreatorOwnedRow, table=True):
    """A post on one channel. Only deliveries have a state."""

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
        keep="while the tenant exists",
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
    """For a series, the local date and time that its rule computed, such as 2026-03-02T10:00;
    unchanged when a member moves the delivery."""
    series_id: UUID | None = None
    variant: str | None = None
    """The variant of an A/B test, a or b; null for other posts."""
    native_id: str | None = None
    url: str | None = None
    """Address of the first part; `native_id` is its ID on the platform."""
    parts: int = 1
    """Number of parts of the post on this account."""
    part_ids: list[str] = jsonb_column(list)
    """Native IDs of the published parts of a thread, in order; empty if there is one part."""
    attempt: int = 0
    claimed_at: datetime | None = timestamp_column(optional=True)
    deadline_at: datetime | None = timestamp_column(optional=True)
    uncertain_since: datetime | None = timestamp_column(optional=True)
    settled_at: datetime | None = timestamp_column(optional=True)
    dry_run: bool = False
    """Dry-run mark: the delivery is never sent, even after the dry run has ended."""
    downtime_id: UUID | None = None
    """The downtime in which its time was missed; null after a member gives it another time."""
    at_once: bool = False
    """True if a member chose "Post now": the minimum interval does not apply. Reset when the
    delivery gets another time."""
    asks_since: datetime | None = timestamp_column(optional=True)
    """Set if the account was added to a post after an approval: only later approvals count for it.
    """
    lasts_hours: int | None = None
    """Hours after which the platform deletes it; null if it does not expire. Set by the last claim.
    """
    version: int = 1


class DeliveryMove(CreatorOwnedRow, table=True):
    """One transition of a delivery, written in the same transaction; append-only."""

    __tablename__ = "delivery_moves"
    __table_args__ = table_arguments(
        ForeignKeyConstraint(
            ["tenant_id", "delivery_id"], ["deliveries.tenant_id", "deliveries.id"]
        ),
        Index("delivery_moves_story", "tenant_id", "delivery_id", "created_at"),
        Index("delivery_moves_recent", "tenant_id", "creator_id", "created_at"),
        about="creator",
        keep="while the tenant exists",
    )
    delivery_id: UUID
    before: str
    after: str
    by: str
    reason: dict[str, Any] | None = message_column()


class Series(CreatorOwnedRow, table=True):
    """A recurring post. Its deliveries are created ahead from a rule."""

    __tablename__ = "series"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "post_id", "nth"),
        ForeignKeyConstraint(["tenant_id", "post_id"], ["posts.tenant_id", "posts.id"]),
        ForeignKeyConstraint(["tenant_id", "test_id"], ["post_tests.tenant_id", "post_tests.id"]),
        UniqueConstraint("tenant_id", "test_id"),
        Index("series_creator", "tenant_id", "creator_id"),
        about="creator",
        keep="while the tenant exists",
    )
    post_id: UUID
    nth: int = 1
    """Number of the rule among the rules of the post. Cancelled deliveries keep their keys, and
    this number distinguishes the keys of two rules."""
    channels: list[str] = jsonb_column(list)
    rule: str
    """The rule as `schedules/recurrence/rules.py` writes it, including its end."""
    starts_on: date
    clock: str
    zone: str
    gap_min: timedelta = Field(sa_type=Interval)
    skipped: list[str] = jsonb_column(list)
    """Local dates that a member removed, in chronological order."""
    state: str = "running"
    next_extend_at: datetime | None = timestamp_column(optional=True)
    """Time at which the next delivery is created; null after the last one."""
    test_id: UUID | None = None
    """The A/B test that this series publishes."""


class LinkRule(CreatorOwnedRow, table=True):
    """The link policy for new posts of a creator: utm parameters and short links."""

    __tablename__ = "link_rules"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "creator_id"),
        about="creator",
        keep="while the tenant exists",
    )
    base: str = ""
    """Base address of short links, such as https://example.org; empty if links are not shortened.
    """
    source: str = ""
    medium: str = ""
    campaign: str = ""
    content: str = ""


class DryRun(TenantRow, table=True):
    """An active dry run of a tenant, channel or post."""

    __tablename__ = "rehearsals"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "of_id"), about="creator", keep="while the tenant exists"
    )
    what: str
    """tenant, channel or post."""
    of_id: UUID
    by: str


class PostFingerprint(CreatorOwnedRow, table=True):
    """An index mark of one version of a post, used to find repeated posts
    (`schedules/posts/text_similarity.py`)."""

    __tablename__ = "post_prints"
    __table_args__ = table_arguments(
        ForeignKeyConstraint(["tenant_id", "post_id"], ["posts.tenant_id", "posts.id"]),
        Index("post_prints_mark", "tenant_id", "creator_id", "mark"),
        # without tenant_id: no query may read the rows of a whole tenant through it
        Index("post_prints_post", "post_id"),
        about="creator",
        keep="while the tenant exists",
    )
    post_id: UUID
    mark: int = Field(sa_type=BigInteger)
    kind: str
    letters: int | None = Field(default=None, sa_type=BigInteger)
