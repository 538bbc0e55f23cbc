"""The webhook server in the listener process. It checks the secret, stores the body, then responds
with 200."""

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
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from connectors.platforms.meta import webhooks
from foundation.http.request_bodies import read_body
from foundation.ops import telemetry
from workers.listeners.polling import AccountListener
from workers.listeners.webhooks.account_listener import WebhookListener
from workers.listeners.webhooks.age_providers import AcceptAgeWebhook
from workers.listeners.webhooks.app_webhooks import AppWebhooks
from workers.listeners.webhooks.meta import MetaWebhooks
from workers.runtime import listening_socket
from workers.runtime.asgi_server import server_config

MAX_BODY_BYTES = 1024 * 1024
"""Maximum size of a call. An update has some kilobytes; Meta sends up to a thousand changes in one
call."""

MAX_SIGNED_BODY_BYTES = 256 * 1024
"""Maximum size of a call to an application. An event contains IDs and short texts, and all of it is
signed."""

log = telemetry.get_logger("workers.listeners.webhooks.server")


def create_webhook_app(
    find: Callable[[UUID], AccountListener | None],
    age_called: AcceptAgeWebhook,
    calls: AppWebhooks | None = None,
    house: MetaWebhooks | None = None,
) -> Starlette:
    """Return the ASGI app for webhooks.

    Routes: `POST /hooks/<platform>/<account>`; for an agency's application (`calls`) `POST
    /hooks/<platform>/<tenant>/<application>`; for Meta (`house`) `/hooks/meta`; and calls of age
    verification providers.
    """

    async def called(request: Request) -> Response:
        ear = _find_webhook_listener(request, find)
        if ear is None:
            return Response(status_code=404)
        shown = request.headers.get(ear.connector.hook_header, "")
        if not hmac.compare_digest(shown.encode(), ear.secret.encode()):
            return Response(status_code=401)
        body = await _read_json(request)
        if body is None:
            return Response(status_code=400)
        try:
            kept = await run_in_threadpool(ear.accept_call, body)
        except Exception as error:
            log.error(
                "hooks.not_kept",
                error=telemetry.describe_error(error),
                at=telemetry.error_location(error),
            )
            kept = False
        return Response(status_code=200 if kept else 503)

    async def signed(request: Request) -> Response:
        return await _accept_signed_call(request, calls)

    return Starlette(
        routes=[
            *_of_meta(house),
            _of_age(age_called),
            Route("/hooks/{platform}/{channel}", called, methods=["POST"]),
            Route("/hooks/{platform}/{tenant}/{application}", signed, methods=["POST"]),
        ]
    )


async def _accept_signed_call(request: Request, calls: AppWebhooks | None) -> Response:
    given = request.path_params
    shown = (
        request.headers.get(calls.signature_header(given["platform"]), "")
        if calls is not None
        else ""
    )
    if calls is None or not shown:
        return Response(status_code=401)
    body = await read_body(request.stream(), max_bytes=MAX_SIGNED_BODY_BYTES)
    if body is None:
        return Response(status_code=413)
    try:
        ids = UUID(given["tenant"]), UUID(given["application"])
    except ValueError:
        return Response(status_code=401)
    try:
        return Response(
            status_code=await run_in_threadpool(
                calls.accept_call, given["platform"], *ids, shown, body
            )
        )
    except Exception as error:
        log.error(
            "hooks.call_not_kept",
            error=telemetry.describe_error(error),
            at=telemetry.error_location(error),
        )
        return Response(status_code=503)


def _of_age(age_called: AcceptAgeWebhook) -> Route:
    """Return the route for calls of an age verification provider."""

    async def age(request: Request) -> Response:
        given = request.path_params
        try:
            tenant_id = UUID(given["tenant"])
            check_id = UUID(given["check"])
            kept = await run_in_threadpool(age_called, tenant_id, check_id, given["proof"])
        except ValueError:
            return Response(status_code=404)
        except Exception as error:
            log.error(
                "hooks.age_not_kept",
                error=telemetry.describe_error(error),
                at=telemetry.error_location(error),
            )
            return Response(status_code=503)
        return Response(status_code=200 if kept else 401)

    return Route("/hooks/age/{tenant}/{check}/{proof}", age, methods=["POST"])


def _of_meta(house: MetaWebhooks | None) -> list[Route]:
    """Return the routes for Meta's subscription requests and calls. Without Meta's secrets they
    respond as to an unknown caller."""

    async def proven(request: Request) -> Response:
        said = house.answer_challenge(request.query_params) if house is not None else ""
        return PlainTextResponse(said) if said else Response(status_code=403)

    async def receive_call(request: Request) -> Response:
        shown = request.headers.get(webhooks.SIGNATURE_HEADER, "")
        if house is None or not house.has_signature(shown):
            return Response(status_code=401)
        body = await read_body(request.stream(), max_bytes=MAX_BODY_BYTES)
        if body is None:
            return Response(status_code=413)
        try:
            return Response(status_code=await run_in_threadpool(house.accept_call, shown, body))
        except Exception as error:
            log.error(
                "hooks.call_not_kept",
                error=telemetry.describe_error(error),
                at=telemetry.error_location(error),
            )
            return Response(status_code=503)

    return [
        Route("/hooks/meta", proven, methods=["GET"]),
        Route("/hooks/meta", receive_call, methods=["POST"]),
    ]


def _find_webhook_listener(
    request: Request, find: Callable[[UUID], AccountListener | None]
) -> WebhookListener | None:
    try:
        ear = find(UUID(request.path_params["channel"]))
    except ValueError:
        return None
    known = (
        isinstance(ear, WebhookListener) and ear.channel.platform == request.path_params["platform"]
    )
    return cast(WebhookListener, ear) if known else None


async def _read_json(request: Request) -> Mapping[str, Any] | None:
    """Return the JSON object of a body, or None if it is invalid or too large."""
    body = await read_body(request.stream(), max_bytes=MAX_BODY_BYTES)
    try:
        read = json.loads(body.decode()) if body is not None else None
    except (ValueError, RecursionError):
        return None
    return read if isinstance(read, dict) else None


@contextmanager
def run_webhook_server(app: Starlette, host: str, port: int) -> Iterator[None]:
    """Serve the app in a thread until the block ends."""
    server = uvicorn.Server(server_config(app))
    thread = threading.Thread(
        target=server.run,
        kwargs={"sockets": [listening_socket.open_listening_socket(host, port)]},
        name="hook-door",
        daemon=True,
    )
    thread.start()
    try:
        yield
    finally:
        server.should_exit = True
        thread.join(10)
