"""A worker process with a slow handler: `python -m tests.workers.slow_worker DATABASE_URL REDIS_URL
FILE`."""

import sys
from pathlib import Path
from typing import Any

from foundation.db.database import Database
from foundation.ops.clock import sleep
from foundation.outbox import worker_registry
from foundation.outbox.worker_registry import WorkerProcess
from tests.foundation.events import PostDue
from workers.relay import celery_app
from workers.relay.dispatch import Dispatcher, EventRoute, EventRoutes

if __name__ == "__main__":
    database, told = Database(sys.argv[1], pool_size=2), Path(sys.argv[3])

    def slowly(event: Any) -> None:
        told.write_text("started")
        sleep(2)
        told.write_text("ended")

    dispatcher = Dispatcher(EventRoutes(EventRoute(PostDue, slowly)), database.scope)
    worker = WorkerProcess("slow", "send", {"publish": 2})
    with worker_registry.keep_registered(dispatcher.scope, worker) as stop:
        celery_app.run_celery_worker(
            celery_app.make_celery_app(sys.argv[2], dispatcher.handle_event),
            queues=("publish",),
            threads=2,
            on_stop=stop,
        )
