"""Tables of rollups: sales and work of each local day."""

from datetime import date

from sqlalchemy import BigInteger, Date, UniqueConstraint
from sqlmodel import Field

from foundation.db.tables import CreatorOwnedRow, table_arguments


class SalesDay(CreatorOwnedRow, table=True):
    """Sales of a local day in one currency, rebuilt from the ledger."""

    __tablename__ = "sales_daily"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "creator_id", "day", "currency"),
        about="creator",
        keep="forever",
    )
    day: date = Field(sa_type=Date)
    currency: str
    orders: int
    gross_minor: int = Field(sa_type=BigInteger)
    refunds_minor: int = Field(sa_type=BigInteger)
    creator_minor: int = Field(sa_type=BigInteger)
    agency_minor: int = Field(sa_type=BigInteger)
    staff_minor: int = Field(sa_type=BigInteger)
    others_minor: int = Field(
        default=0, sa_type=BigInteger, sa_column_kwargs={"server_default": "0"}
    )
    fees_minor: int = Field(default=0, sa_type=BigInteger, sa_column_kwargs={"server_default": "0"})


class CreatorDay(CreatorOwnedRow, table=True):
    """Work of a local day: posts by result, messages and new fans."""

    __tablename__ = "creator_daily"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "creator_id", "day"), about="creator", keep="forever"
    )
    day: date = Field(sa_type=Date)
    published: int
    waiting: int
    troubled: int
    lateness_p95_ms: int | None = None
    views: int = Field(sa_type=BigInteger)
    interactions: int = Field(sa_type=BigInteger)
    messages_in: int
    messages_out: int
    new_fans: int
