"""Two windows of one member show the same draft, and neither overwrites text of the other."""

from schedules.posts.states import DeliveryState
from tests.dashboard.builders import Agency
from tests.dashboard.conftest import Door
from tests.dashboard.pages.compose.test_page import connected, posts, written
from tests.dashboard.pages.compose.test_reload import field_value
from tests.dashboard.streamlit_client import stream

SUBMIT = "Soumettre pour validation"
OTHERS, MINE = "Prendre le texte de l’autre fenêtre", "Garder mon texte"


def test_second_window_shows_and_follows_the_draft(door: Door, lumiere: Agency) -> None:
    connected(lumiere)
    cookie = door.cookie(lumiere)
    with stream(door.url, cookie) as first, stream(door.url, cookie) as second:
        written(first, "Sandbox", words="Une idée")
        second.open("/calendar", new=1)
        assert field_value(second, "Texte") == "Une idée"
        second.type("Texte", "Une meilleure idée")
        assert "Mis à jour avec les modifications" in first.again()
        assert field_value(first, "Texte") == "Une meilleure idée"
        first.press(SUBMIT)
        assert "programmé, enregistré ou abandonné" in second.again()
        assert field_value(second, "Texte") == ""
    assert [one.body for one in posts(lumiere)] == ["Une meilleure idée"]


def test_newer_text_of_the_other_window_needs_a_choice(door: Door, lumiere: Agency) -> None:
    connected(lumiere)
    cookie = door.cookie(lumiere)
    with stream(door.url, cookie) as first, stream(door.url, cookie) as second:
        written(first, "Sandbox", words="Une idée")
        second.open("/calendar", new=1)
        second.type("Texte", "Ma version")
        assert "Ma version" in first.type("Texte", "Mon autre version")
        assert {OTHERS, MINE} <= set(first.labels())
        assert "a été modifié dans une autre fenêtre" in first.press(SUBMIT)
        assert posts(lumiere) == []
        first.press(MINE)
        assert OTHERS not in first.labels()
        second.again()
        assert field_value(second, "Texte") == "Mon autre version"
        first.press(SUBMIT)
    assert [one.body for one in posts(lumiere)] == ["Mon autre version"]


def test_text_typed_after_the_other_window_scheduled_is_a_new_draft(
    door: Door, lumiere: Agency
) -> None:
    connected(lumiere)
    cookie = door.cookie(lumiere)
    with stream(door.url, cookie) as first, stream(door.url, cookie) as second:
        written(first, "Sandbox", words="Une idée")
        second.open("/calendar", new=1)
        first.press(SUBMIT)
        assert "gardé comme nouveau brouillon" in second.type("Texte", "La suite")
        second.press(SUBMIT)
    assert [one.body for one in posts(lumiere)] == ["Une idée", "La suite"]


def test_submitted_post_is_shown_as_pending_approval(door: Door, lumiere: Agency) -> None:
    connected(lumiere)
    with stream(door.url, door.cookie(lumiere)) as page:
        written(page, "Sandbox")
        said = page.press(SUBMIT)
        assert "En attente de validation" in said
        assert "post=" in page.query
    assert DeliveryState.DRAFT in lumiere_states(lumiere)


def lumiere_states(who: Agency) -> list[str]:
    with who.scope() as scope:
        return list(scope.run("SELECT state FROM deliveries").scalars().all())
