"""Tables of people: the depicted persons, and the proofs of their age."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Index

import tenants.agencies.queries  # noqa: F401  foreign keys refer to its tables
from foundation.db.tables import (
    FOREVER,
    TenantRow,
    table_arguments,
    tenant_foreign_key,
    timestamp_column,
)


class Person(TenantRow, table=True):
    """Somebody, or somebody invented, who is shown. `kind` (real, synthetic, digital_twin) never
    changes."""

    __tablename__ = "persons"
    __table_args__ = table_arguments(
        tenant_foreign_key("twin_of", "persons"), about="person", keep=FOREVER
    )
    kind: str
    creator_id: UUID | None = None  # the creator of the agency whom they are
    display_ref: str
    """What members call them; never a legal name."""
    state: str = "active"
    twin_of: UUID | None = None


class IdentityCheck(TenantRow, table=True):
    """A custodian's yes: the person was of age. No birth date, no document. The gate alone writes;
    after that a row can only be withdrawn."""

    __tablename__ = "identity_checks"
    __table_args__ = table_arguments(
        tenant_foreign_key("person_id", "persons"),
        tenant_foreign_key("custodian_id", "members"),
        tenant_foreign_key("principal_id", "principals"),
        Index("identity_checks_person", "tenant_id", "person_id"),
        about="person",
        keep=FOREVER,
    )
    person_id: UUID
    custodian: str
    method: str
    result: str
    """over_18, or over_18_on (then `on_day`)."""
    on_day: datetime | None = timestamp_column(optional=True)
    verified_at: datetime = timestamp_column()
    valid_until: datetime | None = timestamp_column(optional=True)
    evidence_digest: str
    noted_by: str = ""  # who wrote it down, as an actor
    custodian_id: UUID | None = None
    """The custodian's own login; none where a provider answered, or a history was moved in."""
    principal_id: UUID | None = None
    """The member whom the custodian confirmed to be this person."""
    withdrawn_at: datetime | None = timestamp_column(optional=True)
    withdrawn_by: str = ""
