"""The sandbox for tests: its API, its control API and the record of everything it received."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import quote

from connectors.conformance.fake_servers import AdjustableClock, serve_app
from foundation.http.http_client import HttpClient, HttpRequest, HttpResponse
from sandbox.app import create_sandbox_app


@dataclass
class RunningSandbox:
    """A running sandbox."""

    url: str
    clock: AdjustableClock
    http: HttpClient = field(default_factory=HttpClient)
    tokens: dict[str, str] = field(default_factory=dict)

    def call(
        self, method: str, path: str, body: Any = None, *, token: str = "", deadline: float = 5.0
    ) -> Any:
        """Send a request. Return the response or the network failure."""
        headers = {"content-type": "application/json"} | (
            {"authorization": f"Bearer {token}"} if token else {}
        )
        data = b"" if body is None else json.dumps(body).encode()
        return self.http.send(HttpRequest(method, self.url + path, headers, data, deadline))

    def json(self, method: str, path: str, body: Any = None, *, token: str = "") -> tuple[int, Any]:
        """Send a request that must be answered. Return its status and parsed body."""
        reply = self.call(method, path, body, token=token)
        assert isinstance(reply, HttpResponse), reply
        return reply.status, json.loads(reply.body)

    def account(self, name: str, **more: Any) -> str:
        """Create an account and return its name."""
        _, told = self.json("POST", "/control/accounts", {"account": name, **more})
        self.tokens[name] = told["token"]
        return name

    def api(self, method: str, account: str, path: str, body: Any = None) -> tuple[int, Any]:
        """Send an API request as an account."""
        return self.json(
            method, f"/api/{quote(account, safe='')}/{path}", body, token=self.tokens[account]
        )

    def put_file(self, account: str, data: bytes, mime: str = "image/png") -> str:
        """Upload a file and return its digest."""
        digest = sha256(data).hexdigest()
        headers = {"content-type": mime, "authorization": f"Bearer {self.tokens[account]}"}
        url = f"{self.url}/api/{quote(account, safe='')}/files/{digest}"
        reply = self.http.send(HttpRequest("PUT", url, headers, data))
        assert isinstance(reply, HttpResponse), reply
        assert reply.status == 200, reply.body
        return digest

    def fault(self, mode: str, **more: Any) -> None:
        """Inject a fault."""
        status, _ = self.json("POST", "/control/faults", {"mode": mode, **more})
        assert status == 200

    def clear(self) -> None:
        """Remove all faults."""
        self.json("DELETE", "/control/faults")

    def fan(self, account: str, fan: str, kind: str, **more: Any) -> tuple[int, Any]:
        """Perform an action as a fan."""
        return self.json(
            "POST", f"/control/chats/{quote(account, safe='')}/{fan}", {"type": kind, **more}
        )

    def truth(self, account: str) -> Any:
        """Return everything that the account has received."""
        return self.json("GET", f"/control/truth/{quote(account, safe='')}")[1]


@contextmanager
def network(database: Path) -> Iterator[RunningSandbox]:
    """Run a sandbox under uvicorn with an adjustable clock."""
    clock = AdjustableClock()
    with serve_app(create_sandbox_app(database, clock=clock)) as url:
        yield RunningSandbox(url, clock)
