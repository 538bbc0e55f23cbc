"""Leaving the composer: unsaved input is saved or asked about, and the language button returns to
the page."""

from urllib.parse import quote

from schedules.posts import queries as schedule_reads
from tests.dashboard.builders import Agency
from tests.dashboard.conftest import Door
from tests.dashboard.pages.compose.test_page import connected, posts, written
from tests.dashboard.pages.planning.test_drafts import KEEP
from tests.dashboard.streamlit_client import stream

UNSAVED = "ne sont pas enregistrées"
BACK, STAY, THROW = "Retour au calendrier", "Continuer la rédaction", "Abandonner"


def test_back_asks_and_input_remains_until_abandoned(door: Door, lumiere: Agency) -> None:
    connected(lumiere)
    with stream(door.url, door.cookie(lumiere)) as page:
        written(page, "Sandbox", words="Une idée")
        assert "pas enregistrée" in page.press(BACK)
        page.press(STAY)
        assert STAY not in page.labels()
        assert (
            page.find("Texte", "text_area").drawn.value == "Une idée" or "Une idée" in page.again()
        )
        page.press(BACK)
        page.press(THROW)
        assert "new" not in page.query
        page.open("/calendar", new=1)
        assert page.find("Texte", "text_area").drawn.value == ""
    assert posts(lumiere) == []


def test_back_saves_a_draft_or_closes_an_empty_page_at_once(door: Door, lumiere: Agency) -> None:
    connected(lumiere)
    with stream(door.url, door.cookie(lumiere)) as page:
        page.open("/calendar", new=1)
        page.press(BACK)
        assert "new" not in page.query
        written(page, words="Une idée")
        page.press(BACK)
        said = page.press(KEEP)
        assert "Choisissez les comptes et l’heure" in said
        page.press("Modifier")
        page.press(BACK)
        assert "new" not in page.query
    assert [one.body for one in posts(lumiere)] == ["Une idée"]


def test_leaving_by_the_menu_saves_the_draft_once(door: Door, lumiere: Agency) -> None:
    connected(lumiere)
    with stream(door.url, door.cookie(lumiere)) as page:
        written(page, "Sandbox", words="Une idée")
        assert "Brouillon enregistré" in page.open("/home")
        page.open("/studio")
        page.open("/calendar", aside=1)
        page.press("Modifier")
        page.type("Texte", "Une meilleure idée")
        page.open("/calendar")
        page.open("/calendar", new=1)
        assert page.find("Texte", "text_area").drawn.value == ""
        assert "Brouillon enregistré" not in page.open("/home")
    assert [one.body for one in posts(lumiere)] == ["Une meilleure idée"]


def test_unsaved_edit_needs_confirmation_and_never_becomes_a_draft(
    door: Door, lumiere: Agency
) -> None:
    delivery_id = lumiere.post("avant")
    with lumiere.scope() as scope:
        post_id = schedule_reads.post_id_of_delivery(scope, delivery_id)
    with stream(door.url, door.cookie(lumiere)) as page:
        page.open("/calendar", post=post_id)
        page.press("Modifier")
        page.type("Texte", "après")
        assert "Vos modifications" in page.press(BACK)
        assert KEEP not in page.labels()
        page.press(THROW)
        page.open("/home")
    with lumiere.scope() as scope:
        assert schedule_reads.get_stored_post(scope, post_id).body == "avant"
    assert posts(lumiere) == []


def test_unsaved_edit_is_restored_until_saved_or_abandoned(door: Door, lumiere: Agency) -> None:
    delivery_id = lumiere.post("avant")
    with lumiere.scope() as scope:
        post_id = schedule_reads.post_id_of_delivery(scope, delivery_id)
    with stream(door.url, door.cookie(lumiere)) as page:

        def opens() -> str:
            page.open("/calendar", post=post_id)
            page.press("Modifier")
            return str(
                page.find("Texte", "text_area").drawn.value
                or page.find("Texte", "text_area").drawn.default
            )

        assert opens() == "avant"
        assert UNSAVED not in page.open("/home")  # nothing was changed
        assert opens() == "avant"
        page.type("Texte", "après")
        page.press("Ajouter au fil")
        page.type("Partie 2", "et plus tard")
        assert UNSAVED in page.open("/home")
        assert UNSAVED not in page.open("/studio")
        assert opens() == "après"
        assert page.find("Partie 2", "text_area").drawn.value == "et plus tard"
        page.press(BACK)
        page.press(THROW)
        assert opens() == "avant"
        page.type("Texte", "ensuite")
        page.open("/home")
        assert opens() == "ensuite"
        page.press("Enregistrer")
        page.open("/home")
        assert opens() == "ensuite"
        assert UNSAVED not in page.open("/home")
    with lumiere.scope() as scope:
        assert schedule_reads.get_stored_post(scope, post_id).body == "ensuite"
    assert posts(lumiere) == []


def test_escape_does_not_leave_the_page(door: Door, lumiere: Agency) -> None:
    """Escape closes an open list and leaves a field."""
    with stream(door.url, door.cookie(lumiere)) as page:
        page.open("/calendar", files=1)
        assert page.find(BACK, "button").drawn.shortcut == ""


def test_language_button_contains_the_current_page(door: Door, lumiere: Agency) -> None:
    with stream(door.url, door.cookie(lumiere)) as page:
        assert 'action="/auth/language/en?to=/calendar%3Fnew%3D1"' in page.open("/calendar", new=1)
        assert 'action="/auth/language/en?to=/"' in page.open("/")


HOSTILE = (
    "https://evil.example/calendar",
    "//evil.example/calendar",
    "///calendar",
    "/\\evil.example",
    "\\\\evil.example",
    "javascript:alert(1)",
    "/calendar/../auth/leave",
    "/auth/leave",
    "/calendar#//evil.example",
    "/calendar\r\nset-cookie: a=b",
    "\t//evil.example",
    "@evil.example/",
    "",
)


OURS = {
    "/calendar?new=1": "/calendar?new=1",
    "/calendar?day=2026-12-20&view=day": "/calendar?day=2026-12-20&view=day",
    "/studio": "/studio",
    "/calendar?a=\r\nset-cookie: b=c": "/calendar?a=%0D%0Aset-cookie%3A+b%3Dc",
    "/calendar?\ud800": "/calendar",
}


def test_language_change_redirects_only_to_own_pages(door: Door, lumiere: Agency) -> None:
    led = {}
    with door.client() as member:
        cookie = {"cookie": door.cookie(lumiere)}
        for asked in (*OURS, *HOSTILE):
            to = quote(asked, errors="surrogatepass")
            answer = member.post(f"/auth/language/en?to={to}", headers=cookie)
            assert (answer.status_code, "set-cookie" in answer.headers) == (303, False), asked
            led[asked] = answer.headers["location"]
    assert led == {**OURS, **dict.fromkeys(HOSTILE, "/")}
