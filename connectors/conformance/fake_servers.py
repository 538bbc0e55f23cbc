"""Fake platforms: ASGI apps served by uvicorn on a free port, and an adjustable clock."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from email.utils import format_datetime

import uvicorn
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from foundation.ops.clock import monotonic, sleep, wall_now
from foundation.ops.fault_injection import fault_server_config


class AdjustableClock:
    """The system clock plus an offset that a test increases."""

    def __init__(self) -> None:
        self._moved = timedelta()

    def __call__(self) -> datetime:
        return wall_now() + self._moved

    def advance(self, seconds: float) -> None:
        """Move the clock forward."""
        self._moved += timedelta(seconds=seconds)


def _with_date_header(app: ASGIApp, clock: Callable[[], datetime]) -> ASGIApp:
    """Wrap an app so that its responses have a `date` header by `clock`."""

    async def dated(scope: Scope, receive: Receive, send: Send) -> None:
        async def say(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)["date"] = format_datetime(clock(), usegmt=True)
            await send(message)

        await app(scope, receive, say)

    return dated


@contextmanager
def serve_app(
    app: ASGIApp, *, sockets: bool = False, clock: Callable[[], datetime] | None = None
) -> Iterator[str]:
    """Serve `app` in a thread and yield its base URL. `sockets` enables WebSockets; `clock` dates
    its responses.

    The socket is reopened from its file descriptor, so that Python detects its protocol. Otherwise
    asyncio's `_set_nodelay` does not recognize TCP, and responses on kept connections wait 40 ms
    for a delayed acknowledgement.
    """
    with socket.socket(fileno=socket.create_server(("127.0.0.1", 0)).detach()) as listening:
        how = fault_server_config(
            app if clock is None else _with_date_header(app, clock), "127.0.0.1", 0
        )
        how.date_header = clock is None
        how.ws = "auto" if sockets else "none"
        server = uvicorn.Server(how)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
        thread.start()
        until = monotonic() + 10
        while not server.started:
            if monotonic() > until:
                raise TimeoutError("uvicorn never started")
            sleep(0.01)
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            server.should_exit = server.force_exit = True
            thread.join(5)
