"""Tables of suggestions: weekly plans, captions, writing styles, alt texts, ideas, and the results
that they use."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKeyConstraint, Index, UniqueConstraint

import schedules.posts.models  # noqa: F401  keys point at its tables
from foundation.db.tables import (
    CreatorOwnedRow,
    jsonb_column,
    message_column,
    table_arguments,
    timestamp_column,
)


class WeekPlan(CreatorOwnedRow, table=True):
    """A proposed week; a post is only planned once a member accepts it."""

    __tablename__ = "week_plans"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "key"),
        Index("week_plans_creator", "tenant_id", "creator_id", "expires_at"),
        about="creator",
        keep="while the tenant exists",
    )
    key: str
    by: str
    brief: dict[str, Any] = jsonb_column()
    """The fields of a `WeekBrief`, as `suggestions/shared/stored_briefs.py` stores them."""
    expires_at: datetime = timestamp_column()
    written_at: datetime | None = timestamp_column(optional=True)
    """Time at which a model processed its texts."""


class WeekLine(CreatorOwnedRow, table=True):
    """A post of a proposed week; accepting it creates a draft."""

    __tablename__ = "week_lines"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "plan_id", "number"),
        ForeignKeyConstraint(["tenant_id", "plan_id"], ["week_plans.tenant_id", "week_plans.id"]),
        ForeignKeyConstraint(["tenant_id", "post_id"], ["posts.tenant_id", "posts.id"]),
        about="creator",
        keep="while the tenant exists",
    )
    plan_id: UUID
    number: int
    channels: list[str] = jsonb_column(list)
    wall_time: str
    zone: str
    hour_from: str
    """Origin of its time: slot, best, usual or plain."""
    recipe_id: UUID | None = None
    topic: str
    body: str
    words_by: str
    """Author of its text: brief, model, person or both."""
    state: str = "proposed"
    post_id: UUID | None = None
    version: int = 1


class TextKit(CreatorOwnedRow, table=True):
    """A caption set for a post being written. A member picks texts; none is published
    automatically."""

    __tablename__ = "text_kits"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "key"),
        Index("text_kits_draft", "tenant_id", "creator_id", "draft", "created_at"),
        about="creator",
        keep="30 days",
    )
    key: str
    draft: UUID
    """The future ID of the post being written."""
    by: str
    wish: dict[str, Any] = jsonb_column()
    """The fields of a `CaptionSetBrief`, as `suggestions/shared/stored_briefs.py` stores them."""
    offers: list[dict[str, Any]] = jsonb_column(list)
    lacks: list[dict[str, Any]] = jsonb_column(list)
    """Texts that the model could not write, with the reasons."""
    written_at: datetime | None = timestamp_column(optional=True)


class WritingStyleRow(CreatorOwnedRow, table=True):
    """The tone, length and hashtags of a creator's texts on a network, or on all networks."""

    __tablename__ = "writing_styles"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "creator_id", "network"),
        about="creator",
        keep="while the tenant exists",
    )
    network: str
    """The platform; empty for all networks."""
    tone: str = ""
    length: str = ""
    """short, medium or long; empty for the usual length."""
    hashtags: int | None = None
    """Maximum number of hashtags; None for the usual number."""
    by: str


class AltTextRow(CreatorOwnedRow, table=True):
    """A requested alt text of an image, accepted or rejected by a member.

    The image keeps its current alt text until then.
    """

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
    """A longer description, used for search."""
    model: str = ""
    reason: dict[str, Any] | None = message_column()
    """The reason why there is no text."""
    state: str = "waiting"


class IdeaRound(CreatorOwnedRow, table=True):
    """A batch of ideas for posts, based on the results of earlier posts."""

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
    """The fields of an `IdeaBrief` with its results, as `suggestions/shared/stored_briefs.py`
    stores them."""
    ideas: list[dict[str, Any]] = jsonb_column(list)
    lacks: list[dict[str, Any]] = jsonb_column(list)
    """The reasons for missing ideas."""
    dismissed: list[int] = jsonb_column(list)
    """Indexes of dismissed ideas."""
    label: str = ""
    """Quality label of the engine: "demo" for the small model, empty otherwise."""
    written_at: datetime | None = timestamp_column(optional=True)


class CreatorResults(CreatorOwnedRow, table=True):
    """The measured results of a creator's posts, which suggestions use; replaced every night."""

    __tablename__ = "creator_results"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "creator_id"),
        about="creator",
        keep="while the tenant exists",
    )
    results: dict[str, Any] = jsonb_column()
    """The fields of `MeasuredResults`, as `suggestions/shared/stored_briefs.py` stores them."""
    computed_at: datetime = timestamp_column()
