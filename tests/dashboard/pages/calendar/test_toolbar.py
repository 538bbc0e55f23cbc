"""The toolbar of the calendar: five items and one menu, filters and the search."""

import pytest

from foundation.db.database import OpenScope
from tenants.agencies.rights import Role
from tests.dashboard.builders import Agency, create_agency
from tests.dashboard.conftest import Door
from tests.dashboard.streamlit_client import stream

HEADER = ["Rechercher", "Aide"]
NAVIGATION = ["Précédent", "Aujourd’hui", "Suivant"]
MENU = [
    "Planning de publication",
    "Semaine proposée par l’IA",
    "Routine",
    "File permanente",
    "Test A/B",
    "Brouillons",
    "Gérer les étiquettes",
    "90 jours",
    "Simulation",
    "Importer et exporter",
]


def test_toolbar_has_five_items_and_one_menu(door: Door, lumiere: Agency) -> None:
    with stream(door.url, door.cookie(lumiere)) as page:
        page.open("/calendar")
        buttons = page.labels()
        assert page.find("Affichage").options == ["Mois", "Semaine", "Jour", "Liste", "File"]
        assert page.labels("text_input") == ["Rechercher"]
    assert buttons == [*HEADER, *NAVIGATION, "Nouvelle publication", *MENU]


def test_role_without_planning_has_a_short_menu(door: Door, lumiere: Agency) -> None:
    with stream(door.url, door.cookie(lumiere, Role.CREATOR)) as page:
        page.open("/calendar")
        assert page.labels() == [*HEADER, *NAVIGATION, *MENU[-3:]]


def test_search_finds_posts_of_any_day(door: Door, lumiere: Agency) -> None:
    lumiere.post("La plage au coucher du soleil", minutes=60 * 24 * 90)
    lumiere.post("La PLAGE d’hier", minutes=-60 * 24 * 40, state="published")
    lumiere.post("Un café", minutes=60)
    with stream(door.url, door.cookie(lumiere)) as page:
        page.open("/calendar")
        found = page.type("Rechercher", "  plage ")
        assert "Résultats de la recherche" in found
        assert "2 publications avec « plage »" in found
        assert "coucher du soleil" in found
        assert "PLAGE d’hier" in found
        assert "Un café" not in found
        assert "1 publication" in page.choose("État", "Publié")
        page.press("Effacer les filtres")
        assert "Aucune publication ne contient" in page.type("Rechercher", "montagne")
        assert "Un café" in page.type("Rechercher", "")


@pytest.mark.parametrize(
    "text", ["%%", "__", "\\\\", "'; DROP TABLE posts; --", "\u202eabc", "é" * 3000]
)
def test_search_takes_every_character_literally(door: Door, lumiere: Agency, text: str) -> None:
    lumiere.post("Bonjour", minutes=60)
    with stream(door.url, door.cookie(lumiere)) as page:
        page.open("/calendar")
        assert "Aucune publication ne contient" in page.type("Rechercher", text)


def test_search_finds_nothing_of_another_agency(
    door: Door, lumiere: Agency, tenant: OpenScope
) -> None:
    create_agency(tenant, mark="canary").post("canary plage", minutes=60)
    with stream(door.url, door.cookie(lumiere)) as page:
        page.open("/calendar")
        assert "Aucune publication ne contient" in page.type("Rechercher", "plage")
