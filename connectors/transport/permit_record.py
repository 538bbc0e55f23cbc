"""The transport's record of used permits: a permit allows one request, in whichever process it is
used."""

import threading
from collections.abc import Callable
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from foundation.ops.clock import wall_now
from gate.contract.permit import Permit


class PermitUse(StrEnum):
    """The result of recording the use of a permit."""

    FIRST = "first"
    REPLAYED = "replayed"
    EXPIRED = "expired"


RecordPermitUse = Callable[[Permit], PermitUse]
"""Function that records that a permit is about to be used. The installation's record is in the
database (`channels/attempts/permit_uses.py`)."""


class MemoryPermitRecord:
    """A record for a single process, for conformance suites and benchmarks without a database.

    `now` is the clock by which the permits were issued (UTC-aware), or None if permits are used
    after their expiry. If there are `most` recorded permits, expired ones are dropped; they would
    be refused because of their expiry anyway.
    """

    def __init__(
        self, now: Callable[[], datetime] | None = wall_now, *, most: int = 10_000
    ) -> None:
        self._now = now
        self._most = most
        self._used: dict[UUID, datetime] = {}
        self._lock = threading.Lock()

    def __call__(self, permit: Permit) -> PermitUse:
        """Record the use of a permit."""
        now = self._now() if self._now is not None else permit.minted_at
        with self._lock:
            if permit.jti in self._used:
                return PermitUse.REPLAYED
            if now >= permit.expires_at:
                return PermitUse.EXPIRED
            if len(self._used) >= self._most:
                self._used = {jti: until for jti, until in self._used.items() if until > now}
            self._used[permit.jti] = permit.expires_at
            return PermitUse.FIRST
