"""A member's page for the email address: missing settings, confirmation by code, end; for every
role."""

import re

import httpx
import pytest

from foundation.ids import uuid7
from tenants.agencies.rights import Role
from tenants.notices import emails, member_messages
from tests.dashboard.builders import Agency, create_agency
from tests.dashboard.conftest import Door


def confirmed(who: Agency, role: Role) -> None:
    """Confirm the member's email address with the code."""
    with who.scope(who.act_as(role)) as scope:
        emails.send_confirmation_code(scope, who.members[role])
        code = scope.run(
            "SELECT code FROM mail_wishes WHERE member_id = :member", member=who.members[role]
        ).scalar_one()
        assert emails.confirm_email_code(scope, who.members[role], code)


def post(visitor: httpx.Client, cookie: str, act: str, **typed: str) -> str:
    answer = visitor.post(
        f"/auth/mails/{act}",
        data=typed,
        headers={"cookie": cookie, "sec-fetch-site": "same-origin"},
    )
    return (
        visitor.get(answer.headers["location"], headers={"cookie": cookie}).text
        if answer.is_redirect
        else answer.text
    )


@pytest.mark.parametrize("role", list(Role))
def test_missing_mail_server_is_explained(door: Door, lumiere: Agency, role: Role) -> None:
    cookie = door.cookie(lumiere, role)
    with door.client() as visitor:
        text = visitor.get("/auth/mails", headers={"cookie": cookie}).text
        assert "GREENROOM_MAIL__HOST, GREENROOM_MAIL__SENDER" in text
        assert not re.search("Envoyer un code|Send code", text)
        assert re.search(
            "Aucun serveur de messagerie|No mail server is set up", post(visitor, cookie, "ask")
        )


def test_confirmed_address_links_to_the_choices_and_is_turned_off(
    door: Door, lumiere: Agency
) -> None:
    confirmed(lumiere, Role.MANAGER)
    cookie = door.cookie(lumiere, Role.MANAGER)
    with door.client() as visitor:
        text = visitor.get("/auth/mails", headers={"cookie": cookie}).text
        assert 'href="/notifications?section=settings"' in text
        assert "sont désactivées" in post(visitor, cookie, "end")
        assert "Demandez d’abord un code" in post(visitor, cookie, "end")


def test_wrong_code_is_reported_and_counted(door: Door, lumiere: Agency) -> None:
    member = lumiere.members[Role.OWNER]
    with lumiere.scope(lumiere.act_as(Role.OWNER)) as scope:
        emails.send_confirmation_code(scope, member)
    cookie = door.cookie(lumiere)
    with door.client() as visitor:
        for _ in range(emails.MAX_CODE_TRIES):
            assert "Ce code est incorrect" in post(visitor, cookie, "confirm", code="x")
        assert "Le code a expiré" in post(visitor, cookie, "confirm", code="x")


def test_other_sites_and_strangers_change_nothing(door: Door, lumiere: Agency) -> None:
    confirmed(lumiere, Role.OWNER)
    cookie = door.cookie(lumiere)
    with door.client() as visitor:
        there = {"cookie": cookie, "sec-fetch-site": "cross-site"}
        assert visitor.post("/auth/mails/end", headers=there).status_code == 403
        assert visitor.post("/auth/mails/end").status_code == 401
    with lumiere.scope() as scope:
        assert scope.run("SELECT count(*) FROM mail_wishes").scalar_one() == 1


def test_email_settings_are_separate_per_agency(door: Door, lumiere: Agency) -> None:
    confirmed(lumiere, Role.OWNER)
    other = create_agency(door.tenant)
    with other.scope() as scope:
        assert scope.run("SELECT count(*) FROM mail_wishes").scalar_one() == 0
        assert member_messages.start_message(scope, uuid7()) is None
