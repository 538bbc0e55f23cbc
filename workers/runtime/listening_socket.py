"""The listening socket a process was started with: its supervisor held it for the first caller."""

import socket

_handed: list[socket.socket] = []


def adopt_socket(descriptor: int) -> None:
    """Take the socket the supervisor passed to this process."""
    _handed.append(socket.socket(fileno=descriptor))


def open_listening_socket(host: str, port: int) -> socket.socket:
    """The socket this process serves: the one it was handed, else a new one. Raises OSError when
    the port is taken.

    What it accepts sends at once: asyncio turns the waiting off where a socket says that it is TCP,
    which one that was made here does not, and every answer on a connection that stays open would
    come 40 ms late.
    """
    found = _handed[0] if _handed else socket.create_server((host, port), backlog=64)
    found.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return found
