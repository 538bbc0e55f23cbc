"""Checkpoints: signed statements of the state of a log, stored outside the database.

Each log has a chain of checkpoints. The root chain covers the checkpoints of all logs. A checkpoint
names the current link of the root and the next link names the checkpoint, so neither can be forged
afterwards. The module has no database access.
"""

import base64
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from foundation.canonical_json import canonical_json
from gate.contract.public_keys import encode_public_key
from gate.log import hash_chain

StatementKind = Literal["checkpoint", "root", "closed", "journal", "export", "log", "end"]
"""The kinds of statements.

A checkpoint, a link of the root, the end of a log whose agency is removed, a journal entry, and the
parts of an export: its opening, the name of a log and the end of a log.
"""


class ForgedStatement(Exception):
    """Raised for a statement that is unreadable, of another kind or not signed by the log's key."""


@dataclass(frozen=True)
class LogKey:
    """The signing key of the log, and the key that derives log names, which do not reveal the
    agency."""

    signing: Ed25519PrivateKey
    naming: bytes

    @classmethod
    def derive(cls, master_key: bytes) -> "LogKey":
        """Derive the keys from the master key (HKDF, RFC 5869).

        They are never stored, are the same in every process and differ from the permits' key.
        """
        # The permits' key may change, after which old signatures could not be verified.
        seed = HKDF(
            algorithm=SHA256(), length=64, salt=None, info=b"greenroom log checkpoints"
        ).derive(master_key)
        return cls(Ed25519PrivateKey.from_private_bytes(seed[:32]), seed[32:])

    def log_name(self, tenant_id: UUID, began: datetime) -> str:
        """Return the name of the log that an agency began at this time.

        An agency that is removed and restored begins another log.
        """
        return hmac.digest(
            self.naming, f"{tenant_id} {hash_chain.to_microseconds(began)}".encode(), "sha256"
        ).hex()[:32]

    def seal_text(self, text: str) -> str:
        """Encrypt a text that identifies a person (AES-SIV, RFC 5297).

        The encryption is deterministic, so that a repeated task writes the same bytes.
        """
        return base64.b64encode(self._text_cipher.encrypt(text.encode(), None)).decode()

    def unseal_text(self, sealed: str) -> str:
        """Decrypt the result of `seal_text`. Raises cryptography.exceptions.InvalidTag."""
        return self._text_cipher.decrypt(base64.b64decode(sealed), None).decode()

    @property
    def _text_cipher(self) -> AESSIV:
        info = b"greenroom journal texts"
        return AESSIV(HKDF(algorithm=SHA256(), length=64, salt=None, info=info).derive(self.naming))

    @property
    def public_key_text(self) -> str:
        """Return the public key in base64, for verification."""
        return encode_public_key(self.signing.public_key())


def sign_statement(kind: StatementKind, said: Mapping[str, Any], key: LogKey) -> bytes:
    """Return a signed statement as canonical JSON on one line."""
    body = {"kind": kind, **said}
    signature = base64.b64encode(key.signing.sign(canonical_json(body))).decode()
    return canonical_json({**body, "signature": signature})


def verify_statement(kind: StatementKind, data: bytes, key: Ed25519PublicKey) -> dict[str, Any]:
    """Return the fields of a statement. Raises ForgedStatement."""
    try:
        body = json.loads(data)
        signature = base64.b64decode(body.pop("signature"), validate=True)
        key.verify(signature, canonical_json(body))
    except (ValueError, TypeError, KeyError, AttributeError, InvalidSignature) as error:
        raise ForgedStatement(kind) from error
    if body.pop("kind", None) != kind:
        raise ForgedStatement(kind)
    return dict(body)


@dataclass(frozen=True)
class Checkpoint:
    """The state of a log after entry `seq`: the hash `head`. `number` counts its checkpoints from
    1."""

    log: str
    number: int
    seq: int
    head: str
    at: int
    """Microseconds since 1970."""
    previous: str
    """Digest of the previous checkpoint."""
    root: str
    """Digest of the last link of the root chain at this time."""

    def to_statement(self, key: LogKey) -> bytes:
        """Return the signed statement."""
        return sign_statement("checkpoint", vars(self), key)

    @classmethod
    def from_statement(cls, data: bytes, key: Ed25519PublicKey) -> "Checkpoint":
        """Parse and verify a signed statement. Raises ForgedStatement."""
        try:
            return cls(**verify_statement("checkpoint", data, key))
        except TypeError as error:
            raise ForgedStatement("checkpoint") from error


@dataclass(frozen=True)
class Anchor:
    """A checkpoint as named by the root chain."""

    log: str
    number: int
    digest: str


@dataclass(frozen=True)
class RootLink:
    """A link of the root chain: the checkpoints of all logs since the previous link."""

    number: int
    at: int
    previous: str
    anchors: tuple[Anchor, ...]

    def to_statement(self, key: LogKey) -> bytes:
        """Return the signed statement."""
        return sign_statement(
            "root",
            {**vars(self), "anchors": [list(vars(each).values()) for each in self.anchors]},
            key,
        )

    @classmethod
    def from_statement(cls, data: bytes, key: Ed25519PublicKey) -> "RootLink":
        """Parse and verify a signed statement. Raises ForgedStatement."""
        try:
            said = verify_statement("root", data, key)
            return cls(**{**said, "anchors": tuple(Anchor(*each) for each in said["anchors"])})
        except (TypeError, KeyError) as error:
            raise ForgedStatement("root") from error


def checkpoint_name(log: str, number: int) -> str:
    """Return the name of a checkpoint in the archive."""
    return f"{log}/{number:010d}"


def root_link_name(number: int) -> str:
    """Return the name of a link of the root chain in the archive."""
    return f"root/{number:010d}"


def closing_name(log: str) -> str:
    """Return the archive name of the statement that a log ended with its agency."""
    return f"{log}/closed"
