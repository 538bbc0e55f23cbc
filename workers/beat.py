"""Fixed ticks in the relay's process. A tick only writes due rows; creators' schedules are rows, never ticks."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC
from threading import Event
from types import TracebackType

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler

from foundation import telemetry
from foundation.clock import wall_now
from foundation.database import OpenScope

log = telemetry.log("workers.beat")


@dataclass(frozen=True)
class Tick:
    """Every `seconds` (and once at the start), `put` writes rows that are due; it never works itself."""

    seconds: int
    put: Callable[[OpenScope], None]
    name: str = ""


class Beat:
    """The ticks while this relay leads: `with Beat(ticks, tenant):`. Memory store: the outbox does the catching up."""

    def __init__(self, ticks: Sequence[Tick], tenant: OpenScope) -> None:
        self._ticks, self._tenant = tuple(ticks), tenant
        self._scheduler: BackgroundScheduler | None = None
        self._over = Event()

    def __enter__(self) -> None:
        if not self._ticks:
            return
        self._over.clear()
        self._scheduler = BackgroundScheduler(
            timezone=UTC,
            # One after the other: all of them begin with the relay, which needs this interpreter and its connections.
            executors={"default": ThreadPoolExecutor(1)},
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
        )
        for tick in self._ticks:
            self._scheduler.add_job(
                self._beat, "interval", seconds=tick.seconds, args=(tick,), next_run_time=wall_now()
            )
        self._scheduler.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        if self._scheduler is not None:
            self._scheduler.shutdown(wait=True)
            self._scheduler = None

    def _beat(self, tick: Tick) -> None:
        if self._over.is_set():  # it stood behind another: whoever leads next begins with it
            return
        try:
            tick.put(self._tenant)
        except Exception as error:  # the next beat tries again; what is due is in the rows
            log.error("beat.failed", tick=tick.name, error=telemetry.describe(error), at=telemetry.place(error))
