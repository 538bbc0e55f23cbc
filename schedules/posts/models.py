"""Tables of posts: what they say and where, what was said of them, by whom they were allowed; series."""

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
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from foundation.db.database import (
    CreatorOwnedRow,
    TenantRow,
    jsonb_column,
    message_column,
    table_arguments,
    timestamp_column,
)


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
    """What follows as a thread, and the first comment at last: `schedules/posts/thread_parts.py` reads and writes them."""
    overrides: list[dict[str, Any]] = jsonb_column(list)
    """What it says otherwise in one place: `schedules/posts/channel_overrides.py` reads and writes them."""
    links: dict[str, Any] = jsonb_column()
    """What becomes of the addresses in it: `schedules/posts/link_tracking.py` reads and writes it; empty where they stay."""
    origin: str
    origin_key: str
    author: str
    """Who wrote it: an actor. Approvals by the same principal do not count."""
    author_principal: UUID | None = None
    text_ai: str = "none"
    """none, assisted or generated: whether a model wrote the text."""
    priority: int = 5
    late_ok: timedelta | None = Field(sa_type=Interval, nullable=True)
    """Still fine this much after its time; null means always. No default: the mapper would write it for a null."""
    until_midnight: bool = Field(default=False, sa_column_kwargs={"server_default": "false"})
    """Still fine until its local day is over; `late_ok` says nothing then."""
    digest: str
    version: int = 1


class Downtime(TenantRow, table=True):
    """A time in which posts of this agency could not leave, until all of them have; one is open at a time."""

    __tablename__ = "downtimes"
    __table_args__ = table_arguments(
        Index("downtimes_open", "tenant_id", unique=True, postgresql_where=text("state = 'open'")),
        about="tenant",
        keep="while the tenant is here",
    )
    state: str = "open"
    decided_by: str | None = None


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
        Index("deliveries_downtime", "tenant_id", "downtime_id", postgresql_where=text("downtime_id IS NOT NULL")),
        Index("deliveries_kept", "tenant_id", "not_before", postgresql_where=text("not_before IS NOT NULL")),
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
    """Of a series, the local date and time its rule says, as 2026-03-02T10:00; it stays when a person moves it."""
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
    """Of an account that was added to a post after a yes: only one that is said later is for it too."""
    lasts_hours: int | None = None
    """After so many its platform takes it away by itself; none of what stands. Said by the last claim."""
    version: int = 1


class DeliveryMove(CreatorOwnedRow, table=True):
    """One transition of one delivery, written in its transaction; append-only."""

    __tablename__ = "delivery_moves"
    __table_args__ = table_arguments(
        ForeignKeyConstraint(["tenant_id", "delivery_id"], ["deliveries.tenant_id", "deliveries.id"]),
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


class PostEdit(CreatorOwnedRow, table=True):
    """Other words for one delivery that stands outside; at most one of a delivery is open."""

    __tablename__ = "edits"
    __table_args__ = table_arguments(
        ForeignKeyConstraint(["tenant_id", "post_id"], ["posts.tenant_id", "posts.id"]),
        ForeignKeyConstraint(["tenant_id", "delivery_id"], ["deliveries.tenant_id", "deliveries.id"]),
        Index("edits_post", "tenant_id", "post_id"),
        Index(
            "edits_open",
            "tenant_id",
            "delivery_id",
            unique=True,
            postgresql_where=text("state IN ('waiting', 'due', 'sending', 'refused', 'unsure')"),
        ),
        about="creator",
        keep="while the tenant is here",
    )
    post_id: UUID
    delivery_id: UUID
    channel_id: UUID
    state: str = "waiting"
    reason: dict[str, Any] | None = message_column()
    digest: str
    """The version of the post that it brings outside."""
    before: dict[str, str] = jsonb_column()
    """Title and body that the post had where it stands, as they were written."""
    after: dict[str, str] = jsonb_column()
    """Title and body that it is to have there."""
    by: str
    attempt: int = 0
    until: datetime = timestamp_column()
    """After this nobody tries again."""
    deadline_at: datetime | None = timestamp_column(optional=True)
    settled_at: datetime | None = timestamp_column(optional=True)
    version: int = 1


class Approval(CreatorOwnedRow, table=True):
    """A person's word on one digest of a post; append-only. A word that has run out may be said again."""

    __tablename__ = "approvals"
    __table_args__ = table_arguments(
        ForeignKeyConstraint(["tenant_id", "post_id"], ["posts.tenant_id", "posts.id"]),
        Index("approvals_said", "tenant_id", "post_id", "digest"),
        about="creator",
        keep="while the tenant is here",
    )
    post_id: UUID
    digest: str
    tier: int
    principal_id: UUID
    verdict: str
    note: str
    expires_at: datetime = timestamp_column()
    why: str = Field(default="", sa_column_kwargs={"server_default": ""})
    """Of a no, or a wish for a change: a code of `schedules/approvals/decisions.py`."""
    content: dict[str, Any] | None = Field(default=None, sa_type=JSONB(none_as_null=True), nullable=True)
    """What the post said then: `schedules/approvals/revisions.py` reads and writes it."""


class Series(CreatorOwnedRow, table=True):
    """A post that leaves again and again: each time is a delivery of its own, made ahead from the rule."""

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
    """The first rule of its post, or a later one: cancelled deliveries keep their keys, which must tell them apart."""
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


class PostTest(CreatorOwnedRow, table=True):
    """Two versions of what a series says on one account, and how they are to be compared: fixed before either leaves.

    `insights/analysis/ab_test_verdicts.py` knows what may be measured, and says what came of it.
    """

    __tablename__ = "post_tests"
    __table_args__ = table_arguments(
        ForeignKeyConstraint(["tenant_id", "a_id"], ["posts.tenant_id", "posts.id"]),
        ForeignKeyConstraint(["tenant_id", "b_id"], ["posts.tenant_id", "posts.id"]),
        Index("post_tests_creator", "tenant_id", "creator_id", "created_at"),
        about="creator",
        keep="while the tenant is here",
    )
    a_id: UUID
    """The post that repeated before."""
    b_id: UUID
    channel_id: UUID
    metric: str
    age_hours: int
    planned: int
    """Units after which it is over."""
    by: str
    ended_at: datetime | None = timestamp_column(optional=True)
    ended_by: str = ""
    kept: str = ""
    """Of a test that was ended, the version that goes on: a or b."""


class PostComment(CreatorOwnedRow, table=True):
    """What a member said about a post; `part` and `asset_id` are what of it was meant, in the version of `digest`."""

    __tablename__ = "comments"
    __table_args__ = table_arguments(
        ForeignKeyConstraint(["tenant_id", "post_id"], ["posts.tenant_id", "posts.id"]),
        ForeignKeyConstraint(["tenant_id", "thread_id"], ["comments.tenant_id", "comments.id"]),
        Index("comments_post", "tenant_id", "post_id", "id"),
        about="creator",
        keep="while the tenant is here",
    )
    post_id: UUID
    thread_id: UUID | None = None
    """What it answers; nothing of one that began."""
    part: int = 0
    """0 is the post itself, then what follows it."""
    asset_id: UUID | None = None
    digest: str
    principal_id: UUID
    words: str
    named: list[str] = jsonb_column(list)
    """Principals it is addressed to."""
    internal: bool = True
    """For who works here alone: neither the creator nor a client reads it. Answers are as what they answer."""
    resolved_at: datetime | None = timestamp_column(optional=True)
    resolved_by: UUID | None = None


class ApprovalLink(CreatorOwnedRow, table=True):
    """A link by which somebody without an account answers once for one version of a post; only digests are kept."""

    __tablename__ = "approval_links"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "token", name="approval_links_token"),
        ForeignKeyConstraint(["tenant_id", "post_id"], ["posts.tenant_id", "posts.id"]),
        Index("approval_links_found", "token"),
        Index("approval_links_post", "tenant_id", "post_id", "id"),
        about="creator",
        keep="while the tenant is here",
    )
    post_id: UUID
    digest: str
    """The version it was made for: of another one nothing is shown, and nothing is answered."""
    token: str
    name: str
    """Whom it was made for, as the member who made it calls them."""
    principal_id: UUID
    """Who that is for us: the same name of one creator is the same person."""
    by: str
    expires_at: datetime = timestamp_column()
    session: str = ""
    """The browser it was opened in; nobody else's opens it afterwards."""
    opened_at: datetime | None = timestamp_column(optional=True)
    ended: str = ""
    """yes, change, replaced, taken_back or moved; nothing while it may be answered."""
    ended_at: datetime | None = timestamp_column(optional=True)


class LinkRule(CreatorOwnedRow, table=True):
    """What becomes of addresses in a creator's posts that are written from now on: marks, and a short one instead."""

    __tablename__ = "link_rules"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "creator_id"), about="creator", keep="while the tenant is here"
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
    """What a post is found by that another one repeats (`schedules/posts/text_similarity.py`): of every version of it."""

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


class DuplicateWaiver(CreatorOwnedRow, table=True):
    """A person's word that a delivery may leave although it repeats a post, both as they were then; append-only."""

    __tablename__ = "repeat_words"
    __table_args__ = table_arguments(
        ForeignKeyConstraint(["tenant_id", "delivery_id"], ["deliveries.tenant_id", "deliveries.id"]),
        UniqueConstraint("tenant_id", "delivery_id", "digest", "like_id", "like_digest"),
        about="creator",
        keep="while the tenant is here",
    )
    delivery_id: UUID
    digest: str
    like_id: UUID
    """The post it repeats."""
    like_digest: str
    by: str
