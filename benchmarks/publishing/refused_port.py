"""A port in front of the test network that refuses connections at first, like a platform that is
down."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from workers.installation.ports import is_free

PORTS = range(29_400, 29_500)
CHUNK = 65_536
HOST = "127.0.0.1"


class RefusedPort:
    """A local port that refuses connections until `start_accepting`, then forwards them
    to `port`."""

    def __init__(self, port: int) -> None:
        self._to = port
        self.port = next(port for port in PORTS if is_free(HOST, port))
        self._listener: socket.socket | None = None

    @property
    def base(self) -> str:
        """The URL of the test network through this port."""
        return f"http://{HOST}:{self.port}"

    def start_accepting(self) -> None:
        """Accept connections."""
        self._listener = socket.create_server((HOST, self.port), backlog=128)
        threading.Thread(
            target=self._accept_connections, args=(self._listener,), name="line", daemon=True
        ).start()

    def stop_accepting(self) -> None:
        """Refuse new connections; open ones continue."""
        if self._listener is not None:
            self._listener.close()

    def _accept_connections(self, listener: socket.socket) -> None:
        with suppress(OSError):  # closed
            while True:
                near, _ = listener.accept()
                threading.Thread(target=self._forward_connection, args=(near,), daemon=True).start()

    def _forward_connection(self, near: socket.socket) -> None:
        with suppress(OSError), near, socket.create_connection((HOST, self._to)) as far:
            back = threading.Thread(target=_pass_on, args=(far, near), daemon=True)
            back.start()
            _pass_on(near, far)
            back.join()


def _pass_on(one: socket.socket, other: socket.socket) -> None:
    with suppress(OSError):
        while data := one.recv(CHUNK):
            other.sendall(data)
    with suppress(OSError):
        other.shutdown(socket.SHUT_WR)


@contextmanager
def refused_port(port: int) -> Iterator[RefusedPort]:
    """Open a port in front of `port` that refuses connections; closed after the block."""
    made = RefusedPort(port)
    try:
        yield made
    finally:
        made.stop_accepting()
