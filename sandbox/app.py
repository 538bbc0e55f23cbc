"""The sandbox application: a test network of the installation that behaves like a platform,
including its failures.

`api` is the API with its rules, `control` the control API, `fan_actions` contains the actions of
fans and `pages` the HTML pages. Faults are described in `foundation/ops/fault_injection.py`. The
sandbox imports no other package than `foundation` and does not use PostgreSQL.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from starlette.responses import Response
from starlette.types import ASGIApp

from foundation.ops.clock import wall_now
from foundation.ops.fault_injection import FaultBook, FaultyNetwork
from sandbox import api, comments, control, edits, fan_actions, pages
from sandbox.store import SandboxRefusal, SandboxStore

SCRIPT_SECONDS = 0.2
"""Interval at which due steps of scripts are performed."""


def create_sandbox_app(
    database: Path,
    *,
    latency_ms: int = 0,
    clock: Callable[[], datetime] = wall_now,
    bell: api.UpdateBell | None = None,
) -> ASGIApp:
    """Return the application for a SQLite file. `latency_ms` delays every API request; `bell` wakes
    requests that wait for updates."""
    app = FastAPI(
        title="Sandbox", docs_url=None, redoc_url=None, openapi_url=None, lifespan=_lifespan
    )
    app.state.store = SandboxStore(database, clock)
    app.state.book = FaultBook(database, clock)
    app.state.bell = bell or api.UpdateBell()
    app.add_exception_handler(SandboxRefusal, _handle_refusal)
    for part in (api, edits, control, comments, pages):
        app.include_router(part.router)
    return FaultyNetwork(app, book=app.state.book, call_of=api.request_kind, latency_ms=latency_ms)


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
        if fan_actions.has_waiting_scripts(app.state.store) and fan_actions.run_due_scripts(
            app.state.store
        ):
            app.state.bell.ring()


async def _handle_refusal(request: Request, error: Exception) -> Response:
    if not isinstance(error, SandboxRefusal):
        raise error
    if request.url.path.startswith(("/api/", "/control/")):
        return JSONResponse(error.body, error.status)
    return pages.error_page(request, error.status)
