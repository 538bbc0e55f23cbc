"""Opening what the vault closed. For `workers.wiring` alone: rooms are handed `Reveal`, never this module."""

from uuid import UUID

from foundation.database import OpenScope
from foundation.sealed import Reveal, Seal, Sealed
from tenants import vault


def revealing(tenant: OpenScope, master_key: bytes) -> tuple[Reveal, Seal]:
    """The two functions that open and close secrets; each tenant's data key is unwrapped once and kept in memory.

    Both raise Unavailable for what cannot be opened with this master key.
    """
    keys: dict[UUID, bytes] = {}

    def key_of(tenant_id: UUID) -> bytes:
        if tenant_id not in keys:
            with tenant(tenant_id, "system:vault") as scope:
                keys[tenant_id] = vault.data_key(scope, master_key)
        return keys[tenant_id]

    def reveal(tenant_id: UUID, sealed: Sealed) -> str:
        return vault.open_box(key_of(tenant_id), tenant_id, sealed.box).decode()

    def seal(tenant_id: UUID, secret: str) -> Sealed:
        return Sealed(vault.close(key_of(tenant_id), tenant_id, secret.encode()))

    return reveal, seal
