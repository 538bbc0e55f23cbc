"""The door that platforms call at, in the listening process: the secret first, then the body, then 200."""

import hmac
import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, cast
from uuid import UUID

import uvicorn
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from foundation import telemetry
from workers import door
from workers.hooks import AgeCalled, CalledEar
from workers.listeners import Ear
from workers.serving import config

LARGEST = 1024 * 1024
"""Bytes of a call; an update is some kilobytes."""

log = telemetry.log("workers.hook_door")


def create(find: Callable[[UUID], Ear | None], age_called: AgeCalled) -> Starlette:
    """The app that platforms call, `POST /hooks/<platform>/<account>`, and providers of age checks."""

    async def age(request: Request) -> Response:
        given = request.path_params
        try:
            tenant_id, check_id = UUID(given["tenant"]), UUID(given["check"])
            kept = await run_in_threadpool(age_called, tenant_id, check_id, given["proof"])
        except ValueError:
            return Response(status_code=404)
        except Exception as error:
            log.error("hooks.age_not_kept", error=telemetry.describe(error), at=telemetry.place(error))
            return Response(status_code=503)
        return Response(status_code=200 if kept else 401)

    async def called(request: Request) -> Response:
        ear = _ear(request, find)
        if ear is None:
            return Response(status_code=404)
        shown = request.headers.get(ear.connector.hook_header, "")
        if not hmac.compare_digest(shown.encode(), ear.secret.encode()):
            return Response(status_code=401)
        body = await _json(request)
        if body is None:
            return Response(status_code=400)
        try:
            kept = await run_in_threadpool(ear.take, body)
        except Exception as error:
            log.error("hooks.not_kept", error=telemetry.describe(error), at=telemetry.place(error))
            kept = False
        return Response(status_code=200 if kept else 503)

    return Starlette(
        routes=[
            Route("/hooks/age/{tenant}/{check}/{proof}", age, methods=["POST"]),
            Route("/hooks/{platform}/{channel}", called, methods=["POST"]),
        ]
    )


def _ear(request: Request, find: Callable[[UUID], Ear | None]) -> CalledEar | None:
    try:
        ear = find(UUID(request.path_params["channel"]))
    except ValueError:
        return None
    known = isinstance(ear, CalledEar) and ear.channel.platform == request.path_params["platform"]
    return cast(CalledEar, ear) if known else None


async def _json(request: Request) -> Mapping[str, Any] | None:
    """The object of a body; None for anything else, or for more than anybody would send."""
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > LARGEST:
            return None
    try:
        read = json.loads(body.decode())
    except (ValueError, RecursionError):
        return None
    return read if isinstance(read, dict) else None


@contextmanager
def opened(find: Callable[[UUID], Ear | None], age_called: AgeCalled, host: str, port: int) -> Iterator[None]:
    """The door, open beside the listeners until the block ends."""
    server = uvicorn.Server(config(create(find, age_called)))
    thread = threading.Thread(
        target=server.run, kwargs={"sockets": [door.listening(host, port)]}, name="hook-door", daemon=True
    )
    thread.start()
    try:
        yield
    finally:
        server.should_exit = True
        thread.join(10)
