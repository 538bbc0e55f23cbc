"""Envelope encryption: a data key per tenant, wrapped by the master key. Secrets are returned only
as `Sealed`.

AES-256-GCM with a random 96-bit nonce (NIST SP 800-38D). The tenant's ID is the associated data, so
that a ciphertext moved to another tenant cannot be decrypted.
"""

import base64
import secrets
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlmodel import select

from foundation.db.database import Scope
from foundation.errors import Unavailable
from foundation.ids import uuid7
from foundation.sealed import Sealed
from tenants.vault.models import VaultKey

NONCE = 12
KEY_BYTES = 32
"""Length of an AES-256 key in bytes."""

GENERATION = 1
"""Generation of the current data key. A rotation would add the next one and decrypt old data with
this one."""


def parse_master_key(encoded: str) -> bytes:
    """Decode the master key of the settings (base64 of 32 bytes). Raises Unavailable if it is
    missing or invalid."""
    try:
        key = base64.b64decode(encoded, validate=True)
    except ValueError as error:
        raise Unavailable("vault.no_master_key") from error
    if len(key) != KEY_BYTES:
        raise Unavailable("vault.no_master_key")
    return key


def encrypt_for_tenant(key: bytes, tenant_id: UUID, plain: bytes) -> bytes:
    """Encrypt data for a tenant; the nonce is prepended."""
    nonce = secrets.token_bytes(NONCE)
    return nonce + AESGCM(key).encrypt(nonce, plain, tenant_id.bytes)


def decrypt_for_tenant(key: bytes, tenant_id: UUID, box: bytes) -> bytes:
    """Decrypt the result of `encrypt_for_tenant`. Raises Unavailable for another tenant, key or
    damaged data."""
    try:
        return AESGCM(key).decrypt(box[:NONCE], box[NONCE:], tenant_id.bytes)
    except (InvalidTag, ValueError) as error:  # ValueError: shorter than a nonce
        raise Unavailable("vault.cannot_open") from error


def get_data_key(scope: Scope, master_key: bytes) -> bytes:
    """Return the data key of the tenant and create it on first use; of concurrent first uses, the
    earlier one wins.

    Raises Unavailable if it is damaged or was wrapped by another master key.
    """
    wrapped = _find_wrapped_key(scope)
    if wrapped is None:
        scope.run(
            "INSERT INTO vault_keys (tenant_id, id, generation, wrapped)"
            " VALUES (:tenant, :id, :generation, :wrapped) ON CONFLICT (tenant_id, generation) DO "
            "NOTHING",
            tenant=scope.tenant_id,
            id=uuid7(),
            generation=GENERATION,
            wrapped=encrypt_for_tenant(master_key, scope.tenant_id, secrets.token_bytes(KEY_BYTES)),
        )
        # Read again: a concurrent first use may have won.
        wrapped = _find_wrapped_key(scope)
    return decrypt_for_tenant(master_key, scope.tenant_id, wrapped or b"")


def _find_wrapped_key(scope: Scope) -> bytes | None:
    return scope.session.exec(
        select(VaultKey.wrapped).where(
            VaultKey.tenant_id == scope.tenant_id, VaultKey.generation == GENERATION
        )
    ).first()


def seal_secret(scope: Scope, master_key: bytes, secret: str) -> Sealed:
    """Encrypt a secret with the tenant's data key."""
    return Sealed(
        encrypt_for_tenant(get_data_key(scope, master_key), scope.tenant_id, secret.encode())
    )
