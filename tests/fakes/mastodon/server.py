"""A stateful Mastodon over HTTP with injected faults, which validates requests against the
description of its API.

It reproduces behaviour of the real server that clients often get wrong: an idempotency key is
stored for an hour per account, and the key of a deleted status returns 404; media in processing
cannot be used in a status; text is trimmed, counted as displayed, and returned as HTML without
empty lines; unused media are deleted; rate limits per account report their end as a timestamp.
Requests and responses are validated against the published description if it is available
(`spec.refused`).

Not covered: two concurrent requests with one key (real servers may create two statuses), the exact
detection of links in text, the processing of pictures and videos, headers except the key and the
token, form-encoded bodies in the description, polls, quotes, boosts, filters, streams and other
servers. Limits by IP address are a switch (`ip_limited`). Sign-in uses the query:
`approve=<username>` approves, an empty value denies.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from email.parser import BytesParser
from email.policy import HTTP
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from connectors.conformance.fake_servers import AdjustableClock, serve_app
from foundation.ops.fault_injection import FaultBook, FaultyNetwork, PlatformCall
from tests.fakes.mastodon import chats, comments, limits, responses
from tests.fakes.mastodon.limits import STATUSES, Limits
from tests.fakes.mastodon.oauth import OAuth, covers
from tests.fakes.mastodon.spec import JSON, MULTIPART, Spec, load_description
from tests.fakes.mastodon.state import Json, MastodonState, Member, Refusal, Status, not_found
from tests.fakes.oauth_server import SignIn

FORM = "application/x-www-form-urlencoded"
OUTSIDE = "This action is outside the authorized scopes"


@dataclass(frozen=True)
class ParsedRequest:
    """A parsed request. `said` contains its JSON or form fields, `file` the media type and content."""

    method: str
    path: str
    parts: list[str]
    query: Mapping[str, str]
    said: Mapping[str, Any]
    file: tuple[str, bytes] | None
    token: str
    key: str
    types: list[str]


@dataclass
class FakeMastodon(MastodonState, SignIn):
    """The server's state. Tests create accounts, adjust the clock, request faults from `book`, and
    inspect the received posts."""

    spec: Spec = field(default_factory=lambda: Spec(None))
    ip_limited: bool = False
    """True if the IP address has exceeded its limit."""
    book: FaultBook = field(init=False)
    oauth: OAuth = field(init=False)
    limits: Limits = field(init=False)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.book = FaultBook(clock=self.clock)
        self.oauth = OAuth(self)
        self.limits = Limits(self.clock)

    def shown(self, status: Status) -> Json:
        """Return a status as its author receives it."""
        return responses.status(self, status, self.members[status.member])

    async def answer(self, request: Request) -> Response:
        """Answer a request."""
        body = await request.body()
        headers: dict[str, str] = {}
        try:
            headers = self._limited(request)
            asked = self._read(request, body)
            if asked.parts == ["oauth", "authorize"]:
                return self.oauth.show_page(asked.query)
            status, told, more = self._route(asked)
            self._check(asked, status, told)
        except Refusal as refusal:
            return JSONResponse(refusal.body, refusal.status, headers | refusal.headers)
        return JSONResponse(told, status, headers | more)

    def _limited(self, request: Request) -> dict[str, str]:
        """Return the rate limit headers. Raise Refusal."""
        path = request.url.path
        if not path.startswith("/api/"):
            return {}
        if self.ip_limited:
            raise self.limits.refusal(limits.API)
        known = self.oauth.known(_token(request))
        owner = known.member.id if known is not None else "address"
        return self.limits.ask(owner, limits.of(request.method, path, request.query_params))

    def _read(self, request: Request, body: bytes) -> ParsedRequest:
        """Parse and validate a request. Raise Refusal."""
        kind, said, file = _body(request.headers.get("content-type", ""), body)
        query = [
            (name, value) for name, value in request.query_params.multi_items() if name != "approve"
        ]
        judged = said if body else None
        if kind == JSON and isinstance(said, dict) and isinstance(said.get("redirect_uris"), str):
            judged = {
                **said,
                "redirect_uris": said["redirect_uris"].split(),
            }  # Servers also accept a single string.
        if kind == MULTIPART and file is not None:
            judged = {**said, "file": ""}
        trouble = self.spec.judge(
            request.method, request.url.path, query, kind if body else "", judged
        )
        if trouble == "no such path":
            raise Refusal(404, "Not Found")
        if trouble or not isinstance(said, dict):
            raise Refusal(422, f"Not as described: {trouble}")
        return ParsedRequest(
            method=request.method,
            path=request.url.path,
            parts=request.url.path.strip("/").split("/"),
            query=dict(request.query_params),
            said=said,
            file=file,
            token=_token(request),
            key=request.headers.get("idempotency-key", "").strip(),
            types=request.query_params.getlist("types[]"),
        )

    def _check(self, asked: ParsedRequest, status: int, told: Any) -> None:
        """Check the response. A violation is an error of this fake."""
        # The description has a single schema for statuses, with HTML. A deleted status has its
        # source text instead.
        judged = {"content": "", **told} if asked.method == "DELETE" else told
        self.spec.check_answer(asked.method, asked.path, status, judged)

    def _route(self, asked: ParsedRequest) -> tuple[int, Any, dict[str, str]]:
        """Return the status, JSON and additional headers. Raise Refusal."""
        match asked.method, asked.parts:
            case "GET", [".well-known", "oauth-authorization-server"]:
                return 200, self.oauth.describe_server(), {}
            case "POST", ["oauth", "token"]:
                return 200, self.oauth.exchange(asked.said), {}
            case "POST", ["oauth", "revoke"]:
                return 200, self.oauth.revoke(asked.said), {}
            case "POST", ["api", "v1", "apps"]:
                return 200, self.oauth.register_app(asked.said), {}
            case "GET", ["api", "v2", "instance"]:
                return 200, responses.instance(self), {}
            case "GET", ["api", "v1", "accounts", "verify_credentials"]:
                mine = self._member(asked, "profile", "read:accounts")
                return 200, responses.credentials(self, mine), {}
            case "GET", ["api", "v1", "accounts", _] | ["api", "v1", "conversations"]:
                return 200, self._talks(asked), {}
            case "GET", ["api", "v1", "accounts", owner, "statuses"]:
                return self._list(asked, owner)
            case _, ["api", "v1", "notifications" | "reports"] | [
                "api",
                "v1",
                "accounts",
                _,
                "block",
            ]:
                return 200, self._remarks(asked), {}
            case _, ["api", "v1" | "v2", "media", *_]:
                return self._media(asked)
            case _, ["api", "v1", "statuses", *_]:
                return self._statuses(asked)
            case _:
                raise Refusal(404, "Not Found")

    def _remarks(self, asked: ParsedRequest) -> Any:
        match asked.method, asked.parts[2:]:
            case "GET", ["notifications"]:
                mine = self._member(asked, "read:notifications")
                return comments.heard(self, mine, asked.query, asked.types)
            case "POST", ["accounts", other, "block"]:
                return comments.block(self, self._member(asked, "write:blocks"), other)
            case "POST", ["reports"]:
                return comments.report(self, self._member(asked, "write:reports"), asked.said)
            case _:
                raise Refusal(404, "Not Found")

    def _talks(self, asked: ParsedRequest) -> Any:
        if asked.parts[2] == "conversations":
            return chats.listed(self, self._member(asked, "read:statuses"), asked.query)
        self._member(asked, "read:accounts")
        return chats.account(self, asked.parts[3])

    def _media(self, asked: ParsedRequest) -> tuple[int, Any, dict[str, str]]:
        mine = self._member(asked, "write:media")
        match asked.method, asked.parts[1:]:
            case "POST", ["v2", "media"]:
                made = self.upload(mine, asked.file, asked.said)
                return (200 if made.done else 202), responses.medium(self, made), {}
            case "GET", ["v1", "media", medium]:
                status, found = self.polled(mine, medium)
                # The last poll that returns 206 completes the processing, but its response has no
                # URL yet.
                missing = {"url": None} if status == 206 else {}
                return status, responses.medium(self, found) | missing, {}
            case _:
                raise Refusal(404, "Not Found")

    def _statuses(self, asked: ParsedRequest) -> tuple[int, Any, dict[str, str]]:
        match asked.method, asked.parts[3:]:
            case "POST", []:
                mine = self._member(asked, "write:statuses")
                made = self._create(mine, asked)
                return 200, responses.status(self, made, mine), self._left(mine)
            case "GET", [status]:
                viewer = self._viewer(asked)
                return 200, responses.status(self, self.seen(status, viewer), viewer), {}
            case "POST", [status, "favourite" | "unfavourite" as act]:
                mine = self._member(asked, "write:favourites")
                found = self.seen(status, mine)
                (mine.likes.add if act == "favourite" else mine.likes.discard)(found.id)
                return 200, responses.status(self, found, mine), {}
            case "GET", [status, "source"]:
                found = self.seen(status, self._member(asked, "read:statuses"))
                return (
                    200,
                    {"id": found.id, "text": found.text, "spoiler_text": found.spoiler_text},
                    {},
                )
            case "PUT", [status]:
                mine = self._member(asked, "write:statuses")
                return (
                    200,
                    responses.status(self, self.edit(mine, status, asked.said), mine),
                    {},
                )
            case "DELETE", [status]:
                mine = self._member(asked, "write:statuses")
                gone = self.delete(
                    mine, status, media_too=asked.query.get("delete_media") in {"true", "1"}
                )
                return 200, responses.deleted(self, gone, mine), {}
            case _:
                raise Refusal(404, "Not Found")

    def _create(self, mine: Member, asked: ParsedRequest) -> Status:
        self.check_above(mine, asked.said)
        known = self.repeated(mine, asked.key)
        if known is not None:
            return known
        self.check(mine, asked.said)
        self.limits.ask(mine.id, [STATUSES])
        return self.publish(mine, asked.said, asked.key)

    def _left(self, mine: Member) -> dict[str, str]:
        """Return the headers of the limit of statuses if it has fewer requests left than the
        general one."""
        left = self.limits.left(mine.id, STATUSES)
        return (
            self.limits.headers(STATUSES, left)
            if left < self.limits.left(mine.id, limits.API)
            else {}
        )

    def _list(self, asked: ParsedRequest, owner_id: str) -> tuple[int, Any, dict[str, str]]:
        viewer, owner = self._viewer(asked), self.members.get(owner_id)
        if owner is None:
            raise not_found()
        page = self.listed(
            owner, viewer, asked.query, self.clock() - timedelta(seconds=self.book.lag_seconds(""))
        )
        links = [("next", "max_id", page[-1].id), ("prev", "min_id", page[0].id)] if page else []
        told = ", ".join(
            f'<{self.url}{asked.path}?{name}={id_}>; rel="{rel}"' for rel, name, id_ in links
        )
        return (
            200,
            [responses.status(self, one, viewer) for one in page],
            {"Link": told} if told else {},
        )

    def _viewer(self, asked: ParsedRequest) -> Member | None:
        """Return the account that reads, or None without a token. Raise Refusal."""
        return self._whose(asked, "read:statuses") if asked.token else None

    def _member(self, asked: ParsedRequest, *scopes: str) -> Member:
        """Return the active account of a token. Raise Refusal."""
        mine = self._whose(asked, *scopes)
        if mine.state != "active":
            raise Refusal(403, "Your login is currently disabled")
        return mine

    def _whose(self, asked: ParsedRequest, *scopes: str) -> Member:
        known = self.oauth.find_token(asked.token)
        if known is None:
            raise Refusal(401, "The access token is invalid")
        if known.revoked:
            raise Refusal(401, "The access token was revoked")
        if not covers(known.scopes, scopes):
            raise Refusal(403, OUTSIDE)
        return known.member


def _token(request: Request) -> str:
    kind, _, token = request.headers.get("authorization", "").partition(" ")
    return token if kind == "Bearer" else ""


def _body(content_type: str, body: bytes) -> tuple[str, Any, tuple[str, bytes] | None]:
    """Return the kind of a body, its JSON or fields, and its file. Raise Refusal."""
    kind = content_type.partition(";")[0].strip()
    if not body:
        return kind, {}, None
    if kind == MULTIPART:
        return kind, *_parts(content_type, body)
    if kind == FORM:
        fields: Json = {}
        for name, value in parse_qsl(body.decode(), keep_blank_values=True):
            if name.endswith("[]"):
                fields.setdefault(name.removesuffix("[]"), []).append(value)
            else:
                fields[name] = value
        return kind, fields, None
    try:
        return JSON, json.loads(body), None
    except ValueError as error:
        raise Refusal(400, "There was a problem in the JSON you submitted") from error


def _parts(content_type: str, body: bytes) -> tuple[Json, tuple[str, bytes] | None]:
    whole = BytesParser(policy=HTTP).parsebytes(
        b"content-type: " + content_type.encode() + b"\r\n\r\n" + body
    )
    fields: Json = {}
    file = None
    for part in whole.iter_parts():
        name, data = (
            str(part.get_param("name", header="content-disposition")),
            part.get_payload(decode=True),
        )
        assert isinstance(data, bytes)
        if name == "file" and part.get_filename() is not None:
            file = (part.get_content_type(), data)
        else:
            fields[name] = data.decode()
    return fields, file


def classify_request(method: str, path: str) -> PlatformCall | None:
    """Return the kind of a request for the fault book. Only its token names the account."""
    match method, path.strip("/").split("/"):
        case "POST", ["api", "v1", "statuses"]:
            kind = "posts"
        case "POST", ["api", "v2", "media"]:
            kind = "files"
        case "GET", ["api", "v1", "media", _]:
            kind = "polls"
        case "DELETE" | "PUT", ["api", "v1", "statuses", _]:
            kind = "deletes" if method == "DELETE" else "edits"
        case "GET", ["api", "v1", "statuses", _]:
            kind = "metrics"
        case "GET", ["api", "v1", "statuses", _, "source"] | [
            "api",
            "v1",
            "accounts",
            _,
            "statuses",
        ]:
            kind = "lookups"
        case "GET", ["api", "v1", "accounts", "verify_credentials"]:
            kind = "checks"
        case "GET", ["api", "v2", "instance"]:
            kind = "instance"
        case "GET", ["api", "v1", "notifications"]:
            kind = "remarks"
        case "POST", ["api", "v1", "accounts", _, "block"] | ["api", "v1", "reports"] | [
            "api",
            "v1",
            "statuses",
            _,
            _,
        ]:
            kind = "moderation"
        case "POST", ["oauth", "token" | "revoke"]:
            kind = "tokens"
        case _:
            kind = "other"
    return PlatformCall(method, path, "", kind)


def create_app(server: FakeMastodon) -> ASGIApp:
    """Return the app for `server`."""
    app = Starlette(
        routes=[Route("/{path:path}", server.answer, methods=["GET", "POST", "PUT", "DELETE"])]
    )
    faulty = FaultyNetwork(app, book=server.book, call_of=classify_request)

    async def entry(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "lifespan":  # Lifespan events need no handling.
            await faulty(scope, receive, send)

    return entry


@contextmanager
def mastodon(
    spec: Path | None = None, clock: AdjustableClock | None = None
) -> Iterator[FakeMastodon]:
    """Run a server with an adjustable clock. It uses the description of the reference data unless
    `spec` is given."""
    server = FakeMastodon(clock or AdjustableClock(), spec=Spec(spec or load_description()))
    with serve_app(create_app(server), clock=server.clock) as server.url:
        yield server
