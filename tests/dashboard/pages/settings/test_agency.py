"""The settings of the agency: saved, validated beside what was typed, and limited to the owner."""

import io

import pytest
from PIL import Image

from foundation.db.database import OpenScope
from foundation.errors import BadInput
from tenants import audit
from tenants.agencies import agency_settings
from tenants.agencies.agency_settings import AgencySettings, CreatorDefaults
from tenants.agencies.rights import Role
from tests.dashboard.builders import Agency, create_agency
from tests.dashboard.conftest import Door
from tests.dashboard.streamlit_client import stream


def stored(who: Agency) -> AgencySettings:
    with who.scope() as scope:
        return agency_settings.get_agency_settings(scope)


def test_owner_saves_the_settings_of_the_agency(
    door: Door, lumiere: Agency, tenant: OpenScope
) -> None:
    other = create_agency(tenant)
    with stream(door.url, door.cookie(lumiere)) as page:
        page.open("/settings")
        page.type("Nom de l’agence", "Lumière et Cie")
        page.choose("Devise", "CHF")
        page.type("Raison sociale", "Lumière SARL")
        page.type("Numéro de TVA", "fr 44 732 829 320")
        page.type("Adresse", "1 rue de la Paix\n75002 Paris")
        page.type("Préfixe des numéros de relevé", "lum-")
        assert "Réglages enregistrés" in page.press("Enregistrer")
        assert "Lumière et Cie" in page.open("/settings")
    assert stored(lumiere) == AgencySettings(
        "Lumière et Cie",
        "fr",
        "Europe/Paris",
        "CHF",
        ("fr",),
        "Lumière SARL",
        "1 rue de la Paix\n75002 Paris",
        "FR44732829320",
        "LUM-",
    )
    assert stored(other).legal_name == ""
    with lumiere.scope() as scope:
        [act] = [one for one in audit.list_recent_acts(scope) if one.act == "agency.changed"]
    assert (act.details["before_currency"], act.details["after_currency"]) == ("EUR", "CHF")


def test_invalid_value_is_explained_and_nothing_is_lost(door: Door, lumiere: Agency) -> None:
    with stream(door.url, door.cookie(lumiere)) as page:
        page.open("/settings")
        page.type("Raison sociale", "Lumière SARL")
        page.type("Numéro de TVA", "FR!")
        assert "Ce numéro de TVA n’est pas valide" in page.press("Enregistrer")
        assert stored(lumiere).legal_name == ""
        page.type("Numéro de TVA", "")
        page.press("Enregistrer")
    assert stored(lumiere).legal_name == "Lumière SARL"


def test_value_of_stars_is_saved_in_the_currency_of_the_agency(door: Door, lumiere: Agency) -> None:
    field = "Valeur de 1 000 Étoiles Telegram (EUR)"
    with stream(door.url, door.cookie(lumiere)) as page:
        page.open("/settings")
        page.type(field, "treize")
        assert "n’est pas un montant" in page.press("Enregistrer")
        assert stored(lumiere).stars_value == ""
        page.type(field, "13,00")
        assert "Réglages enregistrés" in page.press("Enregistrer")
    assert stored(lumiere).stars_value == "13.00 EUR"


@pytest.mark.parametrize(
    "typed", ["13", "13.00 XTR", "0.00 EUR", "-1 EUR", "1 EUR, 2 USD", "x EUR"]
)
def test_value_of_stars_is_an_amount_with_a_currency(lumiere: Agency, typed: str) -> None:
    with lumiere.scope() as scope, pytest.raises(BadInput, match="stars_value"):
        agency_settings.update_agency_settings(scope, {"stars_value": typed})


def test_logo_is_stored_as_a_small_picture_and_removed(door: Door, lumiere: Agency) -> None:
    buffer = io.BytesIO()
    Image.new("RGB", (1600, 800), "purple").save(buffer, "PNG")
    with stream(door.url, door.cookie(lumiere)) as page:
        page.open("/settings")
        assert "Logo enregistré" in page.attach("Logo", {"logo.png": buffer.getvalue()})
        with lumiere.scope() as scope:
            logo = agency_settings.get_logo(scope)
        assert logo is not None
        assert Image.open(io.BytesIO(logo)).size == (512, 256)
        page.attach("Logo", {"broken.png": b"\x89PNG\r\n\x1a\n" + b"0" * 200})
        with lumiere.scope() as scope:
            assert agency_settings.get_logo(scope) == logo
        assert "Logo retiré" in page.press("Retirer le logo")
    with lumiere.scope() as scope:
        assert agency_settings.get_logo(scope) is None


def test_defaults_of_new_creators_are_saved(door: Door, lumiere: Agency) -> None:
    with stream(door.url, door.cookie(lumiere)) as page:
        page.open("/settings", section="creators")
        page.choose("Classement maximal", "Suggestif")
        assert "Valeurs par défaut enregistrées" in page.press("Enregistrer")
    with lumiere.scope() as scope:
        assert agency_settings.get_creator_defaults(scope) == CreatorDefaults(
            "Europe/Paris", ("fr",), "S", 1
        )


@pytest.mark.parametrize("role", [Role.MANAGER, Role.CREATOR, Role.ACCOUNTANT])
def test_only_the_owner_sees_the_agency_section(door: Door, lumiere: Agency, role: Role) -> None:
    with stream(door.url, door.cookie(lumiere, role)) as page:
        assert "Numéro de TVA" not in page.open("/settings", section="agency")
