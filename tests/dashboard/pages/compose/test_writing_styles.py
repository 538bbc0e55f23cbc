"""The form for tone and length per network: saved, shown again, and refused without losing text."""

from schedules.suggestions.captions import styles
from schedules.suggestions.captions.styles import WritingStyle
from tenants.agencies.rights import Role
from tests.dashboard.builders import Agency
from tests.dashboard.conftest import Door
from tests.dashboard.pages.compose.test_page import connected
from tests.dashboard.streamlit_client import stream


def stored(who: Agency) -> dict[str, WritingStyle]:
    with who.scope() as scope:
        return styles.list_styles(scope, who.creator_id)


def test_style_is_saved_for_one_network_and_shown_again(door: Door, lumiere: Agency) -> None:
    connected(lumiere)
    with stream(door.url, door.cookie(lumiere)) as page:
        page.open("/calendar", new=1)
        page.choose("Réseau", "Sandbox")
        page.type("Ton", "chaleureux, un peu espiègle")
        page.choose("Longueur", "Court : une phrase")
        page.choose("Hashtags au maximum", "2")
        assert "Style enregistré" in page.press("Enregistrer le style")
        assert stored(lumiere) == {
            "sandbox": WritingStyle("chaleureux, un peu espiègle", "short", 2)
        }
        page.type("Ton", "une lycéenne de 15 ans")
        assert "moins de 18 ans" in page.press("Enregistrer le style")
        page.type("Ton", "chaleureux")
        assert "Style enregistré" in page.press("Enregistrer le style"), "other fields are kept"
        assert stored(lumiere) == {"sandbox": WritingStyle("chaleureux", "short", 2)}
    with stream(door.url, door.cookie(lumiere)) as page:
        page.open("/calendar", new=1)
        page.choose("Réseau", "Sandbox")
        assert page.find("Ton", "text_input").drawn.value == "chaleureux"


def test_accountant_has_no_form(door: Door, lumiere: Agency) -> None:
    connected(lumiere)
    with stream(door.url, door.cookie(lumiere, Role.ACCOUNTANT)) as page:
        page.open("/calendar", new=1)
        assert "Enregistrer le style" not in page.labels()
