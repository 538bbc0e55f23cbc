"""What a recipe works from, in its own words: the picture it begins from and the part of it that is made anew, or the
picture whose posture it takes."""

from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from foundation.errors import BadInput
from generators import masks, shapes
from generators.shapes import Shapes
from studio import beginnings
from studio.beginnings import Beginning

LEAST_WEIGHT, MOST_WEIGHT = 10, 150
"""Percent: how much a posture counts."""

USUAL_ANEW = 50
AssetId = Annotated[str, Field(pattern=r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")]
"""As text: recipes are kept as JSON."""


class FromPicture(BaseModel):
    """A picture of the library, of which `anew` percent are made anew, with `part` only there."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    asset: AssetId
    anew: Annotated[int, Field(ge=beginnings.LEAST, le=beginnings.MOST)] = USUAL_ANEW
    part: Shapes = []

    def beginning(self) -> Beginning:
        """As a run takes it."""
        return Beginning(UUID(self.asset), self.anew, tuple(self.part) or None)

    @property
    def fits(self) -> bool:
        """Whether its part covers enough of a picture."""
        try:
            masks.check(tuple(self.part)) if self.part else None
        except BadInput:
            return False
        return True


class OfPicture(BaseModel):
    """A picture of the library whose posture is taken, which counts `weight` percent."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    asset: AssetId
    weight: Annotated[int, Field(ge=LEAST_WEIGHT, le=MOST_WEIGHT)] = 100


def from_picture(begin: Beginning) -> dict[str, Any]:
    """What a recipe says of a beginning, to be read as a `FromPicture`."""
    part = shapes.said(masks.as_shapes(begin.region)) if begin.region is not None else []
    return {"asset": str(begin.asset_id), "anew": begin.anew, "part": part}


def of_picture(asset_id: UUID, weight: int) -> dict[str, Any]:
    """What a recipe says of a posture, to be read as an `OfPicture`."""
    return {"asset": str(asset_id), "weight": weight}
