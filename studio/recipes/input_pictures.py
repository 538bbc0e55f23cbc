"""Input images of recipes and runs: the init image with the region to regenerate, and the pose
reference.

Each image of a run is a child of its init image.
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
"""Maximum percentage of an image to regenerate; the minimum is `MIN_STRENGTH`."""


@dataclass(frozen=True)
class InitPicture:
    """An init image and the percentage of it to regenerate, limited to a region or shapes
    if given."""

    asset_id: UUID
    anew: int
    region: MaskPart | None = None


def check_init_picture(scope: Scope, creator_id: UUID, begin: InitPicture) -> str:
    """Validate an init image and return its digest.

    Raises NotFound for an image that is not the creator's, Refused for a withheld one, BadInput for
    media other than images, a percentage out of range, and shapes that cover almost nothing.
    """
    if not MIN_STRENGTH <= begin.anew <= MAX_STRENGTH:
        raise BadInput("job.anew", least=MIN_STRENGTH, most=MAX_STRENGTH)
    if begin.region is not None:
        masks.check_part(begin.region)
    assets.check_assets_owned(scope, creator_id, [begin.asset_id])
    return source_picture_digest(scope, begin.asset_id)


def source_picture_digest(scope: Scope, asset_id: UUID) -> str:
    """Return the digest of a source image.

    Raises BadInput for media other than images, Refused for a withheld image.
    """
    found = asset_records.newest_rendition(scope, asset_id, assets.DEFAULT_PROFILE)
    if found is None or not found.mime.startswith("image/"):
        raise BadInput("job.begins_from_none")
    if ratings.display_ratings(scope, [found.sha256])[found.sha256].is_withheld:
        raise Refused("job.begins_from_withheld")
    return found.sha256


MIN_WEIGHT = 10
MAX_WEIGHT = 150
"""Maximum weight of a pose reference in percent; the minimum is `MIN_WEIGHT`."""

DEFAULT_STRENGTH = 50
AssetId = Annotated[str, Field(pattern=r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")]
"""An asset ID as text, because recipes are stored as JSON."""


class InitPictureSpec(BaseModel):
    """An init image in a recipe, with the percentage to regenerate, limited to `part` if given."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    asset: AssetId
    anew: Annotated[int, Field(ge=MIN_STRENGTH, le=MAX_STRENGTH)] = DEFAULT_STRENGTH
    part: MaskShapes = []

    def to_init_picture(self) -> InitPicture:
        """Return the init image for a run."""
        return InitPicture(UUID(self.asset), self.anew, tuple(self.part) or None)

    @property
    def is_covered_enough(self) -> bool:
        """True if the shapes cover enough of the image, or there are no shapes."""
        try:
            masks.check_part(tuple(self.part)) if self.part else None
        except BadInput:
            return False
        return True


class PoseReferenceSpec(BaseModel):
    """A pose reference in a recipe, with a weight in percent."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    asset: AssetId
    weight: Annotated[int, Field(ge=MIN_WEIGHT, le=MAX_WEIGHT)] = 100


def init_picture_spec(begin: InitPicture) -> dict[str, Any]:
    """Return the JSON of an `InitPictureSpec`."""
    part = (
        region_shapes.shapes_to_json(masks.part_as_shapes(begin.region))
        if begin.region is not None
        else []
    )
    return {"asset": str(begin.asset_id), "anew": begin.anew, "part": part}


def pose_reference_spec(asset_id: UUID, weight: int) -> dict[str, Any]:
    """Return the JSON of a `PoseReferenceSpec`."""
    return {"asset": str(asset_id), "weight": weight}
