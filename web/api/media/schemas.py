"""Requests and responses about media and uploads."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, Field

from gate.contract.units import Rating
from studio.ingest.states import UploadState
from studio.ingest.uploads import UploadView
from studio.library.postable_assets import PostableAsset
from web.api.common.schemas import ReasonOut, RequestModel, example_config, reason_out
from web.api.media.picture_copy_schemas import EXAMPLE_MEDIA_ID


class MediaOut(BaseModel):
    """A picture, video or audio file that posts may use. The `media` of a post refers to
    its `id`."""

    id: UUID
    creator_id: UUID
    kind: Literal["picture", "film", "sound"]
    seconds: Annotated[int, Field(description="Duration of a video or audio file; 0 for an image.")]
    alt: Annotated[str, Field(description="Alt text; empty if none was written.")]
    rating: Annotated[
        Rating | None,
        Field(description="G general, S suggestive, N nudity, E explicit; null if not rated yet."),
    ]
    waits: Annotated[
        bool,
        Field(description="True if a rating or review is pending. Posts can be scheduled with it."),
    ]
    created_at: datetime

    @classmethod
    def of(cls, one: PostableAsset) -> "MediaOut":
        said = {
            name: getattr(one, name)
            for name in ("creator_id", "kind", "seconds", "alt", "rating", "waits")
        }
        return cls(id=one.asset_id, **said, created_at=one.at)


class RatingIn(RequestModel):
    """The rating of a picture or video: G general, S suggestive, N nudity, E explicit.

    `shown` answers who is shown: `no_people`, `creator` (the creator alone), `others` (anyone else)
    or `unsure`. It is required for media without an answer.
    """

    model_config = example_config({"media_id": EXAMPLE_MEDIA_ID, "rating": "S", "shown": "creator"})

    media_id: UUID
    rating: Literal["G", "S", "N", "E"]
    shown: Literal["no_people", "creator", "others", "unsure"] | None = None


class MediaPage(BaseModel):
    """A page of the library, newest first. `next` is the cursor of the next page, or null."""

    items: list[MediaOut]
    next: str | None


class UploadOut(BaseModel):
    """An upload: `waiting`, `ready` with its `media_id`, or `refused` with the `reason`. `size` is
    in bytes."""

    id: UUID
    creator_id: UUID
    name: str
    size: int
    state: UploadState
    media_id: UUID | None
    reason: ReasonOut | None
    created_at: datetime

    @classmethod
    def of(cls, one: UploadView) -> "UploadOut":
        said = {name: getattr(one, name) for name in ("id", "creator_id", "name", "size", "state")}
        return cls(**said, media_id=one.asset_id, reason=reason_out(one.reason), created_at=one.at)
