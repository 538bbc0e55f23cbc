"""Drag and drop: values of the browser are validated, and only permitted moves are applied."""

from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest

from foundation.db.database import OpenScope
from foundation.ids import uuid7
from foundation.ops.wall_time import local_day
from schedules.posts.transitions import get_delivery
from tenants.agencies.rights import Role
from tests.dashboard.builders import ZONE, Agency, create_agency
from tests.dashboard.conftest import Door
from tests.dashboard.pages.calendar.components import find_component, send_event
from tests.dashboard.streamlit_client import Stream, stream


def drawn(page: Stream, **query: object) -> tuple[str, str]:
    """Open the calendar and return the ID of its script and of the fragment that contains it."""
    page.frames.clear()
    page.open("/calendar", **query)
    return find_component(page, "drag")


def dropped(page: Stream, place: tuple[str, str], value: Any) -> str:
    """Send a drop event with any value."""
    return send_event(page, place, "dropped", value)


def seen(who: Agency, delivery_id: UUID) -> tuple[str, dict[str, int]]:
    with who.scope() as scope:
        row = get_delivery(scope, delivery_id)
        return row.wall_time, {str(row.id): row.version}


def in_days(who: Agency, days: int) -> date:
    with who.scope() as scope:
        return local_day(scope.now, ZONE) + timedelta(days=days)


def test_drop_is_applied_and_undone(door: Door, lumiere: Agency) -> None:
    found = lumiere.post("déplacée", minutes=30)
    before, versions = seen(lumiere, found)
    with stream(door.url, door.cookie(lumiere)) as page:
        place = drawn(page)
        wanted = {"seen": versions, "day": str(in_days(lumiere, 2)), "hour": 14}
        assert "à 14:00" in dropped(page, place, wanted)
        assert seen(lumiere, found)[0] == f"{in_days(lumiere, 2)}T14:00"
        assert "a modifié cette publication" in dropped(page, place, wanted)
        assert "Déplacement annulé" in page.press("Annuler le déplacement")
    assert seen(lumiere, found)[0] == before


HOSTILE: list[Any] = [
    {},
    [],
    "x",
    17,
    {"seen": {}, "day": "2026-12-01", "hour": None},
    {"seen": {"x": 1}, "day": "2026-12-01", "hour": None},
    {"seen": "OURS", "day": "soon", "hour": None},
    {"seen": "OURS", "day": "9999-12-31", "hour": 3},
    {"seen": "OURS", "day": "2026-12-01", "hour": 24},
    {"seen": "OURS", "day": "2026-12-01", "hour": "<script>"},
    {"seen": "OURS", "day": "2026-12-01", "hour": None, "tenant_id": "x"},
    {"seen": {str(uuid7()): 1 for _ in range(500)}, "day": "2026-12-01", "hour": None},
]


def test_forged_drop_moves_nothing(door: Door, lumiere: Agency) -> None:
    found = lumiere.post("déplacée", minutes=30)
    before = seen(lumiere, found)
    with stream(door.url, door.cookie(lumiere)) as page:
        place = drawn(page)
        for value in HOSTILE:
            if isinstance(value, dict) and value.get("seen") == "OURS":
                value["seen"] = before[1]
            text = dropped(page, place, value)
            refused = ("Le déplacement a échoué", "au maximum à la fois", "deux ans à l’avance")
            assert any(one in text for one in refused), value
    assert seen(lumiere, found) == before


def test_post_of_another_agency_is_not_moved(
    door: Door, lumiere: Agency, tenant: OpenScope
) -> None:
    other = create_agency(tenant, mark="Autre")
    theirs = other.post("secret", minutes=30)
    lumiere.post("à nous", minutes=30)
    before = seen(other, theirs)
    with stream(door.url, door.cookie(lumiere)) as page:
        place = drawn(page)
        said = dropped(
            page, place, {"seen": before[1], "day": str(in_days(other, 2)), "hour": None}
        )
        assert "Reprogrammé" not in said
        assert "secret" not in said
    assert seen(other, theirs) == before


@pytest.mark.parametrize("view", ["day", "list", "quarter"])
def test_views_without_parallel_days_have_no_dragging(
    door: Door, lumiere: Agency, view: str
) -> None:
    lumiere.post("là", minutes=30)
    with stream(door.url, door.cookie(lumiere)) as page:
        assert drawn(page, view=view) == ("", "")


def test_roles_without_planning_rights_cannot_drag(door: Door, lumiere: Agency) -> None:
    lumiere.post("là", minutes=30)
    with stream(door.url, door.cookie(lumiere, Role.CREATOR)) as page:
        page.may_fail = True
        assert drawn(page) == ("", "")
