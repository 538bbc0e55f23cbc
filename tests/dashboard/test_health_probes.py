"""Readiness of the dashboard."""

from tests.dashboard.conftest import Door


def test_dashboard_is_ready_under_any_host_name(door: Door) -> None:
    with door.client() as visitor:
        for host in ("localhost", "dashboard:8501"):
            found = visitor.get("/readyz", headers={"host": host})
            assert (found.status_code, found.json()) == (200, {"ready": True, "unwritable": []})
