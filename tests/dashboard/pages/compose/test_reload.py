"""A reload of the composer loses no input, which is separate for each member."""

import pytest

from schedules.posts import queries as schedule_reads
from tenants.agencies.rights import Role
from tests.dashboard.builders import Agency
from tests.dashboard.conftest import Door
from tests.dashboard.pages.compose.test_page import connected, posts, written
from tests.dashboard.pages.planning.test_drafts import KEEP
from tests.dashboard.streamlit_client import Stream, stream

BACK, THROW = "Retour au calendrier", "Abandonner"


def field_value(page: Stream, label: str) -> str:
    drawn = page.find(label, "text_area", "text_input").drawn
    return str(drawn.value or drawn.default)


def test_unsaved_post_survives_a_reload_until_scheduled(door: Door, lumiere: Agency) -> None:
    connected(lumiere)
    cookie = door.cookie(lumiere)
    with stream(door.url, cookie) as page:
        written(page, "Sandbox", words="Une idée\nlongue")
        page.type("Titre", "Un titre")
        page.press("Ajouter au fil")
        page.type("Partie 2", "et la suite")
    for _ in range(2):  # a closed window and a reloaded page
        with stream(door.url, cookie) as page:
            page.open("/calendar", new=1)
            assert field_value(page, "Texte") == "Une idée\nlongue"
            assert field_value(page, "Partie 2") == "et la suite"
    with stream(door.url, door.cookie(lumiere, Role.MANAGER)) as other:
        other.open("/calendar", new=1)
        assert field_value(other, "Texte") == ""
    with stream(door.url, cookie) as page:
        page.open("/calendar", new=1)
        page.press("Soumettre pour validation")
    assert [one.body for one in posts(lumiere)] == ["Une idée\nlongue"]
    with stream(door.url, cookie) as page:
        page.open("/calendar", new=1)
        assert field_value(page, "Texte") == ""


@pytest.mark.heavy
def test_abandoned_or_saved_draft_is_not_restored(door: Door, lumiere: Agency) -> None:
    connected(lumiere)
    for leave in (THROW, KEEP):
        with stream(door.url, door.cookie(lumiere)) as page:
            written(page, words="Une idée")
        with stream(door.url, door.cookie(lumiere)) as page:
            page.open("/calendar", new=1)
            assert field_value(page, "Texte") == "Une idée"
            page.press(BACK)
            page.press(leave)
        with stream(door.url, door.cookie(lumiere)) as page:
            page.open("/calendar", new=1)
            assert field_value(page, "Texte") == ""
    assert [one.body for one in posts(lumiere)] == ["Une idée"]


@pytest.mark.heavy
def test_unsaved_edit_survives_a_reload_without_overwriting_changes(
    door: Door, lumiere: Agency
) -> None:
    delivery_id = lumiere.post("avant")
    with lumiere.scope() as scope:
        post_id = schedule_reads.post_id_of_delivery(scope, delivery_id)
    address = {"new": 1, "rework": post_id}
    with stream(door.url, door.cookie(lumiere)) as page:
        page.open("/calendar", **address)
        page.type("Texte", "après")
    with stream(door.url, door.cookie(lumiere)) as page:
        page.open("/calendar", **address)
        assert field_value(page, "Texte") == "après"
        assert "Enregistrer" in page.labels()
    with stream(door.url, door.cookie(lumiere, Role.MANAGER)) as other:
        other.open("/calendar", **address)
        assert field_value(other, "Texte") == "avant"
        other.type("Texte", "entre-temps")
        other.press("Enregistrer")
    with stream(door.url, door.cookie(lumiere)) as page:
        assert "entre-temps" in page.open("/calendar", **address)
        assert field_value(page, "Texte") == "après"
        assert "Enregistrer" not in page.labels()  # it asks first
