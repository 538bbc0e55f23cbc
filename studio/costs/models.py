"""Tables of costs: generation limits, engine orders, spending caps and text requests."""

from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import BigInteger, Index, UniqueConstraint
from sqlmodel import Field

import studio.runs.models  # noqa: F401  foreign keys refer to its tables
from foundation.db.tables import (
    CreatorOwnedRow,
    TenantRow,
    table_arguments,
    tenant_foreign_key,
    timestamp_column,
)
from studio.library.models import PRICE_TYPE


class GenerationLimitRow(TenantRow, table=True):
    """Generation hours and quotas of a creator, or of the agency if `creator_id` is None."""

    __tablename__ = "generation_limits"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "creator_id"),
        about="creator",
        keep="while the tenant exists",
    )
    creator_id: UUID | None = None
    opens: int | None = None
    """Minutes after midnight in the agency's time zone; set together with `closes` or not
    at all."""
    closes: int | None = None
    per_day: int | None = None
    """Maximum images per day of the agency; set only in the agency's row."""
    characters: int | None = None
    """Maximum characters of paid speech per month of the agency; set only in the agency's row."""


class EngineOrderRow(CreatorOwnedRow, table=True):
    """An image of a run bought from an external engine, with its state."""

    __tablename__ = "engine_orders"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "job_id", "number"),
        tenant_foreign_key("job_id", "jobs"),
        Index("engine_orders_month", "tenant_id", "currency", "month"),
        about="creator",
        keep="while the tenant exists",
    )
    job_id: UUID
    number: int
    """Index of the image in its run, from 0."""
    engine: str
    model: str
    minor: Decimal = Field(sa_type=PRICE_TYPE)
    """Price in minor units of `currency`, with four decimals."""
    currency: str
    month: str
    """The month in which the order counts, in the agency's time zone: `2026-11`."""
    state: str = "reserved"
    remote_id: str = ""
    """The provider's ID, once known. For a provider that stores nothing, the digest of its
    response, which we store."""
    asked_at: datetime | None = timestamp_column(optional=True)
    """Time of the request by the real clock, which providers also use."""


class SpendingCapRow(TenantRow, table=True):
    """The maximum that an agency spends on runs and texts per calendar month in one currency."""

    __tablename__ = "spending_caps"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "currency"), about="none", keep="while the tenant exists"
    )
    currency: str
    minor: int = Field(sa_type=BigInteger)


class TextRequestRow(CreatorOwnedRow, table=True):
    """A request to a text model, stored before it is sent, without any text of prompt or
    response."""

    __tablename__ = "text_requests"
    __table_args__ = table_arguments(
        Index("text_requests_month", "tenant_id", "creator_id", "month"),
        Index("text_requests_subject", "tenant_id", "subject_id"),
        Index("text_requests_sitting", "tenant_id", "sitting"),
        about="creator",
        keep="while the tenant exists",
    )
    purpose: str
    """A `studio.costs.text_requests.TextPurpose`."""
    subject_id: UUID
    """The object that the text is for; its type depends on `purpose`."""
    sitting: UUID
    """The writing session. A repetition after a crash is a separate session."""
    engine: str
    model: str
    state: str = "asked"
    tokens_in: int | None = None
    """Prompt tokens as counted by the server; None until it responds, or if it does not count."""
    tokens_out: int | None = None
    seconds: float | None = None
    """Seconds from the request until its response, or until it was abandoned."""
    minor: Decimal | None = Field(default=None, sa_type=PRICE_TYPE)
    """Minor units of `currency`: the maximum cost until a response arrives, then the cost of its
    tokens; None for a model without a price."""
    currency: str | None = None
    month: str
    """The month in which the request counts, in the agency's time zone."""
