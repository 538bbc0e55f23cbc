"""Tables of runs: jobs, style scores, and runs and images of remote workers."""

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
    """A run of a recipe."""

    __tablename__ = "jobs"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "key"),
        tenant_foreign_key("recipe_id", "recipes"),
        Index("jobs_recent", "tenant_id", "creator_id", "created_at"),
        about="creator",
        keep="while the tenant exists",
    )
    recipe_id: UUID
    key: str
    state: str = "queued"
    seed: int = Field(sa_type=BigInteger)
    total: int
    done: int = 0
    by: str = ""
    """The actor who requested it; empty for the system."""
    reason: dict[str, Any] | None = message_column()
    given: dict[str, Any] = jsonb_column()
    """Parameter values by name: numbers, texts or booleans."""
    lists: dict[str, Any] = jsonb_column()
    """The shared wildcards of its prompt at the time of the request
    (`studio.recipes.wildcards.current_wildcards`)."""
    rating: str = "G"
    """Rating of its prompts, the minimum for its images."""
    step: int = 0
    """Last reported step of the current image; 0 between two images."""
    steps: int = 0
    waits_until: datetime | None = timestamp_column(optional=True)
    """Time until which it waits (UTC): the start of the generation hours or of the agency's next
    day. None if it waits only for the device."""
    waits_for: str = ""
    """Limit for which it waits, window or quota; empty without `waits_until`."""
    from_asset: UUID | None = None
    """The init image; the next column is the percentage of it to regenerate."""
    anew: int = 0
    region: dict[str, Any] = jsonb_column()
    """The only region that is regenerated, in the format of
    `generators.retouch.masks.part_to_json`; empty for the whole image."""
    pose_asset: UUID | None = None
    """The pose reference, with a weight of `pose_weight` percent."""
    pose_weight: int = 0
    look: list[list[str]] = jsonb_column(list)
    """The style references at the time of the request: the asset and digest of each."""
    skipped: list[dict[str, Any]] = jsonb_column(list)
    """Images that a provider rejected or whose outcome is unknown, each with its `number` and with
    `reason` as a Message. They are not requested again."""


class StyleScoreRow(CreatorOwnedRow, table=True):
    """The similarity of an image to its style references, or the reason why it is unknown."""

    __tablename__ = "look_scores"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "asset_id"),
        ForeignKeyConstraint(["tenant_id", "asset_id"], ["assets.tenant_id", "assets.id"]),
        about="creator",
        keep="while the tenant exists",
    )
    asset_id: UUID
    method: str
    """The comparison method with its version; empty if nothing was compared."""
    score: int | None = None
    """The similarity in percent."""
    reason: dict[str, object] | None = message_column()


class RemoteRunRow(CreatorOwnedRow, table=True):
    """A run that the agency's remote workers generate instead of ours, one worker at a time."""

    __tablename__ = "home_runs"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "job_id", name="home_runs_job"),
        tenant_foreign_key("job_id", "jobs"),
        Index("home_runs_lease", "tenant_id", "lease"),
        about="creator",
        keep="while the tenant exists",
    )
    job_id: UUID
    machine_id: UUID | None = None
    """The current or last worker."""
    instance: UUID | None = None
    """The worker process; a repeated request of the same process gets the same lease."""
    lease: UUID | None = None
    """The ID of the current lease; None while the run is not leased."""
    until: datetime | None = timestamp_column(optional=True)
    """Time at which the lease ends without a heartbeat or, without a lease, from which the run can
    be leased again. Real clock."""
    numbers: list[int] = jsonb_column(list)
    """The indexes of the leased images."""
    tries: int = 0
    """Number of consecutive leases without a result."""


class RemotePictureRow(CreatorOwnedRow, table=True):
    """An image submitted by a remote worker, until it is ingested or rejected. Its bytes are then
    deleted."""

    __tablename__ = "home_pictures"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "job_id", "number", name="home_pictures_once"),
        tenant_foreign_key("job_id", "jobs"),
        Index("home_pictures_waiting", "tenant_id", "state"),
        CheckConstraint("state IN ('waiting', 'ready', 'refused')", name="home_pictures_state"),
        about="creator",
        keep="while the tenant exists",
    )
    job_id: UUID
    number: int
    machine_id: UUID
    lease: UUID
    sha256: str
    """Digest of the submitted bytes."""
    size: int = Field(sa_type=BigInteger)
    made: dict[str, Any] = jsonb_column()
    """The worker's metadata, in the format of `generators.remote_protocol.PictureResult`."""
    state: str = "waiting"
    reason: dict[str, Any] | None = message_column()
