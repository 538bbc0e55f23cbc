"""Tables of depicted persons and of the proofs of their age."""

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
    """A real or synthetic person who is depicted. `kind` (real, synthetic, digital_twin) never
    changes."""

    __tablename__ = "persons"
    __table_args__ = table_arguments(
        tenant_foreign_key("twin_of", "persons"), about="person", keep=FOREVER
    )
    kind: str
    creator_id: UUID | None = None  # the creator of the agency who is this person
    display_ref: str
    """The name that members use; never a legal name."""
    state: str = "active"
    twin_of: UUID | None = None


class IdentityCheck(TenantRow, table=True):
    """A custodian's confirmation that a person was of age, without birth date or document.

    Only the gate writes rows; afterwards they can only be withdrawn.
    """

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
    noted_by: str = ""  # the actor who recorded it
    custodian_id: UUID | None = None
    """The member record of the custodian; None if a provider answered or the row was imported."""
    principal_id: UUID | None = None
    """The member confirmed to be this person."""
    withdrawn_at: datetime | None = timestamp_column(optional=True)
    withdrawn_by: str = ""
