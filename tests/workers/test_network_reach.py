"""Network reach: requests may go to addresses in the settings and to the public internet, never to
other internal addresses, in any environment."""

import socket
from collections.abc import Iterator
from typing import Literal

import pytest

from foundation.http.address_policy import NOT_PUBLIC, can_connect
from foundation.http.http_client import HttpClient, HttpRequest, RequestNotSent
from foundation.ops.settings import ConnectorsSettings, SandboxSettings, Settings, WebSettings
from workers.event_routes.posts import make_feed_fetcher
from workers.wiring import allowed_reach, outside_reach

Environment = Literal["production", "demo", "test"]
ENVIRONMENTS: tuple[Environment, ...] = ("production", "demo", "test")
EACH_ENVIRONMENT = pytest.mark.parametrize("environment", ENVIRONMENTS)

INSIDE = (
    "127.0.0.1",
    "127.1",
    "0x7f000001",
    "2130706433",
    "017700000001",
    "localhost",
    "0.0.0.0",
    "0",
    "10.0.0.1",
    "172.16.0.1",
    "192.168.1.1",
    "100.64.0.1",
    "169.254.169.254",
    "169.254.170.2",
    "100.100.100.200",
    "192.0.0.192",
    "198.18.0.1",
    "224.0.0.1",
    "::1",
    "::",
    "::127.0.0.1",
    "::ffff:10.0.0.1",
    "::ffff:0:169.254.169.254",
    "64:ff9b::169.254.169.254",
    "2002:7f00:1::",
    "fe80::1",
    "fd00:ec2::254",
    "fec0::1",
)
"""Loopback, private, link-local and metadata addresses, in every spelling that a resolver accepts.
"""


def settings_of(environment: Environment) -> Settings:
    return Settings(
        environment=environment,
        web=WebSettings(host="0.0.0.0", inside_url="http://web:8080"),
        sandbox=SandboxSettings(inside_host="sandbox"),
        connectors=ConnectorsSettings(telegram_url="http://10.0.0.7:9000"),
        reachable="http://crm.internal:5678, http://10.9.9.9:*",
    )


@EACH_ENVIRONMENT
@pytest.mark.parametrize(
    ("url", "allowed", "outside"),
    [
        ("http://127.0.0.1:8080", True, False),
        ("http://web:8080", True, False),
        ("http://10.0.0.7:9000", True, False),
        ("http://crm.internal:5678", True, True),
        ("http://10.9.9.9:1", True, True),
        ("http://127.0.0.1:8432", False, False),
        ("http://crm.internal:5679", False, False),
        ("http://169.254.169.254", False, False),
        ("https://127.0.0.1:2583", False, False),
        ("https://8.8.8.8", True, True),
        ("http://8.8.8.8", False, False),
        ("https://nowhere.invalid", False, False),
    ],
)
def test_only_configured_internal_origins_are_reached(
    environment: Environment, url: str, allowed: bool, outside: bool
) -> None:
    settings = settings_of(environment)
    assert can_connect(url, allowed_reach(settings)) is allowed
    assert can_connect(url, outside_reach(settings)) is outside


@EACH_ENVIRONMENT
def test_sandbox_is_reached_by_feeds_and_webhooks_except_in_production(
    environment: Environment,
) -> None:
    settings = settings_of(environment)
    port = settings.sandbox.port
    url = f"http://127.0.0.1:{port}"
    assert can_connect(url, allowed_reach(settings))
    assert can_connect(url, outside_reach(settings)) is (environment != "production")
    # In containers, the address that a browser opens leads to the container of the test network.
    assert allowed_reach(settings)("127.0.0.1", port) == "sandbox"
    assert allowed_reach(Settings(environment=environment))("127.0.0.1", port) == "127.0.0.1"


@EACH_ENVIRONMENT
@pytest.mark.parametrize("host", INSIDE)
def test_every_internal_address_is_refused_before_connecting(
    environment: Environment, host: str
) -> None:
    for reach in (outside_reach(settings_of(environment)), allowed_reach(settings_of(environment))):
        for port in (22, 80, 443, 8432):
            with pytest.raises(OSError, match=NOT_PUBLIC):
                reach(host, port)


@pytest.fixture
def open_port() -> Iterator[int]:
    """A port of this machine with a listening server."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.05)
        yield server.getsockname()[1]
        with pytest.raises(TimeoutError):
            server.accept()


@EACH_ENVIRONMENT
def test_open_port_is_indistinguishable_from_a_closed_one(
    environment: Environment, open_port: int
) -> None:
    reach = outside_reach(Settings(environment=environment, reachable=""))
    http = HttpClient(reach=reach)
    for port in (open_port, 1):
        sent = http.send(HttpRequest("POST", f"http://127.0.0.1:{port}/hook", deadline=2))
        assert sent == RequestNotSent(NOT_PUBLIC)
    fetch = make_feed_fetcher(reach)
    opened, closed = (fetch(f"http://127.0.0.1:{port}/feed", "", "") for port in (open_port, 1))
    assert opened == closed
    http.close()
