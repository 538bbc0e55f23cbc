"""What a recipe works from, in its own words: the picture it begins from and the part of it that is made anew, or the
picture whose posture it takes."""

from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from foundation.errors import BadInput
from generators import masks
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
