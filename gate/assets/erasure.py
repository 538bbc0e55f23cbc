"""Erasure of unused files: the assets whose bytes may be deleted.

Bytes are retained if they were permitted for publication, are part of a removal request, are sealed
or frozen, or are the source of other assets: they are evidence or are shown somewhere. Digests,
ratings and depictions are always retained.
"""

from collections.abc import Collection
from typing import Literal
from uuid import UUID

from foundation.db.database import Scope
from gate import epochs

RetentionReason = Literal["held", "left", "source"]
"""Reasons for retaining bytes.

"held": a request, a seal, a freeze or a calibration needs them. "left": they may have been
published. "source": other assets were made from them or have the same bytes.
"""

# Permits record everything that was ever published, so no other table of uses is read.
_STAYS = """
SELECT a.id,
  bool_or(r.state <> 'made' OR r.sha256 IN (SELECT s.sha256 FROM seals s WHERE s.tenant_id =
  :tenant)
    OR r.sha256 IN (SELECT jsonb_array_elements_text(c.digests) FROM complaints c WHERE
    c.tenant_id = :tenant)
    OR r.sha256 IN (SELECT jsonb_array_elements_text(k.tiles) FROM calibrations k WHERE
    k.tenant_id = :tenant)) AS held,
  bool_or(r.sha256 IN (
    SELECT jsonb_array_elements_text(p.media) FROM permits p WHERE p.tenant_id = :tenant)) AS
    left_us,
  count(r.id) = 0 OR EXISTS (SELECT FROM asset_parents b WHERE b.tenant_id = :tenant AND
  b.parent_id = a.id) AS source
FROM assets a LEFT JOIN renditions r ON r.tenant_id = a.tenant_id AND r.asset_id = a.id
WHERE a.tenant_id = :tenant AND a.id = ANY(:assets) GROUP BY a.id
"""


def retained_assets(scope: Scope, assets: Collection[UUID]) -> dict[UUID, RetentionReason]:
    """Return the reason for each of these assets whose bytes must be retained."""
    found: dict[UUID, RetentionReason] = {}
    for row in scope.run(_STAYS, tenant=scope.tenant_id, assets=list(assets)):
        if row.held:
            found[row.id] = "held"
        elif row.left_us:
            found[row.id] = "left"
        elif row.source:
            found[row.id] = "source"
    return found


_ERASE = """
UPDATE renditions SET erased_at = house_now(), updated_at = house_now()
WHERE tenant_id = :tenant AND asset_id = :asset AND erased_at IS NULL
"""


def lock_asset(scope: Scope, asset_id: UUID) -> None:
    """Exclude decisions about an asset until the end of the transaction.

    A decision in progress must be repeated afterwards.
    """
    epochs.lock_and_advance(scope, epochs.asset_key(scope, asset_id))


def mark_erased(scope: Scope, asset_id: UUID) -> None:
    """Record that the bytes of an asset are no longer stored.

    Before, call `lock_asset` and `retained_assets` in the same transaction. Delete the bytes
    (`erasable_digests`) after the commit.
    """
    with scope.acting_as("gate"):
        scope.run(_ERASE, tenant=scope.tenant_id, asset=asset_id)


_ERASED = (
    "SELECT sha256 FROM renditions WHERE tenant_id = :tenant AND asset_id = :asset AND erased_at "
    "IS NOT NULL"
)


def erasable_digests(scope: Scope, asset_id: UUID) -> list[str]:
    """Return the digests of an asset's bytes that are marked for erasure."""
    return list(scope.run(_ERASED, tenant=scope.tenant_id, asset=asset_id).scalars())


_GONE = """
SELECT EXISTS (SELECT FROM renditions WHERE tenant_id = :tenant AND sha256 = :sha256 AND
erased_at IS NOT NULL)
"""


def is_erased(scope: Scope, sha256: str) -> bool:
    """Return True if these bytes are marked for erasure."""
    return bool(scope.run(_GONE, tenant=scope.tenant_id, sha256=sha256).scalar())


_KEPT = (
    "SELECT EXISTS (SELECT FROM renditions WHERE tenant_id = :tenant AND sha256 = :sha256 AND "
    "erased_at IS NULL)"
)


def is_stored(scope: Scope, sha256: str) -> bool:
    """Return True if these bytes are recorded and not marked for erasure."""
    return bool(scope.run(_KEPT, tenant=scope.tenant_id, sha256=sha256).scalar())
