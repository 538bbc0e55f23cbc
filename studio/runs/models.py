"""Tables of the room about machines of an agency's own: the runs they are lent, and what they hand
in."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKeyConstraint, Index, UniqueConstraint
from sqlmodel import Field

import studio.library.models
import studio.recipes.models  # noqa: F401  foreign keys refer to its tables
from foundation.db.tables import (
    CreatorOwnedRow,
    jsonb_column,
    message_column,
    table_arguments,
    tenant_foreign_key,
    timestamp_column,
)


class JobRow(CreatorOwnedRow, table=True):
    """One run of a recipe."""

    __tablename__ = "jobs"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "key"),
        tenant_foreign_key("recipe_id", "recipes"),
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
    """What a person filled in for this run, by the name of the recipe's question; numbers, texts,
    yes or no."""
    lists: dict[str, Any] = jsonb_column()
    """The shared lists its prompt names, as they were when somebody asked
    (`studio.recipes.wildcards.current_wildcards`)."""
    rating: str = "G"
    """What its words are rated: what comes of it is at least that."""
    step: int = 0
    """Of the picture being made, as last told; 0 between two pictures."""
    steps: int = 0
    waits_until: datetime | None = timestamp_column(optional=True)
    """When its hours open, or its agency's next day begins; None of a run that waits for the
    machine at most."""
    waits_for: str = ""
    """window or quota; empty with no `waits_until`."""
    from_asset: UUID | None = None
    """The picture it begins from, of which `anew` percent are made anew."""
    anew: int = 0
    region: dict[str, Any] = jsonb_column()
    """The only part of it that is made anew, as `generators.retouch.masks.part_to_json`; empty for
    all of it."""
    pose_asset: UUID | None = None
    """The picture whose posture is taken, which counts `pose_weight` percent."""
    pose_weight: int = 0
    look: list[list[str]] = jsonb_column(list)
    """The look it keeps to, as it was when somebody asked: the asset and the digest of each
    picture."""
    skipped: list[dict[str, Any]] = jsonb_column(list)
    """Pictures that a seller refused, or of which nobody knows: `number`, and `reason` as a
    Message. They stay so."""


class StyleScoreRow(CreatorOwnedRow, table=True):
    """How alike a picture is to its look, or why nobody knows."""

    __tablename__ = "look_scores"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "asset_id"),
        ForeignKeyConstraint(["tenant_id", "asset_id"], ["assets.tenant_id", "assets.id"]),
        about="creator",
        keep="while the tenant is here",
    )
    asset_id: UUID
    method: str
    """With its version; empty where nothing was compared."""
    score: int | None = None
    """In percent."""
    reason: dict[str, object] | None = message_column()


class RemoteRunRow(CreatorOwnedRow, table=True):
    """A run whose pictures are made by the agency's own machines, one of them at a time; no worker
    of ours takes it."""

    __tablename__ = "home_runs"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "job_id", name="home_runs_job"),
        tenant_foreign_key("job_id", "jobs"),
        Index("home_runs_lease", "tenant_id", "lease"),
        about="creator",
        keep="while the tenant is here",
    )
    job_id: UUID
    machine_id: UUID | None = None
    """Who has it, or had it last."""
    instance: UUID | None = None
    """Of the machine's program: the same one that asks again is answered with the same lease."""
    lease: UUID | None = None
    """None while nobody has it."""
    until: datetime | None = timestamp_column(optional=True)
    """When the lease ends unless the machine says something; without one, when it may be lent
    again. People's clock."""
    numbers: list[int] = jsonb_column(list)
    """The pictures that are lent."""
    tries: int = 0
    """How often it came back without a picture, one after the other."""


class RemotePictureRow(CreatorOwnedRow, table=True):
    """A picture that a machine handed in, until it is in the library or refused; its bytes go
    then."""

    __tablename__ = "home_pictures"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "job_id", "number", name="home_pictures_once"),
        tenant_foreign_key("job_id", "jobs"),
        Index("home_pictures_waiting", "tenant_id", "state"),
        CheckConstraint("state IN ('waiting', 'ready', 'refused')", name="home_pictures_state"),
        about="creator",
        keep="while the tenant is here",
    )
    job_id: UUID
    number: int
    machine_id: UUID
    lease: UUID
    sha256: str
    """Of the bytes as they came."""
    size: int = Field(sa_type=BigInteger)
    made: dict[str, Any] = jsonb_column()
    """What the machine says of it, as `generators.remote_protocol.PictureResult`."""
    state: str = "waiting"
    reason: dict[str, Any] | None = message_column()
