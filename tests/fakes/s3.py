"""An S3 server (moto) in a subprocess, behind a proxy that injects faults.

moto checks neither signatures nor expiry, so it represents the storage and the responses of an S3
server but not its access control. The proxy rejects unsigned requests.
"""

import http.client
import sys
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Literal

from foundation.ops.settings import StorageSettings
from tests.conftest import free_port, wait_until
from workers.runtime import embedded_servers

Fault = Literal["cut", "falsify", "hang", "refuse", "swallow", "garble"]
"""Injected faults. cut: close the connection halfway through the response. falsify: change bytes of
the response without changing its length. hang: do not respond. refuse: respond with the S3 error
403. swallow: respond with 200 without storing anything. garble: respond with something other than
S3."""

DENIED = (
    b'<?xml version="1.0"?><Error><Code>AccessDenied</Code><Message>no</Message>'
    b"<Resource>/</Resource><RequestId>1</RequestId><HostId>1</HostId></Error>"
)


@dataclass
class S3:
    """The server for tests: `settings` connect to the proxy; `faults` are queued by method."""

    settings: StorageSettings
    upstream: int
    public: bool = False
    """True if anonymous users may read, as with a careless bucket policy."""
    faults: dict[str, deque[Fault]] = field(default_factory=dict)
    asked: list[tuple[str, str]] = field(default_factory=list)
    release: threading.Event = field(default_factory=threading.Event)

    def fail(self, method: str, *faults: Fault) -> None:
        """Queue faults for the next requests of `method`, one each."""
        self.faults.setdefault(method, deque()).extend(faults)

    def keep(self, path: str, data: bytes) -> None:
        """Store bytes at a path, bypassing the application's store."""
        line = http.client.HTTPConnection("127.0.0.1", self.upstream, timeout=10)
        # moto accepts any signature.
        signed = "AWS4-HMAC-SHA256 Credential=tests/20260101/us-east-1/s3/aws4_request"
        line.request("PUT", path, data, {"authorization": signed})
        assert line.getresponse().status == 200


class _Line(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    s3: S3

    def _forward(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        self.s3.asked.append((self.command, self.path))
        waiting = self.s3.faults.get(self.command)
        stranger = "authorization" not in self.headers and not self.s3.public
        fault = "refuse" if stranger else waiting.popleft() if waiting else None
        match fault:
            case "hang":
                self.s3.release.wait(30)
                self.close_connection = True
            case "refuse":
                self._answer(403, {"content-type": "application/xml"}, DENIED)
            case "swallow":
                self._answer(200, {"etag": '"00"'}, b"")
            case "garble":
                self._answer(500, {"content-type": "text/html"}, b"<html>bad gateway")
            case _:
                self._pass_on(body, fault)

    def _pass_on(self, body: bytes, fault: Fault | None) -> None:
        line = http.client.HTTPConnection("127.0.0.1", self.s3.upstream, timeout=20)
        line.request(self.command, self.path, body, dict(self.headers.items()))
        reply = line.getresponse()
        data = reply.read()
        headers = {
            name: value
            for name, value in reply.getheaders()
            if name.lower() not in {"connection", "date"}
        }
        if fault == "falsify":
            data = bytes(byte ^ 1 for byte in data)
        self._answer(reply.status, headers, data, cut=fault == "cut")
        line.close()

    def _answer(
        self, status: int, headers: dict[str, str], data: bytes, *, cut: bool = False
    ) -> None:
        self.send_response(status)
        chosen = {
            name: value for name, value in headers.items() if name.lower() != "transfer-encoding"
        }
        if self.command != "HEAD":
            chosen = {
                name: value for name, value in chosen.items() if name.lower() != "content-length"
            }
            chosen["Content-Length"] = str(len(data))
        for name, value in chosen.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data[: len(data) // 2] if cut else data)
        self.close_connection = self.close_connection or cut

    do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = _forward

    def log_message(self, *_: object) -> None:
        """Suppress logging; tests inspect `asked` instead."""


@contextmanager
def s3(folder: Path) -> Iterator[S3]:
    """Run a moto process and its proxy. All data is deleted at the end."""
    upstream = free_port()
    server = embedded_servers.spawn_process(
        [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(upstream)],
        folder / "moto.log",
    )
    line = ThreadingHTTPServer(("127.0.0.1", 0), _Line)
    line.daemon_threads = True
    port = line.server_address[1]
    settings = StorageSettings.model_validate(
        {"url": f"http://127.0.0.1:{port}", "key": "house", "secret": "test-only"}
    )
    found = S3(settings, upstream)
    line.RequestHandlerClass = type("Line", (_Line,), {"s3": found})
    threading.Thread(target=line.serve_forever, daemon=True).start()
    try:
        wait_until(lambda: _answers(upstream), 60)
        yield found
    finally:
        found.release.set()
        line.shutdown()
        line.server_close()
        server.kill()
        server.wait(20)


def _answers(port: int) -> bool:
    try:
        line = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
        line.request("GET", "/moto-api/")
        return line.getresponse().status == 200
    except OSError:
        return False
