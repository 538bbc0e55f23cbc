"""A stateful YouTube over HTTP, with Google's OAuth, and with bad days: by its discovery document
and its pages.

One origin for all of it: the page that asks people (`accounts.google.com`), the token endpoint
(`oauth2.googleapis.com`), the API and its uploads (`www.googleapis.com`). Honest where clients
stumble over the real one: parts are replaced whole, so that an update of `status` without
`privacyStatus` makes a video public, and without `containsSyntheticMedia` takes the label away; an
answer to a finished session may be lost and asked for again; a piece may be kept in part; quotas
are the project's; a project without an audit gets private videos for ever, under 201; a list of no
channels has no `items`; counts are words. `forbidden` says what this house must not ask:
`publishAt`, tokens shown to sessions (Google's own client shows them, and YouTube minds not).

Tried by hand: google-api-python-client 2.202.0 with google-auth 2.62.2, outside the locks.
Refreshing, uploads of one and of more pieces, pieces kept in part, list, update, channels, pages of
uploads, delete and its errors all went well; its upload address had to be made `http:`. It is not
among the tests.

Unverified, so that nothing may lean on it:
- Messages and domains of errors; reasons are those of the documentation. What a missing `part` is
  called, 403 for all that a suspended channel asks (`suspended_word`), 403 or 404 for other
  people's videos, `accountClosed` for a token.
- The order of checks: token, scope, quota, suspension, description, then words; that wishes over a
  quota cost nothing, and that an upload costs when its session is opened. `rate_limited` is not
  tied to how often somebody asks.
- That a rejected or unfinished video is not public though its `privacyStatus` is, and stays in its
  owner's list.
- `publishedAt`: here the moment a video was made public first, as its page says; the discovery
  document says when it was uploaded. Lists of uploads go by it, and `lag` goes by the upload.
- That an update through a project without an audit makes other videos private; that locked ones
  stay so for ever.
- Defaults of an update (documented for `privacyStatus` alone), categories, how tags are counted,
  title by code points.
- Whether an upload without a title is refused (some say that it is named after its file), and
  `Slug` for its name.
- What is told of subscribers that a channel hides: 0 here.
- Descriptions of `invalid_grant`; that only `prompt=consent` gives a refresh token (the real one
  gives one with the first yes too); that redeemed codes end nothing when shown again.
- That `approve` in the query of the page says who says yes: this is how tests say it, in place of a
  session.

It cannot check what is in a film (its length is invented) or on a cover, captions, search,
analytics, several channels of one account, half a piece of a broken connection, which is thrown
away here, and whether Google approves of a client. What people say under videos is told in
`google_remarks.py`. An account's own token (`member.token`) has no end, and the scopes of `SCOPES`;
it is of the project `member.app`, which is `fake.app` unless a test gives another.
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
    """What may be asked: its name in the discovery document, the scopes of which one is needed, and
    its units."""

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
    """YouTube's state; tests make accounts and clients, move the clock, ask `book` for faults."""

    book: FaultBook = field(init=False)
    oauth: OAuth = field(init=False)
    spec: Spec = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self.book = FaultBook(clock=self.clock)
        self.oauth = OAuth(self)
        self.spec = Spec(load_description())
        self.comments = Comments(self.clock)

    async def answer(self, request: Request) -> Response:
        """One request."""
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
        """The name of the account that a request is for, by its token or its session; "" where
        nobody can tell."""
        headers = {
            name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]
        }
        known = self.oauth.known(headers.get("authorization", "").partition(" ")[2])
        session = self.sessions.get(
            parse_qs(scope["query_string"].decode("latin-1")).get("upload_id", [""])[0]
        )
        return known.member.name if known else session.owner.name if session else ""


def classify_request(method: str, path: str, query: bytes) -> str:
    """The kind of a request, in the words of the faults."""
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
    """The app on its state."""
    methods = ["GET", "POST", "PUT", "PATCH", "DELETE"]
    app = Starlette(routes=[Route("/{path:path}", server.answer, methods=methods)])

    def call_of(of: Scope, method: str, path: str) -> PlatformCall:
        return PlatformCall(
            method, path, server.holder(of), classify_request(method, path, of["query_string"])
        )

    async def entry(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "lifespan":  # nothing to begin or to end
            await FaultyNetwork(app, book=server.book, call_of=partial(call_of, scope))(
                scope, receive, send
            )

    return entry


@contextmanager
def youtube(clock: AdjustableClock | None = None) -> Iterator[FakeYouTube]:
    """A running YouTube with a clock of its own."""
    server = FakeYouTube(clock or AdjustableClock())
    with serve_app(create_app(server), clock=server.clock) as server.url:
        yield server
