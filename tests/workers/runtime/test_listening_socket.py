"""Listening sockets of the web processes."""

import socket

from workers.runtime import listening_socket


def test_accepted_connection_sends_without_delay() -> None:
    with (
        listening_socket.open_listening_socket("127.0.0.1", 0) as found,
        socket.create_connection(found.getsockname()),
    ):
        accepted, _ = found.accept()
        with accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
