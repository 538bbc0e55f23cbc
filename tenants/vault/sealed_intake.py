"""Sealed intake: web processes encrypt form input for the workers and have only the public key.

HPKE (RFC 9180), X25519 with HKDF-SHA256 and AES-256-GCM. The tenant is bound to each message, so
that one moved to another tenant cannot be decrypted.
"""

import base64
import json
from collections.abc import Callable, Mapping
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hpke
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from foundation.errors import Unavailable
from foundation.sealed import Sealed

ReadForm = Callable[[UUID, bytes, frozenset[str]], Mapping[str, str | Sealed]]
"""Decrypts a form sealed for a tenant. The named fields are sealed again with the tenant's data
key."""

_SUITE = hpke.Suite(hpke.KEM.X25519, hpke.KDF.HKDF_SHA256, hpke.AEAD.AES_256_GCM)


def derive_public_key(master_key: bytes) -> str:
    """Derive the public key for the settings of web processes from the master key, in base64."""
    return base64.b64encode(
        _derive_private_key(master_key).public_key().public_bytes_raw()
    ).decode()


def seal_form(public: str, tenant_id: UUID, form: Mapping[str, str]) -> bytes:
    """Encrypt a form for the workers of this installation. Raises Unavailable without a valid key
    in the settings."""
    try:
        key = X25519PublicKey.from_public_bytes(base64.b64decode(public, validate=True))
    except ValueError as error:
        raise Unavailable("vault.no_letterbox") from error
    return _SUITE.encrypt(json.dumps(dict(form)).encode(), key, info=_seal_info(tenant_id))


def unseal_form(master_key: bytes, tenant_id: UUID, letter: bytes) -> dict[str, str]:
    """Decrypt a form sealed for this tenant. Raises Unavailable if it was sealed for another tenant
    or installation."""
    try:
        plain = _SUITE.decrypt(letter, _derive_private_key(master_key), info=_seal_info(tenant_id))
    except (InvalidTag, ValueError) as error:
        raise Unavailable("vault.cannot_open") from error
    found: dict[str, str] = json.loads(plain)
    return found


def _derive_private_key(master_key: bytes) -> X25519PrivateKey:
    derived = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"greenroom letterbox").derive(
        master_key
    )
    return X25519PrivateKey.from_private_bytes(derived)


def _seal_info(tenant_id: UUID) -> bytes:
    return b"greenroom form " + tenant_id.bytes
