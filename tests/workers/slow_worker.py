"""A worker process whose handler takes its time: `python -m tests.workers.slow_worker DATABASE_URL REDIS_URL FILE`."""

import sys
from pathlib import Path
from typing import Any

from foundation.clock import pause
from foundation.database import Database
from tests.foundation.events import PostDue
from workers import app
from workers.dispatch import Dispatcher, Route, Routes

if __name__ == "__main__":
    database, told = Database(sys.argv[1], pool_size=2), Path(sys.argv[3])

    def slowly(event: Any) -> None:
        told.write_text("started")
        pause(2)
        told.write_text("ended")

    dispatcher = Dispatcher(Routes(Route(PostDue, slowly)), database.scope)
    app.start(app.broker(sys.argv[2], dispatcher.handle), queues=("publish",), threads=2)
