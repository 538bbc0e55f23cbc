"""Waiting on the installation's clock: in real time, or by moving the clock over idle time."""

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
"""Seconds between two checks of a condition."""

CONVERSATION_STRIDE = timedelta(seconds=0.5)
"""Longest move of the clock at each check during a conversation: five times as fast as real time. A
message in transit between two processes is invisible here, and the clock must not pass its
deadline."""


@dataclass(frozen=True)
class ShiftableClock:
    """The installation's clock. `skip_idle_time` moves it over idle time, never over work;
    `on_poll` is called at each check."""

    tenant: OpenScope
    skip_idle_time: bool
    on_poll: Callable[[], None]

    def now(self) -> datetime:
        """Return the time of the installation, UTC-aware."""
        with self.tenant(INSTALLATION_ID, CLOCK_ACTOR, role="relay") as scope:
            return scope.now

    def wait_until(self, instant: datetime) -> None:
        """Wait until the installation's time reaches `instant`. Raises Refused if the clock cannot
        be moved."""
        while self.now() < instant:
            self.on_poll()
            if not (self.skip_idle_time and self._advance_clock(instant)):
                sleep(LOOK_SECONDS)
        self.on_poll()

    def wait_for(
        self, done: Callable[[], bool], *, at_most: timedelta, stride: timedelta | None = None
    ) -> bool:
        """Wait until `done()` returns True, for at most `at_most` of the installation's time;
        returns False if that time is over.

        With a `stride`, each move of the clock is at most that long and followed by a pause. Raises
        Refused if the clock cannot be moved.
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
