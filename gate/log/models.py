"""Tables of the decision log. The database role `gate` writes them."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, Index, UniqueConstraint, text
from sqlmodel import Field

from foundation.db.tables import (
    FOREVER,
    TenantRow,
    jsonb_column,
    table_arguments,
    tenant_foreign_key,
    timestamp_column,
)


class DecisionRow(TenantRow, table=True):
    """An entry of the log, append-only and chained. Viewers and people appear only as digests."""

    __tablename__ = "decisions"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "seq"),
        Index("decisions_subject", "tenant_id", "subject_kind", "subject_id", "seq"),
        Index("decisions_unit", "tenant_id", "unit_digest"),
        about="none",
        keep=FOREVER,
    )
    seq: int = Field(sa_type=BigInteger)
    prev_hash: str
    hash: str
    decided_at: datetime = timestamp_column()
    subject_kind: str
    subject_id: UUID
    creator_id: UUID
    channel_id: UUID
    surface: str
    unit_digest: str
    snapshot_digest: str
    author: str
    stage: str  # "judge" or "mint"
    verdict: str
    reasons: list[str] = jsonb_column(list)
    rating: str
    flags: list[str] = jsonb_column(list)
    bundle: str


class DecisionInput(TenantRow, table=True):
    """The canonical inputs of a decision, for replay. They are deleted earlier than the log."""

    __tablename__ = "decision_inputs"
    __table_args__ = table_arguments(
        tenant_foreign_key("id", "decisions"), about="fan", keep="30 days after the last use"
    )
    unit: str
    snapshot: str


class LogHead(TenantRow, table=True):
    """The end of a tenant's chain, locked last in every transaction. `id` equals `tenant_id`."""

    __tablename__ = "log_heads"
    __table_args__ = table_arguments(about="none", keep=FOREVER)
    seq: int = Field(sa_type=BigInteger)
    hash: str


class CheckpointRow(TenantRow, table=True):
    """A record of an archived checkpoint.

    Rows of the installation tenant record the links of the root chain; their `seq` counts the
    checkpoints that the links name.
    """

    __tablename__ = "log_checkpoints"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "number"),
        Index("log_checkpoints_open", "tenant_id", postgresql_where=text("root IS NULL")),
        about="none",
        keep=FOREVER,
    )
    number: int = Field(sa_type=BigInteger)
    seq: int = Field(sa_type=BigInteger)
    head: str
    at: datetime = timestamp_column()
    digest: str
    root: int | None = Field(
        default=None, sa_type=BigInteger
    )  # the archived link of the root chain that names it
