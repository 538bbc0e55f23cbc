"""A stateful Fanvue over HTTP with injected faults, which validates requests against a description
compiled from the reference pages.

One origin serves everything: the authorization page, the token endpoint, the API (with and without
`/v1`) and the object store for parts of media. It reproduces behaviour of the real platform that
clients often get wrong: each call names its version, bodies are strict, refresh tokens can be used
once and a second use ends the grant, part URLs are plain text, expire and accept no token, ETags
are checked, media cannot be used before they are ready, and errors have three shapes (`errors`,
`error` with or without `message`, `message` alone), as the reference defines for each status.

The following is unverified; clients must not rely on it:

- `DELETE /posts/{uuid}` is in the index of the reference, without a description: its 204
  (`delete_status`) and its 404 for missing and foreign posts are assumed.
- Fields that the description does not name are rejected; prices are whole cents; a post or a
  message without text and media is rejected; a preview requires a price; the length of text is
  counted in characters, and text is stored as sent, including whitespace.
- Invalid media of a post return 400 with `errors`; a media file can be used once per post, and in
  many posts.
- The description declares part URLs as JSON; clients read plain text. Clients rely on the 200 for
  completing an upload twice (`complete_again`), on required ETags with quotation marks, and on the
  sizes of parts.
- `sizeBytes` is required under `/v1` only; if it is sent elsewhere, the response contains the sizes
  of parts, as third parties report.
- A chat is marked as read unless `markAsRead=false`, and under `/v1` only with `markAsRead=true`.
- The sender of the chat line `LOCKED_MESSAGE_UNLOCKED` (here the fan) and its existence
  (`tells_unlocked`); that a purchased message cannot be deleted, and the text of that error.
- A suspended account returns 403, as does posting by an account that is not a creator; the order of
  checks (here: version, token, limit, scope, state, shape); error texts; that the body of 429 is an
  `error` alone.
- Idempotency keys are ignored: third parties send `Idempotency-Key`, but no readable page documents
  it.
- `invalid_state` for states under 8 characters, codes of 10 minutes and refresh tokens of 30 days
  are defaults of Ory; a refresh does not end the previous access token (`ends_access`);
  `/oauth2/revoke` is what third parties call.
- The bodies of webhooks: only their signature is documented; tests define the events.

Not covered: Fanvue's processing and moderation of media, the fans' view, agency routes
(`/creators/…`) and their limits, mass messages, collections, templates, scheduling (recorded in
`forbidden` and rejected), edits of posts, tracking links, payouts and limits per IP address. An
account's own token (`member.token`) does not expire; others are valid for an hour.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from connectors.conformance.fake_servers import AdjustableClock, serve_app
from foundation.http.http_client import HttpClient, HttpResponse
from foundation.http.http_client import HttpRequest as Outgoing
from foundation.ops.fault_injection import FaultBook, FaultyNetwork, PlatformCall
from tests.fakes.fanvue.chats import chats
from tests.fakes.fanvue.earnings import EarningsLedger
from tests.fakes.fanvue.limits import Limits
from tests.fakes.fanvue.media import Medium, uuid
from tests.fakes.fanvue.oauth import App, OAuth, signature
from tests.fakes.fanvue.spec import (
    FORM,
    JSON,
    VERSION,
    Json,
    ParsedRequest,
    Refusal,
    Spec,
    forbidden,
    invalid,
    load_description,
    not_found,
    read,
    split,
    unauthorized,
)
from tests.fakes.fanvue.state import MADE, SCOPES, FanvueState, Member, Message, shown, stamp
from tests.fakes.oauth_server import SignIn, Token

OPERATIONS = (
    ("GET", "users/me", "read:self", "checks"),
    ("POST", "media/uploads", "write:media", "files"),
    ("GET", "media/uploads/*/parts/*/url", "write:media", "files"),
    ("PATCH", "media/uploads/*", "write:media", "files"),
    ("GET", "media/*", "read:media", "polls"),
    ("POST", "posts", "write:post", "posts"),
    ("GET", "posts", "read:post", "lookups"),
    ("GET", "posts/*", "read:post", "metrics"),
    ("DELETE", "posts/*", "write:post", "deletes"),
    ("GET", "chats", "read:chat", "updates"),
    ("POST", "chats/*/message", "write:chat", "messages"),
    ("GET", "chats/*/messages", "read:chat", "lookups"),
    ("DELETE", "chats/*/messages/*", "write:chat", "deletes"),
    ("GET", "insights/earnings", "read:insights", "other"),
    ("GET", "insights/spending", "read:insights", "other"),
)
"""Method, path, required scope, and kind for the fault book."""
NO_ANSWER = 0

__all__ = ["SCOPES", "App", "FakeFanvue", "Member", "Refusal", "create_app", "fanvue"]


@dataclass
class FakeFanvue(FanvueState, SignIn):
    """The state of Fanvue. Tests create accounts and apps, adjust the clock, request faults from
    `book`, and inspect the content.

    `slow`, `spoils`, `forbidden` and `named` are attributes of the vault; `fan`, `says` and `types`
    are methods of the state.
    """

    spec: Spec = field(default_factory=lambda: Spec(None))
    ends_access: bool = False
    """True if a refresh also ends the previous access token."""
    delete_status: int = 204
    """Response to the deletion of a post: 204 without a body, or 200 with an empty object."""
    next_version: str = ""
    """Successor of the current API version when it is deprecated. Every response announces it."""
    tells_unlocked: bool = True
    """True if a chat contains a separate line when a message is purchased."""
    before_delete: Callable[[], object] | None = None
    """Callback that runs just before the next message is deleted."""
    retired: bool = False
    """True if the API version was removed: every request returns 410."""
    book: FaultBook = field(init=False)
    oauth: OAuth = field(init=False)
    limits: Limits = field(init=False)
    till: EarningsLedger = field(init=False)

    def __post_init__(self) -> None:
        self.book = FaultBook(clock=self.clock)
        self.oauth = OAuth(self)
        self.limits = Limits(self.clock)
        self.till = EarningsLedger(self.clock)

    def deliver(
        self,
        app: App,
        address: str,
        event: Json,
        *,
        late: float = 0.0,
        times: int = 1,
        signing: str = "",
    ) -> list[int]:
        """Send an event to a webhook, `times` times with the same body. Return the statuses, 0
        without a response.

        Args:
            late: age of the signature in seconds.
            signing: secret of the signature, if it is not the app's.
        """
        body, at = json.dumps(event).encode(), int(self.clock().timestamp() - late)
        headers = {
            "content-type": JSON,
            "x-fanvue-signature": signature(signing or app.signing, at, body),
        }
        replies = [
            HttpClient().send(Outgoing("POST", address, headers, body, 10.0)) for _ in range(times)
        ]
        return [reply.status if isinstance(reply, HttpResponse) else NO_ANSWER for reply in replies]

    def buys(self, creator: Member, message_id: str) -> Message:
        """Purchase a locked message as its fan, once: unlock it, book the earning and add the line
        to the chat."""
        found = next(one for said in creator.chats.values() for one in said if one.id == message_id)
        if found.price is None or found.bought is not None or found.by_fan:
            raise ValueError("there is nothing to buy")
        found.bought = self.clock()
        self.till.earn(
            creator, found.price, found.price * 4 // 5, "message", found.fan, message=found.id
        )
        if self.tells_unlocked:
            self.says(found.fan, creator, "", kind="LOCKED_MESSAGE_UNLOCKED")
        return found

    async def answer(self, request: Request) -> Response:
        """Answer a request."""
        data = await request.body()
        headers: dict[str, str] = {}
        try:
            asked = read(request, data)
            if asked.parts[0] == "oauth2":
                return self._signing_in(asked)
            if asked.parts[0] == "store":
                return Response(status_code=200, headers={"etag": self.put(asked)})
            headers = self._versioned(asked)
            known, (scope, kind) = self._known(asked), _operation(asked.method, asked.parts)
            headers |= self.limits.ask(known.client_id, known.member.id, kind)
            self._allowed(asked, known, scope)
            trouble = self.spec.judge(asked)
            if trouble:
                raise invalid(trouble)
            status, told = self._route(asked, known.member)
            self.spec.check_answer(asked, status, told)
        except Refusal as refusal:
            return _refused(refusal, headers)
        if told is None:
            return Response(status_code=status, headers=headers)
        plain = isinstance(told, str)
        return (
            PlainTextResponse(told, status, headers)
            if plain
            else JSONResponse(told, status, headers)
        )

    def _signing_in(self, asked: ParsedRequest) -> Response:
        if (asked.method, asked.parts[1:]) == ("GET", ["auth"]):
            return self.oauth.show_page(asked.query)
        if asked.method != "POST" or asked.parts[1:] not in (["token"], ["revoke"]):
            raise not_found()
        if asked.kind != FORM or asked.query or not isinstance(asked.said, dict):
            raise self.oauth.make_error("form")
        if asked.parts[1] == "revoke":
            self.oauth.revoke(asked.said, asked.header)
            return Response(status_code=200)
        told = self.oauth.exchange(asked.said, asked.header)
        return JSONResponse(told, 200, {"cache-control": "no-store"})

    def _versioned(self, asked: ParsedRequest) -> dict[str, str]:
        """Return the version headers. Raise Refusal."""
        if asked.version != VERSION:
            told = f"Version '{asked.version}' is not supported. Supported versions: {VERSION}"
            raise Refusal(400, {"error": "Unsupported API version", "message": told})
        if self.retired:
            told = f"Version '{VERSION}' is no longer supported"
            raise Refusal(
                410,
                {"error": "API version sunset", "message": told, "nextVersion": self.next_version},
            )
        if not self.next_version:
            return {}
        return {
            "deprecation": "true",
            "sunset": "2030-01-01",
            "x-fanvue-api-next-version": self.next_version,
        }

    def _known(self, asked: ParsedRequest) -> Token:
        known = self.oauth.find_bearer(asked.header)
        if known is None:
            raise unauthorized()
        return known

    def _allowed(self, asked: ParsedRequest, known: Token, scope: str) -> None:
        """Raise Refusal if the token may not perform the operation."""
        if not scope:
            raise not_found()
        if scope not in known.scopes:
            raise forbidden(f"Insufficient scope: {scope} is required")
        if known.member.state == "suspended":
            raise forbidden("Account suspended")
        if known.member.state == "fan" and asked.method != "GET":
            raise forbidden("Only creators may do this")

    def _route(self, asked: ParsedRequest, mine: Member) -> tuple[int, Json | str | None]:
        """Return the status and JSON, plain text, or no body. Raise Refusal."""
        match asked.method, asked.parts:
            case "GET", ["users", "me"]:
                return 200, self._me(mine)
            case "POST", ["media", "uploads"]:
                return 200, self.begin(mine.id, asked.fields(), sized=asked.newer)
            case "PATCH", ["media", "uploads", upload]:
                return 200, {"status": self.complete(mine.id, upload, asked.fields()).status}
            case "GET", ["media", "uploads", upload, "parts", number, "url"]:
                return 200, self.part_url(mine.id, upload, number)
            case "GET", ["media", medium]:
                return 200, self._medium(self.look(mine.id, medium), asked.query)
            case "GET", ["insights", "earnings" | "spending" as name]:
                return 200, self.till.page(mine, name, asked.query)
            case _, ["posts", *_]:
                return self._posts(asked, mine)
            case _:
                return self._chats(asked, mine)

    def _posts(self, asked: ParsedRequest, mine: Member) -> tuple[int, Json | None]:
        match asked.method, asked.parts[1:]:
            case "POST", []:
                told = shown(self.publish(mine, asked.fields()))
                return 201, {name: told[name] for name in MADE}
            case "GET", []:
                return 200, self.posted(
                    mine, asked.query, self.clock() - timedelta(seconds=self.book.lag_seconds(""))
                )
            case "GET", [post]:
                return 200, shown(self.post(mine, uuid(post)))
            case _, [post, *_]:
                del mine.posts[self.post(mine, uuid(post)).id]
        return self.delete_status, None if self.delete_status == 204 else {}

    def _chats(self, asked: ParsedRequest, mine: Member) -> tuple[int, Json | None]:
        until = self.clock() - timedelta(seconds=self.book.lag_seconds(""))
        if asked.parts == ["chats"]:
            return 200, chats(self, mine, asked.query, until)
        fan = uuid(asked.parts[1])
        if asked.method == "POST":
            return 201, {"messageUuid": self.send(mine, fan, asked.fields()).id}
        if asked.method == "GET":
            return 200, self.chat(mine, fan, asked.query, until, reads=not asked.newer)
        if self.before_delete is not None:
            act, self.before_delete = self.before_delete, None
            act()
        self.unsend(mine, fan, uuid(asked.parts[3]))
        return 204, None

    def _me(self, mine: Member) -> Json:
        media = [
            one for one in self.media.values() if one.owner == mine.id and one.status == "ready"
        ]
        counts = {
            f"{kind}Count": sum(one.kind == kind for one in media)
            for kind in ("image", "video", "audio")
        }
        priced = sum(post.price is not None for post in mine.posts.values())
        told: Json = {
            "uuid": mine.id,
            "email": f"{mine.username}@example.com",
            "handle": mine.username,
            "bio": "",
        }
        told |= {
            "displayName": mine.username,
            "isCreator": mine.state != "fan",
            "createdAt": stamp(mine.at),
        }
        told |= {"updatedAt": None, "avatarUrl": None, "bannerUrl": None, "likesCount": 0}
        told |= {
            "fanCounts": {"followersCount": mine.followers, "subscribersCount": len(mine.chats)}
        }
        return told | {
            "contentCounts": counts | {"postCount": len(mine.posts), "payToViewPostCount": priced}
        }

    def _medium(self, one: Medium, query: Mapping[str, str]) -> Json:
        told: Json = {"uuid": one.id, "status": one.status}
        if one.status != "ready" or one.size is None:
            return told
        width, height = one.size
        variants: list[dict[str, Any]] = [
            {
                "uuid": one.id,
                "variantType": kind,
                "displayPosition": 0,
                "width": width,
                "height": height,
            }
            for kind in query.get("variants", "").split(",")
            if kind
        ]
        told |= {
            "createdAt": self.told(one.at),
            "name": one.name,
            "mediaType": one.kind,
            "recommendedPrice": None,
        }
        return told | {
            "caption": None,
            "description": None,
            "variants": [each | {"lengthMs": None} for each in variants],
        }


def _refused(refusal: Refusal, headers: Mapping[str, str]) -> Response:
    told, all_of_them = refusal.body, dict(headers) | refusal.headers
    if isinstance(told, str):
        return Response(told, refusal.status, all_of_them, "application/xml")
    return JSONResponse(told, refusal.status, all_of_them)


def _operation(method: str, parts: list[str]) -> tuple[str, str]:
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
    parts, _ = split(path)
    if parts[0] == "store":
        return PlatformCall(method, path, "", "files")
    signs_in = method == "POST" and parts[0] == "oauth2"
    return PlatformCall(method, path, "", "tokens" if signs_in else _operation(method, parts)[1])


def create_app(server: FakeFanvue) -> ASGIApp:
    """Return the app for `server`."""
    methods = ["GET", "POST", "PUT", "PATCH", "DELETE"]
    app = Starlette(routes=[Route("/{path:path}", server.answer, methods=methods)])
    faulty = FaultyNetwork(app, book=server.book, call_of=classify_request)

    async def entry(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "lifespan":  # Lifespan events need no handling.
            await faulty(scope, receive, send)

    return entry


@contextmanager
def fanvue(spec: Path | None = None, clock: AdjustableClock | None = None) -> Iterator[FakeFanvue]:
    """Run a Fanvue with an adjustable clock. It uses the description of the reference data unless
    `spec` is given."""
    server = FakeFanvue(clock or AdjustableClock(), spec=Spec(spec or load_description()))
    with serve_app(create_app(server), clock=server.clock) as server.url:
        yield server
