"""A stateful fake of Yoti's age verification: it creates sessions, enforces their rules, and fails
on request.

It responds as https://developers.yoti.com/age-verification/results describes, and on request with
more personal data than the caller may store.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from connectors.conformance.fake_servers import AdjustableClock, serve_app
from foundation.ids import uuid7

PERSONAL = {
    "date_of_birth": "1990-07-14",
    "full_name": "Camille Marqueur",
    "document_number": "DOC-MARKER-42",
    "face": "FACE-MARKER-BASE64",
    "age": 36,
    "doc_scan": {"threshold": 18, "date_of_birth": "1990-07-14"},
    "evidence_id": "4786ecb7-c10c-4037-9947-aaa6507e7414",
}
"""Personal data that a response may contain and that must not be stored."""

LEAKS = ("1990-07-14", "Camille Marqueur", "DOC-MARKER-42", "FACE-MARKER")


@dataclass
class Session:
    """An age verification session."""

    id: str
    sdk_id: str
    asked: dict[str, Any]
    until: datetime
    status: str = "PENDING"
    method: str = ""
    calls: int = 0


@dataclass
class YotiState:
    """The provider's state: API keys of customers by SDK ID, and sessions."""

    clock: AdjustableClock = field(default_factory=AdjustableClock)
    keys: dict[str, str] = field(default_factory=dict)
    sessions: dict[str, Session] = field(default_factory=dict)
    tells_too_much: bool = True
    broken: int = 0
    """Number of next requests that are answered with 503."""
    lost: int = 0
    """Number of next requests that are processed but whose connection is closed without a response.
    """
    hangs: int = 0
    """Number of next requests that are never answered."""
    slow: int = 0
    """Number of next reads that report "pending" regardless of the actual status."""
    same_session: bool = False
    """True if every new session has the ID of the previous one."""
    swapped: str = ""
    """Reference that every result contains instead of the correct one."""
    requests: int = 0

    def customer(self, *, sdk_id: str = "", key: str = "key-marker") -> tuple[str, str]:
        """Register a customer and return its SDK ID and API key."""
        known = sdk_id or str(uuid7())
        self.keys[known] = key
        return known, key

    def session(self, reference: str) -> Session:
        """Return the latest session of a check of ours."""
        return [
            one for one in self.sessions.values() if one.asked.get("reference_id") == reference
        ][-1]

    def finish(self, session: Session, status: str = "COMPLETE", method: str = "DOC_SCAN") -> None:
        """Finish the session as its viewer."""
        session.status, session.method = status, method

    def call(self, session: Session, body: dict[str, Any] | None = None) -> int:
        """Send the callback to the customer, any number of times. Return the status of the
        response."""
        session.calls += 1
        told = {
            "session_key": session.id,
            "state": session.status,
            "signature": "c2ln",
            "sequence_number": 1,
        }
        return httpx.post(
            session.asked["notification_url"], json=body or (PERSONAL | told)
        ).status_code


class _Faults:
    """Middleware that drops responses and hangs, which a route cannot do."""

    def __init__(self, app: ASGIApp, world: YotiState) -> None:
        self._app, self._world = app, world

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        self._world.requests += 1
        if self._world.hangs:
            self._world.hangs -= 1
            while (await receive())["type"] != "http.disconnect":
                pass
            return
        if self._world.lost:
            self._world.lost -= 1

            async def nowhere(message: Any) -> None:
                return

            await self._app(scope, receive, nowhere)
            raise ConnectionResetError
        await self._app(scope, receive, send)


def app(world: YotiState) -> ASGIApp:
    """Return the app for `world`."""

    def known(request: Request) -> Response | str:
        sdk_id = request.headers.get("yoti-sdk-id", "")
        if world.broken:
            world.broken -= 1
            return JSONResponse({"message": "unavailable"}, 503)
        if sdk_id not in world.keys:
            return JSONResponse({"message": "unknown sdk id"}, 401)
        if request.headers.get("authorization") != f"Bearer {world.keys[sdk_id]}":
            return JSONResponse({"message": "incorrect api key"}, 403)
        return sdk_id

    async def begin(request: Request) -> Response:
        sdk_id = known(request)
        if isinstance(sdk_id, Response):
            return sdk_id
        asked = await request.json()
        ttl = asked.get("ttl")
        if asked.get("type") != "OVER" or not isinstance(ttl, int) or not 60 <= ttl <= 2592000:
            return JSONResponse({"message": "missing field"}, 400)
        first = next(reversed(world.sessions), "")
        made = first if world.same_session and first else str(uuid7())
        until = world.clock() + timedelta(seconds=ttl)
        world.sessions[made] = Session(made, sdk_id, asked, until)
        said = {"id": made, "status": "PENDING", "expires_at": until.astimezone(UTC).isoformat()}
        return JSONResponse(said | (PERSONAL if world.tells_too_much else {}), 201)

    async def result(request: Request) -> Response:
        sdk_id = known(request)
        if isinstance(sdk_id, Response):
            return sdk_id
        session = world.sessions.get(request.path_params["id"])
        if session is None or session.sdk_id != sdk_id:
            return JSONResponse({"message": "session not found"}, 404)
        if session.status == "PENDING" and world.clock() >= session.until:
            session.status = "EXPIRED"
        status = session.status
        if world.slow:
            world.slow, status = world.slow - 1, "IN_PROGRESS"
        said: dict[str, Any] = {
            "id": session.id,
            "sdk_id": sdk_id,
            "status": status,
            "reference_id": world.swapped or session.asked.get("reference_id", ""),
        }
        if status == "COMPLETE":
            said["method"] = session.method
        return JSONResponse(said | (PERSONAL if world.tells_too_much else {}))

    routes = [
        Route("/api/v1/sessions", begin, methods=["POST"]),
        Route("/api/v1/sessions/{id}/result", result, methods=["GET"]),
    ]
    return _Faults(Starlette(routes=routes), world)


@dataclass(frozen=True)
class RunningYoti:
    """The fake with its URL."""

    url: str
    world: YotiState

    def clear(self) -> None:
        """Reset the state."""
        fresh: Callable[[], YotiState] = YotiState
        self.world.__dict__.update(fresh().__dict__)


@contextmanager
def provider() -> Iterator[RunningYoti]:
    """Run the provider."""
    world = YotiState()
    with serve_app(app(world)) as url:
        yield RunningYoti(url, world)
