"""The page of a setup link: what it asks, what it keeps after a mistake, and where it leads."""

import re

import pytest

from channels.manual_tasks import assignees
from foundation.db.database import OpenScope
from foundation.ids import uuid7
from tenants.agencies import queries
from tenants.auth import owner_setup, sessions
from tests.dashboard.builders import Agency
from tests.dashboard.conftest import Door
from tests.dashboard.streamlit_client import stream

FORM = {
    "name": "Zoé & Fils",
    "email": "zoe@agence.example",
    "password": "trois moineaux sur un fil",
}


@pytest.mark.parametrize(
    ("language", "said"), [("fr", "Créez le compte du propriétaire"), ("en", "owner’s account")]
)
def test_owner_is_created_once_and_continues_in_the_wizard(
    door: Door, tenant: OpenScope, language: str, said: str
) -> None:
    path = f"/auth/setup/{owner_setup.create_setup_link(tenant)}"
    with door.client() as visitor:
        visitor.headers["accept-language"] = language
        assert said in visitor.get(path).text
        done = visitor.post(path, data=FORM)
        assert (done.status_code, done.headers["location"]) == (303, "/start")
        found = sessions.find_session(tenant, visitor.cookies["greenroom"])
        assert found is not None
        assert visitor.get(path).status_code == 410
        assert visitor.post(path, data=FORM).status_code == 410
        assert "/auth/login" in visitor.get(path).text


def test_mistake_keeps_what_was_typed_except_the_password(door: Door, tenant: OpenScope) -> None:
    path = f"/auth/setup/{owner_setup.create_setup_link(tenant)}"
    with door.client() as visitor:
        wrong = visitor.post(path, data={**FORM, "password": "petit"})
        assert wrong.status_code == 400
        assert "at least 12 characters" in wrong.text
        assert 'value="Zoé &amp; Fils"' in wrong.text
        assert f'value="{FORM["email"]}"' in wrong.text
        assert "petit" not in wrong.text
        assert visitor.post(path, data=FORM).status_code == 303


def test_invited_owner_is_not_asked_for_an_address(door: Door, tenant: OpenScope) -> None:
    path = f"/auth/setup/{owner_setup.create_setup_link(tenant, 'lea@agence.example')}"
    with door.client() as visitor:
        text = visitor.get(path).text
        assert "lea@agence.example" in text
        assert 'name="email"' not in text


def test_forms_of_other_sites_create_no_owner(door: Door, tenant: OpenScope) -> None:
    path = f"/auth/setup/{owner_setup.create_setup_link(tenant)}"
    with door.client() as visitor:
        assert visitor.post(path, data=FORM, headers={"sec-fetch-site": "cross-site"}).is_error
    assert not owner_setup.has_owner(tenant)


def test_forgotten_password_without_email_names_who_can_help(door: Door) -> None:
    with door.client() as visitor:
        assert 'href="/auth/forgot"' in visitor.get("/auth/login").text
        for answer in (visitor.get("/auth/forgot"), visitor.post("/auth/forgot", data=FORM)):
            assert "Ask an owner of your agency" in answer.text
            assert "greenroom " not in answer.text
            assert "<input" not in answer.text


def test_password_link_is_used_only_by_its_form(door: Door, lumiere: Agency) -> None:
    with lumiere.scope() as scope:
        member = next(iter(lumiere.members.values()))
        purpose = sessions.LinkPurpose.PASSWORD
        path = f"/auth/reset/{sessions.create_sign_in_link(scope, member, purpose)}"
    with door.client() as visitor:
        for _ in range(2):
            assert 'autocomplete="new-password"' in visitor.get(path).text
        assert visitor.post(path, data={"password": "petit"}).status_code == 400
        assert visitor.post(path, data={"password": FORM["password"]}).status_code == 303
        spent = visitor.post(path, data={"password": FORM["password"]})
        assert spent.status_code == 410
        assert 'href="/auth/forgot"' in spent.text
        assert visitor.get(f"/auth/reset/{uuid7().hex}").status_code == 410


def test_members_sign_out_of_their_other_sessions_only(door: Door, lumiere: Agency) -> None:
    here, there = door.cookie(lumiere), door.cookie(lumiere)
    colleague = door.cookie(lumiere, next(one for one in lumiere.members if one != "owner"))
    with door.client() as visitor:
        visitor.headers["cookie"] = here
        text = visitor.get("/auth/sessions").text
        assert text.count("Se déconnecter") == 1
        (end,) = re.findall(r"/auth/sessions/end/[0-9a-f-]{36}", text)
        stranger = visitor.post(end, headers={"cookie": colleague})
        assert stranger.status_code == 303
        assert visitor.get("/auth/sessions", headers={"cookie": there}).status_code == 200
        assert visitor.post(end).status_code == 303
        assert visitor.get("/auth/sessions", headers={"cookie": there}).status_code == 401
        again = door.cookie(lumiere)
        assert visitor.post("/auth/sessions/end-others").status_code == 303
        assert visitor.get("/auth/sessions", headers={"cookie": again}).status_code == 401
        assert visitor.get("/auth/sessions").status_code == 200
        assert visitor.get("/auth/sessions", headers={"cookie": colleague}).status_code == 200


def test_invited_member_chooses_a_password_first(door: Door, lumiere: Agency) -> None:
    with lumiere.scope() as scope:
        purpose = sessions.LinkPurpose.INVITATION
        secret = sessions.create_sign_in_link(scope, lumiere.members["manager"], purpose)
    with door.client() as visitor:
        done = visitor.post(f"/auth/link/{secret}")
        assert done.headers["location"] == "/auth/password"


def test_team_page_shows_the_invitation_where_no_email_is_sent(door: Door, lumiere: Agency) -> None:
    with stream(door.url, door.cookie(lumiere)) as page:
        page.open("/team")
        page.type("Nom", "Zoé")
        page.type("E-mail", "zoe@agence.example")
        assert "expire dans 3 jours" in page.press("Inviter")


def test_lost_phone_is_removed_with_its_sessions(door: Door, lumiere: Agency) -> None:
    here, phone = door.cookie(lumiere), door.cookie(lumiere)
    colleague = door.cookie(lumiere, next(one for one in lumiere.members if one != "owner"))
    with lumiere.scope() as scope:
        member = queries.get_member(scope, lumiere.members["owner"])
        assignees.pair_phone(scope, member, name="iPhone")
        pairing = f"/auth/link/{sessions.create_sign_in_link(scope, member.id)}"
    with door.client() as visitor:
        visitor.headers["cookie"] = here
        text = visitor.get("/auth/sessions").text
        assert "iPhone" in text
        assert "/auth/sessions/remove-phone" in text
        other_site = {"sec-fetch-site": "cross-site"}
        remove = "/auth/sessions/remove-phone"
        assert visitor.post(remove, headers=other_site).status_code == 403
        assert visitor.post(remove, headers={"cookie": colleague}).status_code == 303
        assert visitor.get("/auth/sessions", headers={"cookie": phone}).status_code == 200
        assert visitor.post(remove).status_code == 303
        assert "iPhone" not in visitor.get("/auth/sessions").text
        assert visitor.get("/auth/sessions", headers={"cookie": phone}).status_code == 401
        assert visitor.get("/auth/sessions", headers={"cookie": colleague}).status_code == 200
        assert visitor.post(pairing).status_code == 410
    with lumiere.scope() as scope:
        assert assignees.find_phone(scope, member.id) is None
