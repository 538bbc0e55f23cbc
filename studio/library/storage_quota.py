"""Storage quota of a tenant; each stored object counts once.

Deletions and takedowns are never limited, because they free space.
"""

from foundation.db.database import Scope
from foundation.errors import Refused
from gate.assets import asset_records
from studio.ingest.states import UploadState
from studio.library import assets

_WAITING = """
SELECT sha256, max(size) AS size FROM (
  SELECT sha256, size FROM uploads WHERE tenant_id = :tenant AND state = :waiting
  UNION ALL SELECT sha256, size FROM home_pictures WHERE tenant_id = :tenant AND state =
  :waiting) waiting
GROUP BY sha256
"""


class StorageFull(Refused):
    """The tenant's storage quota is exceeded."""


def used_bytes(scope: Scope) -> int:
    """Return the bytes of the library and of files being ingested; identical objects count once."""
    waiting = scope.run(_WAITING, tenant=scope.tenant_id, waiting=str(UploadState.WAITING))
    on_their_way: dict[str, int] = {row.sha256: row.size for row in waiting}
    return asset_records.total_stored_bytes(scope, but=on_their_way) + sum(on_their_way.values())


def check_storage(scope: Scope, allowed: int | None, size: int) -> None:
    """Raise StorageFull unless `size` more bytes fit into the quota; None means unlimited.

    The check holds a lock until the transaction ends, so that concurrent uploads cannot both use
    the rest.
    """
    if allowed is None:
        return
    assets.lock_library(scope, "storage")
    there = used_bytes(scope)
    if there + size > allowed:
        raise StorageFull("storage.over", used=to_mib(there), allowed=to_mib(allowed))


def to_mib(size: int) -> int:
    """Return bytes as MiB, rounded up."""
    return -(-size // 2**20)
