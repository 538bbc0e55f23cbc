"""A stateful Acme over HTTP: it keeps what it takes in, asks who speaks, and has bad days.

Be as strict as the platform is, and write down here what is only assumed: the suite is worth what this is.
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
    """One account and what it ever held."""

    def __init__(self) -> None:
        self.clock = AdjustableClock()
        self.book = FaultBook(clock=self.clock)
        self.files: dict[str, str] = {}
        """What a file is called here, by its digest."""
        self.posts: dict[str, dict[str, Any]] = {}
        self._numbers = count(1)

    def ask(self, mode: str, on: str, **more: Any) -> None:
        """Let something go wrong the next time."""
        self.book.ask(mode, account=ACCOUNT, on=on, **more)

    def taken(self) -> list[tuple[str, str]]:
        """Everything ever taken in, what was deleted included."""
        return [(name, post["text"]) for name, post in self.posts.items()]

    def standing(self) -> set[str]:
        """What people can see."""
        return {name for name, post in self.posts.items() if not post["deleted"]}

    def requests(self) -> list[Mapping[str, Any]]:
        """What was received."""
        return [entry for entry in self.book.record() if entry["account"] == ACCOUNT]

    def app(self) -> FaultyNetwork:
        """The platform's side, with bad days around it."""
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
        if post.keys() != FIELDS or not known or len(post["text"]) > Acme.capabilities.max_text:
            return JSONResponse({"error": "malformed"}, 422)
        name = f"p{next(self._numbers)}"
        self.posts[name] = {**post, "at": self.clock(), "deleted": False}
        return JSONResponse(shown(name), 201)

    def _list(self, request: Request, body: bytes) -> Response:
        seen_until = self.clock() - timedelta(seconds=self.book.lag(ACCOUNT))
        key = request.query_params["key"]
        found = [name for name, post in self.posts.items() if post["key"] == key and post["at"] <= seen_until]
        return JSONResponse({"posts": [shown(name) for name in found if name in self.standing()]})

    def _delete(self, request: Request, body: bytes) -> Response:
        name = request.path_params["name"]
        if name not in self.standing():
            return JSONResponse({"error": "not_found"}, 404)
        self.posts[name]["deleted"] = True
        return Response(status_code=204)

    def _count(self, request: Request, body: bytes) -> Response:
        if request.path_params["name"] not in self.standing():
            return JSONResponse({"error": "not_found"}, 404)
        return JSONResponse({"views": 3, "likes": 1})


def shown(name: str) -> dict[str, str]:
    """A post as it is answered."""
    return {"id": name, "url": f"https://acme.example/{ACCOUNT}/{name}"}


def call_of(method: str, path: str) -> PlatformCall | None:
    """Whose request it is, and of which kind: what can be asked to go wrong."""
    parts = path.strip("/").split("/")
    own = {"files": "files", "numbers": "metrics", "me": "logins"}.get(parts[-1])
    return PlatformCall(method, path, parts[1] if len(parts) > 2 else ACCOUNT, own or KINDS[method])


@contextmanager
def world() -> Iterator[ConnectorWorld]:
    """A fresh one, served."""
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
