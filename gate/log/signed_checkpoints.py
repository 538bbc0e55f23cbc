"""Checkpoints: signed statements of how far a log had come, kept outside the database. Values; no
database here.

Each log has a chain of checkpoints; the product's root is one chain over the checkpoints of all
logs. A checkpoint names the root as it stood, the next link of the root names the checkpoint:
neither can be made up later.
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
"""What a statement is: how far a log had come, a link of the root, that a log ends because its
agency goes, something that was forbidden; and of an export its opening, the name of a log in it,
and the end of that log."""


class ForgedStatement(Exception):
    """A statement that is unreadable, of another kind, or not signed by the key of the log."""


@dataclass(frozen=True)
class LogKey:
    """What signs the log, and what names the logs outside: an agency cannot be told from the name
    of its log."""

    signing: Ed25519PrivateKey
    naming: bytes

    @classmethod
    def derive(cls, master_key: bytes) -> "LogKey":
        """From the master key (HKDF, RFC 5869): never stored, the same in every process, and not
        the permits' key."""
        seed = HKDF(
            algorithm=SHA256(), length=64, salt=None, info=b"greenroom log checkpoints"
        ).derive(master_key)
        return cls(Ed25519PrivateKey.from_private_bytes(seed[:32]), seed[32:])

    def log_name(self, tenant_id: UUID, began: datetime) -> str:
        """The name of the log an agency began then; an agency that is removed and comes back begins
        another."""
        return hmac.digest(
            self.naming, f"{tenant_id} {hash_chain.to_microseconds(began)}".encode(), "sha256"
        ).hex()[:32]

    def seal_text(self, text: str) -> str:
        """Encrypt a text that names somebody (AES-SIV, RFC 5297): equal texts are equal sealed, so
        that a task that comes again writes the same bytes."""
        return base64.b64encode(self._text_cipher.encrypt(text.encode(), None)).decode()

    def unseal_text(self, sealed: str) -> str:
        """Decrypt what `seal_text` encrypted. Raises cryptography.exceptions.InvalidTag."""
        return self._text_cipher.decrypt(base64.b64decode(sealed), None).decode()

    @property
    def _text_cipher(self) -> AESSIV:
        info = b"greenroom journal texts"
        return AESSIV(HKDF(algorithm=SHA256(), length=64, salt=None, info=info).derive(self.naming))

    @property
    def public_key_text(self) -> str:
        """The public key in base64, for whoever verifies."""
        return encode_public_key(self.signing.public_key())


def sign_statement(kind: StatementKind, said: Mapping[str, Any], key: LogKey) -> bytes:
    """A signed statement: canonical JSON on one line."""
    body = {"kind": kind, **said}
    signature = base64.b64encode(key.signing.sign(canonical_json(body))).decode()
    return canonical_json({**body, "signature": signature})


def verify_statement(kind: StatementKind, data: bytes, key: Ed25519PublicKey) -> dict[str, Any]:
    """What a statement says. Raises Forged."""
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
    """After entry `seq` the log ended in the hash `head`; `number` counts the log's checkpoints
    from 1."""

    log: str
    number: int
    seq: int
    head: str
    at: int
    """Microseconds since 1970."""
    previous: str
    """Digest of the checkpoint before."""
    root: str
    """Digest of the last link of the product's root when this was made."""

    def to_statement(self, key: LogKey) -> bytes:
        """The statement as it is kept."""
        return sign_statement("checkpoint", vars(self), key)

    @classmethod
    def from_statement(cls, data: bytes, key: Ed25519PublicKey) -> "Checkpoint":
        """The value of a kept statement. Raises Forged."""
        try:
            return cls(**verify_statement("checkpoint", data, key))
        except TypeError as error:
            raise ForgedStatement("checkpoint") from error


@dataclass(frozen=True)
class Anchor:
    """A checkpoint as the root names it."""

    log: str
    number: int
    digest: str


@dataclass(frozen=True)
class RootLink:
    """One link of the product's root: the checkpoints, of all logs, that were made since the one
    before."""

    number: int
    at: int
    previous: str
    anchors: tuple[Anchor, ...]

    def to_statement(self, key: LogKey) -> bytes:
        """The statement as it is kept."""
        return sign_statement(
            "root",
            {**vars(self), "anchors": [list(vars(each).values()) for each in self.anchors]},
            key,
        )

    @classmethod
    def from_statement(cls, data: bytes, key: Ed25519PublicKey) -> "RootLink":
        """The value of a kept statement. Raises Forged."""
        try:
            said = verify_statement("root", data, key)
            return cls(**{**said, "anchors": tuple(Anchor(*each) for each in said["anchors"])})
        except (TypeError, KeyError) as error:
            raise ForgedStatement("root") from error


def checkpoint_name(log: str, number: int) -> str:
    """Under which name a checkpoint is kept."""
    return f"{log}/{number:010d}"


def root_link_name(number: int) -> str:
    """Under which name a link of the root is kept."""
    return f"root/{number:010d}"


def closing_name(log: str) -> str:
    """Under which name it is kept that a log was ended, its agency removed."""
    return f"{log}/closed"
