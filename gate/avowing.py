"""An asset that was recorded as a camera's is said to be a model's work: from then on it counts as such, for good.

What leaves says so from the next clearance on, and whoever is shown must have agreed to a model's likeness of them.
"""

from uuid import UUID

from foundation.database import Scope
from gate import epochs, recording

_SAY = """
UPDATE assets SET ai = 'generated', engine = CASE WHEN engine = :camera THEN :unnamed ELSE engine END,
  updated_at = house_now()
WHERE tenant_id = :tenant AND id = ANY(:assets) AND ai <> 'generated' RETURNING id
"""
_OF_A_CAMERA = "SELECT id FROM assets WHERE tenant_id = :tenant AND id = ANY(:assets) AND engine = :camera"


def say_generated(scope: Scope, asset_id: UUID, *, camera: str, unnamed: str) -> list[UUID]:
    """Say that a model made an asset whose engine is recorded as `camera`; `unnamed` stands there afterwards.

    So did it make what the asset is a copy or a still of, and whatever was made of any of them; returns those that did
    not count as a model's before. No clearance of them is under way meanwhile.
    """
    own = {"tenant": scope.tenant_id, "camera": camera}
    line = recording.lines(scope, [asset_id]).get(asset_id, frozenset())
    roots = scope.run(_OF_A_CAMERA, assets=sorted({asset_id, *line}), **own).scalars().all()
    found = sorted({one for line in recording.descent(scope, roots).values() for one in line})
    if not found:
        return []
    epochs.alone(scope, *(epochs.asset(scope, one) for one in found))
    with scope.acting_as("gate"):
        return list(scope.run(_SAY, assets=found, unnamed=unnamed, **own).scalars())
