"""The first owner of an installation: one setup link leads to one owner of one agency."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from foundation.db.database import OpenScope
from foundation.errors import BadInput, Conflict, Refused
from foundation.ids import INSTALLATION_ID, uuid7
from tenants.agencies import agencies, queries
from tenants.agencies.rights import Role
from tenants.auth import owner_setup, passwords, sessions
from tenants.auth.owner_setup import NewOwner

ZOE = NewOwner("Zoé", f"zoe-{uuid7().hex[-8:]}@agence.example", "trois moineaux sur un fil", "fr")


def expire_links(tenant: OpenScope) -> None:
    with tenant(INSTALLATION_ID, "system:door", role="door") as scope:
        scope.run("UPDATE setup_links SET expires_at = people_now() - interval '1 second'")


def test_first_owner_signs_in_to_an_agency_without_a_name(tenant: OpenScope) -> None:
    earlier = owner_setup.create_setup_link(tenant, "lea@agence.example")
    secret = owner_setup.create_setup_link(tenant)
    session = owner_setup.set_up_owner(tenant, secret, ZOE)
    found = sessions.find_session(tenant, session)
    assert found is not None
    with tenant(found[0], "system:test") as scope:
        agency = queries.get_agency(scope)
        (owner,) = queries.list_members(scope)
    assert (owner.role, owner.name, owner.email) == (Role.OWNER, "Zoé", ZOE.email)
    assert (agency.named, agency.demo, agency.language) == (False, False, "fr")
    signed_in = passwords.sign_in_with_password(
        tenant, email=ZOE.email, password=ZOE.password, address=uuid7().hex
    )
    assert sessions.find_session(tenant, signed_in) == found
    for spent in (secret, earlier, "unknown"):
        with pytest.raises(Refused):
            owner_setup.set_up_owner(tenant, spent, ZOE)
    with pytest.raises(Conflict):
        owner_setup.create_setup_link(tenant)


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        (replace(ZOE, name="  "), "name.unfit"),
        (replace(ZOE, email="zoe@atelier"), "member.bad_email"),
        (replace(ZOE, password="court"), "password.length"),
        (replace(ZOE, password="passwordpassword"), "password.leaked"),
    ],
)
def test_bad_answer_names_its_reason_and_keeps_the_link(
    tenant: OpenScope, wrong: NewOwner, code: str
) -> None:
    secret = owner_setup.create_setup_link(tenant)
    with pytest.raises(BadInput) as refused:
        owner_setup.set_up_owner(tenant, secret, wrong)
    assert refused.value.message.code == code
    assert owner_setup.set_up_owner(tenant, secret, ZOE)


def test_address_of_an_invited_owner_cannot_be_changed(tenant: OpenScope) -> None:
    secret = owner_setup.create_setup_link(tenant, "lea@agence.example")
    session = owner_setup.set_up_owner(tenant, secret, ZOE)
    found = sessions.find_session(tenant, session)
    assert found is not None
    with tenant(found[0], "system:test") as scope:
        assert queries.get_member(scope, found[1]).email == "lea@agence.example"


def test_new_link_replaces_the_earlier_one_and_links_expire(tenant: OpenScope) -> None:
    first, second = owner_setup.create_setup_link(tenant), owner_setup.create_setup_link(tenant)
    with pytest.raises(Refused):
        owner_setup.find_setup(tenant, first)
    assert owner_setup.find_setup(tenant, second).email == ""
    expire_links(tenant)
    with pytest.raises(Refused):
        owner_setup.set_up_owner(tenant, second, ZOE)


def test_simultaneous_submissions_create_one_owner(tenant: OpenScope) -> None:
    """Two people may have a link each, and browsers repeat a submission."""
    links = [owner_setup.create_setup_link(tenant, who) for who in ("", "lea@agence.example")]

    def submit(secret: str) -> str:
        try:
            return owner_setup.set_up_owner(tenant, secret, ZOE)
        except Refused:
            return ""

    with ThreadPoolExecutor(4) as several:
        opened = [one for one in several.map(submit, links * 2) if one]
    assert len(opened) == 1
    assert owner_setup.has_owner(tenant)


def test_agency_without_an_owner_gets_the_first_owner(tenant: OpenScope) -> None:
    secret = owner_setup.create_setup_link(tenant)
    tenant_id = uuid7()
    with tenant(tenant_id, "system:terminal") as scope:
        agencies.create_agency(scope, name="Lumière", language="en", zone="Europe/Paris")
    found = sessions.find_session(tenant, owner_setup.set_up_owner(tenant, secret, ZOE))
    assert found is not None
    assert found[0] == tenant_id
    with tenant(tenant_id, "system:test") as scope:
        assert queries.get_agency(scope).named


def test_owner_of_the_demonstration_does_not_count(tenant: OpenScope) -> None:
    with tenant(uuid7(), "system:test") as scope:
        agencies.create_agency(scope, name="Démo", language="fr", zone="UTC", demo=True)
        agencies.add_member(
            scope, name="Léa", email="lea@d.test", role=Role.OWNER, language="fr", zone="UTC"
        )
    assert not owner_setup.has_owner(tenant)
    assert owner_setup.set_up_owner(tenant, owner_setup.create_setup_link(tenant), ZOE)
