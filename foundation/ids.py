"""Identifiers: UUIDv7, which sort by creation time and keep indexes compact."""

import hashlib
import secrets
import threading
from uuid import UUID

from foundation.ops.clock import wall_now

INSTALLATION_ID = UUID(int=0)
"""The installation tenant: global stops, policy bundles, the list of tenants."""


_lock = threading.Lock()
_last = 0


def uuid7() -> UUID:
    """Return a new UUIDv7 (RFC 9562, 5.7; 6.2 method 3).

    It contains Unix milliseconds, 12 bits of their fraction and 62 random bits. IDs of one process
    increase strictly, so that rows of one transaction, which share their time, sort by their IDs.
    """
    global _last  # noqa: PLW0603 - the only state that a process needs for ordered IDs
    with _lock:
        _last = max(int(wall_now().timestamp() * 1000 * 4096), _last + 1)
        stamp = _last
    value = (
        stamp >> 12 << 80 | 0x7 << 76 | (stamp & 0xFFF) << 64 | 0b10 << 62 | secrets.randbits(62)
    )
    return UUID(int=value)


def derived_uuid(*parts: object) -> UUID:
    """Return the same UUID for the same parts, for objects that must be created once.

    It is a version 8 UUID of a SHA-256 digest (RFC 9562).
    """
    digest = bytearray(
        hashlib.sha256("\x1f".join(str(part) for part in parts).encode()).digest()[:16]
    )
    digest[6] = digest[6] & 0x0F | 0x80
    digest[8] = digest[8] & 0x3F | 0x80
    return UUID(bytes=bytes(digest))
