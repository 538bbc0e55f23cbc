"""The sandbox: a test network of the installation's own, which behaves like a platform on good days and on bad ones.

API and rules: `sandbox_api`. Faults on demand: `foundation/faults.py`. Control side: `sandbox_control`. What fans do:
`sandbox_fans`. Pages for people: `sandbox_pages`. It knows nothing of the house and reads no PostgreSQL.
"""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path

import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from starlette.responses import Response
from starlette.types import ASGIApp

from foundation.clock import wall_now
from foundation.faults import Book, FaultyNetwork, config
from foundation.settings import Settings
from workers import door, sandbox_api, sandbox_control, sandbox_fans, sandbox_pages, sandbox_remarks, sandbox_words
from workers.sandbox_store import Refusal, Store
from workers.serving import Announced

SCRIPT_SECONDS = 0.2
"""How often fans who act by a script are looked at."""


def create(
    database: Path,
    *,
    latency_ms: int = 0,
    clock: Callable[[], datetime] = wall_now,
    bell: sandbox_api.Bell | None = None,
) -> ASGIApp:
    """The sandbox on its SQLite file; `latency_ms` is how long every API request takes; `bell` wakes who waits."""
    app = FastAPI(title="Sandbox", docs_url=None, redoc_url=None, openapi_url=None, lifespan=_lifespan)
    app.state.store, app.state.book = Store(database, clock), Book(database, clock)
    app.state.bell = bell or sandbox_api.Bell()
    app.add_exception_handler(Refusal, _refuse)
    for part in (sandbox_api, sandbox_words, sandbox_control, sandbox_remarks, sandbox_pages):
        app.include_router(part.router)
    return FaultyNetwork(app, book=app.state.book, call_of=sandbox_api.call_of, latency_ms=latency_ms)


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    playing = asyncio.create_task(_play_scripts(app))
    try:
        yield
    finally:
        playing.cancel()
        app.state.store.close()
        app.state.book.close()


async def _play_scripts(app: FastAPI) -> None:
    while True:
        await asyncio.sleep(SCRIPT_SECONDS)
        if sandbox_fans.waiting(app.state.store) and sandbox_fans.play(app.state.store):
            app.state.bell.ring()


async def _refuse(request: Request, error: Exception) -> Response:
    if not isinstance(error, Refusal):
        raise error
    if request.url.path.startswith(("/api/", "/control/")):
        return JSONResponse(error.body, error.status)
    return sandbox_pages.sorry(request, error.status)


class Network(Announced):
    """A server of the sandbox: who waits for updates when it closes is answered, not cut off."""

    def __init__(self, configured: uvicorn.Config, bell: sandbox_api.Bell) -> None:
        super().__init__(configured)
        self._bell = bell

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Answer those who wait, then close."""
        self._bell.close()
        await super().shutdown(sockets)


def main(settings: Settings) -> None:
    """Serve the sandbox of this installation until SIGTERM; what it keeps lies in `<home>/sandbox.sqlite`."""
    settings.home.mkdir(parents=True, exist_ok=True)
    bell = sandbox_api.Bell()
    app = create(settings.home / "sandbox.sqlite", latency_ms=settings.sandbox.latency_ms, bell=bell)
    host, port = settings.sandbox.host, settings.sandbox.port
    Network(config(app, host, port), bell).run(sockets=[door.listening(host, port)])
