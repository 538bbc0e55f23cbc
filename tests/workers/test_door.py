"""The socket a door is served on."""

import socket

from workers import door


def test_what_a_door_accepts_sends_at_once() -> None:
    with door.listening("127.0.0.1", 0) as found, socket.create_connection(found.getsockname()):
        accepted, _ = found.accept()
        with accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
