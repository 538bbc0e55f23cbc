"""The listening socket of an on-demand process, on which its supervisor waited for the first
connection."""

import socket

_handed: list[socket.socket] = []


def adopt_socket(descriptor: int) -> None:
    """Use the socket that the supervisor passed to this process."""
    _handed.append(socket.socket(fileno=descriptor))


def open_listening_socket(host: str, port: int) -> socket.socket:
    """Return the passed socket or a new one. Raises OSError if the port is taken.

    Nagle's algorithm is disabled for its connections. asyncio does so only for sockets that declare
    TCP, which a socket created here does not, and every response on a persistent connection would
    be 40 ms late.
    """
    return _without_delay(_handed[0]) if _handed else create_socket(host, port)


def create_socket(host: str, port: int) -> socket.socket:
    """Return a new socket without Nagle's algorithm. Raises OSError if the port is taken."""
    return _without_delay(socket.create_server((host, port), backlog=64))


def _without_delay(found: socket.socket) -> socket.socket:
    found.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return found
