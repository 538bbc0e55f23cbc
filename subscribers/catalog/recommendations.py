"""Packs recommended to fans. `insights` computes them; this package stores them, because they are
erased with the fan. They only order the packs that may be offered."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from foundation.db.bulk_insert import insert_rows
from foundation.db.database import Scope
from foundation.ids import derived_uuid
from subscribers.catalog.models import PackRecommendation

MAX_RECOMMENDED = 60
"""Maximum number of packs in a recommendation."""


class RecommendationBasis(StrEnum):
    """Reasons of a recommendation, shown to members beside the pack."""

    SIMILAR_BUYERS = "similar_buyers"
    MOST_BOUGHT = "most_bought"


@dataclass(frozen=True)
class Recommendation:
    """Packs in order, best first, for one fan, or for all fans without their own (`fan_id` is
    None)."""

    fan_id: UUID | None
    packs: tuple[UUID, ...]
    basis: RecommendationBasis


def replace_recommendations(
    scope: Scope, creator_id: UUID, found: Sequence[Recommendation]
) -> None:
    """Replace the recommendations of a creator. Fans who are not active or opted out have none."""
    # An erasure locks the fan before it deletes what is stored about them, so this does too.
    sold_to = set(
        scope.run(
            "SELECT id FROM fans WHERE tenant_id = :tenant AND creator_id = :creator"
            " AND id = ANY(CAST(:fans AS uuid[])) AND status = 'active' AND opt_out = 'none'"
            " ORDER BY id FOR SHARE",
            tenant=scope.tenant_id,
            creator=creator_id,
            fans=[one.fan_id for one in found if one.fan_id is not None],
        ).scalars()
    )
    scope.run(
        "DELETE FROM pack_recommendations WHERE tenant_id = :tenant AND creator_id = :creator",
        tenant=scope.tenant_id,
        creator=creator_id,
    )
    insert_rows(
        scope,
        PackRecommendation,
        [
            {
                "id": derived_uuid(one.fan_id or creator_id, "recommendation"),
                "creator_id": creator_id,
                "fan_id": one.fan_id,
                "packs": [str(pack) for pack in one.packs[:MAX_RECOMMENDED]],
                "basis": str(one.basis),
                "computed_at": scope.now,
            }
            for one in found
            if one.packs and (one.fan_id is None or one.fan_id in sold_to)
        ],
    )


def load_recommendation(scope: Scope, creator_id: UUID, fan_id: UUID) -> Recommendation | None:
    """Return the recommendation for a fan: their own, otherwise that of the creator, or None."""
    row = scope.run(
        "SELECT fan_id, packs, basis FROM pack_recommendations WHERE tenant_id = :tenant"
        " AND creator_id = :creator AND (fan_id = :fan OR fan_id IS NULL)"
        " ORDER BY fan_id NULLS LAST LIMIT 1",
        tenant=scope.tenant_id,
        creator=creator_id,
        fan=fan_id,
    ).one_or_none()
    if row is None:
        return None
    packs = tuple(map(UUID, row.packs))
    return Recommendation(row.fan_id, packs, RecommendationBasis(row.basis))


def remove_recommendation(scope: Scope, fan_id: UUID) -> None:
    """Delete the recommendation for a fan."""
    scope.run(
        "DELETE FROM pack_recommendations WHERE tenant_id = :tenant AND fan_id = :fan",
        tenant=scope.tenant_id,
        fan=fan_id,
    )
