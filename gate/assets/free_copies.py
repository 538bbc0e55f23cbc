"""Pictures that everyone has seen: published without a price, on any account of the creator."""

from collections.abc import Collection
from uuid import UUID

from foundation.db.database import Scope
from gate.assets.lookalikes import BUSY, NEAR_BITS, PLAIN

_POSTED_FREE = """
WITH free AS (
  SELECT DISTINCT r.asset_id, r.look FROM permits p
  CROSS JOIN LATERAL jsonb_array_elements_text(p.media) AS shown (sha256)
  JOIN renditions r ON r.tenant_id = p.tenant_id AND r.sha256 = shown.sha256
  WHERE p.tenant_id = :tenant AND p.creator_id = :creator AND p.viewer = '' AND NOT p.sold
    AND p.state = 'consumed' AND p.visible_at IS NOT NULL)
SELECT DISTINCT own.asset_id FROM renditions own JOIN free
  ON free.asset_id = own.asset_id
  OR (bit_count(CAST(own.look # free.look AS bit(64))) <= :near
    AND bit_count(CAST(own.look AS bit(64))) BETWEEN :plain AND :busy
    AND NOT EXISTS (SELECT FROM asset_parents d WHERE d.tenant_id = :tenant
      AND d.asset_id = free.asset_id AND d.parent_id = own.asset_id))
WHERE own.tenant_id = :tenant AND own.asset_id = ANY(:assets)
"""


def find_posted_free(scope: Scope, creator_id: UUID, assets: Collection[UUID]) -> frozenset[UUID]:
    """Return those of these assets that were published without a price, also as a near copy and
    also if the copy was removed since.

    A picture made from an asset, such as a blurred teaser, is not a copy of it. Flat pictures,
    whose hashes are all similar, count only if they are the same asset.
    """
    if not assets:
        return frozenset()
    rows = scope.run(
        _POSTED_FREE,
        tenant=scope.tenant_id,
        creator=creator_id,
        assets=list(assets),
        near=NEAR_BITS,
        plain=PLAIN,
        busy=BUSY,
    )
    return frozenset(rows.scalars())
