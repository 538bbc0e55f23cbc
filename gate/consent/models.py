"""Tables of consent: shoot cards, and the grants of depicted persons."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import Index

import gate.people.models  # noqa: F401  foreign keys refer to its tables
from foundation.db.tables import (
    FOREVER,
    CreatorOwnedRow,
    TenantRow,
    jsonb_column,
    table_arguments,
    tenant_foreign_key,
    timestamp_column,
)


class ShootCard(CreatorOwnedRow, table=True):
    """A shoot card; it never changes."""

    __tablename__ = "shoot_cards"
    __table_args__ = table_arguments(
        Index("shoot_cards_creator", "tenant_id", "creator_id"),
        about="creator",
        keep="while published, then 5 years",
    )
    day: date
    zone: str
    """IANA time zone of `day`."""
    country: str
    """Two-letter code; empty if unknown."""
    scopes: list[str] = jsonb_column(list)
    surfaces: list[str] = jsonb_column(list)
    max_rating: str
    pictures: int
    valid_until: datetime = timestamp_column()
    made_by: str


class ConsentGrant(TenantRow, table=True):
    """The permission of a person for one scope, limited to the pictures of a shoot card if
    `card_id` is set. A revocation is final; a new permission is a new row."""

    __tablename__ = "consent_grants"
    __table_args__ = table_arguments(
        *(tenant_foreign_key("person_id", "persons"), tenant_foreign_key("card_id", "shoot_cards")),
        Index("consent_grants_person", "tenant_id", "person_id"),
        about="person",
        keep=FOREVER,
    )
    person_id: UUID
    scope: str
    surfaces: list[str] = jsonb_column(list)
    max_rating: str
    valid_from: datetime = timestamp_column()
    valid_until: datetime = timestamp_column()
    evidence_digest: str
    signed_by: UUID
    revoked_at: datetime | None = timestamp_column(optional=True)
    card_id: UUID | None = None
