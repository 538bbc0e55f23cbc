"""Tables of personas, of the changes of their autonomy, and of test chats."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Column, ForeignKeyConstraint, Index, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from foundation.db.tables import (
    CreatorOwnedRow,
    jsonb_column,
    message_column,
    table_arguments,
    timestamp_column,
)


class Persona(CreatorOwnedRow, table=True):
    """A version of a creator's persona. Only its state and level change, and one version is
    active."""

    __tablename__ = "personas"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "creator_id", "version"),
        Index(
            "personas_active",
            "tenant_id",
            "creator_id",
            unique=True,
            postgresql_where=text("state = 'active'"),
        ),
        about="creator",
        keep="forever",
    )
    version: int
    state: str
    """One of draft, active and retired."""
    level: str
    """One of `autonomy.LEVELS`: off, copilot, supervised and autopilot."""
    virtual: bool
    name: str
    card: str
    voice: str
    examples: list[dict[str, Any]] = jsonb_column(list)
    rules: list[str] = jsonb_column(list)
    forbidden: list[str] = jsonb_column(list)
    languages: list[str] = jsonb_column(list)
    digest: str
    greeting: str = Field(default="", sa_column_kwargs={"server_default": ""})
    opening_hours: list[dict[str, Any]] = Field(
        default_factory=list, sa_column=Column(JSONB, nullable=False, server_default="[]")
    )
    sales_style: str = Field(default="active", sa_column_kwargs={"server_default": "active"})
    suggestions: str = Field(default="", sa_column_kwargs={"server_default": ""})
    lorebook: list[dict[str, Any]] = Field(
        default_factory=list, sa_column=Column(JSONB, nullable=False, server_default="[]")
    )


class ScriptTest(CreatorOwnedRow, table=True):
    """A test of two to four versions of a persona on a creator's fans; its plan never changes."""

    __tablename__ = "script_tests"
    __table_args__ = table_arguments(
        Index(
            "script_tests_running",
            "tenant_id",
            "creator_id",
            unique=True,
            postgresql_where=text("ended_at IS NULL"),
        ),
        about="creator",
        keep="while the tenant exists",
    )
    personas: list[str] = jsonb_column(list)
    """IDs of the versions in order; the first was active at the start."""
    metric: str
    method: str
    planned: int
    window_days: int
    currency: str
    cap_minor: int | None = Field(default=None, sa_type=BigInteger)
    """Spending of a fan above this counts as this; fixed at the start."""
    by: str
    ended_at: datetime | None = timestamp_column(optional=True)
    ended_by: str = ""
    kept: str = ""
    verdict: dict[str, Any] | None = Field(
        default=None, sa_column=Column(JSONB(none_as_null=True), nullable=True)
    )
    """The result at the end, which never changes."""


class ScriptTestFan(CreatorOwnedRow, table=True):
    """A fan of a test and the version that answers them."""

    __tablename__ = "script_test_fans"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "test_id", "fan_id"),
        ForeignKeyConstraint(
            ["tenant_id", "test_id"], ["script_tests.tenant_id", "script_tests.id"]
        ),
        about="fan",
        keep="while the tenant exists",
    )
    test_id: UUID
    fan_id: UUID
    variant: str
    exposed_at: datetime = timestamp_column()


class AutonomyChange(CreatorOwnedRow, table=True):
    """A change of a creator's autonomy, append-only.

    `reason` is `member`, `first` for the first level of a creator, or the cause of an automatic
    fallback (`autonomy.FALLBACKS`).
    """

    __tablename__ = "autonomy_changes"
    __table_args__ = table_arguments(
        Index("autonomy_changes_of_creator", "tenant_id", "creator_id", "created_at"),
        about="creator",
        keep="while the tenant exists",
    )
    before: str
    after: str
    reason: str
    by: str
    version: int
    """Version of the active persona."""


class PersonaTrial(CreatorOwnedRow, table=True):
    """A member's test chat with a persona that need not be saved. No fan and no platform is
    involved."""

    __tablename__ = "persona_trials"
    __table_args__ = table_arguments(
        about="member",
        keep="1 day",
    )
    member_id: UUID
    persona: dict[str, Any] = jsonb_column()
    lines: list[dict[str, Any]] = jsonb_column(list)
    state: str
    """`waiting` until a worker has answered, then `answered` or `failed`."""
    outcome: dict[str, Any] | None = message_column()
