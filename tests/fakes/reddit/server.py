"""A stateful Reddit over HTTP with injected faults, based on recordings of the real one, which
publishes no API description.

One origin serves everything: the authorization page (`www.reddit.com`), the token endpoint, the API
(`oauth.reddit.com`) and the object stores. It reproduces behaviour of the real platform that
clients often get wrong: most errors have status 200, `resubmit` defaults to false, text contains
`&lt;` unless `raw_json=1` is set, a request without `api_type=json` returns another format, the
response to a picture or video contains no ID, a gallery has a fullname as its `id`, a rate limit
can be returned together with a created post, and clients without a specific User-Agent receive 429.

Recorded (tests of praw and prawcore, its issue 1768): the fields of a lease, its policy of one
minute and 20 MiB, or 2 GiB and another store for a video, the responses of the stores, posting and
displaying a video with its poster, responses to posts of all kinds, `GALLERIES_DISABLED`, both
formats of `SUBMIT_VALIDATION_*` (`validation_status`), rate limit headers, 400 for an invalid
refresh token. Texts of most other errors are from the code that Reddit published in 2017.

The following is unverified; clients must not rely on it:

- Error codes for adult posts where they are not allowed (`refuses_nsfw`), for pictures or videos
  where they are disabled (`NO_IMAGES`, `NO_VIDEOS`), for invalid items of a gallery, file URLs
  (`BAD_URL`) and flairs (`BAD_FLAIR_TEMPLATE_ID`), that the text of a flair which is not editable
  is ignored, and the order of all these checks.
- Whether titles are normalized (`tidies`), links are compared without normalization, and adult
  subreddits mark every post as adult.
- That the account's own adult posts are listed (`hides_nsfw`), the delay of lists (`lag`), and the
  processing time of pictures (`media_delay`): an invalid file never becomes a post. That a video
  without a poster is rejected (every client sends one), and that a video is not listed until it is
  processed.
- A suspended account: 403 for all requests, or 200 for `/api/v1/me` only (`tells_suspended`); its
  refresh tokens are rejected.
- Bodies of 403, 404 and 429; an unknown subreddit returns 404 here, while the real site redirects
  browsers to its search.
- Refresh tokens: the same one is returned again (`oauth.rotates`, `oauth.repeats_refresh`); tokens
  are valid for a day.
- Fields of deleted posts: their titles remain here.
- `approve` in the query of the page names the approving user; tests use it instead of a session.

Not covered: actions of moderators, filters and users, karma and ages of accounts, votes, silent
videos, polls, crossposts, collections, drafts, and Reddit's approval of apps. The WebSocket URL of
a file is not served. An account's own token (`member.token`) does not expire, has the scopes in
`SCOPES` and a separate rate limit, unless `member.client` names the app whose limit applies.
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from starlette.applications import Starlette
from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from connectors.conformance.fake_servers import AdjustableClock, serve_app
from foundation.ops.fault_injection import FaultBook, FaultyNetwork, PlatformCall
from tests.fakes.oauth_server import App, SignIn, Token
from tests.fakes.reddit.chats import PrivateMessages, signing_in
from tests.fakes.reddit.limits import Limits
from tests.fakes.reddit.media import STORES
from tests.fakes.reddit.oauth import OAuth
from tests.fakes.reddit.responses import about, flairs, listing, me, requirements, rules, told_post
from tests.fakes.reddit.spec import (
    FORM,
    JSON,
    MULTIPART,
    Json,
    ParsedRequest,
    PostErrors,
    Refusal,
    bad_request,
    escaped,
    forbidden,
    insufficient_scope,
    not_found,
    read,
    split,
    stored,
    too_many,
    unauthorized,
)
from tests.fakes.reddit.state import SCOPES, Member, Post, Subreddit, limited

OPERATIONS = (
    ("GET", "api/v1/me", "identity", "checks"),
    ("GET", "r/*/about", "read", "checks"),
    ("GET", "r/*/about/rules", "read", "checks"),
    ("GET", "api/v1/*/post_requirements", "submit", "checks"),
    ("GET", "r/*/api/link_flair_v2", "flair", "checks"),
    ("POST", "api/media/asset", "submit", "files"),
    ("POST", "api/submit", "submit", "posts"),
    ("POST", "api/submit_gallery_post", "submit", "posts"),
    ("POST", "api/comment", "submit", "posts"),
    ("POST", "api/block", "privatemessages", "moderation"),
    ("POST", "api/report", "report", "moderation"),
    ("GET", "message/inbox", "privatemessages", "remarks"),
    ("GET", "message/messages", "privatemessages", "other"),
    ("GET", "message/messages/*", "privatemessages", "other"),
    ("GET", "message/sent", "privatemessages", "lookups"),
    ("POST", "api/compose", "privatemessages", "posts"),
    ("POST", "api/del_msg", "privatemessages", "other"),
    ("POST", "api/read_message", "privatemessages", "other"),
    ("POST", "api/del", "edit", "deletes"),
    ("POST", "api/editusertext", "edit", "edits"),
    ("POST", "api/marknsfw", "modposts", "other"),
    ("GET", "user/*/submitted", "history", "lookups"),
    ("GET", "user/*/comments", "history", "lookups"),
    ("GET", "api/info", "read", "metrics"),
    ("GET", "comments/*", "read", "metrics"),
)
"""Method, path without `.json`, required scope, and kind for the fault book."""
AGENT = re.compile(r"[\w.-]+:[\w.-]+:[\w.+-]+ \((by /u/[\w-]+|signing in)\)")
BREAK = 180.0
"""Length in seconds of the rate limit that is returned with a created post."""

__all__ = [
    "SCOPES",
    "App",
    "FakeReddit",
    "Member",
    "Post",
    "Refusal",
    "Subreddit",
    "create_app",
    "reddit",
]


@dataclass
class FakeReddit(PrivateMessages, SignIn):
    """The state of Reddit. Tests create accounts, subreddits and apps, adjust the clock, and
    request faults from `book`."""

    tells_suspended: bool = False
    """True if `/api/v1/me` reports the suspension of an account with status 200; otherwise all its
    requests return 403."""
    book: FaultBook = field(init=False)
    oauth: OAuth = field(init=False)
    limits: Limits = field(init=False)

    def __post_init__(self) -> None:
        self.book = FaultBook(clock=self.clock)
        self.oauth = OAuth(self)
        self.limits = Limits(self.clock)

    async def answer(self, request: Request) -> Response:
        """Answer a request."""
        data = await request.body()
        headers: dict[str, str] = {}
        try:
            if split(request.scope["path"])[0] in STORES:
                return await self._stored(request)
            asked = read(request, data)
            if asked.parts[:2] == ["api", "v1"] and asked.parts[2:] in (
                ["authorize"],
                ["authorize.compact"],
            ):
                return self.oauth.show_page(
                    {**asked.query, **asked.form}, posted=asked.method == "POST"
                )
            if not AGENT.match(asked.agent):
                raise too_many()
            if asked.parts in (["api", "v1", "access_token"], ["api", "v1", "revoke_token"]):
                return self._signing_in(asked)
            known = self._known(asked)
            headers = self.limits.ask(known.client_id)
            self._allowed(asked, known)
            told = self._route(asked, known.member)
        except Refusal as refusal:
            return _refused(refusal, headers)
        return JSONResponse(told if asked.raw else escaped(told), 200, headers)

    def _signing_in(self, asked: ParsedRequest) -> Response:
        if asked.method != "POST" or asked.kind != FORM:
            raise bad_request()
        if asked.parts[-1] == "revoke_token":
            self.oauth.revoke(asked.form, asked.header)
            return Response(status_code=200)
        return JSONResponse(
            self.oauth.exchange(asked.form, asked.header), 200, {"cache-control": "no-store"}
        )

    def _known(self, asked: ParsedRequest) -> Token:
        known = self.oauth.find_bearer(asked.header)
        if known is None:
            raise unauthorized()
        return known

    def _allowed(self, asked: ParsedRequest, known: Token) -> None:
        """Raise Refusal if the token may not perform the operation."""
        scope, _ = operation(asked.method, asked.parts)
        if not scope:
            raise not_found()
        if known.member.suspended and not (self.tells_suspended and asked.parts[-1] == "me"):
            raise forbidden()
        if scope not in known.scopes:
            raise insufficient_scope()

    def _route(self, asked: ParsedRequest, mine: Member) -> Any:
        match asked.parts:
            case ["api", "v1", "me"]:
                return me(mine)
            case ["r", name, *rest]:
                return self._about(self.place(mine, name), rest, mine)
            case ["api", "v1", name, "post_requirements"]:
                return requirements(self.place(mine, name))
            case ["api", "media", "asset"]:
                return self.lease(mine.name, asked.said("filepath"), asked.said("mimetype"))
            case ["api", "submit" | "submit_gallery_post" | "comment" | "compose" | "editusertext"]:
                return self._posted(asked, mine)
            case ["user", name, "submitted"]:
                return self.submitted(mine, name, asked.query, self.book.lag_seconds(""))
            case ["message", *_] | ["api", "del_msg" | "read_message"]:
                return self._letters(asked, mine)
            case ["user" | "api", *_, "comments" | "block" | "report" | "info"]:
                return self._talk(asked, mine)
            case ["comments", number]:
                found = self.post(f"t3_{number}")
                if found is None:
                    raise not_found()
                return [listing([told_post(found)]), listing([])]
            case ["api", "del"]:
                self.delete(mine, asked.said("id"))
            case _:
                self.mark(mine, asked.said("id"))
        return {}

    def _talk(self, asked: ParsedRequest, mine: Member) -> Any:
        match asked.parts:
            case ["user", name, _]:
                return self.of(name, asked.query, self.book.lag_seconds(""))
            case [_, "block"]:
                return self.block(mine, asked.said("id"))
            case [_, "report"]:
                return self.report(asked)
        return self.info(asked.query)

    def _letters(self, asked: ParsedRequest, mine: Member) -> Any:
        match asked.parts:
            case [_, "inbox"]:
                return self.inbox(mine, asked.query)
            case [_, "sent"]:
                return self.sent(mine, asked.query, self.book.lag_seconds(""))
            case [_, "del_msg"]:
                self.forget(mine, asked.said("id"))
            case [_, "read_message"]:
                self.mark_read(mine, asked.said("id"))
            case _:
                raise signing_in()
        return {}

    def _about(self, place: Subreddit, rest: list[str], mine: Member) -> Any:
        match rest:
            case ["about"]:
                return about(place, mine)
            case ["about", "rules"]:
                return rules(place)
        return flairs(place)

    def _posted(self, asked: ParsedRequest, mine: Member) -> Json:
        """Return the response to a new post, including errors with status 200. Raise Refusal."""
        by_form = asked.parts[-1] != "submit_gallery_post"
        told: Json = {"errors": []}
        try:
            if asked.parts[-1] == "comment":
                told["data"] = self.commented(mine, asked)
            elif asked.parts[-1] == "compose":
                self.compose(mine, asked)
            elif asked.parts[-1] == "editusertext":
                found = self.reword(mine, asked.said("thing_id"), asked.said("text"))
                told["data"] = {"things": [told_post(found)]}
            elif by_form:
                told["data"] = self.submit(mine, asked)
            elif asked.kind == JSON and isinstance(asked.body, dict):
                told["data"] = self.gallery(mine, asked.body)
            else:
                raise bad_request()
            if self.limited_but_made:
                raise limited(BREAK)
        except PostErrors as error:
            told |= {"errors": error.errors} | error.more
        if by_form and asked.said("api_type") != "json":
            return {"jquery": [], "success": not told["errors"]}
        return {"json": told}

    async def _stored(self, request: Request) -> Response:
        if request.method != "POST" or not request.headers.get("content-type", "").startswith(
            MULTIPART
        ):
            raise stored(
                412,
                "PreconditionFailed",
                "Bucket POST must be of the enclosure-type multipart/form-data",
            )
        fields: dict[str, str] = {}
        data: bytes | None = None
        async with request.form() as form:
            for name, value in form.multi_items():
                if isinstance(value, UploadFile):
                    data = await value.read()
                    break  # Fields after the file are ignored.
                fields[name] = value
        xml, headers = self.put(
            split(request.scope["path"])[0], fields, data, request.headers.get("authorization", "")
        )
        return Response(xml, 201, headers, "application/xml")


def _refused(refusal: Refusal, headers: Mapping[str, str]) -> Response:
    told, all_of_them = refusal.body, dict(headers) | refusal.headers
    if isinstance(told, str):
        return Response(told, refusal.status, all_of_them, "application/xml")
    return JSONResponse(told, refusal.status, all_of_them)


def operation(method: str, parts: list[str]) -> tuple[str, str]:
    """Return the required scope and the kind of a request. The scope is "" for an unknown
    operation."""
    for known, path, scope, kind in OPERATIONS:
        words = path.split("/")
        fits = len(words) == len(parts) and all(
            word in {"*", part} for word, part in zip(words, parts, strict=True)
        )
        if known == method and fits:
            return scope, kind
    return "", "other"


def classify_request(method: str, path: str) -> PlatformCall | None:
    """Return the kind of a request. Only its token names the account."""
    parts = split(path)
    if parts[0] in STORES:
        return PlatformCall(method, path, "", "files")
    signs_in = parts in (["api", "v1", "access_token"], ["api", "v1", "revoke_token"])
    return PlatformCall(method, path, "", "tokens" if signs_in else operation(method, parts)[1])


def create_app(server: FakeReddit) -> ASGIApp:
    """Return the app for `server`."""
    methods = ["GET", "POST", "PUT", "PATCH", "DELETE"]
    app = Starlette(routes=[Route("/{path:path}", server.answer, methods=methods)])
    faulty = FaultyNetwork(app, book=server.book, call_of=classify_request)

    async def entry(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "lifespan":  # Lifespan events need no handling.
            await faulty(scope, receive, send)

    return entry


@contextmanager
def reddit(clock: AdjustableClock | None = None) -> Iterator[FakeReddit]:
    """Run a Reddit with an adjustable clock."""
    server = FakeReddit(clock or AdjustableClock())
    with serve_app(create_app(server), clock=server.clock) as server.url:
        yield server
