"""A run that begins from a picture of the library: each of its pictures is made from that one and
is its child.

What a recipe works from, in its own words: the picture it begins from and the part of it that is
made anew, or the picture whose posture it takes.
"""

from dataclasses import dataclass
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from foundation.db.database import Scope
from foundation.errors import BadInput, Refused
from gate.assets import asset_records
from gate.ratings import ratings
from generators.retouch import masks, region_shapes
from generators.retouch.masks import MaskPart
from generators.retouch.region_shapes import MaskShapes
from studio.library import assets

MIN_STRENGTH = 10
MAX_STRENGTH = 95
"""Percent of a picture that is made anew."""


@dataclass(frozen=True)
class InitPicture:
    """The picture, and how much of it is made anew, in percent; with a region or shapes, only
    there."""

    asset_id: UUID
    anew: int
    region: MaskPart | None = None


def check_init_picture(scope: Scope, creator_id: UUID, begin: InitPicture) -> str:
    """The digest of the picture. Raises NotFound for one that is not this creator's, Refused for
    one that is withheld, BadInput for what is no picture, a share beyond `LEAST` and `MOST`, and
    shapes that cover next to nothing."""
    if not MIN_STRENGTH <= begin.anew <= MAX_STRENGTH:
        raise BadInput("job.anew", least=MIN_STRENGTH, most=MAX_STRENGTH)
    if begin.region is not None:
        masks.check_part(begin.region)
    assets.check_assets_owned(scope, creator_id, [begin.asset_id])
    return source_picture_digest(scope, begin.asset_id)


def source_picture_digest(scope: Scope, asset_id: UUID) -> str:
    """The bytes of a picture that something is made from. Raises BadInput for what is no picture,
    Refused for one that is withheld."""
    found = asset_records.newest_rendition(scope, asset_id, assets.DEFAULT_PROFILE)
    if found is None or not found.mime.startswith("image/"):
        raise BadInput("job.begins_from_none")
    if ratings.display_ratings(scope, [found.sha256])[found.sha256].is_withheld:
        raise Refused("job.begins_from_withheld")
    return found.sha256


MIN_WEIGHT = 10
MAX_WEIGHT = 150
"""Percent: how much a posture counts."""

DEFAULT_STRENGTH = 50
AssetId = Annotated[str, Field(pattern=r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")]
"""As text: recipes are kept as JSON."""


class InitPictureSpec(BaseModel):
    """A picture of the library, of which `anew` percent are made anew, with `part` only there."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    asset: AssetId
    anew: Annotated[int, Field(ge=MIN_STRENGTH, le=MAX_STRENGTH)] = DEFAULT_STRENGTH
    part: MaskShapes = []

    def to_init_picture(self) -> InitPicture:
        """As a run takes it."""
        return InitPicture(UUID(self.asset), self.anew, tuple(self.part) or None)

    @property
    def is_covered_enough(self) -> bool:
        """Whether its part covers enough of a picture."""
        try:
            masks.check_part(tuple(self.part)) if self.part else None
        except BadInput:
            return False
        return True


class PoseReferenceSpec(BaseModel):
    """A picture of the library whose posture is taken, which counts `weight` percent."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    asset: AssetId
    weight: Annotated[int, Field(ge=MIN_WEIGHT, le=MAX_WEIGHT)] = 100


def init_picture_spec(begin: InitPicture) -> dict[str, Any]:
    """What a recipe says of a beginning, to be read as a `FromPicture`."""
    part = (
        region_shapes.shapes_to_json(masks.part_as_shapes(begin.region))
        if begin.region is not None
        else []
    )
    return {"asset": str(begin.asset_id), "anew": begin.anew, "part": part}


def pose_reference_spec(asset_id: UUID, weight: int) -> dict[str, Any]:
    """What a recipe says of a posture, to be read as an `OfPicture`."""
    return {"asset": str(asset_id), "weight": weight}
