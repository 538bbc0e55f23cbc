"""Every process of a running installation serves metrics on a separate port, which the status
reports."""

import json

import pytest

from foundation.http.http_client import HttpClient, HttpRequest, HttpResponse
from tests.stack.conftest import Installation

pytestmark = pytest.mark.heavy


def test_every_process_serves_metrics_at_the_port_in_the_status(house: Installation) -> None:
    house.up()
    told = json.loads(house.command("status", "--json").stdout)
    ports = {one["name"]: one["metrics"] for one in told["processes"] if one["metrics"]}
    living = [
        one["name"]
        for one in told["processes"]
        if one["pid"] and one["name"] not in {"postgres", "redis"}
    ]
    assert living
    assert set(living) <= set(ports)
    assert len(set(ports.values())) == len(ports)
    assert not set(ports.values()) & {
        port for name, port in told["ports"].items() if name != "metrics"
    }
    http = HttpClient(max_connections=2)
    for name in living:
        for path in ("/metrics", "/healthz"):
            reply = http.send(
                HttpRequest("GET", f"http://127.0.0.1:{ports[name]}{path}", deadline=5.0)
            )
            assert isinstance(reply, HttpResponse), (name, reply)
            assert reply.status == 200
            if path == "/metrics":
                assert f'process="{name}"' in reply.body.decode()
    http.close()
