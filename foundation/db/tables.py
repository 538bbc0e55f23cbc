"""Base classes and column builders of all tables."""

from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Column, DateTime, ForeignKeyConstraint, func
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from foundation.i18n.translation import Message
from foundation.ids import uuid7


class TenantRow(SQLModel):
    """The columns of every table: tenant and UUIDv7 as key, timestamps from `house_now()`."""

    tenant_id: UUID = Field(primary_key=True)
    id: UUID = Field(default_factory=uuid7, primary_key=True)
    created_at: datetime | None = Field(
        default=None,
        sa_type=DateTime(timezone=True),
        sa_column_kwargs={"server_default": func.house_now()},
    )
    updated_at: datetime | None = Field(
        default=None,
        sa_type=DateTime(timezone=True),
        sa_column_kwargs={"server_default": func.house_now(), "onupdate": func.house_now()},
    )


class CreatorOwnedRow(TenantRow):
    """A row that belongs to a creator."""

    creator_id: UUID = Field(index=False)


def timestamp_column(*, optional: bool = False) -> Any:
    """Return a `timestamptz` column, nullable if `optional` is True."""
    if optional:
        return Field(default=None, sa_type=DateTime(timezone=True))
    return Field(sa_type=DateTime(timezone=True))


def jsonb_column(default: Callable[[], Any] = dict) -> Any:
    """Return a `jsonb` column that is never null."""
    return Field(default_factory=default, sa_column=Column(JSONB, nullable=False))


def message_column() -> Any:
    """Return a nullable column for a `Message` in its JSON form."""
    return Field(default=None, sa_column=Column(JSONB(none_as_null=True), nullable=True))


def stored_message(message: Message | None) -> dict[str, object] | None:
    """Return the column value of a message."""
    return message.to_json() if message is not None else None


def table_arguments(*constraints: Any, about: str, keep: str) -> tuple[Any, ...]:
    """Return the `__table_args__` of a table.

    `about` is the kind of person the rows are about and `keep` their retention period; tests check
    both.
    """
    return (*constraints, {"info": {"about": about, "keep": keep}})


FOREVER = "forever"


def tenant_foreign_key(column: str, name: str) -> ForeignKeyConstraint:
    return ForeignKeyConstraint(["tenant_id", column], [f"{name}.tenant_id", f"{name}.id"])
