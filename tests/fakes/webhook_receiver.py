"""A receiver of webhooks that verifies each signature, stores the events and fails on request."""

import hashlib
import hmac
import json
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from foundation.ops.clock import sleep

TOLERANCE = 300
"""Maximum deviation of a timestamp from the current time, in seconds."""


@dataclass
class Receiver:
    """The receiver's secrets and received events. `modes` are used one by one: `500`, `302`,
    `hang`, `reset`, `long`."""

    url: str = ""
    secrets: list[str] = field(default_factory=list)
    modes: list[str] = field(default_factory=list)
    taken: list[dict[str, Any]] = field(default_factory=list)
    asked: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)
    forged: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def types(self) -> list[str]:
        """Types of the received events, once for each event ID."""
        return [event["type"] for event in {event["id"]: event for event in self.taken}.values()]

    def verified(self, headers: dict[str, str], body: bytes) -> bool:
        """Return True if the signature is valid, as the API documentation describes the check."""
        stamp = headers.get("greenroom-timestamp", "")
        shown = [
            one.removeprefix("v1=") for one in headers.get("greenroom-signature", "").split(",")
        ]
        meant = [
            hmac.new(key.encode(), f"{stamp}.".encode() + body, hashlib.sha256)
            for key in self.secrets
        ]
        return any(hmac.compare_digest(one, each.hexdigest()) for one in shown for each in meant)


def _handler(room: Receiver) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            headers = {name.lower(): value for name, value in self.headers.items()}
            with room.lock:
                room.asked.append((self.path, headers, body))
                mode = room.modes.pop(0) if room.modes else "200"
                if not room.verified(headers, body):
                    room.forged += 1
                    mode = "401"
                if mode in {"200", "long"}:
                    room.taken.append(json.loads(body))
            self._answer(mode)

        do_GET = do_POST

        def _answer(self, mode: str) -> None:
            if mode == "hang":
                sleep(1.0)
            elif mode == "reset":
                self.connection.setsockopt(
                    socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
                )
                self.connection.close()
            else:
                self.send_response(200 if mode == "long" else int(mode))
                self.send_header("location", f"{room.url}/elsewhere")
                self.send_header("content-length", str(40_000_000 if mode == "long" else 0))
                self.end_headers()
                if mode == "long":
                    self.wfile.write(
                        b"x" * 10_000
                        # Send no more than this, so that a client that waits for the rest runs into its
                        # timeout.
                    )
                    sleep(1.0)

        def log_message(self, *_: Any) -> None:
            """Suppress logging."""

    return Handler


@contextmanager
def receiving() -> Iterator[Receiver]:
    """Run a receiver."""
    room = Receiver()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(room))
    server.daemon_threads = True
    room.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(
        target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
    )
    thread.start()
    try:
        yield room
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
