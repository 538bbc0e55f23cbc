"""The health endpoint of a process: liveness, readiness and metrics."""

import json
import socket
from http.client import HTTPConnection
from pathlib import Path

import pytest

from foundation.ops import health_endpoint, telemetry


def ask(port: int, path: str) -> tuple[int, str, str]:
    line = HTTPConnection("127.0.0.1", port, timeout=5)
    line.request("GET", path)
    reply = line.getresponse()
    return reply.status, reply.headers["content-type"], reply.read().decode()


def test_health_endpoint_reports_liveness_and_readiness() -> None:
    health_endpoint._ready.clear()
    port = health_endpoint.serve_health(0)
    assert ask(port, "/healthz")[0] == 200
    assert ask(port, "/readyz")[0] == 503
    health_endpoint.mark_ready()
    assert ask(port, "/readyz")[0] == 200
    assert ask(port, "/elsewhere")[0] == 404
    health_endpoint._ready.clear()


def test_readiness_names_the_places_that_cannot_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`/proc` accepts no file, as a full disk does not."""
    monkeypatch.setenv("GREENROOM_HOME", str(tmp_path))
    (tmp_path / "pg").mkdir()
    port = health_endpoint.serve_health(0)
    health_endpoint.mark_ready()
    status, _, body = ask(port, "/readyz")
    assert (status, json.loads(body)) == (200, {"ready": True, "unwritable": []})
    (tmp_path / "logs").symlink_to("/proc")
    status, _, body = ask(port, "/readyz")
    assert (status, json.loads(body)) == (503, {"ready": False, "unwritable": ["logs"]})
    (tmp_path / "logs").unlink()
    assert ask(port, "/readyz")[0] == 200
    health_endpoint._ready.clear()


def test_metrics_are_served_in_prometheus_format() -> None:
    telemetry.ROWS_CLAIMED.labels("chat").inc(2)
    status, kind, told = ask(health_endpoint.serve_health(0), "/metrics?x=1")
    assert status == 200
    assert kind.startswith("text/plain")
    assert 'greenroom_claims_total{queue="chat"}' in told


def test_occupied_port_does_not_stop_process() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        health_endpoint.serve_health_if_free(taken.getsockname()[1], host="127.0.0.1")
    health_endpoint.serve_health_if_free(0, host="127.0.0.1")


def test_metric_labels_contain_no_personal_data() -> None:
    allowed = {"kind", "outcome", "queue", "what", "platform", "act", "state", "by", "verdict"}
    for figure in vars(telemetry).values():
        assert set(getattr(figure, "_labelnames", ())) <= allowed, figure
