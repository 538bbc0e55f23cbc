"""The one HTTP client at its edges: time that runs out on the way, answers that swell, servers that
would know us."""

import socket
import threading
import tracemalloc
import zlib
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager

import pytest

from foundation.http.http_client import (
    RESPONSE_TOO_LARGE,
    HttpClient,
    HttpRequest,
    HttpResponse,
    RequestNotSent,
    ResponseLost,
)
from foundation.ops.clock import monotonic, sleep

LARGE = b"x" * 40_000_000
WITHIN = 5.0
"""Seconds in which a request of half a second is certainly over on a busy machine; in sips it takes
eight."""


@contextmanager
def answering(serve: Callable[[socket.socket], None]) -> Iterator[str]:
    """A server that takes one connection."""
    with closing(socket.socket()) as door:
        door.bind(("127.0.0.1", 0))
        door.listen()
        threading.Thread(target=lambda: serve(door.accept()[0]), daemon=True).start()
        yield f"http://127.0.0.1:{door.getsockname()[1]}/"


@pytest.mark.parametrize(
    "body", [b"", b"{", b"\xff", b"[" * 200_000, b'{"a":' * 100_000, b"<html>"]
)
def test_what_is_no_json_says_nothing(body: bytes) -> None:
    assert HttpResponse(200, {}, body).json_body() is None


def test_what_is_json_is_told() -> None:
    assert HttpResponse(200, {}, b'{"a": [1, null]}').json_body() == {"a": [1, None]}


def sips(line: socket.socket) -> None:
    """Takes what comes a little at a time, but often enough that no single write is kept
    waiting."""
    with closing(line):
        while line.recv(250_000):
            sleep(0.05)


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
        answer = http.send(HttpRequest("PUT", url, body=LARGE, deadline=0.5))
        assert isinstance(answer, ResponseLost)
        assert monotonic() - started < WITHIN


def test_a_large_body_arrives_whole(http: HttpClient) -> None:
    with answering(gulps) as url:
        answer = http.send(HttpRequest("PUT", url, body=LARGE, deadline=WITHIN))
        assert isinstance(answer, HttpResponse)
        assert answer.body == b"ok"


def packed(data: bytes, times: int) -> bytes:
    """As gzip, so many times over."""
    for _ in range(times):
        squeeze = zlib.compressobj(9, wbits=31)
        data = squeeze.compress(data) + squeeze.flush()
    return data


def telling(body: bytes, *, coding: str, heard: list[bytes]) -> Callable[[socket.socket], None]:
    """Answers with a body, as it is said to be coded."""

    def serve(line: socket.socket) -> None:
        with closing(line):
            heard.append(line.recv(65536))
            head = (
                f"HTTP/1.1 200 OK\r\ncontent-encoding: {coding}\r\ncontent-length: "
                f"{len(body)}\r\n\r\n"
            )
            line.sendall(head.encode() + body)

    return serve


def test_a_packed_answer_is_unpacked(http: HttpClient) -> None:
    heard: list[bytes] = []
    with answering(telling(packed(b"a" * 70_000, 1), coding="gzip", heard=heard)) as url:
        answer = http.send(HttpRequest("GET", url, deadline=WITHIN))
    assert isinstance(answer, HttpResponse)
    assert answer.body == b"a" * 70_000
    assert b"accept-encoding: gzip\r\n" in heard[0].lower()  # what else we could not bound


@pytest.mark.parametrize(("times", "coding"), [(1, "gzip"), (2, "gzip, gzip")])
def test_an_answer_that_swells_takes_no_more_memory_than_it_may(
    http: HttpClient, times: int, coding: str
) -> None:
    body = packed(b"\0" * 200_000_000, times)
    tracemalloc.start()
    try:
        with answering(telling(body, coding=coding, heard=[])) as url:
            answer = http.send(HttpRequest("GET", url, deadline=30.0, max_bytes=1_000_000))
        assert isinstance(answer, ResponseLost)
        assert tracemalloc.get_traced_memory()[1] < 8_000_000
    finally:
        tracemalloc.stop()
    if times == 1:
        assert answer.detail == RESPONSE_TOO_LARGE


def test_what_a_server_would_have_us_keep_is_told_to_nobody(http: HttpClient) -> None:
    """One client speaks for every account of every agency: a cookie of one would travel with the
    next."""
    heard: list[bytes] = []

    def serve(line: socket.socket) -> None:
        with closing(line):
            heard.append(line.recv(65536))
            line.sendall(
                b"HTTP/1.1 200 OK\r\nset-cookie: who=first; Path=/\r\ncontent-length: 0\r\n\r\n"
            )

    with closing(socket.create_server(("127.0.0.1", 0))) as door:
        url = f"http://127.0.0.1:{door.getsockname()[1]}/"
        for _ in range(2):
            server = threading.Thread(target=lambda: serve(door.accept()[0]), daemon=True)
            server.start()
            assert isinstance(http.send(HttpRequest("GET", url, deadline=WITHIN)), HttpResponse)
            server.join(WITHIN)
    assert len(heard) == 2
    assert not any(b"cookie" in request.lower() for request in heard)


@pytest.mark.parametrize("host", ["a" * 64 + ".example", "example..com"])
def test_a_name_that_can_be_nobodys_is_nowhere_to_send_to(http: HttpClient, host: str) -> None:
    assert isinstance(
        http.send(HttpRequest("GET", f"http://{host}/", deadline=WITHIN)), RequestNotSent
    )
