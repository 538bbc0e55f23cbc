"""The hash chain of the log: the bytes that an entry's hash covers. It has no database access."""

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from foundation.canonical_json import canonical_json

GENESIS_HASH = "0" * 64
"""The previous hash of the first entry of a chain."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def to_microseconds(instant: datetime) -> int:
    """Return a time as whole microseconds since 1970, UTC. The log stores numbers to avoid
    rounding."""
    return int(instant.timestamp() * 1_000_000)


def from_microseconds(stored: int) -> datetime:
    """Return the UTC-aware time for a number of microseconds since 1970."""
    return _EPOCH + timedelta(microseconds=stored)


def hashed_bytes(fields: Mapping[str, Any]) -> bytes:
    """Return the bytes that an entry's hash covers: all other fields, as canonical JSON."""
    return canonical_json({**fields, "decided_at": to_microseconds(fields["decided_at"])})


def sha256_hex(data: bytes) -> str:
    """Return the SHA-256 digest in hexadecimal."""
    return hashlib.sha256(data).hexdigest()
