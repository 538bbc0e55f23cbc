"""Limits of the HTTP client: deadlines, response sizes and cookies."""

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
"""Seconds after which a request with a deadline of 0.5 seconds must have ended, even on a busy
machine. The slow server below needs eight seconds to read the body."""


@contextmanager
def answering(serve: Callable[[socket.socket], None]) -> Iterator[str]:
    """Run a server that accepts one connection, and yield its URL."""
    with closing(socket.socket()) as door:
        door.bind(("127.0.0.1", 0))
        door.listen()
        threading.Thread(target=lambda: serve(door.accept()[0]), daemon=True).start()
        yield f"http://127.0.0.1:{door.getsockname()[1]}/"


@pytest.mark.parametrize(
    "body", [b"", b"{", b"\xff", b"[" * 200_000, b'{"a":' * 100_000, b"<html>"]
)
def test_invalid_json_body_is_none(body: bytes) -> None:
    assert HttpResponse(200, {}, body).json_body() is None


def test_json_body_is_parsed() -> None:
    assert HttpResponse(200, {}, b'{"a": [1, null]}').json_body() == {"a": [1, None]}


def sips(line: socket.socket) -> None:
    """Read little at a time, but often enough that no single write times out."""
    with closing(line):
        while line.recv(250_000):
            sleep(0.05)


def gulps(line: socket.socket) -> None:
    """Read the whole body, then respond."""
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


def test_slow_upload_ends_at_deadline(http: HttpClient) -> None:
    with answering(sips) as url:
        started = monotonic()
        answer = http.send(HttpRequest("PUT", url, body=LARGE, deadline=0.5))
        assert isinstance(answer, ResponseLost)
        assert monotonic() - started < WITHIN


def test_large_body_is_sent_completely(http: HttpClient) -> None:
    with answering(gulps) as url:
        answer = http.send(HttpRequest("PUT", url, body=LARGE, deadline=WITHIN))
        assert isinstance(answer, HttpResponse)
        assert answer.body == b"ok"


def packed(data: bytes, times: int) -> bytes:
    """Compress with gzip `times` times."""
    for _ in range(times):
        squeeze = zlib.compressobj(9, wbits=31)
        data = squeeze.compress(data) + squeeze.flush()
    return data


def telling(body: bytes, *, coding: str, heard: list[bytes]) -> Callable[[socket.socket], None]:
    """Respond with a body and the given `Content-Encoding`, and record the request."""

    def serve(line: socket.socket) -> None:
        with closing(line):
            heard.append(line.recv(65536))
            head = (
                f"HTTP/1.1 200 OK\r\ncontent-encoding: {coding}\r\ncontent-length: "
                f"{len(body)}\r\n\r\n"
            )
            line.sendall(head.encode() + body)

    return serve


def test_compressed_response_is_decompressed(http: HttpClient) -> None:
    heard: list[bytes] = []
    with answering(telling(packed(b"a" * 70_000, 1), coding="gzip", heard=heard)) as url:
        answer = http.send(HttpRequest("GET", url, deadline=WITHIN))
    assert isinstance(answer, HttpResponse)
    assert answer.body == b"a" * 70_000
    # The client cannot limit the size of other encodings.
    assert b"accept-encoding: gzip\r\n" in heard[0].lower()


@pytest.mark.parametrize(("times", "coding"), [(1, "gzip"), (2, "gzip, gzip")])
def test_compression_bomb_is_rejected_within_memory_limit(
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


def test_cookies_are_not_stored(http: HttpClient) -> None:
    """One client sends for all accounts of all agencies, so a cookie of one account would be sent
    for another."""
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
def test_request_to_invalid_host_name_is_not_sent(http: HttpClient, host: str) -> None:
    assert isinstance(
        http.send(HttpRequest("GET", f"http://{host}/", deadline=WITHIN)), RequestNotSent
    )
