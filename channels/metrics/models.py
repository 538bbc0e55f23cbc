"""Table of the reactions that a message of a channel received."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, UniqueConstraint
from sqlmodel import Field

from channels.accounts.models import channel_foreign_key
from foundation.db.tables import TenantRow, table_arguments, timestamp_column


class ReactionCountRow(TenantRow, table=True):
    """Number of reactions to one message of a channel at the time `at`; `number` orders updates
    within one second."""

    __tablename__ = "heard_counts"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "channel_id", "native_id", name="heard_counts_once"),
        channel_foreign_key(),
        about="creator",
        keep="400 days",
    )
    channel_id: UUID
    native_id: str
    likes: int = Field(sa_type=BigInteger)
    at: datetime = timestamp_column()
    number: int = Field(sa_type=BigInteger)
