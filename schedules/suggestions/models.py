"""Tables of suggestions: weekly plans, captions, alt texts and ideas."""

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
    """The fields of a `WeekBrief`, as `suggestions/shared/stored_briefs.py` stores them."""
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
    """Texts that a model was asked for while a post is written; a person picks, nothing of it
    leaves by itself."""

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
    """The fields of a `CaptionSetBrief`, as `suggestions/shared/stored_briefs.py` stores them."""
    offers: list[dict[str, Any]] = jsonb_column(list)
    lacks: list[dict[str, Any]] = jsonb_column(list)
    """What a model could not write, with the reason."""
    written_at: datetime | None = timestamp_column(optional=True)


class AltTextRow(CreatorOwnedRow, table=True):
    """Words for a picture that a model was asked for; a person takes or refuses them; its own stand
    meanwhile."""

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
    """Ideas for posts that a model was asked for, from what past posts came to; none of them is a
    post."""

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
    """Why there are fewer than were asked for."""
    dismissed: list[int] = jsonb_column(list)
    """Which of the ideas somebody put away, by their number from 0."""
    label: str = ""
    """What the engine says of its own quality: nothing of a real model, "demo" of the small one."""
    written_at: datetime | None = timestamp_column(optional=True)
