"""Where a process answers those who watch it: its figures for Prometheus, whether it lives, whether
it works.

On a port of its own, apart from what it serves: a proxy that leads to a door never leads here.
"""

import threading
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, generate_latest

from foundation.ops import telemetry

log = telemetry.get_logger("foundation.ops.health_endpoint")
_ready = threading.Event()


def mark_ready() -> None:
    """Note, from inside a process, that it does its work now: `/readyz` answers 200 from here
    on."""
    _ready.set()


class _Probes(BaseHTTPRequestHandler):
    timeout = 10
    """Seconds a caller may take to say what it wants."""

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        if path == "/metrics":
            self._write_response(HTTPStatus.OK, CONTENT_TYPE_LATEST, generate_latest(REGISTRY))
        elif path == "/healthz":
            self._write_response(HTTPStatus.OK, "application/json", b'{"ok": true}')
        elif path == "/readyz":
            status = HTTPStatus.OK if _ready.is_set() else HTTPStatus.SERVICE_UNAVAILABLE
            self._write_response(
                status,
                "application/json",
                b'{"ready": true}' if _ready.is_set() else b'{"ready": false}',
            )
        else:
            self._write_response(HTTPStatus.NOT_FOUND, "text/plain", b"")

    def _write_response(self, status: HTTPStatus, kind: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def version_string(self) -> str:
        return "greenroom"

    def log_message(self, *_: object) -> None:
        """A scrape every few seconds is no news."""


def serve_health(port: int, *, host: str = "127.0.0.1") -> int:
    """Answer from a thread of this process; the port, another free one for 0.

    Raises OSError when the port is taken.
    """
    server = ThreadingHTTPServer((host, port), _Probes)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, name="probes", daemon=True).start()
    return int(server.server_address[1])


def serve_health_if_free(port: int, *, host: str) -> None:
    """`serve`, where a taken port is said and no reason to stop working; 0 means not at all."""
    if not port:
        return
    try:
        serve_health(port, host=host)
    except OSError as error:
        log.warning("probing.unserved", port=port, error=telemetry.describe_error(error))
