"""A software authenticator: creates passkeys and signs with them as a browser would, and can
misbehave."""

import hashlib
import json
import secrets
from dataclasses import dataclass, field
from typing import Any

import cbor2
from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDSA,
    SECP256R1,
    EllipticCurvePrivateKey,
    generate_private_key,
)
from cryptography.hazmat.primitives.hashes import SHA256
from webauthn.helpers import base64url_to_bytes, bytes_to_base64url

PRESENT, VERIFIED, ATTESTED = 0x01, 0x04, 0x40


@dataclass
class Authenticator:
    """A device and its passkeys, a map of credential ID to (key, user handle). Set `counts` to
    False for a device whose signature counter stays 0."""

    host: str = "localhost"
    origin: str = "http://localhost"
    verifies: bool = True
    counts: bool = True
    counter: int = 0
    keys: dict[str, tuple[EllipticCurvePrivateKey, bytes]] = field(default_factory=dict)

    def makes(self, options: str, *, credential: str = "") -> dict[str, Any]:
        """Return the response of `navigator.credentials.create`; `credential` claims an existing
        ID."""
        asked = json.loads(options)
        key = generate_private_key(SECP256R1())
        name = credential or bytes_to_base64url(secrets.token_bytes(16))
        self.keys[name] = (key, base64url_to_bytes(asked["user"]["id"]))
        numbers, raw = key.public_key().public_numbers(), base64url_to_bytes(name)
        cose = {
            1: 2,
            3: -7,
            -1: 1,
            -2: numbers.x.to_bytes(32, "big"),
            -3: numbers.y.to_bytes(32, "big"),
        }
        attested = bytes(16) + len(raw).to_bytes(2, "big") + raw + cbor2.dumps(cose)
        data = self._data(ATTESTED) + attested
        said = {"fmt": "none", "attStmt": {}, "authData": data}
        response = {
            "clientDataJSON": self._client("webauthn.create", asked["challenge"]),
            "attestationObject": bytes_to_base64url(cbor2.dumps(said)),
        }
        return {"id": name, "rawId": name, "type": "public-key", "response": response}

    def signs(
        self, options: str, *, credential: str = "", handle: bytes | None = None
    ) -> dict[str, Any]:
        """Return the response of `navigator.credentials.get`, by default with the first passkey."""
        asked = json.loads(options)
        name = credential or next(iter(self.keys))
        key, own = self.keys[name]
        client, data = self._client("webauthn.get", asked["challenge"]), self._data(0)
        signed = data + hashlib.sha256(base64url_to_bytes(client)).digest()
        response = {
            "clientDataJSON": client,
            "authenticatorData": bytes_to_base64url(data),
            "signature": bytes_to_base64url(key.sign(signed, ECDSA(SHA256()))),
            "userHandle": bytes_to_base64url(own if handle is None else handle),
        }
        return {"id": name, "rawId": name, "type": "public-key", "response": response}

    def copy(self) -> "Authenticator":
        """Return another device with the same secrets, as a thief would have it."""
        return Authenticator(
            self.host, self.origin, self.verifies, self.counts, self.counter, dict(self.keys)
        )

    def _client(self, kind: str, challenge: str) -> str:
        said = {"type": kind, "challenge": challenge, "origin": self.origin, "crossOrigin": False}
        return bytes_to_base64url(json.dumps(said).encode())

    def _data(self, more: int) -> bytes:
        self.counter += self.counts
        flags = PRESENT | (VERIFIED if self.verifies else 0) | more
        return (
            hashlib.sha256(self.host.encode()).digest()
            + bytes([flags])
            + self.counter.to_bytes(4, "big")
        )
