"""Tables of the policy: releases, emergency stops, and the admissions, verifications and stricter
rules of agencies."""

from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Computed, Index, LargeBinary, UniqueConstraint, text
from sqlmodel import Field

from foundation.db.tables import (
    FOREVER,
    TenantRow,
    jsonb_column,
    table_arguments,
)


class StopSwitch(TenantRow, table=True):
    """An emergency stop. Rows of the installation tenant apply to every agency."""

    __tablename__ = "switches"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "scope", "target", "feature"), about="tenant", keep="5 years"
    )
    scope: str
    target: str = ""
    feature: str
    open: bool
    by: str
    reason: str


DIGEST = "encode(sha256(document), 'hex')"


class PolicyBundle(TenantRow, table=True):
    """A version of the policy, stored for the installation tenant.

    `state` is active or retired (final) for signed releases, and shipped for the policy of a
    product version, stored so that its decisions can be replayed.
    """

    __tablename__ = "policy_bundles"
    __table_args__ = table_arguments(
        Index(
            "policy_bundles_number",
            "tenant_id",
            "number",
            unique=True,
            postgresql_where=text("state <> 'shipped'"),
        ),
        Index(
            "policy_bundles_active",
            "tenant_id",
            unique=True,
            postgresql_where=text("state = 'active'"),
        ),
        Index(
            "policy_bundles_shipped",
            "tenant_id",
            "name",
            unique=True,
            postgresql_where=text("state = 'shipped'"),
        ),
        Index("policy_bundles_digest", "tenant_id", "digest"),
        about="none",
        keep=FOREVER,
    )
    name: str
    """Version and digest of the rules, as decisions record them."""
    number: int = Field(sa_type=BigInteger)
    """The version as a number that only grows."""
    state: str
    document: bytes = Field(sa_type=LargeBinary)
    digest: str | None = Field(default=None, sa_column_args=(Computed(DIGEST, persisted=True),))
    """Computed by the database, so that changed bytes get another digest."""
    by: str


class ThirdPartyRulesRow(TenantRow, table=True):
    """Rules of a third-party package for its platform, as an owner admitted them: the file, and
    `admitted`, its digest. `state` is active or ended (final)."""

    __tablename__ = "foreign_rows"
    __table_args__ = table_arguments(
        Index(
            "foreign_rows_active",
            "tenant_id",
            "platform",
            unique=True,
            postgresql_where=text("state = 'active'"),
        ),
        about="member",
        keep=FOREVER,
    )
    platform: str
    key: str
    """Public key of the signer in base64."""
    document: bytes = Field(sa_type=LargeBinary)
    digest: str | None = Field(default=None, sa_column_args=(Computed(DIGEST, persisted=True),))
    """Computed by the database, so that changed bytes get another digest."""
    admitted: str
    state: str
    by: str


class RuleVerificationRow(TenantRow, table=True):
    """A re-verification of a rule by two members, from before owners confirmed platforms.

    `state` is open until a second member confirms it, then active, or ended. It counts for the row
    as it was written (`written` is its digest) and for at most 90 days.
    """

    __tablename__ = "attestations"
    __table_args__ = table_arguments(
        Index("attestations_row", "tenant_id", "row", "state"), about="member", keep="5 years"
    )
    row: str
    written: str
    url: str
    state: str
    read_on: date
    until: date
    verdicts: dict[str, Any] = jsonb_column()
    """The verdicts that were read: those of the row, or stricter ones."""
    by: UUID
    """Principal of the first member; `second` is that of the second."""
    second: UUID | None = None


class PlatformConfirmationRow(TenantRow, table=True):
    """A confirmation by an owner that the rules of a platform are unchanged.

    It counts for the rules as they were written (`written` is their digest) and for at most 180
    days.
    """

    __tablename__ = "platform_confirmations"
    __table_args__ = table_arguments(
        Index("platform_confirmations_platform", "tenant_id", "platform"),
        about="member",
        keep="5 years",
    )
    platform: str
    written: str
    bundle: str
    """Name of the policy in force then."""
    urls: list[str] = jsonb_column(list)
    """The pages that the owner opened."""
    read_on: date
    until: date
    by: UUID
    """Principal of the owner."""


class PlaceLimit(TenantRow, table=True):
    """A stricter rule of an agency for a surface: from this rating on, content is held or blocked.

    `open` until two members end it; `ended_by` is the first of them.
    """

    __tablename__ = "place_limits"
    __table_args__ = table_arguments(
        Index(
            "place_limits_once",
            "tenant_id",
            "place",
            "rating",
            "verdict",
            unique=True,
            postgresql_where=text("open"),
        ),
        about="member",
        keep="5 years",
    )
    place: str
    rating: str
    verdict: str
    by: str
    why: str
    ended_by: UUID | None = None
    """A principal."""
    open: bool = True


class OwnTerm(TenantRow, table=True):
    """A term that an agency adds to the lexicon.

    `term` is encoded like the shipped ones; `open` until two members end it; `ended_by` is the
    first of them.
    """

    __tablename__ = "own_terms"
    __table_args__ = table_arguments(
        Index(
            "own_terms_once",
            "tenant_id",
            "kind",
            "term",
            unique=True,
            postgresql_where=text("open"),
        ),
        about="member",
        keep="5 years",
    )
    kind: str
    term: str
    by: str
    ended_by: UUID | None = None
    """A principal."""
    open: bool = True
