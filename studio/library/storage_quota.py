"""How much a tenant keeps, each stored object counted once, and the refusal of more than it may.

What is deleted or taken down asks nothing here: it only makes room.
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
    """There is no room for more."""


def used_bytes(scope: Scope) -> int:
    """Bytes of the library and of files on their way into it; equal bytes lie there once, and count
    once."""
    waiting = scope.run(_WAITING, tenant=scope.tenant_id, waiting=str(UploadState.WAITING))
    on_their_way: dict[str, int] = {row.sha256: row.size for row in waiting}
    return asset_records.total_stored_bytes(scope, but=on_their_way) + sum(on_their_way.values())


def check_storage(scope: Scope, allowed: int | None, size: int) -> None:
    """Raise Full unless `size` more bytes fit into what the tenant may keep; None: they always do.

    Until the transaction ends nobody else of the tenant is told that there is room.
    """
    if allowed is None:
        return
    assets.lock_library(scope, "storage")
    there = used_bytes(scope)
    if there + size > allowed:
        raise StorageFull("storage.over", used=to_mib(there), allowed=to_mib(allowed))


def to_mib(size: int) -> int:
    """Bytes as MiB, rounded up."""
    return -(-size // 2**20)
