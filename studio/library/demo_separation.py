"""Demo separation: prevents demo images and images of a real model from appearing on one screen."""

from collections.abc import Collection, Sequence
from uuid import UUID

from foundation.db.database import Scope

_KINDS = """
SELECT asset_id, label <> '' AS labelled, label = '' AND seed IS NOT NULL AS own FROM creations
WHERE tenant_id = :tenant AND asset_id = ANY(:assets)
"""


def same_kind_indexes(scope: Scope, things: Sequence[Collection[UUID]]) -> list[int]:
    """Return the indexes of items that may appear on one screen; each item is a set of assets.

    All items may, unless some assets were made by a real model and others are demos. Then the items
    without demos are returned; if there are none, those with only demos; and otherwise only the
    first item. Photographs may appear with all images, generated or not.
    """
    every = range(len(things))
    assets = {asset for thing in things for asset in thing}
    if len(assets) < 2:
        return list(every)
    rows = scope.run(_KINDS, tenant=scope.tenant_id, assets=list(assets)).all()
    if not (any(row.labelled for row in rows) and any(row.own for row in rows)):
        return list(every)
    labelled = {row.asset_id for row in rows if row.labelled}
    own = [at for at in every if labelled.isdisjoint(things[at])]
    return own or [at for at in every if labelled.issuperset(things[at])] or [0]
