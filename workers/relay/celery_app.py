"""The Celery app. Messages contain two IDs only: no retries, no schedules, no results. A lost
message delays its row by one lease."""

import logging
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from threading import Thread, current_thread, main_thread
from types import FrameType
from typing import Any
from uuid import UUID

from celery import Celery
from celery.bootsteps import StartStopStep
from celery.exceptions import WorkerShutdown
from celery.worker import WorkController, state

from foundation.errors import Unavailable
from foundation.ops import telemetry
from foundation.ops.clock import monotonic, sleep
from workers.relay.redis_transport import TRANSPORT_PATH
from workers.relay.thread_pool import CountedThreadPool

TASK_NAME = "handle"
log = telemetry.get_logger("workers.relay.celery_app")
REDIS_SECONDS = 5.0
"""Timeout of a Redis command, longer than the second for which a worker waits for a message."""

HandleEvent = Callable[[UUID, UUID], object]
"""Handles one claimed row, given its ID and the token of its lease."""


def make_celery_app(redis_url: str, handle: HandleEvent | None = None) -> Celery:
    """Return the Celery app of this process: JSON, early acknowledgement, no results, no remote
    control, our logging.

    `handle` runs the only task; processes that only send omit it.
    """
    serve = handle or _refuse_event

    def handled(event_id: str, lease_token: str) -> None:
        try:
            serve(UUID(event_id), UUID(lease_token))
        except (
            Exception
        ) as error:  # the row was not settled; its lease expires, and it is dispatched again
            log.error(
                "event.unsettled",
                event_id=event_id,
                error=telemetry.describe_error(error),
                at=telemetry.error_location(error),
            )

    app = Celery("greenroom", broker=redis_url, set_as_current=False)
    app.conf.update(
        task_serializer="json",
        accept_content=["json"],
        task_ignore_result=True,
        task_store_errors_even_if_ignored=False,
        task_acks_late=False,
        task_publish_retry=False,
        task_default_queue="urgent",
        task_create_missing_queues=True,
        worker_prefetch_multiplier=1,
        worker_enable_remote_control=False,
        worker_send_task_events=False,
        worker_disable_rate_limits=True,
        worker_hijack_root_logger=False,
        worker_redirect_stdouts=False,
        worker_cancel_long_running_tasks_on_connection_loss=False,
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        # A Redis that refuses writes, for example on a full disk, counts as unavailable; it used to
        # end the worker.
        broker_channel_error_retry=True,
        broker_connection_timeout=2.0,
        broker_transport=TRANSPORT_PATH,
        broker_transport_options={
            "socket_timeout": REDIS_SECONDS,
            "socket_connect_timeout": 2.0,
            "socket_keepalive": True,
        },
    )
    app.steps["consumer"].add(ReceiveWhenFree)
    app.task(
        handled, name=TASK_NAME, shared=False
    )  # shared tasks would be added to all apps of the process
    return app


class ReceiveWhenFree(StartStopStep):  # type: ignore[misc]  # celery is untyped
    """Step of a Celery worker that gives its transport the thread pool."""

    requires = ("celery.worker.consumer.tasks:Tasks",)

    def start(self, parent: Any) -> None:
        """Run at each connection to Redis, before the first message is received."""
        parent.task_consumer.channel.qos.pool = parent.pool


def _refuse_event(event_id: UUID, _token: UUID) -> None:
    raise Unavailable("worker.unserved", event=str(event_id))  # this process only sends


def _build_controller(app: Celery, queues: Sequence[str], threads: int) -> WorkController:
    logging.getLogger("celery").setLevel(
        logging.WARNING
    )  # otherwise two lines per message; outcomes are counted instead
    state.should_stop = state.should_terminate = None
    app.finalize()
    app.set_default()  # the pool's threads look up the task in the default app
    return WorkController(
        app=app,
        pool_cls=CountedThreadPool,
        concurrency=threads,
        queues=list(queues),
        without_gossip=True,
        without_mingle=True,
        without_heartbeat=True,
        quiet=True,
    )


def run_celery_worker(
    app: Celery,
    *,
    queues: Sequence[str],
    threads: int,
    on_stop: Callable[[], None] = lambda: None,
) -> None:
    """Work on `queues` with this number of threads until SIGTERM or SIGINT, call `on_stop` in the
    signal handler, finish running tasks, and return.

    Call it in the main thread as the last step of a process, since Celery supports one worker per
    process.
    """
    controller = _build_controller(app, queues, threads)

    def request_warm_stop(_number: int, _frame: FrameType | None) -> None:
        on_stop()
        state.should_stop = 0  # a warm stop: accept no further tasks, finish running ones

    if current_thread() is main_thread():
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, request_warm_stop)
    controller.start()


@contextmanager
def background_worker(app: Celery, *, queues: Sequence[str], threads: int) -> Iterator[None]:
    """Run a worker in a thread of this process, for tests and benchmarks, and stop it warmly at the
    end of the block.

    Raises Unavailable if it does not reach Redis within 20 seconds.
    """
    controller = _build_controller(app, queues, threads)
    thread = Thread(target=_until_stopped, args=(controller,), name="worker", daemon=True)
    thread.start()
    until = monotonic() + 20
    while controller.consumer is None or controller.consumer.task_consumer is None:
        if monotonic() > until:
            raise Unavailable("worker.not_ready")
        sleep(0.01)
    try:
        yield
    finally:
        state.should_stop = 0
        thread.join(60)
        state.should_stop = None


def _until_stopped(controller: WorkController) -> None:
    try:
        controller.start()
    except WorkerShutdown:
        return
