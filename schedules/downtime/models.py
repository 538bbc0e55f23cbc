"""Table of downtimes, in which posts of an agency could not be published."""

from sqlalchemy import Index, text

from foundation.db.tables import TenantRow, table_arguments


class Downtime(TenantRow, table=True):
    """A period in which posts of the tenant could not be published, open until decided or over.

    At most one is open per tenant.
    """

    __tablename__ = "downtimes"
    __table_args__ = table_arguments(
        Index("downtimes_open", "tenant_id", unique=True, postgresql_where=text("state = 'open'")),
        about="tenant",
        keep="while the tenant exists",
    )
    state: str = "open"
    decided_by: str | None = None
