"""The health endpoint of a process: Prometheus metrics, liveness and readiness.

It has a separate port, so that a proxy for the public ports never exposes it.
"""

import json
import os
import socket
import threading
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, generate_latest

from foundation.ops import telemetry
from foundation.ops.settings import load_settings
from foundation.ops.writable_places import find_unwritable_places

log = telemetry.get_logger("foundation.ops.health_endpoint")
PROCESS_HEADER = "X-Process"
"""Identifies the process: a container has one address in each of its networks."""

_ready = threading.Event()


def mark_ready() -> None:
    """Mark this process as ready: `/readyz` returns 200 from now on while the installation's places
    can be written."""
    _ready.set()


class _Probes(BaseHTTPRequestHandler):
    timeout = 10
    """Seconds within which a client must send its request."""

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        if path == "/metrics":
            self._write_response(HTTPStatus.OK, CONTENT_TYPE_LATEST, generate_latest(REGISTRY))
        elif path == "/healthz":
            self._write_response(HTTPStatus.OK, "application/json", b'{"ok": true}')
        elif path == "/readyz":
            # A process stays alive on a full disk, and would say that all is well.
            unwritable = find_unwritable_places(load_settings())
            ready = _ready.is_set() and not unwritable
            status = HTTPStatus.OK if ready else HTTPStatus.SERVICE_UNAVAILABLE
            body = json.dumps({"ready": ready, "unwritable": unwritable}).encode()
            self._write_response(status, "application/json", body)
        else:
            self._write_response(HTTPStatus.NOT_FOUND, "text/plain", b"")

    def _write_response(self, status: HTTPStatus, kind: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header(PROCESS_HEADER, f"{socket.gethostname()}:{os.getpid()}")
        self.end_headers()
        self.wfile.write(body)

    def version_string(self) -> str:
        return "greenroom"

    def log_message(self, *_: object) -> None:
        """Do not log requests, as scrapes come every few seconds."""


def serve_health(port: int, *, host: str = "127.0.0.1") -> int:
    """Serve the endpoint in a thread and return the port; port 0 selects a free one.

    Raises OSError if the port is in use.
    """
    server = ThreadingHTTPServer((host, port), _Probes)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, name="probes", daemon=True).start()
    return int(server.server_address[1])


def serve_health_if_free(port: int, *, host: str) -> None:
    """Serve the endpoint as `serve_health` does, but only log a warning if the port is in use.

    Port 0 disables the endpoint.
    """
    if not port:
        return
    try:
        serve_health(port, host=host)
    except OSError as error:
        log.warning("probing.unserved", port=port, error=telemetry.describe_error(error))
