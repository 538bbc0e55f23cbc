"""The door of the API: whose key, how fast, how large, in which form; asked before anything of a
body is read.

Bearer tokens alone: a cookie means nothing here, so that no page of anybody can ask with somebody's
session.
"""

import hashlib
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from foundation.db.database import OpenScope
from foundation.errors import Refused
from foundation.i18n.translation import Message
from generators.containers.still_images import MAX_PICTURE_BYTES
from schedules.imports.csv_rows import MAX_BYTES
from tenants.api_keys import keys
from tenants.auth import failed_attempts
from web.api.common import rate_limits
from web.api.common.errors import DATABASE_AWAY_ERRORS, ApiError, unavailable_response
from web.api.common.rate_limits import ApiRateLimits
from web.api.common.strict_json import check_json

MAX_JSON_BYTES = 1024 * 1024
"""Bytes: a post of 25 parts whose every character is escaped stays below."""

MAX_BYTES_IN_PROCESS = 2 * MAX_PICTURE_BYTES
"""Bytes of files that lie in one process at once: programs are many, and its memory is one."""


@dataclass(frozen=True)
class BodyRule:
    """What a body has to be: its media types, its most bytes, and the code of the refusal of
    another type."""

    kinds: frozenset[str]
    most: int
    other: str


JSON_BODY = BodyRule(frozenset({"application/json"}), MAX_JSON_BYTES, "api.not_json")
MEDIA_TYPES = frozenset(
    {
        *(
            "application/octet-stream",
            "image/jpeg",
            "image/png",
            "image/webp",
            "video/mp4",
            "video/x-m4v",
        ),
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

FILE_BODIES: Mapping[tuple[str, str], BodyRule] = {
    ("POST", "/imports"): BodyRule(frozenset({"text/csv"}), MAX_BYTES, "api.not_csv"),
    ("POST", "/uploads"): BodyRule(MEDIA_TYPES, MAX_PICTURE_BYTES, "api.not_media"),
}
"""What takes another form than JSON, by method and path."""

PUBLIC_PATHS = frozenset({"/openapi.json"})
"""Read without a key: it says what the API is, and nothing of anybody."""

JSON_RPC_PATH = "/mcp"
"""Assistants are answered by errors of JSON-RPC there."""

NO_STORE_HEADERS = {"cache-control": "no-store"}

AsgiMessage = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[AsgiMessage]]
Send = Callable[[AsgiMessage], Awaitable[None]]
App = Callable[[MutableMapping[str, Any], Receive, Send], Awaitable[None]]


class CallerKey(Protocol):
    """Whose key was shown, by what it is counted."""

    @property
    def tenant_id(self) -> UUID: ...

    @property
    def key_id(self) -> UUID: ...


@dataclass(frozen=True)
class AdmittedRequest:
    """A request that was let in: who asks, and the digest of what: method, address, condition and
    body."""

    entered: Any
    """A `Shown`, of the kind of its door."""
    digest: str


class KeyLookup(Protocol):
    """Whose key a secret is; None for nobody's. Raises Refused for an address that tried too
    many."""

    def __call__(self, tenant: OpenScope, secret: str, *, address: str) -> CallerKey | None: ...


@dataclass(frozen=True)
class KeySpace:
    """The keys a door takes, and under which name an agency's requests are counted together."""

    enter: KeyLookup
    together: str


API_KEY_SPACE = KeySpace(keys.authenticate_key, "agency")


class UploadBudget:
    """Counts the bytes of files that lie in this process, in its one event loop: so nothing is
    locked.

    What is counted is what came, not what was declared: who says much and sends nothing takes no
    place.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._lies = 0

    def reserve(self, size: int) -> None:
        """Raises ApiRefused (503) where no place is left; then nothing was taken."""
        if self._lies + size > self._most:
            raise ApiError(503, Message("api.full"), headers={"retry-after": "5"})
        self._lies += size

    def release(self, size: int) -> None:
        """So much was let go."""
        self._lies -= size


class RequestBody:
    """The body of one request while it is read and used; `data` once it is whole. A file counts at
    the desk."""

    def __init__(self, request: Request, form: BodyRule, desk: UploadBudget | None) -> None:
        self._request = request
        self._form = form
        self._desk = desk
        self._held = 0
        self.data = b""

    @property
    def is_json(self) -> bool:
        """Return True if a route parses it as JSON."""
        return self._form is JSON_BODY and bool(self.data)

    async def read(self) -> None:
        """At most so many bytes, whatever its declared length says. Raises ApiRefused."""
        headers = self._request.headers
        form = self._form
        too_large = ApiError(413, Message("api.too_large", {"most": form.most}))
        declared = headers.get("content-length", "0")
        if not declared.isdigit() or int(declared[:20]) > form.most:
            raise too_large
        data = bytearray()
        async for chunk in self._request.stream():
            if len(data) + len(chunk) > form.most:
                raise too_large
            if self._desk is not None:
                self._desk.reserve(len(chunk))
                self._held += len(chunk)
            data += chunk
        kind = headers.get("content-type", "").partition(";")[0].strip().lower()
        if data and kind not in form.kinds:
            raise ApiError(415, Message(form.other))
        self.data = bytes(data)

    def release(self) -> None:
        """It is answered."""
        if self._desk is not None:
            self._desk.release(self._held)
        self._held = 0
        self.data = b""


class AdmissionMiddleware:
    """Lets requests in to `app`, which finds an `Asked` in its state.

    `files` says what takes another form than JSON, `most` how many bytes of files lie here at once,
    `opens` whose keys it takes.
    """

    def __init__(
        self,
        app: App,
        tenant: OpenScope,
        *,
        limits: ApiRateLimits,
        files: Mapping[tuple[str, str], BodyRule] = FILE_BODIES,
        most: int = MAX_BYTES_IN_PROCESS,
        opens: KeySpace = API_KEY_SPACE,
    ) -> None:
        self._app = app
        self._tenant = tenant
        self._limits = limits
        self._opens = opens
        self._files = files
        self._desk = UploadBudget(most)

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            return
        request = Request(scope, receive)
        if _api_path(scope) in PUBLIC_PATHS:
            await self._app(scope, receive, send)
            return
        form = self._files.get((request.method, _api_path(scope)))
        body = (
            RequestBody(request, JSON_BODY, None)
            if form is None
            else RequestBody(request, form, self._desk)
        )
        try:
            await self._serve_request(request, body, receive, send)
        finally:
            body.release()

    async def _serve_request(
        self, request: Request, body: RequestBody, receive: Receive, send: Send
    ) -> None:
        scope = request.scope
        headers = dict[str, str]()
        try:
            entered = await run_in_threadpool(self._authenticate_key, request)
            headers = await run_in_threadpool(self._count_key_request, entered)
            await body.read()
            if body.is_json and _api_path(scope) != JSON_RPC_PATH:
                await run_in_threadpool(check_json, body.data)
        except DATABASE_AWAY_ERRORS:
            await unavailable_response()(
                scope, receive, _add_response_headers(send, NO_STORE_HEADERS)
            )
            return
        except ApiError as refused:
            await refused.response()(
                scope, receive, _add_response_headers(send, {**headers, **NO_STORE_HEADERS})
            )
            return
        digest = await run_in_threadpool(_request_digest, request, body.data)
        scope.setdefault("state", {})["asked"] = AdmittedRequest(entered, digest)
        await self._app(
            scope,
            _replay_body(body.data),
            _add_response_headers(send, {**headers, **NO_STORE_HEADERS}),
        )

    def _authenticate_key(self, request: Request) -> CallerKey:
        scheme, _, secret = request.headers.get("authorization", "").partition(" ")
        address = request.client.host if request.client else ""
        try:
            bearer = scheme.lower() == "bearer"
            found = (
                self._opens.enter(self._tenant, secret.strip(), address=address) if bearer else None
            )
        except Refused as many:
            wait = str(int(failed_attempts.FAILURE_WINDOW.total_seconds()))
            raise ApiError(429, many.message, headers={"retry-after": wait}) from many
        if found is None:
            raise ApiError(
                401, Message("api.no_key"), headers={"www-authenticate": 'Bearer realm="greenroom"'}
            )
        return found

    def _count_key_request(self, entered: CallerKey) -> dict[str, str]:
        return rate_limits.count_key_request(
            self._tenant,
            self._limits,
            tenant_id=entered.tenant_id,
            key_id=entered.key_id,
            together=self._opens.together,
        )


def _request_digest(request: Request, body: bytes) -> str:
    parts = (
        request.method,
        request.url.path,
        request.url.query,
        request.headers.get("if-match", ""),
    )
    found = hashlib.sha256("\n".join(parts).encode() + b"\n")
    found.update(body)  # not joined to the rest: a film is not copied for it
    return found.hexdigest()


def _api_path(scope: Mapping[str, Any]) -> str:
    """Below `/v1`."""
    return str(scope["path"]).removeprefix(scope.get("root_path", ""))


def _replay_body(body: bytes) -> Receive:
    """The body once more, for the app."""
    waiting = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> AsgiMessage:
        return waiting.pop() if waiting else {"type": "http.disconnect"}

    return receive


def _add_response_headers(send: Send, headers: Mapping[str, str]) -> Send:
    pairs = [(name.encode(), value.encode()) for name, value in headers.items()]

    async def answer(message: AsgiMessage) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message["headers"], *pairs]
        await send(message)

    return answer
