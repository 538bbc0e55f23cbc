"""Creators: owners add, edit, deactivate and archive; each role sees its own creators and fields."""

import io

import httpx
import pytest
from PIL import Image

from foundation.db.database import OpenScope
from tenants.agencies import agencies, creators, queries
from tenants.agencies.rights import Role
from tenants.agencies.states import CreatorState
from tenants.auth import members
from tests.dashboard.builders import ZONE, Agency, create_agency
from tests.dashboard.conftest import Door
from tests.dashboard.streamlit_client import stream


def picture() -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (640, 480), "teal").save(buffer, "PNG")
    return buffer.getvalue()


def add_zoe(who: Agency) -> None:
    with who.scope() as scope:
        agencies.add_creator(
            scope, slug="zoe", name="Zoé Petit", kind="human", zone=ZONE, languages=("fr",)
        )


def test_owner_adds_creators_and_a_refused_form_keeps_what_was_typed(
    door: Door, lumiere: Agency
) -> None:
    with stream(door.url, door.cookie(lumiere)) as page:
        page.open("/creators")
        page.type("Nom", "Léa Moreau")
        page.type("Identifiant", "mia")
        page.type("Biographie", "Photographe")
        text = page.press("Ajouter le créateur")
        assert "utilise déjà l’identifiant" in text
        page.type("Identifiant", "lea-moreau")
        text = page.press("Ajouter le créateur")
        assert "Léa Moreau est ajouté" in text
        assert "utilise déjà" not in text
        assert "lea-moreau" in page.again()
    with lumiere.scope() as scope:
        found = creators.get_profile(scope, queries.get_creator(scope, "lea-moreau").id)
    assert (found.biography, found.creator.languages) == ("Photographe", ("fr",))


def test_profile_is_edited_with_a_picture_that_only_members_see(
    door: Door, lumiere: Agency, tenant: OpenScope
) -> None:
    with stream(door.url, door.cookie(lumiere)) as page:
        page.open("/creators")
        page.press("Modifier")
        page.type("Nom", "Mia Renommée")
        page.type("Biographie", "Bonjour à tous")
        page.type("Publications par jour", "4")
        page.attach("Photo de profil", {"me.png": picture()})
        text = page.press("Enregistrer")
        assert "Le profil de Mia Renommée" in text
        assert "4 publications par jour" in page.again()
    with lumiere.scope() as scope:
        found = creators.get_profile(scope, lumiere.creator_id)
    assert (found.biography, found.creator.posts_per_day) == ("Bonjour à tous", 4)
    path = f"{door.url}/files/creators/{lumiere.creator_id}/{found.avatar}"
    name, _, value = door.cookie(lumiere).partition("=")
    shown = httpx.get(path, cookies={name: value})
    assert (shown.status_code, shown.headers["content-type"]) == (200, "image/webp")
    other = create_agency(tenant)
    name, _, value = door.cookie(other).partition("=")
    assert httpx.get(path, cookies={name: value}).status_code == 404


def test_handle_is_changed_until_a_post_is_published(door: Door, lumiere: Agency) -> None:
    with stream(door.url, door.cookie(lumiere)) as page:
        page.open("/creators")
        page.press("Modifier")
        page.type("Identifiant", "admin")
        assert "réservé" in page.press("Enregistrer")
        page.type("Identifiant", "mia-laurent")
        assert "Le profil de" in page.press("Enregistrer")
    with lumiere.scope() as scope:
        assert queries.get_creator(scope, lumiere.creator_id).slug == "mia-laurent"
    lumiere.post("Bonjour", state="published")
    with stream(door.url, door.cookie(lumiere)) as page:
        page.open("/creators")
        page.press("Modifier")
        page.type("Identifiant", "other")
        assert "ne peut plus changer" in page.press("Enregistrer")
    with lumiere.scope() as scope:
        assert queries.get_creator(scope, lumiere.creator_id).slug == "mia-laurent"


def test_deactivated_creator_is_shown_as_inactive_and_archived_one_hidden(
    door: Door, lumiere: Agency
) -> None:
    add_zoe(lumiere)
    with stream(door.url, door.cookie(lumiere)) as page:
        assert "Zoé Petit" in page.open("/creators")
        assert "est désactivé" in page.press("Désactiver maintenant", nth=1)
        assert "Inactif" in page.again()
        assert "est archivé" in page.press("Archiver maintenant", nth=1)
        assert "<b>Zoé Petit</b>" not in page.open("/creators")
        assert "Zoé Petit" not in page.open("/studio")
        page.open("/creators")
        page.check("Afficher les créateurs archivés (1)")
        assert "est actif" in page.press("Réactiver")
    with lumiere.scope() as scope:
        assert queries.get_creator(scope, "zoe").state is CreatorState.ACTIVE


def test_creator_edits_only_the_own_biography_and_picture(door: Door, lumiere: Agency) -> None:
    add_zoe(lumiere)
    with lumiere.scope() as scope:
        slug = queries.get_creator(scope, lumiere.creator_id).slug
        members.change_member(
            scope, lumiere.members[Role.CREATOR], role=Role.CREATOR, creators=(slug,)
        )
    with stream(door.url, door.cookie(lumiere, Role.CREATOR)) as page:
        text = page.open("/creators")
        assert "Zoé Petit" not in text
        assert "Désactiver" not in page.labels()
        page.press("Modifier")
        assert "Publications par jour" not in page.labels("number_input")
        page.type("Biographie", "Moi-même")
        assert "Le profil de" in page.press("Enregistrer")
    with lumiere.scope() as scope:
        assert creators.get_profile(scope, lumiere.creator_id).biography == "Moi-même"


@pytest.mark.parametrize("role", [Role.CHATTER, Role.ACCOUNTANT, Role.GUEST])
def test_other_roles_do_not_see_the_page(door: Door, lumiere: Agency, role: Role) -> None:
    with stream(door.url, door.cookie(lumiere, role)) as page:
        assert "Chaque créateur a sa page publique" not in page.open("/creators")
