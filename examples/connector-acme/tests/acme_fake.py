"""A stateful Acme over HTTP: it stores posts, checks the token, and can be made to fail.

Make your fake as strict as the platform, and document all assumptions here: the suite is only as
good as the fake.
"""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from datetime import timedelta
from itertools import count
from typing import Any

from acme_greenroom.connector import Acme
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from connectors.conformance.fake_servers import AdjustableClock, serve_app
from connectors.conformance.world import TEST_TENANT, ConnectorWorld, conformance_transport
from connectors.transport.transport import AccountTarget
from foundation.http.http_client import HttpClient
from foundation.ids import uuid7
from foundation.ops.fault_injection import FaultBook, FaultyNetwork, PlatformCall
from foundation.sealed import Sealed

ACCOUNT, TOKEN = "mia", "acme_secret"
KINDS = {"POST": "posts", "GET": "lookups", "DELETE": "deletes"}
FIELDS = {"text", "media", "key", "ai"}
Act = Callable[[Request, bytes], Response]


class FakeAcme:
    """One account and all its posts."""

    def __init__(self) -> None:
        self.clock = AdjustableClock()
        self.book = FaultBook(clock=self.clock)
        self.files: dict[str, str] = {}
        """IDs of the uploaded files by their digest."""
        self.posts: dict[str, dict[str, Any]] = {}
        self._numbers = count(1)

    def inject_fault(self, mode: str, on: str, **more: Any) -> None:
        """Schedule a fault for the next request of a kind."""
        self.book.schedule_fault(mode, account=ACCOUNT, on=on, **more)

    def accepted_posts(self) -> list[tuple[str, str]]:
        """Return the native ID and the text of every post ever accepted, including deleted ones."""
        return [(name, post["text"]) for name, post in self.posts.items()]

    def live_post_ids(self) -> set[str]:
        """Return the IDs of the visible posts."""
        return {name for name, post in self.posts.items() if not post["deleted"]}

    def requests(self) -> list[Mapping[str, Any]]:
        """Return the requests received for this account."""
        return [entry for entry in self.book.list_requests() if entry["account"] == ACCOUNT]

    def app(self) -> FaultyNetwork:
        """Return the platform's server, wrapped so that requests can be made to fail."""
        posts, one = "/v1/{account}/posts", "/v1/{account}/posts/{name}"
        routes = [
            Route("/v1/me", self._known(self._who)),
            Route("/v1/{account}/files", self._known(self._upload), methods=["POST"]),
            Route(posts, self._known(self._post), methods=["POST"]),
            Route(posts, self._known(self._list)),
            Route(one, self._known(self._delete), methods=["DELETE"]),
            Route(f"{one}/numbers", self._known(self._count)),
        ]
        return FaultyNetwork(Starlette(routes=routes), book=self.book, call_of=call_of)

    def _known(self, act: Act) -> Any:
        async def endpoint(request: Request) -> Response:
            if request.headers.get("authorization") != f"Bearer {TOKEN}":
                return JSONResponse({"error": "bad_token"}, 401)
            if request.path_params.get("account", ACCOUNT) != ACCOUNT:
                return JSONResponse({"error": "not_yours"}, 403)
            return act(request, await request.body())

        return endpoint

    def _who(self, request: Request, body: bytes) -> Response:
        return JSONResponse({"account": ACCOUNT, "name": "Mia"})

    def _upload(self, request: Request, body: bytes) -> Response:
        name = self.files.setdefault(hashlib.sha256(body).hexdigest(), f"f{next(self._numbers)}")
        return JSONResponse({"id": name}, 201)

    def _post(self, request: Request, body: bytes) -> Response:
        post = json.loads(body)
        known = {file["id"] for file in post.get("media", ())} <= set(self.files.values())
        limit = Acme.capabilities.max_text
        if post.keys() != FIELDS or not known or len(post["text"]) > limit:
            return JSONResponse({"error": "malformed"}, 422)
        name = f"p{next(self._numbers)}"
        self.posts[name] = {**post, "at": self.clock(), "deleted": False}
        return JSONResponse(shown(name), 201)

    def _list(self, request: Request, body: bytes) -> Response:
        seen_until = self.clock() - timedelta(seconds=self.book.lag_seconds(ACCOUNT))
        key = request.query_params["key"]
        found = [
            name
            for name, post in self.posts.items()
            if post["key"] == key and post["at"] <= seen_until
        ]
        return JSONResponse(
            {"posts": [shown(name) for name in found if name in self.live_post_ids()]}
        )

    def _delete(self, request: Request, body: bytes) -> Response:
        name = request.path_params["name"]
        if name not in self.live_post_ids():
            return JSONResponse({"error": "not_found"}, 404)
        self.posts[name]["deleted"] = True
        return Response(status_code=204)

    def _count(self, request: Request, body: bytes) -> Response:
        if request.path_params["name"] not in self.live_post_ids():
            return JSONResponse({"error": "not_found"}, 404)
        return JSONResponse({"views": 3, "likes": 1})


def shown(name: str) -> dict[str, str]:
    """Return a post as it appears in responses."""
    return {"id": name, "url": f"https://acme.example/{ACCOUNT}/{name}"}


def call_of(method: str, path: str) -> PlatformCall | None:
    """Return the account and the kind of a request. Faults are scheduled by these two."""
    parts = path.strip("/").split("/")
    own = {"files": "files", "numbers": "metrics", "me": "logins"}.get(parts[-1])
    return PlatformCall(method, path, parts[1] if len(parts) > 2 else ACCOUNT, own or KINDS[method])


@contextmanager
def world() -> Iterator[ConnectorWorld]:
    """Yield a world with a new fake on a local port."""
    fake = FakeAcme()
    with serve_app(fake.app()) as url, closing(HttpClient()) as http:
        yield ConnectorWorld(
            connector=Acme(),
            account=AccountTarget(TEST_TENANT, uuid7(), ACCOUNT, url, Sealed(TOKEN.encode())),
            fake=fake,
            surface="acme.post",
            transport=conformance_transport(http),
            clock=fake.clock,
            flags=("ai=true",),
            told=lambda wire: wire.get("ai") is True,
            name_of=lambda medium: fake.files[medium.sha256],
        )
