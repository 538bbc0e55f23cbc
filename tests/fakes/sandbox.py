"""The sandbox as tests hold it: its API, its control side and the truth about what it took in."""

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
    """One running sandbox."""

    url: str
    clock: AdjustableClock
    http: HttpClient = field(default_factory=HttpClient)
    tokens: dict[str, str] = field(default_factory=dict)

    def call(
        self, method: str, path: str, body: Any = None, *, token: str = "", deadline: float = 5.0
    ) -> Any:
        """One request; the reply, or what the network did instead of one."""
        headers = {"content-type": "application/json"} | (
            {"authorization": f"Bearer {token}"} if token else {}
        )
        data = b"" if body is None else json.dumps(body).encode()
        return self.http.send(HttpRequest(method, self.url + path, headers, data, deadline))

    def json(self, method: str, path: str, body: Any = None, *, token: str = "") -> tuple[int, Any]:
        """Status and parsed body of one request that must be answered."""
        reply = self.call(method, path, body, token=token)
        assert isinstance(reply, HttpResponse), reply
        return reply.status, json.loads(reply.body)

    def account(self, name: str, **more: Any) -> str:
        """Make an account; its name."""
        _, told = self.json("POST", "/control/accounts", {"account": name, **more})
        self.tokens[name] = told["token"]
        return name

    def api(self, method: str, account: str, path: str, body: Any = None) -> tuple[int, Any]:
        """One API request of an account."""
        return self.json(
            method, f"/api/{quote(account, safe='')}/{path}", body, token=self.tokens[account]
        )

    def put_file(self, account: str, data: bytes, mime: str = "image/png") -> str:
        """Put a file; its digest."""
        digest = sha256(data).hexdigest()
        headers = {"content-type": mime, "authorization": f"Bearer {self.tokens[account]}"}
        url = f"{self.url}/api/{quote(account, safe='')}/files/{digest}"
        reply = self.http.send(HttpRequest("PUT", url, headers, data))
        assert isinstance(reply, HttpResponse), reply
        assert reply.status == 200, reply.body
        return digest

    def fault(self, mode: str, **more: Any) -> None:
        """Ask for a fault."""
        status, _ = self.json("POST", "/control/faults", {"mode": mode, **more})
        assert status == 200

    def clear(self) -> None:
        """No faults any more."""
        self.json("DELETE", "/control/faults")

    def fan(self, account: str, fan: str, kind: str, **more: Any) -> tuple[int, Any]:
        """Let a fan act."""
        return self.json(
            "POST", f"/control/chats/{quote(account, safe='')}/{fan}", {"type": kind, **more}
        )

    def truth(self, account: str) -> Any:
        """Everything the account ever took in."""
        return self.json("GET", f"/control/truth/{quote(account, safe='')}")[1]


@contextmanager
def network(database: Path) -> Iterator[RunningSandbox]:
    """A sandbox under uvicorn with a clock of its own."""
    clock = AdjustableClock()
    with serve_app(create_sandbox_app(database, clock=clock)) as url:
        yield RunningSandbox(url, clock)
