"""Envelope encryption: a data key per tenant, wrapped by the master key; secrets leave only as
`Sealed`.

AES-256-GCM with a random 96-bit nonce (NIST SP 800-38D); the tenant's id is the associated data, so
that a box moved to another tenant does not open.
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
"""Bytes of a key: AES-256."""

GENERATION = 1
"""The key in use; a rotation would add the next and open old boxes with this one."""


def parse_master_key(encoded: str) -> bytes:
    """The master key from settings (base64 of 32 bytes). Raises Unavailable without one."""
    try:
        key = base64.b64decode(encoded, validate=True)
    except ValueError as error:
        raise Unavailable("vault.no_master_key") from error
    if len(key) != KEY_BYTES:
        raise Unavailable("vault.no_master_key")
    return key


def encrypt_for_tenant(key: bytes, tenant_id: UUID, plain: bytes) -> bytes:
    """Encrypt for a tenant."""
    nonce = secrets.token_bytes(NONCE)
    return nonce + AESGCM(key).encrypt(nonce, plain, tenant_id.bytes)


def decrypt_for_tenant(key: bytes, tenant_id: UUID, box: bytes) -> bytes:
    """Decrypt what `close` made for this tenant. Raises Unavailable for another box or key."""
    try:
        return AESGCM(key).decrypt(box[:NONCE], box[NONCE:], tenant_id.bytes)
    except (InvalidTag, ValueError) as error:  # ValueError: shorter than a nonce
        raise Unavailable("vault.cannot_open") from error


def get_data_key(scope: Scope, master_key: bytes) -> bytes:
    """The tenant's data key, made at its first use. Two first uses at once: the earlier one wins.

    Raises Unavailable when it was wrapped by another master key, or is damaged.
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
        wrapped = _find_wrapped_key(scope)
    return decrypt_for_tenant(master_key, scope.tenant_id, wrapped or b"")


def _find_wrapped_key(scope: Scope) -> bytes | None:
    return scope.session.exec(
        select(VaultKey.wrapped).where(
            VaultKey.tenant_id == scope.tenant_id, VaultKey.generation == GENERATION
        )
    ).first()


def seal_secret(scope: Scope, master_key: bytes, secret: str) -> Sealed:
    """Close a secret under the tenant's data key."""
    return Sealed(
        encrypt_for_tenant(get_data_key(scope, master_key), scope.tenant_id, secret.encode())
    )
