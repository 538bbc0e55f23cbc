"""Whether the members' door lives, and whether it works."""

from tests.dashboard.conftest import Door


def test_the_door_is_ready_without_a_member_and_under_any_name(door: Door) -> None:
    with door.client() as visitor:
        for host in ("localhost", "dashboard:8501"):
            found = visitor.get("/readyz", headers={"host": host})
            assert (found.status_code, found.json()) == (200, {"ready": True})
