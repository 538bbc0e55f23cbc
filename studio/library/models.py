"""Tables of the room: recipes, jobs, lineage of what was made, packs."""

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Computed, ForeignKeyConstraint, Index, Numeric, UniqueConstraint
from sqlalchemy import text as sql
from sqlmodel import Field

from foundation.db.database import (
    CreatorOwnedRow,
    TenantRow,
    jsonb_column,
    message_column,
    table_arguments,
    timestamp_column,
)

SEARCH_TEXT_SQL = "folded(alt || ' ' || shows || ' ' || prompt || ' ' || CAST(tags AS text))"
"""How the words of an asset are kept; `folded` is a function of the database (`migrations/versions/0077`, `0113`)."""

PRICE_TYPE = Numeric(14, 4)


def _tenant_foreign_key(column: str, name: str) -> ForeignKeyConstraint:
    return ForeignKeyConstraint(["tenant_id", column], [f"{name}.tenant_id", f"{name}.id"])


class RecipeRow(CreatorOwnedRow, table=True):
    """One version of a shot recipe; versions are immutable."""

    __tablename__ = "recipes"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "creator_id", "name", "version"), about="creator", keep="while the tenant is here"
    )
    name: str
    version: int
    spec: dict[str, Any] = jsonb_column()
    digest: str
    retired: bool = False
    """Nobody is offered it; of all versions of a name alike."""


class JobRow(CreatorOwnedRow, table=True):
    """One run of a recipe."""

    __tablename__ = "jobs"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "key"),
        _tenant_foreign_key("recipe_id", "recipes"),
        Index("jobs_recent", "tenant_id", "creator_id", "created_at"),
        about="creator",
        keep="while the tenant is here",
    )
    recipe_id: UUID
    key: str
    state: str = "queued"
    seed: int = Field(sa_type=BigInteger)
    total: int
    done: int = 0
    by: str = ""
    """Who asked for it: an actor; empty where nobody did."""
    reason: dict[str, Any] | None = message_column()
    given: dict[str, Any] = jsonb_column()
    """What a person filled in for this run, by the name of the recipe's question; numbers, texts, yes or no."""
    lists: dict[str, Any] = jsonb_column()
    """The shared lists its prompt names, as they were when somebody asked (`studio.recipes.wildcards.current_wildcards`)."""
    rating: str = "G"
    """What its words are rated: what comes of it is at least that."""
    step: int = 0
    """Of the picture being made, as last told; 0 between two pictures."""
    steps: int = 0
    waits_until: datetime | None = timestamp_column(optional=True)
    """When its hours open, or its agency's next day begins; None of a run that waits for the machine at most."""
    waits_for: str = ""
    """window or quota; empty with no `waits_until`."""
    from_asset: UUID | None = None
    """The picture it begins from, of which `anew` percent are made anew."""
    anew: int = 0
    region: dict[str, Any] = jsonb_column()
    """The only part of it that is made anew, as `generators.retouch.masks.part_to_json`; empty for all of it."""
    pose_asset: UUID | None = None
    """The picture whose posture is taken, which counts `pose_weight` percent."""
    pose_weight: int = 0
    look: list[list[str]] = jsonb_column(list)
    """The look it keeps to, as it was when somebody asked: the asset and the digest of each picture."""
    skipped: list[dict[str, Any]] = jsonb_column(list)
    """Pictures that a seller refused, or of which nobody knows: `number`, and `reason` as a Message. They stay so."""


class ClipRow(CreatorOwnedRow, table=True):
    """A clip that was asked for: of stills, or a picture that a model makes move."""

    __tablename__ = "clips"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "key"),
        Index("clips_recent", "tenant_id", "creator_id", "created_at"),
        Index(
            "clips_moved", "tenant_id", "updated_at", postgresql_where=sql("kind = 'model' AND asset_id IS NOT NULL")
        ),
        about="creator",
        keep="while the tenant is here",
    )
    key: str
    kind: str = "stills"
    spec: dict[str, Any] = jsonb_column()
    """What it is made of, as `studio.video.slideshows.SlideshowRequest` or `studio.video.animations.AnimationRequest` says it, by `kind`."""
    by: str
    state: str = "queued"
    done: int = 0
    """Frames that are drawn, or steps of a model, as last told, of `total`."""
    total: int
    waits_until: datetime | None = timestamp_column(optional=True)
    waits_for: str = ""
    """window or quota, as `studio.costs.quotas.GenerationWait` says."""
    reason: dict[str, Any] | None = message_column()
    asset_id: UUID | None = None


class GenerationLimitRow(TenantRow, table=True):
    """When and how much is generated: of one creator, or, without one, of the whole agency."""

    __tablename__ = "generation_limits"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "creator_id"), about="creator", keep="while the tenant is here"
    )
    creator_id: UUID | None = None
    opens: int | None = None
    """Minutes after midnight on the clocks of the agency's zone; with `closes`, or neither."""
    closes: int | None = None
    per_day: int | None = None
    """Pictures on a day of the agency; of the agency's row alone."""
    characters: int | None = None
    """Characters said by engines that are paid for, in a month of the agency; of the agency's row alone."""


class CreatorVoiceRow(CreatorOwnedRow, table=True):
    """The voice of a creator, by what right it is used, and, of one made after somebody who lives, after whom."""

    __tablename__ = "creator_voices"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "creator_id"),
        about="creator",
        keep="while the tenant is here",
    )
    engine: str
    voice: str
    name: str
    label: str
    licence: dict[str, Any] = jsonb_column()
    bills: bool
    person_id: UUID | None = None
    by: str
    """The actor who chose it."""


class SpeechRow(CreatorOwnedRow, table=True):
    """A text that is said once, with the voice of its creator as it was when somebody asked."""

    __tablename__ = "speeches"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "key"),
        Index("speeches_recent", "tenant_id", "created_at"),
        about="creator",
        keep="while the tenant is here",
    )
    key: str
    words: str
    language: str
    rating: str = "G"
    """What its words are rated: what comes of it is at least that."""
    engine: str
    voice: str
    licence: dict[str, Any] = jsonb_column()
    person_id: UUID | None = None
    by: str
    state: str = "waiting"
    characters: int
    """What it costs: reserved until it is said, then what was billed; 0 of engines that are free."""
    reason: dict[str, Any] | None = message_column()
    asset_id: UUID | None = None
    sample: bool = False
    """Said to hear a voice: it comes into no library."""


class RetentionRow(TenantRow, table=True):
    """After how many days an agency wants erased what was put away; no row: never."""

    __tablename__ = "retentions"
    __table_args__ = table_arguments(UniqueConstraint("tenant_id"), about="nobody", keep="while the tenant is here")
    days: int


class ErasedPictureRow(CreatorOwnedRow, table=True):
    """What stays of a picture in the library whose bytes and words were erased: that it was made, and its cost."""

    __tablename__ = "erased_pictures"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "asset_id"), about="creator", keep="while the tenant is here"
    )
    asset_id: UUID
    job_id: UUID | None = None
    engine: str
    model: str
    made_at: datetime = timestamp_column()
    seconds: float | None = None
    cost: Decimal | None = Field(default=None, sa_type=PRICE_TYPE)
    currency: str | None = None
    by: str
    """Who wanted it gone, as an actor."""


class EngineOrderRow(CreatorOwnedRow, table=True):
    """One picture of a run that is bought of somebody else's engine, and what became of it."""

    __tablename__ = "engine_orders"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "job_id", "number"),
        _tenant_foreign_key("job_id", "jobs"),
        Index("engine_orders_month", "tenant_id", "currency", "month"),
        about="creator",
        keep="while the tenant is here",
    )
    job_id: UUID
    number: int
    """Of the picture in its run, from 0."""
    engine: str
    model: str
    minor: Decimal = Field(sa_type=PRICE_TYPE)
    """Its price in minor units of `currency`, to a ten-thousandth."""
    currency: str
    month: str
    """On which it counts, by the clocks of the agency's zone: `2026-11`."""
    state: str = "reserved"
    remote_id: str = ""
    """The seller's, once it is known; of one that keeps nothing, the digest under which its answer lies here."""
    asked_at: datetime | None = timestamp_column(optional=True)
    """When it was asked for, by the wall clock, which sellers go by too."""


class CreationRow(CreatorOwnedRow, table=True):
    """How an asset came to be: photographed, drawn, generated; by what, from what."""

    __tablename__ = "creations"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "asset_id"),
        UniqueConstraint("tenant_id", "creator_id", "source_key"),
        _tenant_foreign_key("job_id", "jobs"),
        Index("creations_library", "tenant_id", "creator_id", "created_at", "asset_id"),
        Index("creations_run", "tenant_id", "job_id", postgresql_where=sql("job_id IS NOT NULL")),
        Index("creations_made", "tenant_id", "created_at", postgresql_where=sql("job_id IS NOT NULL")),
        about="creator",
        keep="while the tenant is here",
    )
    asset_id: UUID
    job_id: UUID | None = None
    source_key: str
    """What makes it once: the digest of an uploaded file, or job and number of a generated one."""
    sha256: str
    engine: str
    model: str
    label: str
    seed: int | None = Field(default=None, sa_type=BigInteger)
    prompt: str
    parameters: dict[str, Any] = jsonb_column()
    alt: str
    shows: str = ""
    """What can be seen on it, at length: it is found by these words, and they leave with no post."""
    shelf: str = "new"
    """new, kept or retired: what people made of it."""
    taken_at: datetime | None = timestamp_column(optional=True)
    tags: dict[str, str] = jsonb_column()
    """What members call it: each tag as it was written, under its folded form."""
    words: str | None = Field(default=None, sa_column_args=(Computed(SEARCH_TEXT_SQL, persisted=True),))
    """What it is found by: no capitals, no accents. PostgreSQL keeps it."""
    seconds: float | None = None
    """How long the engine drew; None of what no engine of a run made."""
    cost: Decimal | None = Field(default=None, sa_type=PRICE_TYPE)
    """What the engine asked for it, in minor units of `currency`, often less than one; None where engines are free."""
    currency: str | None = None


class UploadRow(CreatorOwnedRow, table=True):
    """A file handed in at the dashboard or over the API, until it is an asset or refused."""

    __tablename__ = "uploads"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "creator_id", "sha256"),
        Index("uploads_recent", "tenant_id", "creator_id", "updated_at"),
        about="creator",
        keep="while the tenant is here",
    )
    name: str
    sha256: str
    """Of the file as it came; its bytes are deleted once it is settled."""
    size: int = Field(sa_type=BigInteger)
    by: str
    state: str = "waiting"
    reason: dict[str, Any] | None = message_column()
    asset_id: UUID | None = None
    card_id: UUID | None = None
    """The shoot card it was handed in with."""
    batch: UUID | None = None
    """The files that were handed in by one gesture share it."""
    generated: bool = False
    """Whoever handed it in says that a model made it."""


class PictureCopyRow(CreatorOwnedRow, table=True):
    """A copy of a picture that was asked for, until it is an asset or refused."""

    __tablename__ = "picture_copies"
    __table_args__ = table_arguments(
        Index("picture_copies_recent", "tenant_id", "creator_id", "updated_at"),
        about="creator",
        keep="while the tenant is here",
    )
    asset_id: UUID
    """What it is made of."""
    finish: dict[str, Any] = jsonb_column()
    """What is done to it (`generators.retouch.finish.CopyFinish`); what was not asked for is left out."""
    by: str
    state: str = "waiting"
    reason: dict[str, Any] | None = message_column()
    made_id: UUID | None = None
    step: int = 0
    steps: int = 0
    """How many of so many tiles a model made larger."""


class CreatorWatermarkRow(CreatorOwnedRow, table=True):
    """What is written on copies of a creator's pictures where it is asked for."""

    __tablename__ = "creator_watermarks"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "creator_id"), about="creator", keep="while the tenant is here"
    )
    text: str
    corner: str
    size: int
    """In percent of the picture's shorter side."""
    opacity: int
    """In percent."""


class PackRow(CreatorOwnedRow, table=True):
    """A set of pictures for sale; a sold version is frozen."""

    __tablename__ = "packs"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "creator_id", "slug"), about="creator", keep="forever"
    )
    slug: str
    title: str
    description: str
    state: str = "draft"
    version: int = 1
    frozen: bool = False


class PackItemRow(CreatorOwnedRow, table=True):
    """One picture of a pack, in order."""

    __tablename__ = "pack_items"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "pack_id", "position"),
        _tenant_foreign_key("pack_id", "packs"),
        about="creator",
        keep="forever",
    )
    pack_id: UUID
    position: int
    asset_id: UUID


class CollectionRow(CreatorOwnedRow, table=True):
    """A set of pictures that members arranged; not for sale."""

    __tablename__ = "collections"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "creator_id", "folded"), about="creator", keep="while the tenant is here"
    )
    name: str
    folded: str
    """Its name without capitals and accents: two that are so the same are one."""
    cover_id: UUID | None = None
    """The asset that stands for it; the first where none was chosen."""


class CollectionItemRow(CreatorOwnedRow, table=True):
    """One picture of a collection, in order."""

    __tablename__ = "collection_items"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "collection_id", "position"),
        UniqueConstraint("tenant_id", "collection_id", "asset_id"),
        _tenant_foreign_key("collection_id", "collections"),
        about="creator",
        keep="while the tenant is here",
    )
    collection_id: UUID
    position: int
    asset_id: UUID
