"""The language of the browser holds after sign-in, until the member chooses one."""

import pytest

from foundation.db.database import OpenScope
from foundation.i18n.translation import LANGUAGES
from tenants.agencies import queries
from tenants.agencies.rights import Role
from tenants.auth import members, owner_setup, sessions
from tests.dashboard.builders import Agency, create_agency
from tests.dashboard.conftest import Door
from tests.dashboard.streamlit_client import stream
from tests.tenants import totp_app

SIGN_OUT = {"fr": "Se déconnecter", "en": "Sign out"}

BROWSERS = [
    ("fr-FR,fr;q=0.9,en;q=0.8", "fr"),
    ("en-GB", "en"),
    ("de-DE,fr;q=0.4,en;q=0.2", "fr"),
    ("fr;q=0,en-US;q=0.1", "en"),
]


def sign_in(door: Door, agency: Agency, role: Role, accept: str) -> str:
    with door.client() as visitor:
        answer = visitor.post(door.link(agency, role), headers={"accept-language": accept})
        assert answer.status_code == 303, answer.text
        secret = visitor.cookies["greenroom"]
    return f"greenroom={totp_app.complete_sign_in(door.tenant, secret)}"


def language_of(agency: Agency, role: Role) -> str:
    with agency.scope() as scope:
        return queries.get_member(scope, agency.members[role]).language


@pytest.mark.parametrize("invited", LANGUAGES)
@pytest.mark.parametrize(("accept", "language"), BROWSERS)
def test_member_sees_the_language_of_the_browser(
    door: Door, tenant: OpenScope, invited: str, accept: str, language: str
) -> None:
    agency = create_agency(tenant, language=invited)
    with stream(door.url, sign_in(door, agency, Role.MANAGER, accept)) as page:
        assert SIGN_OUT[language] in page.open()
    assert language_of(agency, Role.MANAGER) == language


@pytest.mark.parametrize("accept", ["", "de-DE", "*", ",;q=x", "x" * 600])
@pytest.mark.parametrize("invited", LANGUAGES)
def test_unsupported_language_of_a_browser_changes_nothing(
    door: Door, tenant: OpenScope, invited: str, accept: str
) -> None:
    agency = create_agency(tenant, language=invited)
    sign_in(door, agency, Role.MANAGER, accept)
    assert language_of(agency, Role.MANAGER) == invited


@pytest.mark.parametrize(("chosen", "accept"), [("fr", "en-GB"), ("en", "fr-FR")])
def test_chosen_language_holds_in_every_browser(
    door: Door, tenant: OpenScope, chosen: str, accept: str
) -> None:
    agency = create_agency(tenant, language=accept[:2])
    cookie = sign_in(door, agency, Role.CHATTER, accept)
    with door.client() as visitor:
        answer = visitor.post(f"/auth/language/{chosen}", headers={"cookie": cookie})
        assert answer.status_code == 303
    with stream(door.url, sign_in(door, agency, Role.CHATTER, accept)) as page:
        assert SIGN_OUT[chosen] in page.open()


def test_member_who_returns_has_chosen_no_language(tenant: OpenScope) -> None:
    agency = create_agency(tenant, language="en")
    member = agency.members[Role.CHATTER]
    with agency.scope(agency.act_as(Role.OWNER)) as scope:
        members.set_member_language(scope, member, "en")
        members.remove_member(scope, member)
        members.invite_member(
            scope,
            name="Back",
            email="chatter@example.test",
            role=Role.CHATTER,
            language="en",
            zone="Europe/Paris",
        )
        members.adopt_browser_language(scope, member, "fr")
    assert language_of(agency, Role.CHATTER) == "fr"


@pytest.mark.parametrize(("accept", "language"), BROWSERS)
def test_first_owner_sees_the_wizard_in_the_language_of_the_browser(
    door: Door, tenant: OpenScope, accept: str, language: str
) -> None:
    secret = owner_setup.create_setup_link(tenant)
    form = {
        "name": "Zoé",
        "email": "zoe@agence.example",
        "password": "trois moineaux sur un fil",
    }
    with door.client() as visitor:
        answer = visitor.post(
            f"/auth/setup/{secret}", data=form, headers={"accept-language": accept}
        )
        assert answer.headers["location"] == "/start", answer.text
        cookie = visitor.cookies["greenroom"]
    assert sessions.find_session(tenant, cookie) is not None
    with stream(door.url, f"greenroom={cookie}") as page:
        shown = page.open("/start")
    assert {"fr": "Étape 1 sur 2", "en": "Step 1 of 2"}[language] in shown
