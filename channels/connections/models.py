"""Table of account setups that are in progress."""

from typing import Any
from uuid import UUID

from sqlalchemy import LargeBinary
from sqlmodel import Field

from channels.connections.states import AccountSetupState
from foundation.db.tables import (
    CreatorOwnedRow,
    message_column,
    table_arguments,
)


class AccountSetupRow(CreatorOwnedRow, table=True):
    """A person's wish to connect an account; `letter` is the sealed form, emptied once there is an
    answer."""

    __tablename__ = "enrolments"
    __table_args__ = table_arguments(about="creator", keep="30 days")
    platform: str
    state: str = AccountSetupState.WAITING
    reason: dict[str, Any] | None = message_column()
    channel_id: UUID | None = None
    letter: bytes = Field(sa_type=LargeBinary)
    visit: dict[str, Any] | None = message_column()
    """Where a person goes on at the platform, and what is wanted back when they return."""
    answer: bytes = Field(default=b"", sa_type=LargeBinary)
    """What they came back with, sealed."""
    by: str = ""
    """Who asked; only they come back."""
