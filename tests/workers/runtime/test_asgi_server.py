"""The proxies trusted for a visitor's address."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from foundation.ops import health_endpoint
from tests.conftest import wait_until
from workers.runtime.asgi_server import ReadyServer, server_config


async def who(request: Request) -> Response:
    return PlainTextResponse(request.client.host if request.client else "")


@contextmanager
def door(proxies: str) -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = ReadyServer(server_config(Starlette(routes=[Route("/", who)]), proxies=proxies))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
        thread.start()
        wait_until(lambda: server.started)
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        server.should_exit = True
        thread.join(60)


@pytest.mark.parametrize(
    ("proxies", "seen"),
    [("", "127.0.0.1"), ("172.30.201.0/24", "127.0.0.1"), ("127.0.0.0/8, 10.0.0.1", "203.0.113.9")],
)
def test_client_address_is_taken_from_trusted_proxies_only(proxies: str, seen: str) -> None:
    with door(proxies) as url:
        assert httpx.get(url, headers={"x-forwarded-for": "203.0.113.9"}).text == seen


def test_process_is_ready_once_its_server_listens() -> None:
    health_endpoint._ready.clear()
    with door("") as url:
        assert httpx.get(url).status_code == 200
        assert health_endpoint._ready.is_set()
    health_endpoint._ready.clear()
