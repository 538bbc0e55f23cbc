"""Table of account setups."""

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
    """A request to connect an account; `letter` is the sealed form, emptied once there is a
    result."""

    __tablename__ = "enrolments"
    __table_args__ = table_arguments(about="creator", keep="30 days")
    platform: str
    state: str = AccountSetupState.WAITING
    reason: dict[str, Any] | None = message_column()
    channel_id: UUID | None = None
    letter: bytes = Field(sa_type=LargeBinary)
    visit: dict[str, Any] | None = message_column()
    """The OAuth flow in progress: the URL at the platform, and the values needed when the member
    returns."""
    answer: bytes = Field(default=b"", sa_type=LargeBinary)
    """The sealed authorization code."""
    by: str = ""
    """The actor who requested the setup; only they can complete the flow."""
