"""What the API takes in and gives out about copies of pictures: cut, set right, signed, made
larger."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from generators.retouch.finish import CopyFinish
from generators.retouch.watermarks import Watermark
from studio.ingest.picture_copies import PictureCopyView
from studio.ingest.states import UploadState
from web.api.common.schemas import ReasonOut, RequestModel, StorableText, reason_out

EXAMPLE_MEDIA_ID = "0198c0de-0000-7000-8000-000000000014"
UpscaleMode = Annotated[
    Literal["no", "twice", "model"],
    Field(
        description=(
            "`twice` doubles the size by resampling; `model` uses the installation's "
            "upscaling model."
        )
    ),
]
Form = Annotated[
    StorableText,
    Field(
        max_length=20,
        description=(
            "Crop format: feed, square, story, pin, landscape, link or cinema; `whole` for no crop."
        ),
    ),
]
Background = Annotated[
    StorableText,
    Field(
        max_length=10,
        description="Background: `blurred`, a colour `#rrggbb`, or the original one.",
    ),
]
Strength = Annotated[
    int,
    Field(ge=0, le=100, description="Strength of the light and colour correction, in percent."),
]


class CopyIn(RequestModel):
    """A copy of a picture as it is to be; the picture stays as it is. `signed` writes the creator's
    words on it."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"media_id": EXAMPLE_MEDIA_ID, "form": "square"}]}
    )

    media_id: UUID
    form: Form = ""
    strength: Strength = 0
    background: Background = ""
    larger: UpscaleMode = "no"
    signed: bool = False

    def to_finish(self, mark: Watermark | None) -> CopyFinish:
        """As the room takes it, with the creator's mark where it is wanted. Raises BadInput."""
        return CopyFinish(
            form=self.form,
            strength=self.strength,
            background=self.background,
            twice=self.larger == "twice",
            finer=self.larger == "model",
            watermark=mark,
        )


class CopyOut(BaseModel):
    """A copy: `waiting`, of which `step` of `steps` parts are done where a model makes it larger;
    `ready` with its `media_id`, which people judge as any other; or `refused` with the `reason`.
    `of_media_id` is what it is made of."""

    id: UUID
    creator_id: UUID
    of_media_id: UUID
    form: str
    strength: int
    background: str
    larger: UpscaleMode
    signed: bool
    state: UploadState
    step: int
    steps: int
    media_id: UUID | None
    reason: ReasonOut | None
    created_at: datetime

    @classmethod
    def of(cls, one: PictureCopyView) -> "CopyOut":
        """Of the room's value."""
        asked = one.finish
        if asked.twice:
            larger = "twice"
        elif asked.finer:
            larger = "model"
        else:
            larger = "no"
        return cls(
            **{name: getattr(one, name) for name in ("id", "creator_id", "state", "step", "steps")},
            **{name: getattr(asked, name) for name in ("form", "strength", "background")},
            of_media_id=one.asset_id,
            larger=larger,
            signed=asked.watermark is not None,
            media_id=one.made_id,
            reason=reason_out(one.reason),
            created_at=one.at,
        )
