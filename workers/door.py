"""The listening socket a process was started with: its supervisor held it for the first caller."""

import socket

_handed: list[socket.socket] = []


def hand_over(descriptor: int) -> None:
    """Take the socket the supervisor passed to this process."""
    _handed.append(socket.socket(fileno=descriptor))


def listening(host: str, port: int) -> socket.socket:
    """The socket this process serves: the one it was handed, else a new one. Raises OSError when the port is taken."""
    return _handed[0] if _handed else socket.create_server((host, port), backlog=64)
