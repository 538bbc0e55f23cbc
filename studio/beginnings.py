"""A run that begins from a picture of the library: each of its pictures is made from that one and is its child."""

from dataclasses import dataclass
from uuid import UUID

from foundation.database import Scope
from foundation.errors import BadInput, Refused
from gate import ratings, recording
from generators import masks
from generators.masks import Part
from studio import library

LEAST, MOST = 10, 95
"""Percent of a picture that is made anew."""


@dataclass(frozen=True)
class Beginning:
    """The picture, and how much of it is made anew, in percent; with a region or shapes, only there."""

    asset_id: UUID
    anew: int
    region: Part | None = None


def check(scope: Scope, creator_id: UUID, begin: Beginning) -> str:
    """The digest of the picture. Raises NotFound for one that is not this creator's, Refused for one that is withheld,
    BadInput for what is no picture, a share beyond `LEAST` and `MOST`, and shapes that cover next to nothing."""
    if not LEAST <= begin.anew <= MOST:
        raise BadInput("job.anew", least=LEAST, most=MOST)
    if begin.region is not None:
        masks.check(begin.region)
    library.check_owner(scope, creator_id, [begin.asset_id])
    return digest(scope, begin.asset_id)


def digest(scope: Scope, asset_id: UUID) -> str:
    """The bytes of a picture that something is made from. Raises BadInput for what is no picture, Refused for one that
    is withheld."""
    found = recording.rendition(scope, asset_id, library.PROFILE)
    if found is None or not found.mime.startswith("image/"):
        raise BadInput("job.begins_from_none")
    if ratings.standing(scope, [found.sha256])[found.sha256].withheld:
        raise Refused("job.begins_from_withheld")
    return found.sha256
