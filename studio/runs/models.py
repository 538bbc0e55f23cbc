"""Tables of the room about machines of an agency's own: the runs they are lent, and what they hand in."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKeyConstraint, Index, UniqueConstraint
from sqlmodel import Field

import studio.library.models  # noqa: F401  keys point at its tables
from foundation.db.database import (
    CreatorOwnedRow,
    jsonb_column,
    message_column,
    table_arguments,
    timestamp_column,
)


def _tenant_foreign_key(column: str, name: str) -> ForeignKeyConstraint:
    return ForeignKeyConstraint(["tenant_id", column], [f"{name}.tenant_id", f"{name}.id"])


class RemoteRunRow(CreatorOwnedRow, table=True):
    """A run whose pictures are made by the agency's own machines, one of them at a time; no worker of ours takes it."""

    __tablename__ = "home_runs"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "job_id", name="home_runs_job"),
        _tenant_foreign_key("job_id", "jobs"),
        Index("home_runs_lease", "tenant_id", "lease"),
        about="creator",
        keep="while the tenant is here",
    )
    job_id: UUID
    machine_id: UUID | None = None
    """Who has it, or had it last."""
    instance: UUID | None = None
    """Of the machine's program: the same one that asks again is answered with the same lease."""
    lease: UUID | None = None
    """None while nobody has it."""
    until: datetime | None = timestamp_column(optional=True)
    """When the lease ends unless the machine says something; without one, when it may be lent again. People's clock."""
    numbers: list[int] = jsonb_column(list)
    """The pictures that are lent."""
    tries: int = 0
    """How often it came back without a picture, one after the other."""


class RemotePictureRow(CreatorOwnedRow, table=True):
    """A picture that a machine handed in, until it is in the library or refused; its bytes go then."""

    __tablename__ = "home_pictures"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "job_id", "number", name="home_pictures_once"),
        _tenant_foreign_key("job_id", "jobs"),
        Index("home_pictures_waiting", "tenant_id", "state"),
        CheckConstraint("state IN ('waiting', 'ready', 'refused')", name="home_pictures_state"),
        about="creator",
        keep="while the tenant is here",
    )
    job_id: UUID
    number: int
    machine_id: UUID
    lease: UUID
    sha256: str
    """Of the bytes as they came."""
    size: int = Field(sa_type=BigInteger)
    made: dict[str, Any] = jsonb_column()
    """What the machine says of it, as `generators.remote_protocol.PictureResult`."""
    state: str = "waiting"
    reason: dict[str, Any] | None = message_column()
