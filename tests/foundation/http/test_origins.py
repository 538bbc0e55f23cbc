"""Origins are normalized to the form that browsers send, and host names are resolved once."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from connectors.conformance.fake_servers import serve_app
from foundation.http.address_policy import browser_origin
from foundation.http.host_guard import host_name
from foundation.http.http_client import HttpClient, HttpRequest, HttpResponse


@pytest.mark.parametrize(
    ("url", "origin", "host"),
    [
        ("https://Dash.Example.com", "https://dash.example.com", "dash.example.com"),
        ("https://dash.example.com:443/", "https://dash.example.com", "dash.example.com"),
        ("https://dash.example.com:8443/x?y", "https://dash.example.com:8443", "dash.example.com"),
        ("http://localhost:8501", "http://localhost:8501", "localhost"),
        ("http://localhost:80", "http://localhost", "localhost"),
        ("https://maison-été.fr", "https://xn--maison-t-h1ab.fr", "xn--maison-t-h1ab.fr"),
        ("https://[2001:DB8::1]:443", "https://[2001:db8::1]", "2001:db8::1"),
        ("https://user@dash.example.com", "https://dash.example.com", "dash.example.com"),
        ("https://", "", ""),
        ("", "", ""),
        ("https://dash.example.com:99999", "", "dash.example.com"),
    ],
)
def test_origin_is_normalized_as_in_browsers(url: str, origin: str, host: str) -> None:
    assert browser_origin(url) == origin
    assert host_name(url) == host


@contextmanager
def _echo() -> Iterator[tuple[str, int]]:
    async def host(request: Request) -> PlainTextResponse:
        return PlainTextResponse(request.headers["host"])

    with serve_app(Starlette(routes=[Route("/", host)])) as url:
        yield url, int(url.rpartition(":")[2])


def test_host_name_is_resolved_once() -> None:
    """A second lookup could return a private address (DNS rebinding)."""
    answers = iter(["127.0.0.1", "169.254.169.254"])
    asked = []

    def reach(host: str, port: int) -> str:
        asked.append((host, port))
        return next(answers)

    with _echo() as (_, port):
        http = HttpClient(reach=reach)
        answer = http.send(HttpRequest("GET", f"http://rebind.invalid:{port}/", deadline=5))
        http.close()
    assert isinstance(answer, HttpResponse)
    assert answer.body.decode() == f"rebind.invalid:{port}"
    assert asked == [("rebind.invalid", port)]
