"""A stateful YouTube over HTTP with Google's OAuth and injected faults, built from its discovery
document and documentation.

One origin serves everything: the authorization page (`accounts.google.com`), the token endpoint
(`oauth2.googleapis.com`), the API and its uploads (`www.googleapis.com`). It reproduces behaviour
of the real platform that clients often get wrong: parts are replaced completely, so that an update
of `status` without `privacyStatus` makes a video public, and one without `containsSyntheticMedia`
removes the AI label; the response of a completed session can be lost and queried again; a piece can
be stored partially; quotas belong to the project; a project without an audit receives permanently
private videos with status 201; a list of no channels has no `items`; counts are strings.
`forbidden` lists requests that our client must not send: `publishAt`, and tokens sent to sessions
(Google's own client sends them, and YouTube accepts them).

Tested manually with google-api-python-client 2.202.0 and google-auth 2.62.2, which are not in the
lock files: token refresh, uploads with one and several pieces, partially stored pieces, list,
update, channels, pages of uploads, deletion and its errors all succeeded; its upload URL had to be
changed to `http:`. This client is not part of the tests.

The following is unverified; clients must not rely on it:

- Texts and domains of errors; reasons are those of the documentation. The reason for a missing
  `part`, 403 for all requests of a suspended channel (`suspended_word`), 403 or 404 for other
  users' videos, `accountClosed` for a token.
- The order of checks: token, scope, quota, suspension, description, then content; that requests
  over the quota cost nothing, and that an upload is charged when its session is created.
  `rate_limited` does not depend on the request rate.
- That a rejected or unfinished video is not public although its `privacyStatus` is, and remains in
  its owner's list.
- `publishedAt`: here the time when a video first became public, as its page says; the discovery
  document says the time of its upload. Lists of uploads are sorted by it, and `lag` applies to the
  upload.
- That an update through a project without an audit makes other videos private; that locked videos
  stay private.
- Defaults of an update (documented for `privacyStatus` only), categories, the length of tags,
  titles counted in code points.
- The rejection of an upload without a title (some report that it is named after its file), and
  `Slug` for the file name.
- The number of subscribers of a channel that hides it: 0 here.
- Descriptions of `invalid_grant`; that only `prompt=consent` returns a refresh token (the real one
  also returns one with the first approval); that using a redeemed code again ends nothing.
- `approve` in the query of the page names the approving user; tests use it instead of a session.

Not covered: the content of videos (their length is invented) and thumbnails, captions, search,
analytics, several channels of one account, partial pieces of a broken connection, which are
discarded here, and Google's verification of clients. Comments are in `comments.py`. An account's
own token (`member.token`) does not expire and has the scopes in `SCOPES`; it belongs to the project
`member.app`, which is `fake.app` by default.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from urllib.parse import parse_qs

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from connectors.conformance.fake_servers import AdjustableClock, serve_app
from foundation.ops.fault_injection import FaultBook, FaultyNetwork, PlatformCall
from tests.fakes.oauth_server import SignIn, Token
from tests.fakes.youtube.comments import Comments, comment_told
from tests.fakes.youtube.limits import UNITS, UPLOADS
from tests.fakes.youtube.oauth import OAuth
from tests.fakes.youtube.responses import (
    CHANNEL_PARTS,
    ITEM_PARTS,
    VIDEO_PARTS,
    channel_told,
    check_parts,
    item_told,
    listed,
    video_told,
)
from tests.fakes.youtube.spec import (
    Json,
    ParsedRequest,
    Refusal,
    Spec,
    api_error,
    bad_request,
    insufficient,
    load_description,
    not_found,
    read,
    unauthorized,
)
from tests.fakes.youtube.state import AUTH, SCOPES, App, Member, Video
from tests.fakes.youtube.uploads import COVERS, UPLOAD, Uploads

PAGE, TOKEN, REVOKE, API = "/o/oauth2/v2/auth", "/token", "/revoke", "/youtube/v3/"
WRITES = frozenset({f"{AUTH}youtube", f"{AUTH}youtube.force-ssl", f"{AUTH}youtubepartner"})
READS = WRITES | {f"{AUTH}youtube.readonly"}
COMMENTS = frozenset({f"{AUTH}youtube.force-ssl"})
INSERTS = WRITES | {f"{AUTH}youtube.upload"}


@dataclass(frozen=True)
class Operation:
    """An API operation: its name in the discovery document, the scopes of which one is required,
    and its units."""

    name: str
    scopes: frozenset[str]
    cost: int


OPERATIONS = {
    ("POST", UPLOAD): Operation("videos.insert", INSERTS, 1),
    ("POST", COVERS): Operation("thumbnails.set", INSERTS, 50),
    ("GET", f"{API}videos"): Operation("videos.list", READS, 1),
    ("PUT", f"{API}videos"): Operation("videos.update", WRITES, 50),
    ("DELETE", f"{API}videos"): Operation("videos.delete", WRITES, 50),
    ("GET", f"{API}channels"): Operation(
        "channels.list", READS | {f"{AUTH}youtubepartner-channel-audit"}, 1
    ),
    ("GET", f"{API}playlistItems"): Operation("playlistItems.list", READS, 1),
    ("GET", f"{API}commentThreads"): Operation("commentThreads.list", COMMENTS, 1),
    ("POST", f"{API}commentThreads"): Operation("commentThreads.insert", COMMENTS, 50),
    ("GET", f"{API}comments"): Operation("comments.list", COMMENTS, 1),
    ("POST", f"{API}comments"): Operation("comments.insert", COMMENTS, 50),
    ("DELETE", f"{API}comments"): Operation("comments.delete", COMMENTS, 50),
    ("POST", f"{API}comments/setModerationStatus"): Operation(
        "comments.setModerationStatus", COMMENTS, 50
    ),
}

__all__ = ["SCOPES", "App", "FakeYouTube", "Member", "Refusal", "Video", "create_app", "youtube"]


@dataclass
class FakeYouTube(Uploads, SignIn):
    """The state of YouTube. Tests create accounts and clients, adjust the clock, and request faults
    from `book`."""

    book: FaultBook = field(init=False)
    oauth: OAuth = field(init=False)
    spec: Spec = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self.book = FaultBook(clock=self.clock)
        self.oauth = OAuth(self)
        self.spec = Spec(load_description())
        self.comments = Comments(self.clock)

    async def answer(self, request: Request) -> Response:
        """Answer a request."""
        data = await request.body()
        try:
            asked = read(request, data)
            match asked.method, asked.path:
                case "GET" | "POST", str() as path if path == PAGE:
                    return self.oauth.show_page(
                        {**asked.query, **asked.form}, posted=asked.method == "POST"
                    )
                case "POST", str() as path if path in (TOKEN, REVOKE):
                    return self._signing_in(asked)
                case "PUT" | "POST", str() as path if path == UPLOAD and "upload_id" in asked.query:
                    return self._piece(asked)
            return self._api(asked)
        except Refusal as refusal:
            return JSONResponse(refusal.body, refusal.status, refusal.headers)

    def _signing_in(self, asked: ParsedRequest) -> Response:
        if asked.path == REVOKE:
            return JSONResponse(
                self.oauth.revoke(asked.form if "token" in asked.form else asked.query)
            )
        if not asked.form:
            raise self.oauth.make_error("grant_type.missing")
        return JSONResponse(
            self.oauth.exchange(asked.form, asked.header), 200, {"cache-control": "no-store"}
        )

    def _piece(self, asked: ParsedRequest) -> Response:
        session = self.session(asked)
        status, told = self.put(session, asked)
        if told is None:
            return Response(status_code=status, headers=session.kept)
        return JSONResponse(self.spec.check_answer("Video", told), status)

    def _api(self, asked: ParsedRequest) -> Response:
        operation = OPERATIONS.get((asked.method, asked.path))
        if operation is None:
            raise not_found()
        known = self._known(asked)
        if not operation.scopes & set(known.scopes):
            raise insufficient()
        self.spend(known.app.client_id, UPLOADS if asked.path == UPLOAD else UNITS, operation.cost)
        mine = known.member
        if mine.suspended:
            raise api_error(
                403,
                mine.suspended_word,
                "The channel of the account is suspended.",
                "youtube.channel",
            )
        trouble = self.spec.judge(asked, operation.name)
        if trouble:
            raise bad_request(
                trouble, "required" if trouble.startswith("Required") else "badRequest"
            )
        return self._route(asked, known)

    def _known(self, asked: ParsedRequest) -> Token:
        known = self.oauth.find_bearer(asked.header)
        if known is None:
            raise unauthorized(shown=bool(asked.header))
        return known

    def _route(self, asked: ParsedRequest, known: Token) -> Response:
        mine = known.member
        match asked.method, asked.path.rpartition("/")[2]:
            case "POST", "videos":
                check_parts(asked.parts, VIDEO_PARTS)
                return Response(
                    status_code=200, headers={"location": self.open(mine, known.app, asked)}
                )
            case "POST", "set":
                told = self.spec.check_answer("ThumbnailSetResponse", self.cover(mine, asked))
            case "PUT", "videos":
                check_parts(asked.parts, VIDEO_PARTS)
                made = self.update(mine, known.app, asked)
                told = self.spec.check_answer("Video", video_told(made, asked.parts, own=True))
            case "DELETE", "videos":
                self.delete(mine, asked.query.get("id", ""))
                return Response(status_code=204)
            case "GET", "videos":
                told = self._videos(mine, asked)
            case "GET", "channels":
                told = self._channels(mine, asked)
            case "GET", "playlistItems":
                told = self._items(mine, asked)
            case method, name:
                return self._of_comments(mine, asked, f"{method} {name}")
        return JSONResponse(told)

    def _of_comments(self, mine: Member, asked: ParsedRequest, what: str) -> Response:
        lag = max(self.book.lag_seconds(""), self.book.lag_seconds(mine.name))
        match what:
            case "POST comments":
                made = self.comments.insert(mine, asked)
                return JSONResponse(
                    self.spec.check_answer("Comment", comment_told(made, asked.parts, mine))
                )
            case "POST commentThreads":
                thread = self.comments.begin(mine, asked)
                return JSONResponse(self.spec.check_answer("CommentThread", thread))
            case "DELETE comments":
                self.comments.delete(mine, asked.query.get("id", ""))
                return Response(status_code=204)
            case "POST setModerationStatus":
                self.comments.moderate(mine, asked)
                return Response(status_code=204)
            case "GET commentThreads":
                kind, (rows, begin, many, total) = (
                    "commentThread",
                    self.comments.threads(mine, asked),
                )
            case _:
                kind, (rows, begin, many, total) = "comment", self.comments.listed(mine, asked, lag)
        more = f"CT:{begin + many}" if begin + many < total else ""
        told = listed(kind, rows, total=len(rows), rows=many, following=more)
        return JSONResponse(
            self.spec.check_answer(f"{kind[0].upper()}{kind[1:]}ListResponse", told)
        )

    def _videos(self, mine: Member, asked: ParsedRequest) -> Json:
        check_parts(asked.parts, VIDEO_PARTS)
        rows = self.shown(mine, asked)
        items = [video_told(one, asked.parts, own=one.owner is mine) for one in rows]
        return self.spec.check_answer(
            "VideoListResponse", listed("video", items, total=len(items), rows=len(items))
        )

    def _channels(self, mine: Member, asked: ParsedRequest) -> Json:
        check_parts(asked.parts, CHANNEL_PARTS)
        if asked.query.get("mine") == "true":
            found = [mine] if mine.channel_id else []
        elif asked.ids:
            found = [
                one
                for one in self.members.values()
                if one.channel_id in asked.ids and not one.suspended
            ]
        else:
            message = "No filter selected. Expected one of: id, mine"
            raise api_error(
                400, "missingRequiredParameter", message, "youtube.parameter", at="parameter "
            )
        items = [channel_told(one, asked.parts) for one in found]
        return self.spec.check_answer(
            "ChannelListResponse", listed("channel", items, total=len(items), rows=5)
        )

    def _items(self, mine: Member, asked: ParsedRequest) -> Json:
        check_parts(asked.parts, ITEM_PARTS)
        lag = max(self.book.lag_seconds(""), self.book.lag_seconds(mine.name))
        rows, begin, many = self.playlist(mine, asked, lag)
        end = begin + many
        items = [
            item_told(one, begin + place, asked.parts) for place, one in enumerate(rows[begin:end])
        ]
        more = f"PT:{end}" if end < len(rows) and many else ""
        told = listed("playlistItem", items, total=len(rows), rows=many, following=more)
        return self.spec.check_answer("PlaylistItemListResponse", told)

    def holder(self, scope: Scope) -> str:
        """Return the name of the account of a request, by its token or session, or ""."""
        headers = {
            name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]
        }
        known = self.oauth.known(headers.get("authorization", "").partition(" ")[2])
        session = self.sessions.get(
            parse_qs(scope["query_string"].decode("latin-1")).get("upload_id", [""])[0]
        )
        return known.member.name if known else session.owner.name if session else ""


def classify_request(method: str, path: str, query: bytes) -> str:
    """Return the kind of a request for the fault book."""
    path = path.rstrip("/")
    if path in (TOKEN, REVOKE):
        return "tokens"
    if path in (UPLOAD, COVERS):
        return "files"
    parts = {
        one for each in parse_qs(query.decode("latin-1")).get("part", []) for one in each.split(",")
    }
    match method, path.removeprefix(API):
        case "GET", "videos":
            if parts == {"id", "status"}:
                return "lookups"
            return "metrics" if "statistics" in parts and "status" not in parts else "polls"
        case "PUT", "videos":
            return "posts"
        case "DELETE", "videos":
            return "deletes"
        case "GET", "channels":
            return "metrics" if parts == {"statistics"} else "checks"
        case "GET", "playlistItems" | "comments":
            return "lookups"
        case "GET", "commentThreads":
            return "remarks"
        case "POST", "comments" | "commentThreads":
            return "posts"
        case "DELETE", "comments":
            return "deletes"
        case "POST", "comments/setModerationStatus":
            return "moderation"
    return "other"


def create_app(server: FakeYouTube) -> ASGIApp:
    """Return the app for `server`."""
    methods = ["GET", "POST", "PUT", "PATCH", "DELETE"]
    app = Starlette(routes=[Route("/{path:path}", server.answer, methods=methods)])

    def call_of(of: Scope, method: str, path: str) -> PlatformCall:
        return PlatformCall(
            method, path, server.holder(of), classify_request(method, path, of["query_string"])
        )

    async def entry(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "lifespan":  # Lifespan events need no handling.
            await FaultyNetwork(app, book=server.book, call_of=partial(call_of, scope))(
                scope, receive, send
            )

    return entry


@contextmanager
def youtube(clock: AdjustableClock | None = None) -> Iterator[FakeYouTube]:
    """Run a YouTube with an adjustable clock."""
    server = FakeYouTube(clock or AdjustableClock())
    with serve_app(create_app(server), clock=server.clock) as server.url:
        yield server
