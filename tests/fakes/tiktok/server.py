"""A stateful TikTok over HTTP: its Content Posting API, what it tells of posts, its OAuth, and bad
days. By its pages.

One origin for all of it: the page that asks people (`www.tiktok.com`), the tokens and the API
(`open.tiktokapis.com`) and the uploads (`open-upload.tiktokapis.com`). Honest where clients stumble
over the real one: a success is a word in the body (`error.code` is `ok`); nothing is posted without
having asked what the account may choose among; there are no drafts, no deleting and no changing;
`status` says that a post is there long before it says which one, and never says it of one that is
not public; ids are numbers there and words everywhere else; a title is cut after 150 characters
where videos are told of. `broken` says which rules of the protocol somebody broke.

Kinds of requests, in the words of the faults: `posts` is the part that holds the last byte, `files`
the wish to upload and every part before, `metrics` a question that wants numbers, `lookups` every
other question of the API, `tokens` those two endpoints. `kinds` changes them, by the names of
`OPERATIONS`.

Unverified, so that nothing may lean on it:
- Messages of errors, and the order of checks: token, scope, how often, shape, ban and caps,
  creator_info, the rest.
- That fields nobody described are refused, that every path ends with a slash, and what a wrong path
  says.
- That refused parts have no body.
- That videos for friends or followers are told of by their ids to nobody, as pages call them all
  "public videos".
- That what is worked through counts for the day's cap, and what failed does not.
- That `approve` in the query of the page says who says yes: this is how tests say it, in place of a
  session.

It cannot check what is in a film past its first bytes, nor take parts of more than 40 MiB
(`foundation.ops.fault_injection`). It has no photos, no drafts in inboxes, no webhooks, no
cancelling. An account's own token (`member.token`) has no end, and the scopes of `SCOPES`; an
`open_id` is the same for all applications.

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
    """What may be asked: its name, and the scopes of which one is needed."""

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
    """TikTok's state; tests make accounts and applications, move the clock, ask `book` for
    faults."""

    book: FaultBook = field(init=False)
    oauth: OAuth = field(init=False)
    kinds: dict[str, str] = field(default_factory=dict)
    """What an operation is called in the words of the faults, where a test wants another word."""

    def __post_init__(self) -> None:
        self.book = FaultBook(clock=self.clock)
        self.oauth = OAuth(self)

    async def answer(self, request: Request) -> Response:
        """One request."""
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
        """A request as the record keeps it: whose it is, by its token or its upload, and of what
        kind."""
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
    """The fields of a form; none of anything else."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    return (
        dict(parse_qsl(data.decode("utf-8", "replace"), keep_blank_values=True))
        if kind == FORM
        else {}
    )


def create_app(server: FakeTikTok) -> ASGIApp:
    """The app on its state."""
    methods = ["GET", "POST", "PUT", "PATCH", "DELETE"]
    app = Starlette(routes=[Route("/{path:path}", server.answer, methods=methods)])

    async def entry(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "lifespan":  # nothing to begin or to end
            network = FaultyNetwork(app, book=server.book, call_of=partial(server.call, scope))
            await network(scope, receive, send)

    return entry


@contextmanager
def tiktok(clock: AdjustableClock | None = None) -> Iterator[FakeTikTok]:
    """A running TikTok with a clock of its own."""
    server = FakeTikTok(clock or AdjustableClock())
    with serve_app(create_app(server), clock=server.clock) as server.url:
        yield server
