"""A policy release: the written matrix and lexicon, with signatures of two people over both. No
database access."""

import base64
import hashlib
import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import yaml
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from foundation.canonical_json import canonical_json
from gate.contract.public_keys import decode_public_key, encode_public_key
from gate.policy import bundle
from gate.policy.bundle import Bundle
from gate.text import lexicon

KIND = "greenroom policy"
SIGNATURES = 2
"""Number of distinct trusted keys that must have signed."""


class UnsignedRelease(Exception):
    """Raised for a file that is not a policy release or has too few trusted signatures."""


@dataclass(frozen=True)
class PolicyRelease:
    """A release as it is written; `signatures` are pairs of public key and signature, both in
    base64."""

    matrix: str
    lexicon: str
    signatures: tuple[tuple[str, str], ...] = ()

    def signed_digest(self) -> bytes:
        """Return the bytes to sign: the SHA-256 of the canonical form."""
        body = canonical_json({"kind": KIND, "matrix": self.matrix, "lexicon": self.lexicon})
        return hashlib.sha256(body).digest()

    def with_signature(self, key: Ed25519PrivateKey) -> "PolicyRelease":
        """Return the release with one more signature. A second signature of the same key replaces
        the first."""
        own = encode_public_key(key.public_key())
        others = tuple(pair for pair in self.signatures if pair[0] != own)
        signature = base64.b64encode(key.sign(self.signed_digest())).decode()
        return PolicyRelease(self.matrix, self.lexicon, (*others, (own, signature)))

    def to_bytes(self) -> bytes:
        """Return the file: canonical JSON on one line."""
        signatures = [{"key": key, "signature": signature} for key, signature in self.signatures]
        return canonical_json(
            {"kind": KIND, "matrix": self.matrix, "lexicon": self.lexicon, "signatures": signatures}
        )

    def valid_signers(self, trusted: Collection[str]) -> frozenset[bytes]:
        """Return the keys among `trusted` with a valid signature, as bytes, so that a key counts
        once however it is encoded."""
        found = set()
        for key, signature in self.signatures:
            if key in trusted:
                public = decode_public_key(key)
                try:
                    public.verify(base64.b64decode(signature, validate=True), self.signed_digest())
                except (InvalidSignature, ValueError):
                    continue
                # One key may be listed in several encodings; its bytes count once.
                found.add(public.public_bytes_raw())
        return frozenset(found)

    def to_bundle(self) -> Bundle:
        """Return the policy bundle without checking signatures. Raises ValueError for incomplete
        rules."""
        try:
            rules = bundle.parse_bundle(
                self.matrix.encode(), lexicon.parse_lexicon(self.lexicon.encode())
            )
        except (yaml.YAMLError, TypeError, KeyError) as error:
            raise ValueError(str(error)) from error
        if rules.number <= 0:
            raise ValueError("the version has no date")
        return rules


def read_release(document: bytes) -> PolicyRelease:
    """Parse a release without verifying it. Raises UnsignedRelease for any other file."""
    try:
        body = json.loads(document, object_pairs_hook=reject_duplicate_keys)
        if body.pop("kind") != KIND:
            raise UnsignedRelease
        pairs = tuple((str(each["key"]), str(each["signature"])) for each in body.pop("signatures"))
        return PolicyRelease(
            signatures=pairs, **{name: require_text(value) for name, value in body.items()}
        )
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise UnsignedRelease from error


def verify_release(document: bytes, trusted: Iterable[str]) -> Bundle:
    """Return the bundle of a release that two of `trusted` (public keys in base64) signed.

    Raises UnsignedRelease before any rule is parsed, and ValueError for signed rules that are
    incomplete.
    """
    release = read_release(document)
    if len(release.valid_signers(frozenset(trusted))) < SIGNATURES:
        raise UnsignedRelease
    return release.to_bundle()


def reject_duplicate_keys(pairs: list[tuple[str, Any]]) -> Mapping[str, Any]:
    """Return a JSON object.

    Raises ValueError for a duplicate key, which would make the signed content ambiguous.
    """
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name appears twice")
    return found


def require_text(value: object) -> str:
    """Return the value if it is a string. Raises TypeError for anything else."""
    if not isinstance(value, str):
        raise TypeError("expected text")
    return value
