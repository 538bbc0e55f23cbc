"""A stateful TikTok over HTTP with injected faults, built from its documentation: the Content
Posting API, the Display API and OAuth.

One origin serves everything: the authorization page (`www.tiktok.com`), tokens and API
(`open.tiktokapis.com`) and uploads (`open-upload.tiktokapis.com`). It reproduces behaviour of the
real platform that clients often get wrong: success is a value in the body (`error.code` is `ok`); a
post requires a previous query of the creator's options; there are no drafts, deletions or edits;
`status` reports that a post exists long before it reports its ID, and never reports the ID of a
post that is not public; IDs are numbers there and strings everywhere else; the Display API
truncates titles after 150 characters. `broken` lists the protocol rules that a client violated.

Kinds of requests for the fault book: `posts` is the part with the last byte, `files` the start of
an upload and every earlier part, `metrics` a query for numbers, `lookups` every other query,
`tokens` the two token endpoints. `kinds` changes them by the names of `OPERATIONS`.

The following is unverified; clients must not rely on it:

- Error texts, and the order of checks: token, scope, rate limit, shape, bans and caps,
  creator_info, the rest.
- That undescribed fields are rejected, that every path ends with a slash, and the error for a wrong
  path.
- That rejected parts have no body.
- That videos for friends or followers cannot be queried by ID, because the documentation mentions
  only "public videos".
- That processed videos count towards the daily cap and failed ones do not.
- `approve` in the query of the page names the approving user; tests use it instead of a session.

Not covered: the content of a video after its first bytes, parts of more than 40 MiB
(`foundation.ops.fault_injection`), photos, inbox drafts, webhooks and cancellation. An account's
own token (`member.token`) does not expire and has the scopes in `SCOPES`; an `open_id` is the same
for all apps.

Source: https://developers.tiktok.com/doc/content-posting-api-get-started,
https://developers.tiktok.com/doc/tiktok-api-v2-video-query,
https://developers.tiktok.com/doc/tiktok-api-v2-video-list,
https://developers.tiktok.com/doc/tiktok-api-v2-get-user-info
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from urllib.parse import parse_qsl

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from connectors.conformance.fake_servers import AdjustableClock, serve_app
from foundation.ops.fault_injection import FaultBook, FaultyNetwork, PlatformCall
from tests.fakes.oauth_server import SignIn, Token
from tests.fakes.tiktok.limits import Json, Refusal, said, wrong
from tests.fakes.tiktok.oauth import OAuth
from tests.fakes.tiktok.state import SCOPES, App, Member, Post
from tests.fakes.tiktok.uploads import RANGE, UPLOAD, Uploads

PAGE, TOKEN, REVOKE = "/v2/auth/authorize/", "/v2/oauth/token/", "/v2/oauth/revoke/"
FORM = "application/x-www-form-urlencoded"
MOST_ROWS, USUAL_ROWS = 20, 10
COUNTS = ("view_count", "like_count", "comment_count", "share_count")
COUNTED = frozenset({*COUNTS, "follower_count"})


@dataclass(frozen=True)
class Operation:
    """An API operation with the scopes of which one is required."""

    name: str
    scopes: frozenset[str]


OPERATIONS = {
    ("POST", "/v2/post/publish/creator_info/query/"): Operation(
        "creator_info", frozenset({"video.publish"})
    ),
    ("POST", "/v2/post/publish/video/init/"): Operation("init", frozenset({"video.publish"})),
    ("POST", "/v2/post/publish/status/fetch/"): Operation(
        "status", frozenset({"video.publish", "video.upload"})
    ),
    ("POST", "/v2/video/query/"): Operation("video_query", frozenset({"video.list"})),
    ("POST", "/v2/video/list/"): Operation("video_list", frozenset({"video.list"})),
    ("GET", "/v2/user/info/"): Operation("user_info", frozenset({"user.info.basic"})),
}

__all__ = ["SCOPES", "App", "FakeTikTok", "Member", "Post", "Refusal", "create_app", "tiktok"]


@dataclass
class FakeTikTok(Uploads, SignIn):
    """The state of TikTok. Tests create accounts and apps, adjust the clock, and request faults
    from `book`."""

    book: FaultBook = field(init=False)
    oauth: OAuth = field(init=False)
    kinds: dict[str, str] = field(default_factory=dict)
    """Kinds of operations for the fault book that differ from the default."""

    def __post_init__(self) -> None:
        self.book = FaultBook(clock=self.clock)
        self.oauth = OAuth(self)

    async def answer(self, request: Request) -> Response:
        """Answer a request."""
        data, query = await request.body(), dict(request.query_params)
        try:
            match request.method, request.scope["path"]:
                case "GET" | "POST", str() as path if path == PAGE:
                    return self.oauth.show_page(
                        query | _form(request, data), posted=request.method == "POST"
                    )
                case "POST", str() as path if path in (TOKEN, REVOKE):
                    return self._signing_in(request, data)
                case "PUT", str() as path if path == UPLOAD:
                    status, headers = self.put(query, request.headers, data)
                    return Response(status_code=status, headers=headers)
            return JSONResponse(said(self._api(request, query, data)))
        except Refusal as refusal:
            if refusal.body is None:
                return Response(status_code=refusal.status)
            return JSONResponse(refusal.body, refusal.status)

    def _signing_in(self, request: Request, data: bytes) -> Response:
        form, header = _form(request, data), request.headers.get("authorization", "")
        if not form:
            raise self.oauth.make_error("form")
        if request.scope["path"] == REVOKE:
            return JSONResponse(self.oauth.revoke(form, header))
        return JSONResponse(self.oauth.exchange(form, header), 200, {"cache-control": "no-store"})

    def _api(self, request: Request, query: Mapping[str, str], data: bytes) -> Json:
        operation = OPERATIONS.get((request.method, request.scope["path"]))
        if operation is None:
            raise wrong("not_found", "Unsupported path.")
        known = self._known(request)
        if not operation.scopes & set(known.scopes):
            raise wrong(
                "scope_not_authorized",
                "The user did not authorize the scope required for this request.",
            )
        self.ask(request.headers["authorization"], operation.name)
        return self._told(operation.name, known, query, self._body(request, data))

    def _known(self, request: Request) -> Token:
        known = self.oauth.find_bearer(request.headers.get("authorization", ""))
        if known is None:
            raise wrong(
                "access_token_invalid", "The access token is invalid or not found in the request."
            )
        return known

    def _body(self, request: Request, data: bytes) -> Any:
        if not data:
            return {}
        if not request.headers.get("content-type", "").startswith("application/json"):
            raise self.breach("the body is not called application/json")
        try:
            return json.loads(data)
        except (ValueError, RecursionError):
            raise self.breach("the body is no JSON") from None

    def _told(self, name: str, known: Token, query: Mapping[str, str], body: Any) -> Json:
        mine = known.member
        match name:
            case "creator_info":
                self.shaped(body, {}, "")
                return self.creator_info(mine)
            case "init":
                return self.init(mine, body)
            case "status":
                return self.status(mine, body, self._lag(mine))
            case "video_query":
                return self._queried(mine, query, body)
            case "video_list":
                return self._listed(mine, query, body)
            case _:
                return self._user(known, query)

    def _lag(self, mine: Member) -> float:
        return max(self.book.lag_seconds(""), self.book.lag_seconds(mine.username))

    def _fields(self, query: Mapping[str, str], known: frozenset[str]) -> list[str]:
        fields = query.get("fields", "").split(",")
        if set(query) != {"fields"} or not set(fields) <= known:
            raise self.breach(f"fields {query.get('fields', '')[:80]}")
        return fields

    def _user(self, known: Token, query: Mapping[str, str]) -> Json:
        told = known.member.told()
        fields = self._fields(query, frozenset(told))
        if not {told[one][0] for one in fields} <= set(known.scopes):
            raise wrong(
                "scope_not_authorized",
                "The user did not authorize the scope required for these fields.",
            )
        return {"user": {one: told[one][1] for one in fields}}

    def _queried(self, mine: Member, query: Mapping[str, str], body: Any) -> Json:
        fields = self._fields(query, VIDEO_FIELDS)
        self.shaped(body, {"filters": dict}, "")
        self.shaped(body.get("filters", {}), {"video_ids": list}, "filters.")
        wanted = body.get("filters", {}).get("video_ids", [])
        if not wanted or len(wanted) > MOST_ROWS or not all(isinstance(one, str) for one in wanted):
            raise self.breach(f"filters.video_ids are 1 to {MOST_ROWS} words")
        rows = [one for one in self.listed(mine, self._lag(mine)) if one.id in wanted]
        return {"videos": [_picked(one, fields) for one in rows]}

    def _listed(self, mine: Member, query: Mapping[str, str], body: Any) -> Json:
        fields = self._fields(query, VIDEO_FIELDS)
        self.shaped(body, {"max_count": int, "cursor": int}, "")
        many, before = body.get("max_count", USUAL_ROWS), body.get("cursor", 0)
        if not 0 < many <= MOST_ROWS:
            raise self.breach(f"max_count is 1 to {MOST_ROWS}")
        rows = [
            one
            for one in self.listed(mine, self._lag(mine))
            if not before or _milliseconds(one) < before
        ]
        page = rows[:many]
        cursor = _milliseconds(page[-1]) if page else before
        told = [_picked(one, fields) for one in page]
        return {"videos": told, "cursor": cursor, "has_more": len(rows) > many}

    def call(self, of: Scope, method: str, path: str) -> PlatformCall:
        """Return the kind of a request and its account, found by its token or upload."""
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in of["headers"]}
        query = dict(parse_qsl(of["query_string"].decode("latin-1")))
        known = self.oauth.known(headers.get("authorization", "").partition(" ")[2])
        upload = self.addressed(query)
        holder = known.member if known else upload.owner if upload else None
        return PlatformCall(
            method,
            path,
            holder.username if holder else "",
            self._kind(method, path, query, headers),
        )

    def _kind(
        self, method: str, path: str, query: Mapping[str, str], headers: Mapping[str, str]
    ) -> str:
        if path in (TOKEN, REVOKE):
            return "tokens"
        if path == UPLOAD:
            span = RANGE.fullmatch(headers.get("content-range", ""))
            return "posts" if span and int(span[2]) + 1 == int(span[3]) else "files"
        operation = OPERATIONS.get((method, path))
        if operation is None:
            return "other"
        if operation.name in self.kinds:
            return self.kinds[operation.name]
        if operation.name == "init":
            return "files"
        counted = COUNTED & set(query.get("fields", "").split(","))
        return "metrics" if counted else "lookups"


VIDEO_FIELDS = frozenset(
    {
        "id",
        "title",
        "video_description",
        "create_time",
        "share_url",
        "embed_link",
        "is_aigc",
        *COUNTS,
    }
)


def _picked(post: Post, fields: list[str]) -> Json:
    told = post.told()
    return {one: told[one] for one in fields}


def _milliseconds(post: Post) -> int:
    return int(post.at.timestamp() * 1000)


def _form(request: Request, data: bytes) -> dict[str, str]:
    """Return the fields of a form, or an empty mapping for any other body."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    return (
        dict(parse_qsl(data.decode("utf-8", "replace"), keep_blank_values=True))
        if kind == FORM
        else {}
    )


def create_app(server: FakeTikTok) -> ASGIApp:
    """Return the app for `server`."""
    methods = ["GET", "POST", "PUT", "PATCH", "DELETE"]
    app = Starlette(routes=[Route("/{path:path}", server.answer, methods=methods)])

    async def entry(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "lifespan":  # Lifespan events need no handling.
            network = FaultyNetwork(app, book=server.book, call_of=partial(server.call, scope))
            await network(scope, receive, send)

    return entry


@contextmanager
def tiktok(clock: AdjustableClock | None = None) -> Iterator[FakeTikTok]:
    """Run a TikTok with an adjustable clock."""
    server = FakeTikTok(clock or AdjustableClock())
    with serve_app(create_app(server), clock=server.clock) as server.url:
        yield server
