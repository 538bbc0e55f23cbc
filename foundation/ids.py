"""Identifiers: UUIDv7, so that ids sort by birth and indexes stay compact."""

import hashlib
import secrets
import threading
from uuid import UUID

from foundation.ops.clock import wall_now

INSTALLATION_ID = UUID(int=0)
"""The house tenant: global switches, policy bundles, the list of tenants."""


_lock = threading.Lock()
_last = 0


def uuid7() -> UUID:
    """A new UUIDv7 (RFC 9562, 5.7; 6.2 method 3): Unix milliseconds, 12 bits of their fraction,
    then 62 random bits.

    Ids of one process grow strictly: rows of one transaction share their time and keep their order
    by their ids.
    """
    global _last  # noqa: PLW0603 - the one thing a process must remember to keep its ids in order
    with _lock:
        _last = max(int(wall_now().timestamp() * 1000 * 4096), _last + 1)
        stamp = _last
    value = (
        stamp >> 12 << 80 | 0x7 << 76 | (stamp & 0xFFF) << 64 | 0b10 << 62 | secrets.randbits(62)
    )
    return UUID(int=value)


def derived_uuid(*parts: object) -> UUID:
    """The same UUID for the same parts, for things that must be made once (RFC 9562 version 8,
    SHA-256)."""
    digest = bytearray(
        hashlib.sha256("\x1f".join(str(part) for part in parts).encode()).digest()[:16]
    )
    digest[6] = digest[6] & 0x0F | 0x80
    digest[8] = digest[8] & 0x3F | 0x80
    return UUID(bytes=bytes(digest))
