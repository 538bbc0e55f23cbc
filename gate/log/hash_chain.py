"""The chain of the log as bytes: what an entry's hash covers, and the line it is written down as.
No database here."""

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from foundation.canonical_json import canonical_json

GENESIS_HASH = "0" * 64
"""What the first of a chain names as the one before it."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def to_microseconds(instant: datetime) -> int:
    """An instant as whole microseconds since 1970, UTC: times in the log are numbers, which nobody
    rounds."""
    return int(instant.timestamp() * 1_000_000)


def from_microseconds(stored: int) -> datetime:
    """The instant of `micros`, UTC-aware."""
    return _EPOCH + timedelta(microseconds=stored)


def hashed_bytes(fields: Mapping[str, Any]) -> bytes:
    """The bytes an entry's hash covers: every field but the hash, canonical."""
    return canonical_json({**fields, "decided_at": to_microseconds(fields["decided_at"])})


def sha256_hex(data: bytes) -> str:
    """SHA-256 in hex."""
    return hashlib.sha256(data).hexdigest()
