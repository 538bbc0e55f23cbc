"""The door of the API: whose key, how fast, how large, in which form; asked before anything of a body is read.

Bearer tokens alone: a cookie means nothing here, so that no page of anybody can ask with somebody's session.
"""

import hashlib
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from foundation.database import OpenScope
from foundation.errors import Refused
from foundation.words import Message
from generators.containers import MOST_BYTES
from schedules.imports_rows import MAX_BYTES
from tenants import failures, keys
from web import api_limits
from web.api_errors import AWAY, ApiRefused, away
from web.api_limits import Limits

MAX_BODY = 1024 * 1024
"""Bytes: a post of 25 parts whose every character is escaped stays below."""

MOST_AT_ONCE = 2 * MOST_BYTES
"""Bytes of files that lie in one process at once: programs are many, and its memory is one."""


@dataclass(frozen=True)
class Form:
    """What a body has to be: its media types, its most bytes, and the code of the refusal of another type."""

    kinds: frozenset[str]
    most: int
    other: str


JSON = Form(frozenset({"application/json"}), MAX_BODY, "api.not_json")
MEDIA = frozenset(
    {
        *("application/octet-stream", "image/jpeg", "image/png", "image/webp", "video/mp4", "video/x-m4v"),
        *(
            "image/heic",
            "image/heif",
            "image/avif",
            "image/gif",
            "video/quicktime",
            "video/webm",
            "audio/mp4",
            "audio/x-m4a",
            "audio/ogg",
        ),
    }
)
"""Types under which a picture, a film or a sound may come; which it is, its bytes say."""

FILES: Mapping[tuple[str, str], Form] = {
    ("POST", "/imports"): Form(frozenset({"text/csv"}), MAX_BYTES, "api.not_csv"),
    ("POST", "/uploads"): Form(MEDIA, MOST_BYTES, "api.not_media"),
}
"""What takes another form than JSON, by method and path."""

OPEN = frozenset({"/openapi.json"})
"""Read without a key: it says what the API is, and nothing of anybody."""

UNKEPT = {"cache-control": "no-store"}

Sent = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Sent]]
Send = Callable[[Sent], Awaitable[None]]
App = Callable[[MutableMapping[str, Any], Receive, Send], Awaitable[None]]


class Shown(Protocol):
    """Whose key was shown, by what it is counted."""

    @property
    def tenant_id(self) -> UUID: ...

    @property
    def key_id(self) -> UUID: ...


@dataclass(frozen=True)
class Asked:
    """A request that was let in: who asks, and the digest of what: method, address, condition and body."""

    entered: Any
    """A `Shown`, of the kind of its door."""
    digest: str


class Enter(Protocol):
    """Whose key a secret is; None for nobody's. Raises Refused for an address that tried too many."""

    def __call__(self, tenant: OpenScope, secret: str, *, address: str) -> Shown | None: ...


@dataclass(frozen=True)
class Keys:
    """The keys a door takes, and under which name an agency's requests are counted together."""

    enter: Enter
    together: str


PROGRAMS = Keys(keys.enter, "agency")


class Desk:
    """Counts the bytes of files that lie in this process, in its one event loop: so nothing is locked.

    What is counted is what came, not what was declared: who says much and sends nothing takes no place.
    """

    def __init__(self, most: int) -> None:
        self._most, self._lies = most, 0

    def take(self, size: int) -> None:
        """Raises ApiRefused (503) where no place is left; then nothing was taken."""
        if self._lies + size > self._most:
            raise ApiRefused(503, Message("api.full"), headers={"retry-after": "5"})
        self._lies += size

    def give(self, size: int) -> None:
        """So much was let go."""
        self._lies -= size


class Body:
    """The body of one request while it is read and used; `data` once it is whole. A file counts at the desk."""

    def __init__(self, request: Request, form: Form, desk: Desk | None) -> None:
        self._request, self._form, self._desk = request, form, desk
        self._held, self.data = 0, b""

    async def read(self) -> None:
        """At most so many bytes, whatever its declared length says. Raises ApiRefused."""
        headers, form = self._request.headers, self._form
        too_large = ApiRefused(413, Message("api.too_large", {"most": form.most}))
        declared = headers.get("content-length", "0")
        if not declared.isdigit() or int(declared[:20]) > form.most:
            raise too_large
        data = bytearray()
        async for chunk in self._request.stream():
            if len(data) + len(chunk) > form.most:
                raise too_large
            if self._desk is not None:
                self._desk.take(len(chunk))
                self._held += len(chunk)
            data += chunk
        kind = headers.get("content-type", "").partition(";")[0].strip().lower()
        if data and kind not in form.kinds:
            raise ApiRefused(415, Message(form.other))
        self.data = bytes(data)

    def let_go(self) -> None:
        """It is answered."""
        if self._desk is not None:
            self._desk.give(self._held)
        self._held, self.data = 0, b""


class Admission:
    """Lets requests in to `app`, which finds an `Asked` in its state.

    `files` says what takes another form than JSON, `most` how many bytes of files lie here at once, `opens` whose keys
    it takes.
    """

    def __init__(
        self,
        app: App,
        tenant: OpenScope,
        *,
        limits: Limits,
        files: Mapping[tuple[str, str], Form] = FILES,
        most: int = MOST_AT_ONCE,
        opens: Keys = PROGRAMS,
    ) -> None:
        self._app, self._tenant, self._limits, self._opens = app, tenant, limits, opens
        self._files, self._desk = files, Desk(most)

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            return
        request = Request(scope, receive)
        if _path(scope) in OPEN:
            await self._app(scope, receive, send)
            return
        form = self._files.get((request.method, _path(scope)))
        body = Body(request, JSON, None) if form is None else Body(request, form, self._desk)
        try:
            await self._serve(request, body, receive, send)
        finally:
            body.let_go()

    async def _serve(self, request: Request, body: Body, receive: Receive, send: Send) -> None:
        scope, headers = request.scope, dict[str, str]()
        try:
            entered = await run_in_threadpool(self._enter, request)
            headers = await run_in_threadpool(self._take, entered)
            await body.read()
        except AWAY:
            await away()(scope, receive, _dressed(send, UNKEPT))
            return
        except ApiRefused as refused:
            await refused.response()(scope, receive, _dressed(send, {**headers, **UNKEPT}))
            return
        digest = await run_in_threadpool(_digest, request, body.data)
        scope.setdefault("state", {})["asked"] = Asked(entered, digest)
        await self._app(scope, _said(body.data), _dressed(send, {**headers, **UNKEPT}))

    def _enter(self, request: Request) -> Shown:
        scheme, _, secret = request.headers.get("authorization", "").partition(" ")
        address = request.client.host if request.client else ""
        try:
            bearer = scheme.lower() == "bearer"
            found = self._opens.enter(self._tenant, secret.strip(), address=address) if bearer else None
        except Refused as many:
            wait = str(int(failures.WINDOW.total_seconds()))
            raise ApiRefused(429, many.message, headers={"retry-after": wait}) from many
        if found is None:
            raise ApiRefused(401, Message("api.no_key"), headers={"www-authenticate": 'Bearer realm="greenroom"'})
        return found

    def _take(self, entered: Shown) -> dict[str, str]:
        return api_limits.take(
            self._tenant,
            self._limits,
            tenant_id=entered.tenant_id,
            key_id=entered.key_id,
            together=self._opens.together,
        )


def _digest(request: Request, body: bytes) -> str:
    parts = (request.method, request.url.path, request.url.query, request.headers.get("if-match", ""))
    found = hashlib.sha256("\n".join(parts).encode() + b"\n")
    found.update(body)  # not joined to the rest: a film is not copied for it
    return found.hexdigest()


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
