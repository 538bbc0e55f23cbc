"""Requests and responses about picture copies."""

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
    """A requested copy of a picture. The picture itself does not change. `signed` adds the
    creator's watermark."""

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
        """Convert to the value that `studio` expects, with the creator's watermark if it is
        requested. Raises BadInput."""
        return CopyFinish(
            form=self.form,
            strength=self.strength,
            background=self.background,
            twice=self.larger == "twice",
            finer=self.larger == "model",
            watermark=mark,
        )


class CopyOut(BaseModel):
    """A copy: `waiting`, with `step` of `steps` done if a model enlarges it; `ready` with its
    `media_id`, which is reviewed like any other picture; or `refused` with the `reason`.
    `of_media_id` is the source picture."""

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
