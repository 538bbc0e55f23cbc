"""Short leases of a process's running rows, renewed while it lives.

A killed process loses its rows and their lanes within seconds instead of at their deadline.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import timedelta
from threading import Lock, Thread
from uuid import UUID

from foundation.db.database import Scope
from foundation.ops import telemetry
from foundation.ops.clock import monotonic, sleep
from foundation.outbox import row_leases

RENEWED_LEASE = timedelta(seconds=10)
"""Duration of a lease without renewal: more than three renewals, but short enough not to be
noticed."""

RENEWALS_PER_LEASE = 10 / 3
"""Renewals in the duration of a lease: one may fail, and the next is still in time."""

log = telemetry.get_logger("foundation.outbox.lease_renewal")


class LeaseRenewal:
    """Renews the leases of running rows from one thread, which starts with the first row.

    A row is renewed until its handler's deadline, so that a hanging handler loses it too.
    """

    def __init__(
        self,
        scope: Callable[[], AbstractContextManager[Scope]],
        *,
        lease: timedelta = RENEWED_LEASE,
    ) -> None:
        """Renew leases for the duration `lease`, more than three times in it.

        `scope` opens a short transaction on the outbox.
        """
        self.lease = lease
        self._scope = scope
        self._every = lease.total_seconds() / RENEWALS_PER_LEASE
        self._until: dict[UUID, float] = {}
        self._lock = Lock()
        self._thread: Thread | None = None

    @contextmanager
    def renew_while_running(self, token: UUID, *, seconds: float) -> Iterator[None]:
        """Renew the lease with this token during the block, for at most `seconds`."""
        self.extend(token, seconds=seconds)
        try:
            yield
        finally:
            with self._lock:
                self._until.pop(token, None)

    def extend(self, token: UUID, *, seconds: float) -> None:
        """Renew the lease with this token for `seconds` from now."""
        with self._lock:
            self._until[token] = monotonic() + seconds
            if self._thread is None:
                self._thread = Thread(target=self._run, name="lease-renewal", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        while True:
            sleep(self._every)
            now = monotonic()
            with self._lock:
                tokens = [token for token, until in self._until.items() if until > now]
            if not tokens:
                continue
            try:
                with self._scope() as scope:
                    row_leases.renew_leases(scope, tokens, lease=self.lease)
            except Exception as error:  # The database is unavailable; the next renewal tries again.
                log.warning(
                    "lease.renewal_failed",
                    error=telemetry.describe_error(error),
                    at=telemetry.error_location(error),
                )
