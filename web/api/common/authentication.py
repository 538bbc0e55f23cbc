"""Authentication of API requests: key, rate limit, body size and media type.

The key and the rate limit are checked before the body is read. Only bearer tokens are accepted.
Cookies are ignored, so that other sites cannot make requests with a member's session.
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
"""Maximum bytes of a JSON body. A post of 25 parts in which all characters are escaped is smaller.
"""

MAX_BYTES_IN_PROCESS = 2 * MAX_PICTURE_BYTES
"""Maximum bytes of uploads that one process holds in memory at a time."""


@dataclass(frozen=True)
class BodyRule:
    """The requirements for a request body: media types, maximum bytes, and the error code for
    another media type."""

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
"""Accepted media types of uploads. The actual type is detected from the bytes."""

FILE_BODIES: Mapping[tuple[str, str], BodyRule] = {
    ("POST", "/imports"): BodyRule(frozenset({"text/csv"}), MAX_BYTES, "api.not_csv"),
    ("POST", "/uploads"): BodyRule(MEDIA_TYPES, MAX_PICTURE_BYTES, "api.not_media"),
}
"""Body rules of routes that do not accept JSON, by method and path."""

PUBLIC_PATHS = frozenset({"/openapi.json"})
"""Paths that need no API key. They contain no tenant data."""

JSON_RPC_PATH = "/mcp"
"""Path on which invalid JSON is answered with JSON-RPC errors."""

NO_STORE_HEADERS = {"cache-control": "no-store"}

AsgiMessage = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[AsgiMessage]]
Send = Callable[[AsgiMessage], Awaitable[None]]
App = Callable[[MutableMapping[str, Any], Receive, Send], Awaitable[None]]


class CallerKey(Protocol):
    """The key of a request, with the IDs under which its requests are counted."""

    @property
    def tenant_id(self) -> UUID: ...

    @property
    def key_id(self) -> UUID: ...


@dataclass(frozen=True)
class AdmittedRequest:
    """An authenticated request. `digest` covers its method, URL, If-Match header and body."""

    entered: Any
    """The caller's key, of the type that the API's key lookup returns."""
    digest: str


class KeyLookup(Protocol):
    """A function that returns the key of a secret, or None for an unknown one. Raises Refused if
    the IP address had too many failed attempts."""

    def __call__(self, tenant: OpenScope, secret: str, *, address: str) -> CallerKey | None: ...


@dataclass(frozen=True)
class KeySpace:
    """The keys that an API accepts, and the name under which all requests of a tenant are
    counted."""

    enter: KeyLookup
    together: str


API_KEY_SPACE = KeySpace(keys.authenticate_key, "agency")


class UploadBudget:
    """Counts the bytes of uploads that this process holds.

    It runs in a single event loop and needs no lock. It counts received bytes, not the declared
    length, so that a client cannot occupy the budget without sending data.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._lies = 0

    def reserve(self, size: int) -> None:
        """Reserve bytes. Raises ApiError (503) if the budget is exhausted; then nothing is
        reserved."""
        if self._lies + size > self._most:
            raise ApiError(503, Message("api.full"), headers={"retry-after": "5"})
        self._lies += size

    def release(self, size: int) -> None:
        """Release reserved bytes."""
        self._lies -= size


class RequestBody:
    """The body of a request. `data` is complete after `read`. Uploads are counted in the upload
    budget."""

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
        """Read the body. Raises ApiError if it is too large, whatever its declared length, or has a
        wrong media type."""
        headers = self._request.headers
        form = self._form
        too_large = ApiError(413, Message("api.too_large", {"most": form.most}))
        declared = headers.get("content-length", "0")
        # The slice keeps int() below its limit of 4,300 digits.
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
        """Drop the body and release its bytes, after the response is sent."""
        if self._desk is not None:
            self._desk.release(self._held)
        self._held = 0
        self.data = b""


class AdmissionMiddleware:
    """ASGI middleware that authenticates requests and adds an `AdmittedRequest` to their state.

    `files` are the body rules of routes that do not accept JSON, `most` is the maximum of upload
    bytes in memory, and `opens` are the accepted keys.
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
            # The MCP server rejects invalid JSON itself.
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
        # Hashing a large upload would block the event loop.
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
    found.update(body)  # not joined with the rest, so that a video is not copied
    return found.hexdigest()


def _api_path(scope: Mapping[str, Any]) -> str:
    """Return the path below `/v1`."""
    return str(scope["path"]).removeprefix(scope.get("root_path", ""))


def _replay_body(body: bytes) -> Receive:
    """Return an ASGI channel that delivers the body that was already read."""
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
