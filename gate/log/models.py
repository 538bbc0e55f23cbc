"""Tables of the room. Written under the role `gate`; reviews by `app`, which may only insert them."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Computed, ForeignKeyConstraint, Index, UniqueConstraint, text
from sqlmodel import Field

from foundation.db.database import (
    CreatorOwnedRow,
    TenantRow,
    jsonb_column,
    message_column,
    table_arguments,
    timestamp_column,
)

FOREVER = "forever"
PHASH_NUMBER_SQL = "CASE WHEN phash ~ '^[0-9a-f]{16}$' THEN CAST(CAST('x' || phash AS bit(64)) AS bigint) END"
"""A perceptual hash as a number, kept by the database: compared eight times faster than its text."""


def tenant_foreign_key(column: str, name: str) -> ForeignKeyConstraint:
    return ForeignKeyConstraint(["tenant_id", column], [f"{name}.tenant_id", f"{name}.id"])


class Person(TenantRow, table=True):
    """Somebody, or somebody invented, who is shown. `kind` (real, synthetic, digital_twin) never changes."""

    __tablename__ = "persons"
    __table_args__ = table_arguments(tenant_foreign_key("twin_of", "persons"), about="person", keep=FOREVER)
    kind: str
    creator_id: UUID | None = None  # the creator of the agency whom they are
    display_ref: str
    """What members call them; never a legal name."""
    state: str = "active"
    twin_of: UUID | None = None


class IdentityCheck(TenantRow, table=True):
    """A custodian's yes: the person was of age. Append-only; no birth date, no document."""

    __tablename__ = "identity_checks"
    __table_args__ = table_arguments(
        tenant_foreign_key("person_id", "persons"),
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


class ShootCard(CreatorOwnedRow, table=True):
    """A card as it was written; it never changes."""

    __tablename__ = "shoot_cards"
    __table_args__ = table_arguments(
        Index("shoot_cards_creator", "tenant_id", "creator_id"), about="creator", keep="while published, then 5 years"
    )
    day: date
    zone: str
    """IANA; where `day` is a day."""
    country: str
    """Two letters; empty where nobody said."""
    scopes: list[str] = jsonb_column(list)
    surfaces: list[str] = jsonb_column(list)
    max_rating: str
    pictures: int
    valid_until: datetime = timestamp_column()
    made_by: str


class ConsentGrant(TenantRow, table=True):
    """A person's permission for one scope, of one shoot card where `card_id`; revoked is final, a new one a new row."""

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


class Asset(CreatorOwnedRow, table=True):
    """One origin of bytes. `ai` is none, assisted or generated."""

    __tablename__ = "assets"
    __table_args__ = table_arguments(
        tenant_foreign_key("parent_id", "assets"),
        *(Index("assets_creator", "tenant_id", "creator_id"), Index("assets_parent", "tenant_id", "parent_id")),
        about="creator",
        keep="while published, then 5 years",
    )
    origin: str
    ai: str
    engine: str
    model: str = ""  # what made it, where an engine of ours did
    label: str = ""  # what it must not be mistaken for, its engine's own word; kept by whatever is made from it
    made_at: datetime | None = timestamp_column(optional=True)
    """Start of production, the earliest of the ancestry; unknown stays null."""
    source: str
    """generation, capture or publication say so; anything else proves no date."""
    parent_id: UUID | None = None
    people_seen: int | None = None
    """How many people a detector counted; null when none ran."""


class Rendition(TenantRow, table=True):
    """Immutable bytes; the same bytes are the same rendition, so ratings and freezes follow them."""

    __tablename__ = "renditions"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "sha256"),
        tenant_foreign_key("asset_id", "assets"),
        Index("renditions_asset", "tenant_id", "asset_id"),
        about="creator",
        keep="while published, then 5 years",
    )
    asset_id: UUID
    sha256: str
    mime: str
    size: int = Field(sa_type=BigInteger)
    width: int
    height: int
    profile: str
    parent_sha256: str | None = None
    phash: str | None = None  # 64 bits as 16 hexadecimal digits
    look: int | None = Field(
        default=None, sa_type=BigInteger, sa_column_args=(Computed(PHASH_NUMBER_SQL, persisted=True),)
    )
    state: str = "made"
    """made, frozen, removed; removed is final."""
    erased_at: datetime | None = timestamp_column(
        optional=True
    )  # since then its bytes are stored no more (`gate/assets/erasure.py`)


class Depiction(TenantRow, table=True):
    """A person recognisable in an asset. `state` is proposed, confirmed or non_identifiable."""

    __tablename__ = "depictions"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "asset_id", "person_id", "how"),
        tenant_foreign_key("asset_id", "assets"),
        tenant_foreign_key("person_id", "persons"),
        Index("depictions_person", "tenant_id", "person_id"),
        about="person",
        keep=FOREVER,
    )
    asset_id: UUID
    person_id: UUID
    how: str
    state: str
    confirmed_by: str = ""
    proposed_by: str = ""


class ContentRating(TenantRow, table=True):
    """One rating of some bytes; the highest counts, and a machine or a person may only raise."""

    __tablename__ = "content_ratings"
    __table_args__ = table_arguments(
        Index("content_ratings_sha256", "tenant_id", "sha256"), about="creator", keep="while published, then 5 years"
    )
    sha256: str
    rating: str
    source: str
    """classifier:name@version, rule:name, or member:<id>."""
    reason: dict[str, Any] | None = message_column()


class AgeAssurance(TenantRow, table=True):
    """The only place that knows a viewer's age: never a birth date, a document or a face."""

    __tablename__ = "age_assurances"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "platform", "user_id"), about="fan", keep="12 months"
    )
    platform: str
    user_id: str
    state: str
    method: str = ""
    level: str = "L0"
    over_18: bool = False
    jurisdiction: str = ""
    assured_at: datetime | None = timestamp_column(optional=True)
    expires_at: datetime | None = timestamp_column(optional=True)
    epoch: int = 0
    custodian: str = ""
    """Who outside confirmed it, where a member wrote that down: `confirmed_by` them, for the reason `why`."""
    confirmed_by: str = ""
    why: str = ""


class HumanReview(TenantRow, table=True):
    """What a person said of a unit, or of bytes, by digest. The app may insert and nothing else."""

    __tablename__ = "human_reviews"
    __table_args__ = table_arguments(Index("human_reviews_digest", "tenant_id", "digest"), about="member", keep=FOREVER)
    about: str
    """unit or bytes."""
    digest: str
    principal_id: UUID
    verdict: str  # approve or refuse
    reason: dict[str, Any] | None = message_column()
    seen_percent: int
    sheet: UUID | None = None  # the one decision it was part of


class LinkTarget(CreatorOwnedRow, table=True):
    """An address that may stand in a creator's texts, written as `gate/text/urls.py` writes it."""

    __tablename__ = "link_targets"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "creator_id", "url"),
        Index("link_targets_host", "tenant_id", "final_host"),
        about="creator",
        keep="while used, then 1 year",
    )
    url: str
    owner: str
    final_host: str
    rating: str
    adult: bool
    by: str
    state: str = "active"
    """active, changed, or closed: taken back, and what was said of it remembered."""
    resolved_at: datetime = timestamp_column()
    expires_at: datetime = timestamp_column()


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


class Epoch(TenantRow, table=True):
    """A counter that only grows; whatever could turn a yes into a no adds one."""

    __tablename__ = "epochs"
    __table_args__ = table_arguments(UniqueConstraint("tenant_id", "key"), about="nobody", keep=FOREVER)
    key: str
    value: int = Field(sa_type=BigInteger)


class DecisionRow(TenantRow, table=True):
    """One entry of the log, append-only and chained; viewers and people stand in it by digest only."""

    __tablename__ = "decisions"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "seq"),
        Index("decisions_subject", "tenant_id", "subject_kind", "subject_id", "seq"),
        Index("decisions_unit", "tenant_id", "unit_digest"),
        about="nobody",
        keep=FOREVER,
    )
    seq: int = Field(sa_type=BigInteger)
    prev_hash: str
    hash: str
    decided_at: datetime = timestamp_column()
    subject_kind: str
    subject_id: UUID
    creator_id: UUID
    channel_id: UUID
    surface: str
    unit_digest: str
    snapshot_digest: str
    author: str
    stage: str  # judge or mint
    verdict: str
    reasons: list[str] = jsonb_column(list)
    rating: str
    flags: list[str] = jsonb_column(list)
    bundle: str


class DecisionInput(TenantRow, table=True):
    """What a decision was made from, canonical, so that it can be replayed; goes before the log does."""

    __tablename__ = "decision_inputs"
    __table_args__ = table_arguments(
        tenant_foreign_key("id", "decisions"), about="fan", keep="30 days after the last use"
    )
    unit: str
    snapshot: str


class LogHead(TenantRow, table=True):
    """The end of a tenant's chain; locked last in every transaction. `id` equals `tenant_id`."""

    __tablename__ = "log_heads"
    __table_args__ = table_arguments(about="nobody", keep=FOREVER)
    seq: int = Field(sa_type=BigInteger)
    hash: str


class CheckpointRow(TenantRow, table=True):
    """A note of a checkpoint that is kept outside. Rows of the house tenant note the links of the product's root: their
    `seq` counts the checkpoints they name."""

    __tablename__ = "log_checkpoints"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "number"),
        Index("log_checkpoints_open", "tenant_id", postgresql_where=text("root IS NULL")),
        about="nobody",
        keep=FOREVER,
    )
    number: int = Field(sa_type=BigInteger)
    seq: int = Field(sa_type=BigInteger)
    head: str
    at: datetime = timestamp_column()
    digest: str
    root: int | None = Field(default=None, sa_type=BigInteger)  # the link of the root that names it, once it was kept


class PermitRow(CreatorOwnedRow, table=True):
    """A consumed permit (`id` is its jti), and from then on the record of the copy it left outside."""

    __tablename__ = "permits"
    __table_args__ = table_arguments(
        Index("permits_subject", "tenant_id", "subject_kind", "subject_id"),
        Index("permits_channel", "tenant_id", "channel_id", "viewer", "minted_at"),
        Index("permits_native", "native_ids", postgresql_using="gin"),
        Index("permits_files", "file_ids", postgresql_using="gin"),
        Index("permits_media", "media", postgresql_using="gin"),
        Index("permits_edits", "tenant_id", "edits", postgresql_where=text("edits IS NOT NULL")),
        # the log's entries are written last, at the commit: by then every permit must have its decision
        ForeignKeyConstraint(
            ["tenant_id", "decision_id"], ["decisions.tenant_id", "decisions.id"], deferrable=True, initially="DEFERRED"
        ),
        about="fan",
        keep="while a copy may be visible, then 5 years",
    )
    decision_id: UUID
    subject_kind: str
    subject_id: UUID
    channel_id: UUID
    account: str
    platform: str
    surface: str
    viewer: str
    step: str
    unit_digest: str
    wire_digest: str
    flags: list[str] = jsonb_column(list)
    media: list[str] = jsonb_column(list)
    persons: list[str] = jsonb_column(list)
    bundle: str
    epochs: dict[str, Any] = jsonb_column()
    minted_at: datetime = timestamp_column()
    expires_at: datetime = timestamp_column()
    state: str = "consumed"  # or void, when it is proven that nothing left
    native_ids: list[str] = jsonb_column(list)
    file_ids: list[str] = jsonb_column(list)
    visible_at: datetime | None = timestamp_column(optional=True)
    gone_at: datetime | None = timestamp_column(optional=True)
    gone_proof: str = ""
    recalled_at: datetime | None = timestamp_column(optional=True)
    recall_reason: dict[str, Any] | None = message_column()
    readback: dict[str, Any] | None = message_column()  # at, there, and the marks that were missing
    sold: bool = Field(default=False, sa_column_kwargs={"server_default": text("false")})  # media behind a price
    edits: UUID | None = None  # the permit of the copy whose words it changed: it has no place of its own
    url: str = Field(default="", sa_column_kwargs={"server_default": ""})  # where that was told after it went out


class RemovalRequest(CreatorOwnedRow, table=True):
    """Somebody asks for something to be taken away. The app may insert, the gate decides; it holds no name at all."""

    __tablename__ = "complaints"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "receipt"),
        Index("complaints_source", "tenant_id", "source", "created_at"),
        about="person",
        keep="5 years",
    )
    receipt: str  # what they were told, once: whoever knows it may look at how it stands
    category: str
    named: str  # content id
    source: str
    """Where it came from, as a keyed digest: floods are held back, nobody is recognised."""
    state: str
    digests: list[str] = jsonb_column(list)
    called_at: datetime | None = timestamp_column(optional=True)
    reason: dict[str, Any] | None = message_column()  # of releases before `gate/removal/rulings.py`; read no more
