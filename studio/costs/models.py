"""Tables of the room about what models may cost, and what their texts did."""

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
    """When and how much is generated: of one creator, or, without one, of the whole agency."""

    __tablename__ = "generation_limits"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "creator_id"),
        about="creator",
        keep="while the tenant is here",
    )
    creator_id: UUID | None = None
    opens: int | None = None
    """Minutes after midnight on the clocks of the agency's zone; with `closes`, or neither."""
    closes: int | None = None
    per_day: int | None = None
    """Pictures on a day of the agency; of the agency's row alone."""
    characters: int | None = None
    """Characters said by engines that are paid for, in a month of the agency; of the agency's row
    alone."""


class EngineOrderRow(CreatorOwnedRow, table=True):
    """One picture of a run that is bought of somebody else's engine, and what became of it."""

    __tablename__ = "engine_orders"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "job_id", "number"),
        tenant_foreign_key("job_id", "jobs"),
        Index("engine_orders_month", "tenant_id", "currency", "month"),
        about="creator",
        keep="while the tenant is here",
    )
    job_id: UUID
    number: int
    """Of the picture in its run, from 0."""
    engine: str
    model: str
    minor: Decimal = Field(sa_type=PRICE_TYPE)
    """Its price in minor units of `currency`, to a ten-thousandth."""
    currency: str
    month: str
    """On which it counts, by the clocks of the agency's zone: `2026-11`."""
    state: str = "reserved"
    remote_id: str = ""
    """The seller's, once it is known; of one that keeps nothing, the digest under which its answer
    lies here."""
    asked_at: datetime | None = timestamp_column(optional=True)
    """When it was asked for, by the wall clock, which sellers go by too."""


class SpendingCapRow(TenantRow, table=True):
    """What an agency lets runs and texts spend in a calendar month, in one currency."""

    __tablename__ = "spending_caps"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "currency"), about="nobody", keep="while the tenant is here"
    )
    currency: str
    minor: int = Field(sa_type=BigInteger)


class TextRequestRow(CreatorOwnedRow, table=True):
    """One request to a text model, written down before it leaves; no word of question or answer."""

    __tablename__ = "text_requests"
    __table_args__ = table_arguments(
        Index("text_requests_month", "tenant_id", "creator_id", "month"),
        Index("text_requests_subject", "tenant_id", "subject_id"),
        Index("text_requests_sitting", "tenant_id", "sitting"),
        about="creator",
        keep="while the tenant is here",
    )
    purpose: str
    """What the text is for, as `studio.costs.text_requests.TextPurpose`."""
    subject_id: UUID
    """What it is written for, as its purpose says: the rooms above know."""
    sitting: UUID
    """The go at writing that it belongs to: a repeat after a death is another."""
    engine: str
    model: str
    state: str = "asked"
    tokens_in: int | None = None
    """As the server counted; None until it answered, and where it does not count."""
    tokens_out: int | None = None
    seconds: float | None = None
    """From the request to its answer, or to the moment when none was waited for any more."""
    minor: Decimal | None = Field(default=None, sa_type=PRICE_TYPE)
    """In minor units of `currency`: at most so much until it is answered, then what its tokens
    cost; None of a model without a price."""
    currency: str | None = None
    month: str
    """In which it counts, by the clocks of the agency's zone."""
