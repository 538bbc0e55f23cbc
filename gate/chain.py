"""The chain of the log as bytes: what an entry's hash covers, and the line it is written down as. No database here."""

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from foundation.words import canonical

GENESIS = "0" * 64
"""What the first of a chain names as the one before it."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def micros(instant: datetime) -> int:
    """An instant as whole microseconds since 1970, UTC: times in the log are numbers, which nobody rounds."""
    return int(instant.timestamp() * 1_000_000)


def instant_of(stored: int) -> datetime:
    """The instant of `micros`, UTC-aware."""
    return _EPOCH + timedelta(microseconds=stored)


def sealed(fields: Mapping[str, Any]) -> bytes:
    """The bytes an entry's hash covers: every field but the hash, canonical."""
    return canonical({**fields, "decided_at": micros(fields["decided_at"])})


def digest(data: bytes) -> str:
    """SHA-256 in hex."""
    return hashlib.sha256(data).hexdigest()
