"""Pictures of a model of one's own and those of demonstrations: which things may stand on one
screen."""

from collections.abc import Collection, Sequence
from uuid import UUID

from foundation.db.database import Scope

_KINDS = """
SELECT asset_id, label <> '' AS labelled, label = '' AND seed IS NOT NULL AS own FROM creations
WHERE tenant_id = :tenant AND asset_id = ANY(:assets)
"""


def same_kind_indexes(scope: Scope, things: Sequence[Collection[UUID]]) -> list[int]:
    """The places of those of these things, each with its pictures, that may share a screen; all of
    them but where a model of one's own made some and others are demonstrations.

    Then it is what shows no demonstration; once that is settled, demonstrations; at last, one by
    one, what shows both. Photographs are no model's, and stand with one's own.
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
