"""Tables of the rules: releases that were taken in, rows of the house tenant, and what an agency
said of a place."""

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
    """An emergency stop. Rows of the house tenant hold for everybody."""

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
    """One version of the rules, a row of the house tenant. `state` is active or retired, which is
    final, for signed releases; shipped for what came with the product, kept so that its decisions
    can be made again."""

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
        about="nobody",
        keep=FOREVER,
    )
    name: str
    """Version and digest of the rules, as decisions bear it."""
    number: int = Field(sa_type=BigInteger)
    """The version as a number that only grows."""
    state: str
    document: bytes = Field(sa_type=LargeBinary)
    digest: str | None = Field(default=None, sa_column_args=(Computed(DIGEST, persisted=True),))
    """Kept by the database: bytes that were changed have another."""
    by: str


class ThirdPartyRulesRow(TenantRow, table=True):
    """Rules that a stranger's package ships for its own platform, as an owner admitted them: the
    file they read, with its `admitted` digest. `state` is active or ended, which is final."""

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
    """Who signed, a public key in base64."""
    document: bytes = Field(sa_type=LargeBinary)
    digest: str | None = Field(default=None, sa_column_args=(Computed(DIGEST, persisted=True),))
    """Kept by the database: bytes that were changed have another."""
    admitted: str
    state: str
    by: str


class RuleVerificationRow(TenantRow, table=True):
    """A member read the rule of a place again, and a second one says so too: `state` is open until
    then, active, or ended. It counts for the row as it was written (`written` is its digest) and 90
    days at most."""

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
    """What was read: the row's verdicts, or stricter ones."""
    by: UUID
    """The principals."""
    second: UUID | None = None


class PlaceLimit(TenantRow, table=True):
    """An agency keeps a place tighter than its rule: from this rating on, held or blocked. `open`
    until two members have ended it, of whom `ended_by` was the first."""

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
    """The principal."""
    open: bool = True


class OwnTerm(TenantRow, table=True):
    """A term that an agency adds to the lexicon. `term` is coded as the shipped ones are; `open`
    until two members have ended it, of whom `ended_by` was the first."""

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
    """The principal."""
    open: bool = True
