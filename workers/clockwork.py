"""Waiting for an hour of the house: by waiting, or, where the clock may be shifted, by leaping over idle time."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.exc import ProgrammingError

from foundation import leases
from foundation.clock import pause
from foundation.database import OpenScope
from foundation.errors import Refused
from foundation.ids import HOUSE

CLOCK = "system:clock"
LOOK_SECONDS = 0.1
"""Between two looks while something is under way."""

TALKING = timedelta(seconds=0.5)
"""How far a conversation may be hastened at each look: five times as fast as people, no faster. What is on its way
between two processes is seen by nobody, and must not be outrun."""


@dataclass(frozen=True)
class Clockwork:
    """The house clock. `fast` compresses the waiting, never the work; `look` is called at each turn."""

    tenant: OpenScope
    fast: bool
    look: Callable[[], None]

    def now(self) -> datetime:
        """The house's time, UTC-aware."""
        with self.tenant(HOUSE, CLOCK, role="relay") as scope:
            return scope.now

    def wait_until(self, instant: datetime) -> None:
        """Return once the house's time has come to `instant`. Raises Refused where the clock does not move."""
        while self.now() < instant:
            self.look()
            if not (self.fast and self._leap(instant)):
                pause(LOOK_SECONDS)
        self.look()

    def wait_for(self, done: Callable[[], bool], *, at_most: timedelta, stride: timedelta | None = None) -> bool:
        """Wait until `done`, for `at_most` of the house's time; whether it came to that.

        With a `stride` no leap is longer, and none follows another at once. Raises Refused where the clock does not
        move.
        """
        end = self.now() + at_most
        while not done():
            self.look()
            now = self.now()
            if now >= end:
                return False
            leapt = self.fast and self._leap(end if stride is None else min(end, now + stride))
            if stride is not None or not leapt:
                pause(LOOK_SECONDS)
        self.look()
        return True

    def _leap(self, until: datetime) -> bool:
        try:
            with self.tenant(HOUSE, CLOCK, role="relay") as scope:
                return leases.leap(scope, until)
        except ProgrammingError as error:  # raised by house_shift()
            raise Refused("clock.not_here") from error
