"""Periodic ticks in the relay's process. A tick only writes due rows; schedules of creators are
rows, not ticks."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from threading import Event
from types import TracebackType
from typing import Literal
from uuid import UUID

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler

from foundation.db.database import DatabaseRole, OpenScope, Scope
from foundation.ops import telemetry
from foundation.ops.clock import wall_now

CLOCK_CHECK_INTERVAL = timedelta(seconds=5)
"""Tolerated clock correction. A larger one counts as a clock rollback."""

log = telemetry.get_logger("workers.relay.beat")


@dataclass(frozen=True)
class Tick:
    """A tick that calls `write_rows` every `seconds` and once at the start.

    Ticks of one `executor` run one after the other. Those that go through all agencies must not
    delay those of the installation.
    """

    seconds: int
    write_rows: Callable[[OpenScope], None]
    name: str = ""
    executor: Literal["default", "house"] = "default"


class BeatEnded(Exception):  # no error: stops a tick before its next scope
    """Raised when the relay ends; the next leader starts with every tick."""


class Beat:
    """The ticks while this relay leads: `with Beat(ticks, tenant):`. Jobs are in memory only,
    because the outbox catches up on missed ones."""

    def __init__(
        self, ticks: Sequence[Tick], tenant: OpenScope, *, clock: Callable[[], datetime] = wall_now
    ) -> None:
        self._ticks = tuple(ticks)
        self._tenant = tenant
        self._clock = clock
        self._scheduler: BackgroundScheduler | None = None
        self._over = Event()

    def __enter__(self) -> None:
        if not self._ticks:
            return
        self._over.clear()
        self._scheduler = BackgroundScheduler(
            timezone=UTC,
            # All ticks start with the relay, which needs the interpreter and the connections for
            # due rows, so each executor has one thread.
            executors={"default": ThreadPoolExecutor(1), "house": ThreadPoolExecutor(1)},
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
        )
        for tick in self._ticks:
            self._scheduler.add_job(
                self._run_tick,
                "interval",
                seconds=tick.seconds,
                args=(tick,),
                next_run_time=self._clock(),
                executor=tick.executor,
            )
        self._scheduler.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._over.set()
        if self._scheduler is not None:
            self._scheduler.shutdown(wait=True)
            self._scheduler = None

    def follow_clock_rollback(self) -> None:
        """Run overdue ticks after the clock was set back. APScheduler waits for a wall-clock time,
        so if the clock goes back an hour, no tick would run for an hour."""
        now = self._clock()
        for job in self._scheduler.get_jobs() if self._scheduler is not None else ():
            (tick,) = job.args
            if (
                job.next_run_time is not None
                and job.next_run_time - now > timedelta(seconds=tick.seconds) + CLOCK_CHECK_INTERVAL
            ):
                job.modify(next_run_time=now)

    def _run_tick(self, tick: Tick) -> None:
        try:
            tick.write_rows(self._open_scope)
        except BeatEnded:
            return
        except Exception as error:  # the next tick tries again; due rows are not lost
            log.error(
                "beat.failed",
                tick=tick.name,
                error=telemetry.describe_error(error),
                at=telemetry.error_location(error),
            )

    def _open_scope(
        self, tenant_id: UUID, actor: str, *, role: DatabaseRole = "app"
    ) -> AbstractContextManager[Scope]:
        if self._over.is_set():
            raise BeatEnded
        return self._tenant(tenant_id, actor, role=role)
