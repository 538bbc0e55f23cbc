"""Snippets in the composer: saved, inserted, changed and deleted in place."""

from tests.dashboard.builders import Agency
from tests.dashboard.conftest import Door
from tests.dashboard.pages.compose.test_reload import field_value
from tests.dashboard.streamlit_client import stream


def test_snippet_is_saved_inserted_changed_and_deleted(door: Door, lumiere: Agency) -> None:
    with stream(door.url, door.cookie(lumiere)) as page:
        page.open("/calendar", new=1)
        page.type("Texte", "Bonsoir #Lac")
        page.choose("Type", "Hashtags")
        page.type("Nom", "Lacs")
        page.type("Contenu de l’extrait", "#lac <b>")
        assert "n’est pas un hashtag" in page.press("Enregistrer l’extrait")
        page.type("Contenu de l’extrait", "#lac #montagne")
        assert "Extrait enregistré" in page.press("Enregistrer l’extrait")
        page.press("Lacs")
        assert field_value(page, "Texte") == "Bonsoir #Lac #montagne"
        page.type("Nom", "Mes lacs", nth=1)
        assert "Extrait modifié" in page.press("Enregistrer les modifications")
        page.press("Supprimer")
        page.press("Supprimer définitivement")
        assert "Mes lacs" not in page.labels()
