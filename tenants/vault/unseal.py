"""Decryption of vault secrets. Only `workers.wiring` imports this module; other packages receive
the function `RevealSecret`."""

from uuid import UUID

from foundation.db.database import OpenScope
from foundation.sealed import RevealSecret, Sealed, SealSecret
from tenants.vault import envelope


def vault_functions(tenant: OpenScope, master_key: bytes) -> tuple[RevealSecret, SealSecret]:
    """Return the functions that decrypt and encrypt secrets. The data key of each tenant is
    unwrapped once and cached in memory.

    Both raise Unavailable if the data key cannot be unwrapped with this master key.
    """
    keys: dict[UUID, bytes] = {}

    def key_of(tenant_id: UUID) -> bytes:
        if tenant_id not in keys:
            with tenant(tenant_id, "system:vault") as scope:
                keys[tenant_id] = envelope.get_data_key(scope, master_key)
        return keys[tenant_id]

    def reveal(tenant_id: UUID, sealed: Sealed) -> str:
        return envelope.decrypt_for_tenant(key_of(tenant_id), tenant_id, sealed.box).decode()

    def seal(tenant_id: UUID, secret: str) -> Sealed:
        return Sealed(envelope.encrypt_for_tenant(key_of(tenant_id), tenant_id, secret.encode()))

    return reveal, seal
