"""Bytes that nobody used are stored no more: which may go, and what is left of them.

What was once permitted to leave, what somebody asks to be gone, what is sealed or frozen, and what
something else was made of stays: it is evidence, or is shown somewhere. Digests, ratings and who is
shown stay of all.
"""

from collections.abc import Collection
from typing import Literal
from uuid import UUID

from foundation.db.database import Scope
from gate import epochs

RetentionReason = Literal["held", "left", "source"]
"""Why bytes stay: a request, a seal, a freeze or a calibration holds them; they may have left;
others were made of them, or are the same."""

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
    """Those of these assets whose bytes stay, and why."""
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
    """No clearance of this asset is under way until the transaction ends: one that was asks anew
    afterwards."""
    epochs.lock_and_advance(scope, epochs.asset_key(scope, asset_id))


def mark_erased(scope: Scope, asset_id: UUID) -> None:
    """Write down that the bytes of an asset are stored no more. Whoever calls this asked `staying`
    in this transaction, `alone`, and deletes them once it ended (`erased`)."""
    with scope.acting_as("gate"):
        scope.run(_ERASE, tenant=scope.tenant_id, asset=asset_id)


_ERASED = (
    "SELECT sha256 FROM renditions WHERE tenant_id = :tenant AND asset_id = :asset AND erased_at "
    "IS NOT NULL"
)


def erasable_digests(scope: Scope, asset_id: UUID) -> list[str]:
    """The digests of an asset's bytes that are to be stored no more."""
    return list(scope.run(_ERASED, tenant=scope.tenant_id, asset=asset_id).scalars())


_GONE = """
SELECT EXISTS (SELECT FROM renditions WHERE tenant_id = :tenant AND sha256 = :sha256 AND
erased_at IS NOT NULL)
"""


def is_erased(scope: Scope, sha256: str) -> bool:
    """Whether these very bytes are to be stored no more."""
    return bool(scope.run(_GONE, tenant=scope.tenant_id, sha256=sha256).scalar())


_KEPT = (
    "SELECT EXISTS (SELECT FROM renditions WHERE tenant_id = :tenant AND sha256 = :sha256 AND "
    "erased_at IS NULL)"
)


def is_stored(scope: Scope, sha256: str) -> bool:
    """Whether these very bytes stay stored: as what leaves, or as what is kept beside it."""
    return bool(scope.run(_KEPT, tenant=scope.tenant_id, sha256=sha256).scalar())
