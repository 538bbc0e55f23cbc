"""A stateful Threads over HTTP with injected faults. It fetches the files whose URLs it receives.

Documented: two steps with TEXT, IMAGE, VIDEO and CAROUSEL containers, which expire after a day; 500
characters, with emoji counted in bytes; five links; 2 to 20 items; 250 posts, 1000 replies and 100
deletions a day; permissions by endpoint; replies in separate lists; only top-level replies can be
hidden. Reported by others: a container that is not ready, and for seconds one that is, returns
24/4279009. Unverified: the error codes of the daily limits, and that a container can be published
only once. Sources: https://developers.facebook.com/docs/threads/posts, /troubleshooting, /overview,
/insights, /retrieve-and-manage-replies, /reply-management
"""

import io
import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
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
from tests.fakes.meta import fetched_media as fetching
from tests.fakes.meta import oauth
from tests.fakes.meta.fetched_media import GraphApiError
from tests.fakes.threads.state import (
    DAY,
    SCOPES,
    Container,
    Profile,
    ThreadsPost,
    not_known,
    number,
)

MOST_TEXT, MOST_ALT, MOST_LINKS, MOST_ITEMS = 500, 1000, 5, 20
MOST_PICTURE, LONGEST = 8 * 2**20, 300.0
PARAMETERS = frozenset(
    {
        "media_type",
        "text",
        "image_url",
        "video_url",
        "is_carousel_item",
        "children",
        "reply_to_id",
        "reply_control",
    }
    | {
        "alt_text",
        "link_attachment",
        "quote_post_id",
        "topic_tag",
        "is_spoiler_media",
        "text_attachment",
    }
)
"""https://developers.facebook.com/documentation/threads/reference/publishing"""

SOURCES = {"TEXT": "text", "IMAGE": "image_url", "VIDEO": "video_url", "CAROUSEL": "children"}
KINDS = {"TEXT": "TEXT_POST", "IMAGE": "IMAGE", "VIDEO": "VIDEO", "CAROUSEL": "CAROUSEL_ALBUM"}
METRICS = {"views": 9, "likes": 3, "replies": 1, "reposts": 2, "quotes": 0, "shares": 4}


@dataclass
class FakeThreads:
    """The server's state. Tests create accounts, adjust the clock, request faults from `book`, and
    inspect the posts."""

    clock: AdjustableClock
    book: FaultBook
    url: str = ""
    slow: int = 1
    """Number of polls until a container of files is ready. A container of text is ready
    immediately."""
    film_slow: int = 2
    unseen: int = 0
    """Number of next publications of a ready container that return "not found"."""
    loses_films: int = 0
    """Number of next videos that are received incomplete."""
    profiles: dict[str, Profile] = field(default_factory=dict)
    http: HttpClient = field(default_factory=HttpClient)

    def __post_init__(self) -> None:
        self.oauth = oauth.OAuth(
            self, prefix="THAA", grant_prefix="th", scopes=SCOPES, basic="threads_basic"
        )

    def profile(self, username: str) -> Profile:
        """Create an account."""
        mine = number()
        made = self.profiles[mine] = Profile(mine, username, "", self.clock)
        made.token = self.oauth.give(made)
        return made

    def who(self, username: str) -> Profile | None:
        """Return the account with this username, or None."""
        return next((one for one in self.profiles.values() if one.username == username), None)

    def of(self, shown: str) -> Profile:
        """Return the account of a token. Raise GraphApiError."""
        return self.profiles[self.oauth.known(shown.removeprefix("Bearer ")).member.id]

    def contain(self, mine: Profile, told: dict[str, Any]) -> dict[str, str]:
        """Create a container. A picture is fetched immediately. Raise GraphApiError."""
        mine.may("threads_content_publish")
        source = _source(told)
        if under := told.get("reply_to_id"):
            mine.may("threads_manage_replies")
            mine.standing(str(under))
        made = Container(number(), told, self.clock(), alts=(str(told.get("alt_text", "")),))
        if source == "children":
            inner = self._children(mine, str(told["children"]))
            made.files = tuple(file for each in inner for file in each.files)
            made.alts = tuple(alt for each in inner for alt in each.alts)
        elif source == "image_url":
            mine.fetched.append(str(told["image_url"]))
            made.files = (picture(self.http, str(told["image_url"])),)
        mine.containers[made.id] = made
        return {"id": made.id}

    def _children(self, mine: Profile, listed: str) -> list[Container]:
        inner = [mine.containers.get(each) for each in listed.split(",")]
        found = [
            one for one in inner if one is not None and one.told.get("is_carousel_item") is True
        ]
        if (
            not 2 <= len(inner) <= MOST_ITEMS
            or len(found) < len(inner)
            or not all(map(self._ready, found))
        ):
            raise GraphApiError(100, message="(#100) children: 2 to 20 items that are ready")
        return found

    def _takes(self, made: Container) -> int:
        return (
            self.film_slow if made.film else 0 if made.told["media_type"] == "TEXT" else self.slow
        )

    def _ready(self, made: Container) -> bool:
        whole = bool(made.files) or made.told["media_type"] == "TEXT"
        alive = not made.failed and self.clock() - made.at < DAY
        return whole and alive and made.polls >= self._takes(made)

    def status(self, mine: Profile, made: Container) -> dict[str, str]:
        """Return the status of a container. Each poll advances it, and a video is fetched halfway."""
        made.polls += 1
        if made.film and not made.files and not made.failed and made.polls > self.film_slow // 2:
            self._film(mine, made)
        if made.failed:
            return {"id": made.id, "status": "ERROR", "error_message": made.failed}
        if made.published:
            return {"id": made.id, "status": "PUBLISHED"}
        if self.clock() - made.at >= DAY:
            return {"id": made.id, "status": "EXPIRED"}
        done = made.polls > self._takes(made)
        return {"id": made.id, "status": "FINISHED" if done else "IN_PROGRESS"}

    def _film(self, mine: Profile, made: Container) -> None:
        """Fetch the video of a container, or record the error."""
        mine.fetched.append(made.film)
        try:
            film = fetching.fetch_pieces(self.http, made.film)
        except GraphApiError:
            made.failed = "FAILED_DOWNLOADING_VIDEO"
            return
        if self.loses_films:
            self.loses_films, made.failed = self.loses_films - 1, "FAILED_DOWNLOADING_VIDEO"
        elif not 0 < fetching.video_seconds(film) <= LONGEST:
            made.failed = "INVALID_DURATION"
        else:
            made.files = (film,)

    def publish(self, mine: Profile, told: Mapping[str, Any]) -> dict[str, str]:
        """Publish a container, once. Raise GraphApiError."""
        mine.may("threads_content_publish")
        made = mine.containers.get(str(told.get("creation_id", "")))
        if (
            made is None
            or made.published
            or made.told.get("is_carousel_item")
            or not self._ready(made)
        ):
            raise not_known(str(told.get("creation_id", "")))
        if self.unseen:
            self.unseen -= 1
            raise not_known(made.id)
        return {"id": mine.put(made, KINDS[str(made.told["media_type"])]).id}

    def answer(
        self, method: str, parts: list[str], told: dict[str, Any], mine: Profile
    ) -> dict[str, Any]:
        """Return the response to a request. Raise GraphApiError."""
        mine.may("threads_basic")
        match method, parts:
            case "GET", ["me"]:
                return {"id": mine.id, "username": mine.username}
            case "POST", [owner, "threads"] if owner == mine.id:
                return self.contain(mine, told)
            case "POST", [owner, "threads_publish"] if owner == mine.id:
                return self.publish(mine, told)
            case "GET", [owner, "threads" | "replies" | "mentions" as what] if owner == mine.id:
                return _listed(mine, what, told)
            case "GET", [owner, "threads_insights"] if owner == mine.id:
                mine.may("threads_manage_insights")
                return {
                    "data": [{"name": "followers_count", "total_value": {"value": mine.followers}}]
                }
            case "GET", [container] if container in mine.containers:
                return self.status(mine, mine.containers[container])
        return _of_one(method, parts, told, mine)


def _of_one(method: str, parts: list[str], told: dict[str, Any], mine: Profile) -> dict[str, Any]:
    match method, parts:
        case "GET", [media]:
            return mine.listed([mine.standing(media)], {**told, "after": ""})["data"][0]
        case "GET", [media, "insights"]:
            mine.may("threads_manage_insights")
            mine.standing(media)
            names = [name for name in str(told.get("metric", "")).split(",") if name in METRICS]
            return {
                "data": [{"name": name, "values": [{"value": METRICS[name]}]} for name in names]
            }
        case "GET", [media, "conversation"]:
            mine.may("threads_read_replies")
            return mine.listed(mine.below(mine.standing(media).id), told)
        case "POST", [media, "manage_reply"]:
            return mine.hide(media, told.get("hide"))
        case "DELETE", [media]:
            return mine.delete(media)
    raise GraphApiError(100, 33, message="Unsupported request: object does not exist")


def _listed(mine: Profile, what: str, told: dict[str, Any]) -> dict[str, Any]:
    """Return the account's posts, replies or mentions. Raise GraphApiError."""
    rows: list[ThreadsPost] = [
        one for one in mine.every.values() if one.own and bool(one.under) == (what == "replies")
    ]
    if what == "replies":
        mine.may("threads_read_replies")
    if what == "mentions":
        mine.may("threads_manage_mentions")
        named = re.compile(rf"@{re.escape(mine.username)}\b")
        rows = [one for one in mine.every.values() if not one.own and named.search(one.text)]
    return mine.listed(rows, told)


def count_text(text: str) -> int:
    """Return the length of a text, with emoji counted in bytes."""
    signs = (
        ("\u2190", "\u2bff"),
        ("\U0001f000", "\U0001faff"),
        ("\ufe0f", "\ufe0f"),
        ("\u200d", "\u200d"),
    )
    return sum(
        len(each.encode()) if any(low <= each <= high for low, high in signs) else 1
        for each in text
    )


def _source(told: Mapping[str, Any]) -> str:
    """Return the source parameter of a container. Raise GraphApiError for an unknown kind or
    parameter."""
    if unknown := set(told) - PARAMETERS:
        raise GraphApiError(100, message=f"(#100) no such parameter: {min(unknown)}")
    text, source = str(told.get("text", "")), SOURCES.get(str(told.get("media_type")), "")
    if not source or not told.get(source):
        raise GraphApiError(100, message="(#100) media_type, or what it needs, is missing")
    if set(told) & ({"image_url", "video_url", "children"} - {source}):
        raise GraphApiError(100, message="(#100) not for this media type")
    item = told.get("is_carousel_item") is True
    if item and (source not in ("image_url", "video_url") or text or told.get("reply_to_id")):
        raise GraphApiError(100, message="(#100) an item of a carousel says nothing of its own")
    if count_text(text) > MOST_TEXT or len(str(told.get("alt_text", ""))) > MOST_ALT:
        raise GraphApiError(100, message="(#100) Param text must be at most 500 characters long")
    if len(set(re.findall(r"https?://\S+|www\.\S+", text))) > MOST_LINKS:
        raise GraphApiError(100, message="THREADS_API__LINK_LIMIT_EXCEEDED")
    return source


def picture(http: HttpClient, url: str) -> bytes:
    """Fetch a JPEG or PNG with an accepted aspect ratio and size. Raise GraphApiError."""
    reply = http.send(
        Ask("GET", url, {"user-agent": "facebookexternalhit/1.1"}, b"", fetching.PATIENCE)
    )
    if not isinstance(reply, HttpResponse) or reply.status != 200:
        raise GraphApiError(1, 2207052, message="The media could not be fetched from this URI")
    try:
        shape = Image.open(io.BytesIO(reply.body))
    except OSError as error:
        raise GraphApiError(9004, 2207005, message="image format not supported") from error
    tall = max(shape.size) > 10 * min(shape.size)
    if shape.format not in ("JPEG", "PNG") or len(reply.body) > MOST_PICTURE or tall:
        raise GraphApiError(36003, 2207009, message="The image cannot be used")
    return reply.body


@contextmanager
def threads() -> Iterator[FakeThreads]:
    """Run a server under uvicorn with an adjustable clock."""
    clock = AdjustableClock()
    server = FakeThreads(clock, FaultBook(clock=clock))
    with serve_app(create_app(server), clock=clock) as server.url:
        yield server


KINDS_OF_REQUESTS: Mapping[tuple[str, str], str] = {
    ("POST", "threads_publish"): "posts",
    ("POST", "threads"): "files",
    ("POST", "manage_reply"): "moderation",
    ("GET", "threads"): "lookups",
    ("GET", "replies"): "lookups",
    ("GET", "mentions"): "remarks",
    ("GET", "conversation"): "remarks",
    ("GET", "me"): "checks",
}


def classify_request(scope: Scope, method: str, path: str) -> PlatformCall:
    """Return the kind of a request for the fault book."""
    parts = path.strip("/").split("/")
    if "/".join(parts) in oauth.OFFICES:
        return PlatformCall(method, path, "", oauth.OFFICES["/".join(parts)])
    kind = KINDS_OF_REQUESTS.get(
        (method, parts[-1]), "deletes" if method == "DELETE" else "metrics"
    )
    if kind == "lookups" and b"has_replies" in scope["query_string"]:
        kind = "remarks"
    return PlatformCall(method, path, parts[0] if len(parts) == 2 else "", kind)


def create_app(server: FakeThreads) -> ASGIApp:
    """Return the app for `server`."""
    app = FastAPI()

    @app.api_route("/{path:path}", methods=["GET", "POST", "DELETE"])
    async def graph(path: str, request: Request) -> Response:
        body, path = await request.body(), path.strip("/")
        if (said := oauth.answer_oauth_request(server.oauth, request, path, body)) is not None:
            return said
        told = {**request.query_params, **(json.loads(body) if body else {})}
        try:
            mine = server.of(request.headers.get("authorization", ""))
            parts = path.removeprefix("v1.0/").split("/")
            answer = await run_in_threadpool(server.answer, request.method, parts, told, mine)
        except GraphApiError as refused:
            return JSONResponse(refused.body, refused.status)
        return JSONResponse(answer)

    async def entry(scope: Scope, receive: Receive, send: Send) -> None:
        await FaultyNetwork(app, book=server.book, call_of=partial(classify_request, scope))(
            scope, receive, send
        )

    return entry
