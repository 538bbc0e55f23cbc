"""Clicks and keys of the calendar: values of the browser are validated, and members reach only what
their role and their creators permit."""

from datetime import timedelta
from typing import Any

import pytest

from foundation.db.database import OpenScope
from foundation.ids import uuid7
from foundation.ops.wall_time import local_day
from schedules.posts.states import DeliveryState
from tenants.agencies import agencies
from tenants.agencies.rights import Role
from tests.dashboard.builders import ZONE, Agency, create_agency
from tests.dashboard.conftest import Door
from tests.dashboard.pages.calendar.components import choose_item, find_component, send_event
from tests.dashboard.pages.calendar.test_page import post_of, refused, state
from tests.dashboard.streamlit_client import Stream, stream


def opened(page: Stream, **query: object) -> str:
    page.frames.clear()
    return page.open("/calendar", **query)


HOSTILE: list[Any] = [
    {},
    [],
    "x",
    17,
    {"kind": "erase"},
    {"kind": "post"},
    {"kind": "post", "post": "1 OR 1=1"},
    {"kind": "day", "day": "soon"},
    {"kind": "new", "day": "2026-13-40"},
    {"kind": "slot", "creator": "mia", "at": "<script>alert(1)</script>"},
    {"kind": "slot", "creator": "mia", "at": "9" * 400},
    {"kind": "slot", "creator": "../nova", "at": "2027-01-01T10:00"},
    {"kind": "retry", "delivery": str(uuid7()), "version": -1},
    {"kind": "retry", "delivery": str(uuid7()), "version": 1},
    {"kind": "post", "post": str(uuid7()), "tenant_id": "x"},
]


def test_forged_events_change_nothing(door: Door, lumiere: Agency) -> None:
    failed = refused(lumiere)
    with stream(door.url, door.cookie(lumiere)) as page:
        opened(page)
        place = find_component(page, "calendar")
        for value in HOSTILE:
            text = send_event(page, place, "chosen", value)
            refusals = ("n’a pas été comprise", "n’existe pas", "Aucun créateur nommé")
            assert any(one in text for one in refusals), (value, text[:300])
            assert "new=1" not in page.query, value
    assert state(lumiere, failed) is DeliveryState.FAILED


def test_post_of_another_agency_is_neither_shown_nor_retried(
    door: Door, lumiere: Agency, tenant: OpenScope
) -> None:
    other = create_agency(tenant, mark="canary")
    theirs = refused(other, "canary-post")
    with stream(door.url, door.cookie(lumiere)) as page:
        opened(page)
        said = choose_item(page, kind="post", post=post_of(other, theirs))
        assert "n’existe pas" in said
        assert "canary" not in said
        page.press("Fermer")
        assert "canary" not in choose_item(page, kind="retry", delivery=theirs, version=1)
    assert state(other, theirs) is DeliveryState.FAILED


def test_post_of_an_unassigned_creator_is_neither_shown_nor_retried(
    door: Door, lumiere: Agency
) -> None:
    failed = refused(lumiere, "canary-of-mia")
    with lumiere.scope() as scope:
        agencies.add_creator(
            scope, slug="nova", name="Nova", kind="virtual", zone=ZONE, languages=["fr"]
        )
        scope.run(
            """UPDATE members SET creators = '["nova"]' WHERE id = :m""",
            m=lumiere.members[Role.MANAGER],
        )
    with stream(door.url, door.cookie(lumiere, Role.MANAGER)) as page:
        opened(page)
        shown = choose_item(page, kind="post", post=post_of(lumiere, failed))
        assert "canary" not in shown
        choose_item(page, kind="retry", delivery=failed, version=2)
        found = choose_item(page, kind="slot", creator="mia", at="2031-01-01T10:00")
        assert "new=1" not in page.query
        assert "canary" not in found
    assert state(lumiere, failed) is DeliveryState.FAILED


def test_open_slot_starts_a_post_at_its_time(door: Door, lumiere: Agency) -> None:
    lumiere.post("avant", minutes=5)
    with lumiere.scope() as scope:
        day = local_day(scope.now, ZONE) + timedelta(days=3)
    with stream(door.url, door.cookie(lumiere)) as page:
        opened(page)
        slot = {"creator": "mia", "at": f"{day}T09:40", "account": lumiere.channel_id}
        choose_item(page, kind="slot", **slot)
        assert "new=1" in page.query
        assert page.find("Heure (HH:MM)").drawn.value == "09:40"
        assert page.find("Date (JJ/MM/AAAA)").drawn.value == f"{day:%d/%m/%Y}"


def test_new_post_of_a_day_has_a_time_on_that_day(door: Door, lumiere: Agency) -> None:
    with lumiere.scope() as scope:
        day = local_day(scope.now, ZONE) + timedelta(days=40)
    with stream(door.url, door.cookie(lumiere)) as page:
        opened(page, view="month")
        choose_item(page, kind="new", day=day)
        assert page.find("Date (JJ/MM/AAAA)").drawn.value == f"{day:%d/%m/%Y}"
        assert page.find("Heure (HH:MM)").drawn.value == "18:30"


@pytest.mark.parametrize(("name", "query"), [("month", "view=month"), ("files", "files=1")])
def test_keys_open_views_and_menu_entries(
    door: Door, lumiere: Agency, name: str, query: str
) -> None:
    with stream(door.url, door.cookie(lumiere)) as page:
        opened(page)
        choose_item(page, kind="go", name=name)
        assert query in page.query


def test_role_without_planning_starts_and_retries_nothing(door: Door, lumiere: Agency) -> None:
    failed = refused(lumiere)
    with stream(door.url, door.cookie(lumiere, Role.CREATOR)) as page:
        text = opened(page)
        assert 'data-gr-act="slot"' not in text
        assert 'data-gr-act="retry"' not in text
        for value in (
            {"kind": "retry", "delivery": failed, "version": 2},
            {"kind": "slot", "creator": "mia", "at": "2031-01-01T10:00"},
            {"kind": "new", "day": "2031-01-01"},
            {"kind": "go", "name": "pool"},
        ):
            choose_item(page, **value)
            assert "new=1" not in page.query, value
            assert "pool" not in page.query, value
    assert state(lumiere, failed) is DeliveryState.FAILED
