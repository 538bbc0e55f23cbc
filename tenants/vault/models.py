"""Table of data keys, one per tenant, wrapped by the master key."""

from sqlalchemy import LargeBinary, UniqueConstraint
from sqlmodel import Field

from foundation.db.tables import TenantRow, table_arguments


class VaultKey(TenantRow, table=True):
    """The data key of a tenant, wrapped by the master key."""

    __tablename__ = "vault_keys"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "generation"), about="tenant", keep="while the tenant exists"
    )
    generation: int
    wrapped: bytes = Field(sa_type=LargeBinary)
