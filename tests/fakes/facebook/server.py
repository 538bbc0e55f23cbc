"""A stateful Facebook over HTTP (Pages only) with injected faults. It fetches the files whose URLs
it receives.

Documented: pictures uploaded with `published=false` and used in `attached_media`; videos by
`file_url`, which are processed asynchronously; reads and lists with selected fields; permissions by
endpoint; comments as one stream, newest first; hiding, deleting and blocking by Page-scoped ID; the
same text twice in a row is rejected with 506. Unverified: the period of that duplicate check; the
errors 324 and 389 for a picture or a video that cannot be fetched; that text is trimmed; that a
video is not listed while it is processed; that a Page-scoped token returns its own data. Sources:
https://developers.facebook.com/docs/pages-api/posts, /docs/graph-api/reference/page/photos,
/videos, /published_posts, /blocked, /docs/graph-api/reference/comment, /video-status, /debug_token
"""

import io
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response
from PIL import Image
from starlette.concurrency import run_in_threadpool
from starlette.types import ASGIApp, Receive, Scope, Send

from connectors.conformance.fake_servers import AdjustableClock, serve_app
from foundation.http.http_client import HttpClient, HttpResponse
from foundation.http.http_client import HttpRequest as Ask
from foundation.ops.fault_injection import FaultBook, FaultyNetwork, PlatformCall
from tests.fakes.facebook import oauth
from tests.fakes.facebook.state import Page, Photo, Post, check, gone, number, paged
from tests.fakes.instagram.comments import fields_of
from tests.fakes.meta import fetched_media as fetching
from tests.fakes.meta import webhooks
from tests.fakes.meta.fetched_media import GraphApiError

MOST_TEXT, MOST_PICTURE, LONGEST = 63_206, 10_000_000, 14_400.0
FEED = frozenset({"message", "link", "attached_media", "published", "place", "tags", "targeting"})
PHOTO = frozenset({"url", "published", "temporary", "alt_text_custom", "caption", "no_story"})
VIDEO = frozenset({"file_url", "description", "title", "published", "file_size"})
"""https://developers.facebook.com/docs/graph-api/reference/page/feed, /photos, /videos"""

VIDEO_FIELDS = frozenset(
    {"id", "status", "post_id", "permalink_url", "description", "published", "created_time"}
)


@dataclass
class FakeFacebook:
    """The server's state. Tests create Pages, adjust the clock, request faults from `book`, and
    inspect the posts."""

    clock: AdjustableClock
    book: FaultBook
    url: str = ""
    film_seconds: float = 45.0
    """Processing time of a video in seconds."""
    refuses_films: int = 0
    """Number of next videos whose processing fails."""
    limited: int = 0
    """Number of next posts that are rejected because the Page is rate limited for 15 minutes."""
    blocked: int = 0
    """Number of next posts that are rejected because the Page posts too often."""
    pages: dict[str, Page] = field(default_factory=dict)
    people: set[str] = field(default_factory=set)
    """Tokens of users rather than Pages."""
    http: HttpClient = field(default_factory=HttpClient)
    calls: webhooks.WebhookSender = field(default_factory=webhooks.WebhookSender)

    def __post_init__(self) -> None:
        self.login = oauth.FacebookLogin(self.clock, self.pages)

    def page(self, name: str) -> Page:
        """Create a Page."""
        mine = number()
        self.pages[mine] = Page(mine, name, f"EAA{mine}", self.clock)
        return self.pages[mine]

    def of(self, shown: str) -> Page:
        """Return the Page of a token. Raise GraphApiError."""
        found = next((one for one in self.pages.values() if shown and one.token == shown), None)
        if found is None:
            raise GraphApiError(
                190, status=400, message="Invalid OAuth access token - Cannot parse access token"
            )
        return found

    def photo(self, mine: Page, told: dict[str, Any]) -> dict[str, str]:
        """Fetch and store a picture. Raise GraphApiError."""
        mine.may("pages_manage_posts")
        _only(told, PHOTO)
        mine.fetched.append(str(told.get("url", "")))
        made = Photo(
            number(),
            picture(self.http, str(told.get("url", ""))),
            str(told.get("alt_text_custom", "")),
        )
        mine.photos[made.id] = made
        if told.get("published") is not False:
            return {"id": made.id, "post_id": mine.post(str(told.get("caption", "")), (made,)).id}
        return {"id": made.id}

    def post(self, mine: Page, told: dict[str, Any]) -> dict[str, str]:
        """Publish text and uploaded pictures. Raise GraphApiError."""
        mine.may("pages_manage_posts")
        _only(told, FEED)
        message, shown = told.get("message", ""), told.get("attached_media", [])
        if not isinstance(message, str) or len(message) > MOST_TEXT or not isinstance(shown, list):
            raise GraphApiError(
                100, message="(#100) Param message must be a string of at most 63206 characters"
            )
        photos = [
            mine.photos.get(str(one.get("media_fbid"))) for one in shown if isinstance(one, dict)
        ]
        found = tuple(one for one in photos if one is not None and not one.used)
        if len(found) < len(shown) or not (message.strip() or found):
            raise GraphApiError(
                100,
                1366051,
                message="(#100) attached_media: photos were already posted, or are none",
            )
        if self.limited:
            self.limited -= 1
            raise GraphApiError(32, 2494055, message="(#32) Page request limit reached")
        if self.blocked:
            self.blocked -= 1
            raise GraphApiError(368, 1390008, message="We limit how often you can post")
        return {"id": mine.post(message, found).id}

    def film(self, mine: Page, told: dict[str, Any]) -> dict[str, str]:
        """Fetch a video and start its processing. Raise GraphApiError."""
        mine.may("pages_manage_posts")
        _only(told, VIDEO)
        mine.fetched.append(str(told.get("file_url", "")))
        try:
            film = fetching.fetch_pieces(self.http, str(told.get("file_url", "")))
        except GraphApiError as error:
            raise GraphApiError(
                389, message="(#389) Unable to fetch video file from URL."
            ) from error
        if not 0 < fetching.video_seconds(film) <= LONGEST:
            raise GraphApiError(
                352,
                message="(#352) The video file you selected is in a format that we don't support.",
            )
        made = Post(
            f"{mine.id}_{number()}",
            str(told.get("description", "")).strip(),
            self.clock(),
            film=film,
        )
        made.video, made.ready = number(), self.clock() + timedelta(seconds=self.film_seconds)
        if self.refuses_films:
            self.refuses_films, made.failed = self.refuses_films - 1, 1363019
        mine.keep(made)
        return {"id": made.video}

    def answer(
        self, method: str, parts: list[str], told: dict[str, Any], mine: Page
    ) -> dict[str, Any]:
        """Return the response to a request. Raise GraphApiError."""
        if (said := mine.chats.answer(method, parts, told, mine.rights, self.clock())) is not None:
            return said
        match method, parts:
            case "GET", ["me"]:
                return {"id": mine.id, "name": mine.name}
            case "GET", ["debug_token"]:
                return self._of_token(str(told.get("input_token", "")))
            case "POST", [page, "photos"] if page == mine.id:
                return self.photo(mine, told)
            case "POST", [page, "feed"] if page == mine.id:
                return self.post(mine, told)
            case "POST", [page, "videos"] if page == mine.id:
                return self.film(mine, told)
            case "POST", [page, "blocked"] if page == mine.id:
                return mine.block(told.get("psid"))
            case _, [page, "subscribed_apps"] if page == mine.id:
                return self.calls.subscribe(method, told, "page", page, rights=mine.rights)
            case "GET", [page, "published_posts"] if page == mine.id:
                return mine.listed(told)
            case "GET", [page] if page == mine.id:
                check(
                    fields_of(str(told.get("fields", "id"))),
                    frozenset({"id", "name", "followers_count"}),
                )
                return {"id": mine.id, "followers_count": mine.followers}
        return _of_one(method, parts, told, mine)

    def _of_token(self, token: str) -> dict[str, Any]:
        page = self.of(token)
        told = {
            "type": "PAGE",
            "profile_id": page.id,
            "is_valid": True,
            "scopes": sorted(page.rights),
        }
        ends = {"expires_at": page.expires_at, "data_access_expires_at": page.reads_until}
        return {"data": {"app_id": "1", **ends, **told}}


def _of_one(method: str, parts: list[str], told: dict[str, Any], mine: Page) -> dict[str, Any]:
    """Return the response to a request about a video, a post or a comment. Raise GraphApiError."""
    fields = fields_of(str(told.get("fields", "id")))
    video = next(
        (one for one in mine.posts.values() if one.video == parts[0] and not one.deleted), None
    )
    match method, parts:
        case "GET", [_] if video is not None:
            return _status(mine, video, fields)
        case "GET", [comment] if comment in mine.comments:
            return mine.said(mine.spoken(comment), fields)
        case "GET", [post]:
            return mine.told(mine.standing(post), fields)
        case "GET", [comment, "comments"] if comment in mine.comments:
            mine.may("pages_read_engagement")
            rows = mine.below(mine.spoken(comment).post, comment)
            return paged(rows, lambda one: mine.said(one, fields), told)
        case "GET", [post, "comments"]:
            mine.may("pages_read_engagement")
            rows = mine.below(mine.standing(post).id)
            rows = (
                rows if told.get("filter") == "stream" else [one for one in rows if not one.parent]
            )
            return paged(rows, lambda one: mine.said(one, fields), told)
        case "POST", [post, "comments"] if post in mine.posts:
            return {"id": mine.comment(post, told.get("message")).id}
        case "POST", [comment, "comments"]:
            return {"id": mine.answer(comment, told.get("message")).id}
        case "POST" | "DELETE", [comment, "likes"]:
            return mine.like(comment, liked=method == "POST")
        case "POST", [comment] if comment in mine.comments:
            return mine.hide(comment, told.get("is_hidden"))
        case "POST", [post]:
            _only(told, frozenset({"message"}))
            return mine.reword(post, told.get("message"))
        case "DELETE", [what]:
            return mine.delete(what)
    raise gone(parts[0])


def _status(mine: Page, video: Post, fields: Mapping[str, Any]) -> dict[str, Any]:
    check(dict(fields), VIDEO_FIELDS)
    status: dict[str, Any] = {"video_status": "ready" if mine.is_shown(video) else "processing"}
    if video.failed:
        errors = [{"code": video.failed, "message": "The video could not be processed"}]
        status = {
            "video_status": "error",
            "processing_phase": {"status": "error", "errors": errors},
        }
    every: dict[str, Any] = {"status": status, "published": mine.is_shown(video)}
    every |= {"post_id": video.id.partition("_")[2]} if mine.is_shown(video) else {}
    return {name: every[name] for name in fields if name in every} | {"id": video.video}


def _only(told: Mapping[str, Any], known: frozenset[str]) -> None:
    if unknown := set(told) - known:
        raise GraphApiError(100, message=f"(#100) no such parameter: {min(unknown)}")


def picture(http: HttpClient, url: str) -> bytes:
    """Fetch a JPEG or PNG within the size limit. Raise GraphApiError."""
    reply = http.send(
        Ask("GET", url, {"user-agent": "facebookexternalhit/1.1"}, b"", fetching.PATIENCE)
    )
    if not isinstance(reply, HttpResponse) or reply.status != 200:
        raise GraphApiError(324, 2069019, message="(#324) Missing or invalid image file")
    try:
        shape = Image.open(io.BytesIO(reply.body))
    except OSError as error:
        raise GraphApiError(324, 2069019, message="(#324) Missing or invalid image file") from error
    if shape.format not in ("JPEG", "PNG") or len(reply.body) >= MOST_PICTURE:
        raise GraphApiError(1, 1366046, message="Photos should be smaller, and saved as JPG or PNG")
    return reply.body


@contextmanager
def facebook() -> Iterator[FakeFacebook]:
    """Run a server under uvicorn with an adjustable clock."""
    clock = AdjustableClock()
    server = FakeFacebook(clock, FaultBook(clock=clock))
    with serve_app(create_app(server), clock=clock) as server.url:
        yield server


KINDS_OF_REQUESTS: Mapping[tuple[str, str], str] = {
    ("POST", "feed"): "posts",
    ("POST", "videos"): "posts",
    ("POST", "comments"): "posts",
    ("POST", "messages"): "messages",
    ("GET", "conversations"): "lookups",
    ("POST", "photos"): "files",
    ("POST", "subscribed_apps"): "subscriptions",
    ("POST", "blocked"): "moderation",
    ("POST", "likes"): "moderation",
    ("DELETE", "likes"): "moderation",
    ("GET", "published_posts"): "lookups",
    ("GET", "comments"): "lookups",
    ("GET", "me"): "checks",
    ("GET", "debug_token"): "checks",
    ("GET", "access_token"): "tokens",
    ("GET", "accounts"): "checks",
}


def classify_request(server: FakeFacebook, scope: Scope, method: str, path: str) -> PlatformCall:
    """Return the kind of a request for the fault book."""
    parts = path.strip("/").split("/")
    kind = KINDS_OF_REQUESTS.get((method, parts[-1]), "")
    query = scope["query_string"]
    if kind == "lookups" and (b"stream" in query or b"comments" in query):
        kind = "remarks"
    if kind == "tokens" and b"fb_exchange_token" in query:
        kind = "exchanges"
    if not kind:
        others = any(
            parts[0] in page.comments and not page.comments[parts[0]].own
            for page in server.pages.values()
        )
        own = (
            "deletes"
            if method == "DELETE"
            else "edits"
            if method == "POST"
            else "lookups"
            if b"status" in query
            else "metrics"
        )
        kind = "moderation" if others and method != "GET" else own
    return PlatformCall(method, path, parts[0] if len(parts) == 2 else "", kind)


def create_app(server: FakeFacebook) -> ASGIApp:
    """Return the app for `server`."""
    app = FastAPI()

    @app.api_route("/{path:path}", methods=["GET", "POST", "DELETE"])
    async def graph(path: str, request: Request) -> Response:
        body = await request.body()
        told = {**request.query_params, **(json.loads(body) if body else {})}
        shown = request.headers.get("authorization", "").removeprefix("Bearer ") or str(
            told.pop("access_token", "")
        )
        parts = path.strip("/").split("/")
        try:
            if shown in server.people and parts == ["me"]:
                return JSONResponse({"id": "77", "name": "Anne"})
            if (signed := oauth.answer_login_request(server.login, request, path)) is not None:
                return signed
            if (theirs := server.login.answer(parts, told, shown)) is not None:
                return JSONResponse(theirs)
            answer = await run_in_threadpool(
                server.answer, request.method, parts, told, server.of(shown)
            )
        except GraphApiError as refused:
            usage = {
                "1": [{"type": "pages", "call_count": 100, "estimated_time_to_regain_access": 15}]
            }
            limited = refused.body["error"]["code"] == 32
            headers = {"x-business-use-case-usage": json.dumps(usage)} if limited else {}
            return JSONResponse(refused.body, refused.status, headers)
        return JSONResponse(answer)

    async def entry(scope: Scope, receive: Receive, send: Send) -> None:
        await FaultyNetwork(
            app, book=server.book, call_of=partial(classify_request, server, scope)
        )(scope, receive, send)

    return entry
