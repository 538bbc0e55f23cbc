"""The door of the API: whose key, how fast, how large, in which form; asked before anything of a body is read.

Bearer tokens alone: a cookie means nothing here, so that no page of anybody can ask with somebody's session.
"""

import hashlib
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from dataclasses import dataclass
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from foundation.database import OpenScope
from foundation.errors import Refused
from foundation.words import Message
from schedules.imports_rows import MAX_BYTES
from tenants import failures, keys
from tenants.keys import Entered
from web import api_limits
from web.api_errors import AWAY, ApiRefused, away
from web.api_limits import Limits

MAX_BODY = 1024 * 1024
"""Bytes: a post of 25 parts whose every character is escaped stays below."""

FILES: Mapping[tuple[str, str], tuple[str, int]] = {("POST", "/imports"): ("text/csv", MAX_BYTES)}
"""What takes another form than JSON, by method and path: its form, and its most bytes."""

OPEN = frozenset({"/openapi.json"})
"""Read without a key: it says what the API is, and nothing of anybody."""

UNKEPT = {"cache-control": "no-store"}

Sent = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Sent]]
Send = Callable[[Sent], Awaitable[None]]
App = Callable[[MutableMapping[str, Any], Receive, Send], Awaitable[None]]


@dataclass(frozen=True)
class Asked:
    """A request that was let in: who asks, and the digest of what: method, address, condition and body."""

    entered: Entered
    digest: str


class Admission:
    """Lets requests in to `app`, which finds an `Asked` in its state."""

    def __init__(self, app: App, tenant: OpenScope, *, limits: Limits) -> None:
        self._app, self._tenant, self._limits = app, tenant, limits

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            return
        request = Request(scope, receive)
        if _path(scope) in OPEN:
            await self._app(scope, receive, send)
            return
        headers: dict[str, str] = {}
        try:
            entered = await run_in_threadpool(self._enter, request)
            headers = await run_in_threadpool(self._take, entered)
            body = await _body(request)
        except AWAY:
            await away()(scope, receive, _dressed(send, UNKEPT))
            return
        except ApiRefused as refused:
            await refused.response()(scope, receive, _dressed(send, {**headers, **UNKEPT}))
            return
        scope.setdefault("state", {})["asked"] = Asked(entered, _digest(request, body))
        await self._app(scope, _said(body), _dressed(send, {**headers, **UNKEPT}))

    def _enter(self, request: Request) -> Entered:
        scheme, _, secret = request.headers.get("authorization", "").partition(" ")
        address = request.client.host if request.client else ""
        try:
            found = keys.enter(self._tenant, secret.strip(), address=address) if scheme.lower() == "bearer" else None
        except Refused as many:
            wait = str(int(failures.WINDOW.total_seconds()))
            raise ApiRefused(429, many.message, headers={"retry-after": wait}) from many
        if found is None:
            raise ApiRefused(401, Message("api.no_key"), headers={"www-authenticate": 'Bearer realm="greenroom"'})
        return found

    def _take(self, entered: Entered) -> dict[str, str]:
        return api_limits.take(self._tenant, self._limits, tenant_id=entered.tenant_id, key_id=entered.key_id)


def _digest(request: Request, body: bytes) -> str:
    parts = (request.method, request.url.path, request.url.query, request.headers.get("if-match", ""))
    return hashlib.sha256("\n".join(parts).encode() + b"\n" + body).hexdigest()


async def _body(request: Request) -> bytes:
    """The body, at most so many bytes, whatever its declared length says. Raises ApiRefused."""
    form, most = FILES.get((request.method, _path(request.scope)), ("application/json", MAX_BODY))
    declared = request.headers.get("content-length", "0")
    if not declared.isdigit() or int(declared[:20]) > most:
        raise ApiRefused(413, Message("api.too_large", {"most": most}))
    data = bytearray()
    async for chunk in request.stream():
        data += chunk
        if len(data) > most:
            raise ApiRefused(413, Message("api.too_large", {"most": most}))
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if data and kind != form:
        raise ApiRefused(415, Message("api.not_json" if form == "application/json" else "api.not_csv"))
    return bytes(data)


def _path(scope: Mapping[str, Any]) -> str:
    """Below `/v1`."""
    return str(scope["path"]).removeprefix(scope.get("root_path", ""))


def _said(body: bytes) -> Receive:
    """The body once more, for the app."""
    waiting = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> Sent:
        return waiting.pop() if waiting else {"type": "http.disconnect"}

    return receive


def _dressed(send: Send, headers: Mapping[str, str]) -> Send:
    pairs = [(name.encode(), value.encode()) for name, value in headers.items()]

    async def answer(message: Sent) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message["headers"], *pairs]
        await send(message)

    return answer
