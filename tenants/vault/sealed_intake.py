"""What people type into a door reaches the workers sealed: the doors hold the public half alone.

HPKE (RFC 9180), X25519 with HKDF-SHA256 and AES-256-GCM; the tenant is bound into each letter, so
that one moved to another tenant does not open.
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
"""Open a form sealed for a tenant; the fields named are sealed again under the tenant's own key."""

_SUITE = hpke.Suite(hpke.KEM.X25519, hpke.KDF.HKDF_SHA256, hpke.AEAD.AES_256_GCM)


def derive_public_key(master_key: bytes) -> str:
    """The public half for the doors' settings, in base64; the private half is derived from the
    master key."""
    return base64.b64encode(
        _derive_private_key(master_key).public_key().public_bytes_raw()
    ).decode()


def seal_form(public: str, tenant_id: UUID, form: Mapping[str, str]) -> bytes:
    """Seal a form for the workers of this installation. Raises Unavailable without a usable key in
    the settings."""
    try:
        key = X25519PublicKey.from_public_bytes(base64.b64decode(public, validate=True))
    except ValueError as error:
        raise Unavailable("vault.no_letterbox") from error
    return _SUITE.encrypt(json.dumps(dict(form)).encode(), key, info=_seal_info(tenant_id))


def unseal_form(master_key: bytes, tenant_id: UUID, letter: bytes) -> dict[str, str]:
    """The form of a letter to this tenant. Raises Unavailable for another tenant's, or another
    installation's."""
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
