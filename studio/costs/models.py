"""Tables of the room about what models may cost, and what their texts did."""

from decimal import Decimal
from uuid import UUID

from sqlalchemy import BigInteger, Index, UniqueConstraint
from sqlmodel import Field

from foundation.db.database import CreatorOwnedRow, TenantRow, table_arguments
from studio.library.models import PRICE_TYPE


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
    """In minor units of `currency`: at most so much until it is answered, then what its tokens cost; None of a model
    without a price."""
    currency: str | None = None
    month: str
    """In which it counts, by the clocks of the agency's zone."""
