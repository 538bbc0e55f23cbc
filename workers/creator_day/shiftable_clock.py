"""Waiting for an hour of the house: by waiting, or, where the clock may be shifted, by leaping over
idle time."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.exc import ProgrammingError

from foundation.db.database import OpenScope
from foundation.errors import Refused
from foundation.ids import INSTALLATION_ID
from foundation.ops.clock import sleep
from foundation.outbox import row_leases

CLOCK_ACTOR = "system:clock"
LOOK_SECONDS = 0.1
"""Between two looks while something is under way."""

CONVERSATION_STRIDE = timedelta(seconds=0.5)
"""How far a conversation may be hastened at each look: five times as fast as people, no faster.
What is on its way between two processes is seen by nobody, and must not be outrun."""


@dataclass(frozen=True)
class ShiftableClock:
    """The house clock. `fast` compresses the waiting, never the work; `look` is called at each
    turn."""

    tenant: OpenScope
    skip_idle_time: bool
    on_poll: Callable[[], None]

    def now(self) -> datetime:
        """The house's time, UTC-aware."""
        with self.tenant(INSTALLATION_ID, CLOCK_ACTOR, role="relay") as scope:
            return scope.now

    def wait_until(self, instant: datetime) -> None:
        """Return once the house's time has come to `instant`. Raises Refused where the clock does
        not move."""
        while self.now() < instant:
            self.on_poll()
            if not (self.skip_idle_time and self._advance_clock(instant)):
                sleep(LOOK_SECONDS)
        self.on_poll()

    def wait_for(
        self, done: Callable[[], bool], *, at_most: timedelta, stride: timedelta | None = None
    ) -> bool:
        """Wait until `done`, for `at_most` of the house's time; whether it came to that.

        With a `stride` no leap is longer, and none follows another at once. Raises Refused where
        the clock does not move.
        """
        end = self.now() + at_most
        while not done():
            self.on_poll()
            now = self.now()
            if now >= end:
                return False
            leapt = self.skip_idle_time and self._advance_clock(
                end if stride is None else min(end, now + stride)
            )
            if stride is not None or not leapt:
                sleep(LOOK_SECONDS)
        self.on_poll()
        return True

    def _advance_clock(self, until: datetime) -> bool:
        try:
            with self.tenant(INSTALLATION_ID, CLOCK_ACTOR, role="relay") as scope:
                return row_leases.advance_database_clock(scope, until)
        except ProgrammingError as error:  # raised by house_shift()
            raise Refused("clock.not_here") from error
