"""A stateful Instagram over HTTP with injected faults. It fetches the files whose URLs it receives.

It reproduces behaviour of the real platform that clients often get wrong: only JPEG and MP4, a
single video is always a reel, containers take a while (a video is fetched during that time) and
expire after a day, a container is published once and only when it is ready, a daily quota, rate
limits returned as HTTP 400, no deletion of posts. Parameters are checked against Meta's description
if it is available. Comments are in `comments.py`.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from itertools import count
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response
from starlette.concurrency import run_in_threadpool
from starlette.types import ASGIApp, Receive, Scope, Send

from connectors.conformance.fake_servers import AdjustableClock, serve_app
from foundation.http.http_client import HttpClient
from foundation.ops.fault_injection import FaultBook, FaultyNetwork, PlatformCall
from tests.fakes.instagram import containers, stories
from tests.fakes.instagram.comments import LONGEST, RIGHT, Comments, fields_of, listed
from tests.fakes.instagram.responses import page, shape, shown
from tests.fakes.meta import chats, oauth, webhooks
from tests.fakes.meta import fetched_media as fetching
from tests.fakes.meta.fetched_media import GraphApiError

LIVES = timedelta(hours=24)
BASIC, INSIGHTS = "instagram_business_basic", "instagram_business_manage_insights"
SCOPES = frozenset({BASIC, "instagram_business_content_publish", INSIGHTS, RIGHT, chats.RIGHT})
MOST_CAPTION = 2200


@dataclass
class Container:
    """A container from which a post is created."""

    id: str
    told: Mapping[str, Any]
    at: datetime
    files: tuple[bytes, ...]
    """Empty for a video that was not fetched yet."""
    polls: int = 0
    published: bool = False
    failed: int = 0
    """Error subcode of a failed video, or 0."""

    @property
    def film(self) -> str:
        """URL of the video."""
        return str(self.told.get("video_url", ""))


@dataclass
class Profile:
    """An account with its token, type and posts."""

    id: str
    username: str
    token: str
    account_type: str = "BUSINESS"
    quota: int = 100
    followers: int = 0
    containers: dict[str, Container] = field(default_factory=dict)
    posts: list[dict[str, Any]] = field(default_factory=list)
    stories: list[dict[str, Any]] = field(default_factory=list)
    """All stories ever published. Only those of the last day are visible."""
    fetched: list[str] = field(default_factory=list)
    """Fetched URLs, in order."""
    rights: frozenset[str] = SCOPES
    """Permissions of the token."""

    def __post_init__(self) -> None:
        self.comments, self.chats = (
            Comments(self.id, self.username),
            chats.Chats(self.id, self.username),
        )
        self.comments_after = 0.0
        """Seconds for which comments on a new post return "not found"."""


_ids = count(17_900_000_000_001)


@dataclass
class FakeInstagram:
    """The server's state. Tests create accounts, adjust the clock, request faults from `book`, and
    inspect the posts."""

    clock: AdjustableClock
    book: FaultBook
    url: str = ""
    slow: int = 1
    """Number of polls until a container is ready."""
    film_slow: int = 2
    """Number of polls until a container of a video is ready."""
    most_film: int = fetching.MOST_FILM
    """Maximum size of a video in bytes."""
    loses_films: int = 0
    """Number of next videos that are received incomplete."""
    profiles: dict[str, Profile] = field(default_factory=dict)
    http: HttpClient = field(default_factory=HttpClient)
    calls: webhooks.WebhookSender = field(default_factory=webhooks.WebhookSender)

    def __post_init__(self) -> None:
        self.oauth = oauth.OAuth(
            self, prefix="IGAA", grant_prefix="ig", scopes=SCOPES, basic=BASIC, wraps=True
        )

    def profile(self, username: str, *, account_type: str = "BUSINESS") -> Profile:
        """Create an account."""
        number = str(next(_ids))
        made = Profile(number, username, "", account_type)
        self.profiles[number], made.token = made, self.oauth.give(made)
        return made

    def who(self, username: str) -> Profile | None:
        """Return the account with this username, or None."""
        return next((one for one in self.profiles.values() if one.username == username), None)

    def of(self, shown: str) -> Profile:
        """Return the account of a token. Raise GraphApiError."""
        return self.profiles[self.oauth.known(shown.removeprefix("Bearer ")).member.id]

    def contain(self, mine: Profile, told: Mapping[str, Any]) -> dict[str, str]:
        """Create a container. A picture is fetched immediately."""
        containers.check(told)
        if len(str(told.get("caption", ""))) > MOST_CAPTION:
            raise GraphApiError(100, 2207010, message="caption too long")
        source, files = containers.source(told), ()
        if source == "children":
            files = self._children(mine, str(told["children"]))
        elif source == "image_url":
            fetch = partial(fetching.fetch_picture, story=stories.is_story(told))
            files = (self._fetched(mine, str(told["image_url"]), fetch),)
        made = Container(str(next(_ids)), told, self.clock(), files)
        mine.containers[made.id] = made
        return {"id": made.id}

    def _children(self, mine: Profile, listed: str) -> tuple[bytes, ...]:
        inner = [mine.containers.get(each) for each in listed.split(",")]
        if not 2 <= len(inner) <= 10:
            raise GraphApiError(100, 2207028, message="a carousel has 2 to 10 items")
        for each in inner:
            if (
                each is None
                or each.told.get("is_carousel_item") is not True
                or not self._ready(each)
            ):
                raise GraphApiError(100, 2207008, message="no such item")
        return tuple(each.files[0] for each in inner if each is not None)

    def _fetched(self, mine: Profile, url: str, fetch: Callable[[HttpClient, str], bytes]) -> bytes:
        mine.fetched.append(url)
        return fetch(self.http, url)

    def _film(self, mine: Profile, made: Container) -> int:
        """Fetch the video of a container. Return the subcode of the error, or 0."""
        fetch = partial(fetching.fetch_video, most=self.most_film)
        if stories.is_story(made.told):
            fetch = partial(
                fetching.fetch_video, most=fetching.MOST_STORY, longest=fetching.LONGEST_STORY
            )
        try:
            made.files = (self._fetched(mine, made.film, fetch),)
        except GraphApiError as refused:
            return refused.sub
        if self.loses_films:
            self.loses_films, made.files = self.loses_films - 1, ()
            return 2207003
        return 0

    def _takes(self, made: Container) -> int:
        return self.film_slow if made.film else self.slow

    def _ready(self, made: Container) -> bool:
        whole = bool(made.files) and not made.failed
        return whole and made.polls >= self._takes(made) and self.clock() - made.at < LIVES

    def status(self, mine: Profile, made: Container) -> dict[str, str]:
        """Return the status of a container. Each poll advances it, and a video is fetched halfway."""
        made.polls += 1
        if made.film and not made.files and not made.failed and made.polls > self.film_slow // 2:
            made.failed = self._film(mine, made)
        if made.failed:
            why = f"Error: Media upload has failed with error code {made.failed}"
            return {"id": made.id, "status_code": "ERROR", "status": why}
        if made.published:
            return {"id": made.id, "status_code": "PUBLISHED"}
        if self.clock() - made.at >= LIVES:
            return {"id": made.id, "status_code": "EXPIRED"}
        done = made.polls > self._takes(made)
        return {"id": made.id, "status_code": "FINISHED" if done else "IN_PROGRESS"}

    def publish(self, mine: Profile, told: Mapping[str, Any]) -> dict[str, str]:
        """Publish a container, once."""
        made = mine.containers.get(str(told.get("creation_id", "")))
        if made is None or made.published or made.told.get("is_carousel_item"):
            raise GraphApiError(100, 2207008, message="the container does not exist")
        if self.clock() - made.at >= LIVES:
            raise GraphApiError(100, 2207020, message="the container has expired")
        if not self._ready(made):
            raise GraphApiError(9007, 2207027, message="the media is not ready")
        shown_ever = (*mine.posts, *mine.stories)
        today = [post for post in shown_ever if self.clock() - post["_at"] < timedelta(hours=24)]
        if len(today) >= mine.quota:
            raise GraphApiError(4, 2207042, message="too many posts in 24 hours")
        made.published, number = True, str(next(_ids))
        if stories.is_story(made.told):
            story = stories.publish_story(number, mine.username, made.told, self.clock())
            mine.stories.append(story | {"_files": made.files})
            return {"id": number}
        told_of = {
            "id": number,
            "timestamp": self.clock().strftime("%Y-%m-%dT%H:%M:%S+0000"),
            "like_count": 3,
        }
        told_of |= {
            "permalink": f"https://www.instagram.com/p/{number}/",
            "comments_count": 1,
            "view_count": 9,
            "is_comment_enabled": True,
        }
        ai = made.told.get("is_ai_generated") is True
        kept = {
            "caption": str(made.told.get("caption", "")),
            "is_ai_generated": ai,
            **shape(made.told, (str(next(_ids)) for _ in made.files)),
        }
        mine.posts.append({**told_of, **kept, "_at": self.clock(), "_files": made.files})
        return {"id": number}

    def comment(self, mine: Profile, media: str, text: object) -> dict[str, Any]:
        """Comment on a post. Rejected if the post is too recent or does not allow comments. Raise
        GraphApiError."""
        post = next(post for post in mine.posts if post["id"] == media)
        if (self.clock() - post["_at"]).total_seconds() < mine.comments_after:
            raise GraphApiError(
                100,
                33,
                message=f"Unsupported post request. Object with ID '{media}' does not exist",
            )
        if not post["is_comment_enabled"]:
            raise GraphApiError(10, message="(#10) Comments are turned off for this media")
        if not isinstance(text, str) or not text.strip() or len(text) > LONGEST:
            raise GraphApiError(100, message="(#100) The parameter message is required")
        return {"id": mine.comments.say(media, text, self.clock()).id}

    def answer(
        self, method: str, parts: list[str], told: Mapping[str, Any], mine: Profile
    ) -> dict[str, Any]:
        """Return the response to a request. Raise GraphApiError."""
        if (said := mine.chats.answer(method, parts, told, mine.rights, self.clock())) is not None:
            return said
        match method, parts:
            case "GET", ["me"]:
                return _person(mine, str(told.get("fields", "username")))
            case "POST", [owner, "media"] if owner == mine.id:
                return self.contain(mine, told)
            case "POST", [owner, "media_publish"] if owner == mine.id:
                return self.publish(mine, told)
            case "GET", [owner, "media"] if owner == mine.id and "comments" in str(
                told.get("fields")
            ):
                _check_right(mine)
                return listed(mine.posts, mine.comments, told, mine.username)
            case "GET", [owner, "media"] if owner == mine.id:
                return page(mine.posts, told)
            case "GET", [owner, "stories"] if owner == mine.id:
                return page(stories.live_stories(mine.stories, self.clock()), told)
            case _, [owner, "subscribed_apps"] if owner == mine.id:
                return self.calls.subscribe(method, told, "instagram", owner, rights=mine.rights)
            case "GET", [container] if container in mine.containers:
                return self.status(mine, mine.containers[container])
            case "GET", [media]:
                post = next((post for post in mine.posts if post["id"] == media), None)
                if post is not None:
                    return shown(post, str(told.get("fields", "")))
        tells = INSIGHTS in mine.rights
        if method == "GET" and (
            found := stories.answer(parts, told, mine.stories, self.clock(), insights=tells)
            or _post_insights(parts, told, mine)
        ):
            return found
        return self._of_comments(method, parts, told, mine)

    def _of_comments(
        self, method: str, parts: list[str], told: Mapping[str, Any], mine: Profile
    ) -> dict[str, Any]:
        """Return the response to a request about comments. Raise GraphApiError."""
        _check_right(mine)
        fields = fields_of(str(told.get("fields", "id,text,timestamp")))
        most, after = int(str(told.get("limit", 25))), str(told.get("after", ""))
        match method, parts:
            case "GET", [media, "comments"] if any(post["id"] == media for post in mine.posts):
                return mine.comments.page(mine.comments.under(media), fields, most, after)
            case "POST", [media, "comments"] if any(post["id"] == media for post in mine.posts):
                return self.comment(mine, media, told.get("message"))
            case "GET", [comment, "replies"]:
                above = mine.comments.standing(comment)
                return mine.comments.page(
                    mine.comments.under(above.media, above.id), fields, most, after
                )
            case "POST", [comment, "replies"]:
                return mine.comments.answer(comment, told.get("message"), self.clock())
            case "GET", [comment]:
                return mine.comments.told(mine.comments.standing(comment), fields)
            case "POST", [comment]:
                return mine.comments.update(comment, told)
            case "DELETE", [comment]:
                return mine.comments.delete(comment)
        raise GraphApiError(100, 33, message="Unsupported request: object does not exist")


def _check_right(mine: Profile) -> None:
    if RIGHT not in mine.rights:
        raise GraphApiError(
            10, message="(#10) Application does not have permission for this action"
        )


POST_INSIGHTS = {"reach": 80, "saved": 4, "shares": 2}


def _post_insights(
    parts: list[str], told: Mapping[str, Any], mine: Profile
) -> dict[str, Any] | None:
    """Return the insights of a post, or None for any other request. Raise GraphApiError."""
    if parts[1:] != ["insights"] or all(post["id"] != parts[0] for post in mine.posts):
        return None
    metrics = str(told.get("metric", ""))
    wanted = metrics.split(",")
    if not set(wanted) <= POST_INSIGHTS.keys():
        raise GraphApiError(100, message=f"(#100) unknown metric in {metrics}")
    if INSIGHTS not in mine.rights:
        raise GraphApiError(
            10, message="(#10) Application does not have permission for this action"
        )
    return {
        "data": [
            {"name": name, "period": "lifetime", "values": [{"value": POST_INSIGHTS[name]}]}
            for name in wanted
        ]
    }


def _person(mine: Profile, fields: str) -> dict[str, Any]:
    """Return the requested fields of the account, and an ID of another kind. Raise GraphApiError."""
    known = {
        "id": "1",
        "user_id": mine.id,
        "username": mine.username,
        "account_type": mine.account_type,
    }
    known |= {"followers_count": mine.followers}
    wanted = {"id", *fields.split(",")}
    if not wanted <= known.keys():
        raise GraphApiError(100, message=f"Tried accessing nonexisting field ({fields})")
    return {name: value for name, value in known.items() if name in wanted}


@contextmanager
def instagram() -> Iterator[FakeInstagram]:
    """Run a server under uvicorn with an adjustable clock."""
    clock = AdjustableClock()
    server = FakeInstagram(clock, FaultBook(clock=clock))
    with serve_app(create_app(server), clock=clock) as server.url:
        yield server


KINDS_OF_REQUESTS: Mapping[tuple[str, str], str] = {
    **dict.fromkeys(
        [("POST", "media_publish"), ("POST", "replies"), ("POST", "comments")], "posts"
    ),
    ("POST", "media"): "files",
    ("POST", "subscribed_apps"): "subscriptions",
    ("POST", "messages"): "messages",
    **dict.fromkeys(
        [("GET", "conversations"), ("GET", "media"), ("GET", "stories"), ("GET", "replies")],
        "lookups",
    ),
    ("GET", "comments"): "remarks",
}


def classify_request(scope: Scope, method: str, path: str) -> PlatformCall:
    """Return the kind of a request for the fault book."""
    parts = path.strip("/").split("/")
    if "/".join(parts) in oauth.OFFICES:
        return PlatformCall(method, path, "", oauth.OFFICES["/".join(parts)])
    kind = KINDS_OF_REQUESTS.get((method, parts[-1]), "checks" if parts == ["me"] else "metrics")
    if kind == "lookups" and b"comments" in scope["query_string"]:
        kind = "remarks"
    if kind == "metrics" and method != "GET":
        kind = "moderation"
    return PlatformCall(method, path, parts[0] if len(parts) == 2 else "", kind)


def _bare(path: str) -> str:
    """Remove the version prefix from a path."""
    return re.sub(r"^v\d+\.\d+/", "", path)


def create_app(server: FakeInstagram) -> ASGIApp:
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
            answer = await run_in_threadpool(
                server.answer, request.method, _bare(path).split("/"), told, mine
            )
        except GraphApiError as refused:
            return JSONResponse(refused.body, refused.status)
        return JSONResponse(answer)

    async def entry(scope: Scope, receive: Receive, send: Send) -> None:
        await FaultyNetwork(app, book=server.book, call_of=partial(classify_request, scope))(
            scope, receive, send
        )

    return entry
