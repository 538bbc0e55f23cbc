"""Metrics that are computed when they are requested: rows of the outbox, the capacity of the
workers, and the delay of listeners."""

from collections.abc import Iterator
from threading import Lock
from uuid import UUID

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import REGISTRY, Collector
from sqlalchemy.exc import SQLAlchemyError

from foundation.db.database import OpenScope
from foundation.ids import INSTALLATION_ID
from foundation.ops import telemetry
from foundation.ops.clock import monotonic
from foundation.outbox import outbox, worker_registry
from foundation.outbox.worker_registry import WorkerProcess

log = telemetry.get_logger("workers.runtime.metrics")
CACHE_SECONDS = 5.0
"""Seconds for which metrics are cached, because computing them counts every waiting row."""


class OutboxCollector(Collector):
    """Collector of waiting, running and failed rows by queue. It returns nothing while the database
    is unavailable, so that the gap is visible."""

    def __init__(self, tenant: OpenScope) -> None:
        self._tenant = tenant
        self._lock = Lock()
        self._seen = list[outbox.QueueStats]()
        self._workers = list[WorkerProcess]()
        self._at = float("-inf")

    def describe(self) -> Iterator[GaugeMetricFamily]:
        """Return the names only, since registration must not query the database."""
        yield from (_build_rows_gauge(), _build_oldest_due_gauge(), _build_capacity_gauge())

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Return one value per queue and state."""
        rows = _build_rows_gauge()
        oldest = _build_oldest_due_gauge()
        capacity = _build_capacity_gauge()
        for found in self._read_stats():
            for state, count in (
                ("waiting", found.waiting),
                ("leased", found.leased),
                ("dead", found.dead),
            ):
                rows.add_metric([found.queue, state], count)
            oldest.add_metric([found.queue], found.oldest.total_seconds())
            total = sum(worker.capacity.get(found.queue, 0) for worker in self._workers)
            capacity.add_metric([found.queue], total)
        yield from (rows, oldest, capacity)

    def _read_stats(self) -> list[outbox.QueueStats]:
        with self._lock:
            if monotonic() - self._at < CACHE_SECONDS:
                return self._seen
            try:
                with self._tenant(INSTALLATION_ID, "system:figures", role="relay") as scope:
                    self._seen = outbox.queue_stats(scope)
                    self._workers = worker_registry.load_workers(scope)
            except SQLAlchemyError as error:
                log.warning("figures.database_away", error=telemetry.describe_error(error))
                self._seen = []
            self._at = monotonic()
            return self._seen


def _build_rows_gauge() -> GaugeMetricFamily:
    return GaugeMetricFamily(
        "greenroom_outbox_rows", "Rows of the outbox", labels=["queue", "state"]
    )


def _build_oldest_due_gauge() -> GaugeMetricFamily:
    name = "greenroom_outbox_oldest_due_seconds"
    what = "How long the oldest row that is due has been waiting"
    return GaugeMetricFamily(name, what, labels=["queue"])


def _build_capacity_gauge() -> GaugeMetricFamily:
    what = "Rows that the running workers of all machines handle at once"
    return GaugeMetricFamily("greenroom_worker_capacity", what, labels=["queue"])


class ListenerCollector(Collector):
    """Collector of the seconds since the last poll by platform; the account with the longest delay
    counts."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._heard: dict[UUID, tuple[str, float]] = {}

    def record_received(self, channel_id: UUID, platform: str) -> None:
        """Record a successful poll of an account, or the start of its listener."""
        with self._lock:
            self._heard[channel_id] = (platform, monotonic())

    def remove_channel(self, channel_id: UUID) -> None:
        """Remove an account that no longer listens."""
        with self._lock:
            self._heard.pop(channel_id, None)

    def describe(self) -> Iterator[GaugeMetricFamily]:
        """Return the names only."""
        yield from (_build_listener_lag_gauge(), _build_accounts_gauge())

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Return the values by platform."""
        with self._lock:
            heard = list(self._heard.values())
        silence = _build_listener_lag_gauge()
        accounts = _build_accounts_gauge()
        now = monotonic()
        for platform in sorted({platform for platform, _ in heard}):
            times = [at for name, at in heard if name == platform]
            silence.add_metric([platform], now - min(times))
            accounts.add_metric([platform], len(times))
        yield from (silence, accounts)


def _build_listener_lag_gauge() -> GaugeMetricFamily:
    name = "greenroom_listener_lag_seconds"
    what = "Since the account heard longest ago was last heard, by platform"
    return GaugeMetricFamily(name, what, labels=["platform"])


def _build_accounts_gauge() -> GaugeMetricFamily:
    return GaugeMetricFamily(
        "greenroom_listener_accounts", "Accounts that are listened to", labels=["platform"]
    )


LISTENER_COLLECTOR = ListenerCollector()
"""The collector of this process, updated by its listeners."""


def register_outbox_collector(tenant: OpenScope) -> None:
    """Export the outbox's metrics from this process; only one process of an installation does."""
    REGISTRY.register(OutboxCollector(tenant))


def register_listener_collector() -> None:
    """Export the listeners' metrics from this process."""
    REGISTRY.register(LISTENER_COLLECTOR)
