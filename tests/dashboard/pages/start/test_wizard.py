"""The setup wizard: from the first owner's sign-in to an agency with a creator, once, in both
languages."""

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

import pytest

from foundation.db.database import OpenScope
from tenants.agencies import queries
from tenants.agencies.rights import Role
from tenants.auth import owner_setup, sessions
from tenants.auth.owner_setup import NewOwner
from tests.dashboard.builders import create_agency
from tests.dashboard.conftest import Door
from tests.dashboard.streamlit_client import Stream, stream


@contextmanager
def first_owner(door: Door, tenant: OpenScope, language: str) -> Iterator[tuple[Stream, UUID]]:
    """Sign the first owner in; yield the page and the tenant of the agency."""
    secret = owner_setup.create_setup_link(tenant)
    zoe = NewOwner("Zoé", "zoe@agence.example", "trois moineaux sur un fil", language)
    session = owner_setup.set_up_owner(tenant, secret, zoe)
    found = sessions.find_session(tenant, session)
    assert found is not None
    with stream(door.url, f"greenroom={session}") as page:
        yield page, found[0]


def test_wizard_sets_up_agency_and_creator_and_survives_a_reload(
    door: Door, tenant: OpenScope
) -> None:
    with first_owner(door, tenant, "fr") as (page, tenant_id):
        assert "Étape 1 sur 2" in page.open("/start")
        assert "Saisissez un nom de 120 caractères" in page.press("Continuer")
        page.type("Nom de l’agence", "Maison Zoé")
        page.choose("Fuseau horaire", "Europe/Lisbon")
        page.choose("Devise", "CHF")
        assert "premier créateur" in page.press("Continuer")
        assert "Étape 2 sur 2" in page.open("/start")
        page.type("Nom du créateur", f"Iris {tenant_id.hex[-6:]}")
        assert "Configurer les e-mails" in page.press("Ajouter le créateur")
        assert "Création de la page" in page.open("/start")
    with tenant(tenant_id, "system:test") as scope:
        agency = queries.get_agency(scope)
        (creator,) = queries.list_creators(scope)
        (owner,) = queries.list_members(scope)
    assert (agency.name, agency.zone, agency.currency) == ("Maison Zoé", "Europe/Lisbon", "CHF")
    assert (agency.named, agency.languages) == (True, ("fr",))
    assert (creator.zone, owner.zone) == ("Europe/Lisbon", "Europe/Lisbon")


def test_forbidden_creator_name_is_refused_and_keeps_the_form(
    door: Door, tenant: OpenScope
) -> None:
    with first_owner(door, tenant, "en") as (page, tenant_id):
        page.open("/start")
        page.type("Agency name", "Zoé Models")
        page.press("Continue")
        page.type("Creator name", "EXPLICIT-MARKER-A")
        page.choose("Creator type", "Virtual")
        assert "public page: " in page.press("Add creator")
        page.type("Creator name", f"Iris {tenant_id.hex[-6:]}")
        assert "Set up email" in page.press("Add creator")
    with tenant(tenant_id, "system:test") as scope:
        (creator,) = queries.list_creators(scope)
    assert creator.kind == "virtual"


@pytest.mark.parametrize("role", [Role.OWNER, Role.MANAGER])
def test_sign_in_leads_to_the_wizard_only_while_it_is_needed(
    door: Door, tenant: OpenScope, role: Role
) -> None:
    agency = create_agency(tenant)
    with door.client() as visitor:
        assert visitor.post(door.link(agency, role)).headers["location"] == "/"
    with agency.scope() as scope:
        scope.run("UPDATE agencies SET named = false WHERE tenant_id = :t", t=agency.tenant_id)
    with door.client() as visitor:
        to = visitor.post(door.link(agency, role)).headers["location"]
    assert to == ("/start" if role is Role.OWNER else "/")


def test_every_page_opens_before_the_first_creator(door: Door, tenant: OpenScope) -> None:
    with first_owner(door, tenant, "en") as (page, _):
        for path in ("/home", "/calendar", "/studio", "/inbox", "/shop", "/team", "/system"):
            assert page.open(path)
