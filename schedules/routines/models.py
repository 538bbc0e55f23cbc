"""Tables of routines: the plan of each creator, and the steps of each day."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Date, ForeignKeyConstraint, UniqueConstraint
from sqlmodel import Field

from foundation.db.tables import (
    CreatorOwnedRow,
    jsonb_column,
    message_column,
    table_arguments,
    timestamp_column,
)


class Routine(CreatorOwnedRow, table=True):
    """The routine of a creator. Changes are in the audit log."""

    __tablename__ = "routines"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "creator_id"),
        about="creator",
        keep="while the tenant exists",
    )
    active: bool = True
    plan: dict[str, Any] = jsonb_column()
    """The fields of a `RoutinePlan`."""
    version: int = 1


class RoutineStep(CreatorOwnedRow, table=True):
    """A step of a routine on one local day; `name` is its kind, with the time of a slot."""

    __tablename__ = "routine_steps"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "creator_id", "day", "name"),
        ForeignKeyConstraint(["tenant_id", "routine_id"], ["routines.tenant_id", "routines.id"]),
        CheckConstraint(
            "state IN ('due', 'running', 'done', 'skipped', 'failed')", name="routine_steps_state"
        ),
        about="creator",
        keep="while the tenant exists",
    )
    routine_id: UUID
    day: date = Field(sa_type=Date)
    name: str
    kind: str
    slot: str = ""
    """The local time of a slot, as `HH:MM`; empty for other steps."""
    due_at: datetime = timestamp_column()
    over_at: datetime = timestamp_column()
    """The instant from which the step is skipped instead of run."""
    state: str = "due"
    reason: dict[str, Any] | None = message_column()
    results: dict[str, Any] = jsonb_column()
    """The IDs and counts that the step produced, as `StepResults` stores them."""
    started_at: datetime | None = timestamp_column(optional=True)
    ended_at: datetime | None = timestamp_column(optional=True)
