"""A proxy between a remote worker and the installation that loses, delays and repeats requests."""

import http.client
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from urllib.parse import urlsplit

MODES = ("reset_before", "reset_after", "hang_after", "twice", "status_503_after", "garbage_after")


@dataclass
class LossyWire:
    """A proxy with planned faults. `faults` maps the last path segment to the faults of the next
    requests, each used once; `passed` lists the paths that reached the installation."""

    to: str
    port: int = 0
    faults: dict[str, list[str]] = field(default_factory=dict)
    passed: list[str] = field(default_factory=list)
    held: threading.Event = field(default_factory=threading.Event)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def carry(self, client: socket.socket) -> None:
        """Serve one connection, which carries one request."""
        with closing(client), suppress(OSError):
            method, path, headers, body = _read(client)
            waiting = self.faults.get(path.rpartition("/")[2], [])
            fault = waiting.pop(0) if waiting else ""
            if fault == "reset_before":
                _reset(client)
                return
            if fault.startswith("proxy_"):  # the request never reaches the installation
                _answer(client, int(fault.removeprefix("proxy_")), "text/html", b"<html>no</html>")
                return
            if fault == "hang_before":
                self.held.wait(60)
                return
            for _ in range(2 if fault == "twice" else 1):
                status, kind, said = self._asked(method, path, headers, body)
            self.passed.append(path)
            if fault == "reset_after":
                _reset(client)
            elif fault == "hang_after":
                self.held.wait(5)
            elif fault == "status_503_after":
                _answer(client, 503, "text/plain", b"")
            elif fault == "garbage_after":
                _answer(client, 200, kind, b'{"lent": {"lea')
            else:
                _answer(client, status, kind, said)

    def _asked(
        self, method: str, path: str, headers: dict[str, str], body: bytes
    ) -> tuple[int, str, bytes]:
        with closing(http.client.HTTPConnection(urlsplit(self.to).netloc, timeout=30)) as house:
            house.request(method, path, body, {**headers, "connection": "close"})
            reply = house.getresponse()
            return reply.status, reply.headers.get("content-type", ""), reply.read()


def _read(client: socket.socket) -> tuple[str, str, dict[str, str], bytes]:
    data = b""
    while b"\r\n\r\n" not in data:
        data += client.recv(65536)
    head, _, body = data.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    headers = {
        name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)
    }
    while len(body) < int(headers.get("content-length", 0)):
        body += client.recv(65536)
    method, path, _ = first.split(" ")
    return method, path, headers, body


def _answer(client: socket.socket, status: int, kind: str, said: bytes) -> None:
    head = f"HTTP/1.1 {status} -\r\ncontent-type: {kind}\r\nconnection: close\r\n"
    head += "" if status == 204 else f"content-length: {len(said)}\r\n"
    client.sendall(f"{head}\r\n".encode() + said)


def _reset(client: socket.socket) -> None:
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


@contextmanager
def wire(to: str) -> Iterator[LossyWire]:
    """Start a proxy for the installation at `to`."""
    found = LossyWire(to)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        found.port = listening.getsockname()[1]

        def serve() -> None:
            with suppress(OSError):
                while True:
                    client, _ = listening.accept()
                    threading.Thread(target=found.carry, args=(client,), daemon=True).start()

        threading.Thread(target=serve, daemon=True).start()
        yield found
        found.held.set()
        with suppress(OSError):
            listening.shutdown(socket.SHUT_RDWR)
