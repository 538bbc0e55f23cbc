"""Tables of planning: hours of the week, quiet times, shifts; files, feeds, weeks, pools, labels; who reads along."""

from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import (
    Date,
    ForeignKeyConstraint,
    Index,
    Interval,
    LargeBinary,
    Time,
    UniqueConstraint,
)
from sqlmodel import Field

import schedules.posts.models  # noqa: F401  keys point at its tables
from foundation.db.database import (
    CreatorOwnedRow,
    TenantRow,
    jsonb_column,
    message_column,
    table_arguments,
    timestamp_column,
)


class SlotRow(CreatorOwnedRow, table=True):
    """An hour of the week at which an account posts: wall time in `zone`, at most `jitter` minutes later."""

    __tablename__ = "slots"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "channel_id", "weekday", "local_time"),
        about="creator",
        keep="while the tenant is here",
    )
    channel_id: UUID
    weekday: int
    """0 is Monday."""
    local_time: time = Field(sa_type=Time)
    zone: str
    jitter: int = 0
    label: str = ""
    drawn_as: UUID | None = None
    """The slot of another account that it was copied from: what was planned there is at its minutes here too."""


class SlotUse(CreatorOwnedRow, table=True):
    """Which delivery has a slot on a local date: two writers cannot take one.

    It counts as long as the delivery is planned at `wall_time` there; else the slot is free again, whoever moved it.
    """

    __tablename__ = "slot_uses"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "slot_id", "local_date"),
        UniqueConstraint("tenant_id", "delivery_id"),
        ForeignKeyConstraint(["tenant_id", "slot_id"], ["slots.tenant_id", "slots.id"]),
        ForeignKeyConstraint(["tenant_id", "delivery_id"], ["deliveries.tenant_id", "deliveries.id"]),
        about="creator",
        keep="while the tenant is here",
    )
    slot_id: UUID
    local_date: date = Field(sa_type=Date)
    delivery_id: UUID
    wall_time: str
    zone: str


class BulkMoveRow(CreatorOwnedRow, table=True):
    """Deliveries that were given other times in one gesture, and where they were before: to take it back."""

    __tablename__ = "shifts"
    __table_args__ = table_arguments(about="creator", keep="while the tenant is here")
    by: str
    moved: list[dict[str, Any]] = jsonb_column(list)
    """Of each: its id, the version it was left at, the wall time and the zone it came from."""
    undone_at: datetime | None = timestamp_column(optional=True)


class QuietPeriodRow(CreatorOwnedRow, table=True):
    """When nothing is to be posted, on one account or on all of a creator's: local days, or hours of the week.

    A pause is one with the words it was announced with, and what it moved away.
    """

    __tablename__ = "quiet_periods"
    __table_args__ = table_arguments(
        ForeignKeyConstraint(["tenant_id", "shift_id"], ["shifts.tenant_id", "shifts.id"]),
        Index("quiet_periods_creator", "tenant_id", "creator_id"),
        about="creator",
        keep="while the tenant is here",
    )
    channel_id: UUID | None = None
    label: str
    zone: str
    first_day: date | None = Field(default=None, sa_type=Date)
    last_day: date | None = Field(default=None, sa_type=Date)
    weekday: int | None = None
    start_time: time | None = Field(default=None, sa_type=Time)
    end_time: time | None = Field(default=None, sa_type=Time)
    shift_id: UUID | None = None


class HolidaySettingRow(TenantRow, table=True):
    """Whose public holidays are quiet days: of one creator, or of all of the agency's that have no choice of their own.

    A country of "" is none at all.
    """

    __tablename__ = "holiday_choices"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "of_id"), about="creator", keep="while the tenant is here"
    )
    of_id: UUID
    """The creator, or the agency itself."""
    country: str
    """ISO 3166-1."""
    region: str = ""
    """As the library calls it there; empty for the whole country."""
    left_out: list[str] = jsonb_column(list)
    """Names of holidays on which posts leave all the same, each year."""


class Import(TenantRow, table=True):
    """A file of posts somebody brought in, what looking at it found, and what became of it."""

    __tablename__ = "imports"
    __table_args__ = table_arguments(UniqueConstraint("tenant_id", "digest", "turn"), about="creator", keep="1 year")
    by: str
    """Who brought it: an actor, the author of its posts."""
    name: str
    creators: list[str] = jsonb_column(list)
    """Whose posts it may hold: until it was looked at those of who brought it, then those it names."""
    digest: str
    """SHA-256 of the file: the same file is the same import, unless what it brought was taken back."""
    turn: int = 1
    content: bytes = Field(sa_type=LargeBinary)
    """The file, until its posts are written."""
    state: str = "waiting"
    plan: bool = False
    """Whether what needs nobody's yes goes onto the calendar, instead of staying a draft."""
    done: int = 0
    lines: int = 0
    problems: int = 0
    marks: int = 0
    report: list[dict[str, Any]] = jsonb_column(list)
    reason: dict[str, Any] | None = message_column()
    posts: int = 0
    taken: int = 0
    left_before: int = 0


class Feed(CreatorOwnedRow, table=True):
    """A page elsewhere whose new entries become drafts."""

    __tablename__ = "feeds"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "creator_id", "url"), about="creator", keep="while the tenant is here"
    )
    url: str
    title: str = ""
    channels: list[str] = jsonb_column(list)
    paused: bool = False
    etag: str = ""
    modified: str = ""
    seeded: bool = False
    """Whether it was read once: what stood there then is old."""
    next_read_at: datetime = timestamp_column()
    last_read_at: datetime | None = timestamp_column(optional=True)
    failures: int = 0
    reason: dict[str, Any] | None = message_column()
    day: str = ""
    """The local day its drafts are counted of, as 2026-03-02."""
    today: int = 0
    total: int = 0


class FeedEntry(CreatorOwnedRow, table=True):
    """An entry of a feed that was seen: it becomes a draft at most once."""

    __tablename__ = "feed_entries"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "feed_id", "guid"),
        ForeignKeyConstraint(["tenant_id", "feed_id"], ["feeds.tenant_id", "feeds.id"]),
        about="creator",
        keep="while the tenant is here",
    )
    feed_id: UUID
    guid: str
    """SHA-256 of what the feed calls it."""


class WeekPlan(CreatorOwnedRow, table=True):
    """A week that was proposed from a brief; nothing of it is planned but what a person accepts."""

    __tablename__ = "week_plans"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "key"),
        Index("week_plans_creator", "tenant_id", "creator_id", "expires_at"),
        about="creator",
        keep="while the tenant is here",
    )
    key: str
    by: str
    brief: dict[str, Any] = jsonb_column()
    """As `schedules/suggestions/weekly_plans/proposals.py` stores it."""
    expires_at: datetime = timestamp_column()
    written_at: datetime | None = timestamp_column(optional=True)
    """When its words were looked for."""


class WeekLine(CreatorOwnedRow, table=True):
    """One post of a proposed week; accepted, it became a draft."""

    __tablename__ = "week_lines"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "plan_id", "number"),
        ForeignKeyConstraint(["tenant_id", "plan_id"], ["week_plans.tenant_id", "week_plans.id"]),
        ForeignKeyConstraint(["tenant_id", "post_id"], ["posts.tenant_id", "posts.id"]),
        about="creator",
        keep="while the tenant is here",
    )
    plan_id: UUID
    number: int
    channels: list[str] = jsonb_column(list)
    wall_time: str
    zone: str
    hour_from: str
    """slot, usual or plain: where its hour comes from."""
    recipe_id: UUID | None = None
    topic: str
    body: str
    words_by: str
    """brief, model, person or both: whose words they are."""
    state: str = "proposed"
    post_id: UUID | None = None
    version: int = 1


class TextKit(CreatorOwnedRow, table=True):
    """Texts that a model was asked for while a post is written; a person picks, nothing of it leaves by itself."""

    __tablename__ = "text_kits"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "key"),
        Index("text_kits_draft", "tenant_id", "creator_id", "draft", "created_at"),
        about="creator",
        keep="30 days",
    )
    key: str
    draft: UUID
    """The page it was asked on: the id of the post that is being written."""
    by: str
    wish: dict[str, Any] = jsonb_column()
    """As `schedules/suggestions/captions/brief.py` stores it."""
    offers: list[dict[str, Any]] = jsonb_column(list)
    lacks: list[dict[str, Any]] = jsonb_column(list)
    """What a model could not write, with the reason."""
    written_at: datetime | None = timestamp_column(optional=True)


class AltTextRow(CreatorOwnedRow, table=True):
    """Words for a picture that a model was asked for; a person takes or refuses them; its own stand meanwhile."""

    __tablename__ = "picture_words"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "key"),
        Index("picture_words_asset", "tenant_id", "creator_id", "asset_id", "created_at"),
        about="creator",
        keep="30 days",
    )
    key: str
    asset_id: UUID
    by: str
    language: str
    forbidden: list[str] = jsonb_column(list)
    alt: str = ""
    shows: str = ""
    """A longer description, by which the library finds it."""
    model: str = ""
    reason: dict[str, Any] | None = message_column()
    """Why there are none."""
    state: str = "waiting"


class IdeaRound(CreatorOwnedRow, table=True):
    """Ideas for posts that a model was asked for, from what past posts came to; none of them is a post."""

    __tablename__ = "idea_rounds"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "key"),
        Index("idea_rounds_newest", "tenant_id", "creator_id", "created_at"),
        about="creator",
        keep="30 days",
    )
    key: str
    by: str
    brief: dict[str, Any] = jsonb_column()
    """As `schedules/suggestions/ideas/brief.py` stores it: the results that were put down with it included."""
    ideas: list[dict[str, Any]] = jsonb_column(list)
    lacks: list[dict[str, Any]] = jsonb_column(list)
    """Why there are fewer than were asked for."""
    dismissed: list[int] = jsonb_column(list)
    """Which of the ideas somebody put away, by their number from 0."""
    label: str = ""
    """What the engine says of its own quality: nothing of a real model, "demo" of the small one."""
    written_at: datetime | None = timestamp_column(optional=True)


class Pool(CreatorOwnedRow, table=True):
    """What of a creator's posts comes back on the free slots of her accounts, when and how often."""

    __tablename__ = "pools"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "creator_id"), about="creator", keep="while the tenant is here"
    )
    channels: list[str] = jsonb_column(list)
    label: str = ""
    """Only slots of this name; all of them without one."""
    min_age: timedelta = Field(sa_type=Interval)
    """Between two times of one entry on an account, at least."""
    every: timedelta = Field(sa_type=Interval)
    """Between two posts of the pool on an account, at least."""
    until: date | None = Field(default=None, sa_type=Date)
    paused: bool = False


class PoolEntry(CreatorOwnedRow, table=True):
    """A post that comes back, in one wording or several in turn: each wording is a post of its own."""

    __tablename__ = "pool_entries"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "pool_id", "first_id"),
        ForeignKeyConstraint(["tenant_id", "pool_id"], ["pools.tenant_id", "pools.id"]),
        ForeignKeyConstraint(["tenant_id", "first_id"], ["posts.tenant_id", "posts.id"]),
        about="creator",
        keep="while the tenant is here",
    )
    pool_id: UUID
    first_id: UUID
    wordings: list[str] = jsonb_column(list)
    """Ids of posts, in the order of their turns, the first one included."""
    taken_out: bool = False


class LabelRow(TenantRow, table=True):
    """A name an agency gives to posts that belong together: a campaign, a theme. Platforms never hear of it."""

    __tablename__ = "labels"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "folded", name="labels_name"), about="tenant", keep="while the tenant is here"
    )
    name: str
    folded: str
    """The name without regard to case: two that differ by that alone would be one to people."""
    colour: str


class PostLabel(CreatorOwnedRow, table=True):
    """A post that has a label: beside the post and not in it, so that its digest and its version know nothing of it."""

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


class CalendarSubscriptionRow(TenantRow, table=True):
    """A secret address under which calendars read what is planned: of all of its member's creators, or of one."""

    __tablename__ = "calendar_addresses"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "digest", name="calendar_addresses_digest"),
        Index("calendar_addresses_found", "digest"),
        about="member",
        keep="while the tenant is here",
    )
    member_id: UUID
    creator_id: UUID | None = None
    digest: str
    words: bool = False
    """Whether it tells what posts say, on a phone that others may see."""
    used_at: datetime | None = timestamp_column(optional=True)
    revoked_at: datetime | None = timestamp_column(optional=True)
