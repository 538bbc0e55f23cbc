"""The one HTTP client at its edges: time that runs out on the way, in both directions."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager

import pytest

from foundation.clock import monotonic, pause
from foundation.http import AnswerLost, HttpClient, Reply, Request

LARGE = b"x" * 40_000_000
WITHIN = 5.0
"""Seconds in which a request of half a second is certainly over on a busy machine; in sips it takes eight."""


@contextmanager
def answering(serve: Callable[[socket.socket], None]) -> Iterator[str]:
    """A server that takes one connection."""
    with closing(socket.socket()) as door:
        door.bind(("127.0.0.1", 0))
        door.listen()
        threading.Thread(target=lambda: serve(door.accept()[0]), daemon=True).start()
        yield f"http://127.0.0.1:{door.getsockname()[1]}/"


def sips(line: socket.socket) -> None:
    """Takes what comes a little at a time, but often enough that no single write is kept waiting."""
    with closing(line):
        while line.recv(250_000):
            pause(0.05)


def gulps(line: socket.socket) -> None:
    """Takes all of it, then answers."""
    with closing(line):
        taken = 0
        while taken < len(LARGE):
            taken += len(line.recv(1_000_000))
        line.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")


@pytest.fixture
def http() -> Iterator[HttpClient]:
    client = HttpClient()
    yield client
    client.close()


def test_a_body_that_is_taken_in_sips_ends_at_its_deadline(http: HttpClient) -> None:
    with answering(sips) as url:
        started = monotonic()
        answer = http.exchange(Request("PUT", url, body=LARGE, deadline=0.5))
        assert isinstance(answer, AnswerLost)
        assert monotonic() - started < WITHIN


def test_a_large_body_arrives_whole(http: HttpClient) -> None:
    with answering(gulps) as url:
        answer = http.exchange(Request("PUT", url, body=LARGE, deadline=WITHIN))
        assert isinstance(answer, Reply)
        assert answer.body == b"ok"
