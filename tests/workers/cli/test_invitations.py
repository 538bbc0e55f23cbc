"""`greenroom invite`: the link of a member, of the first owner and of another owner."""

from urllib.parse import urlsplit

import pytest

from foundation.db.database import OpenScope
from foundation.errors import BadInput, NotFound
from foundation.ids import uuid7
from tenants.agencies import agencies, queries
from tenants.agencies.rights import Role
from tenants.auth import owner_setup, sessions
from tests.studio.conftest import services
from workers.cli import invitations
from workers.wiring import Services

__all__ = ["services"]


def create_agency(tenant: OpenScope, name: str, **members: Role) -> None:
    with tenant(uuid7(), "system:test") as scope:
        agencies.create_agency(scope, name=name, language="fr", zone="UTC")
        for who, role in members.items():
            agencies.add_member(
                scope, name=who, email=f"{who}@x.test", role=role, language="fr", zone="UTC"
            )


def secret_of(link: str, path: str) -> str:
    assert urlsplit(link).path.startswith(path), link
    return link.rpartition("/")[2]


@pytest.mark.parametrize("email", ["", "zoe@x.test"])
def test_first_owner_gets_a_setup_link_with_or_without_an_address(
    services: Services, email: str
) -> None:
    link = invitations.create_owner_link(services, email)
    found = owner_setup.find_setup(services.tenant, secret_of(link, "/auth/setup/"))
    assert found.email == email
    if email:
        with pytest.raises(NotFound):
            invitations.create_invitation_link(services, email)
    else:
        again = invitations.create_invitation_link(services, "")
        assert owner_setup.find_setup(services.tenant, secret_of(again, "/auth/setup/"))


def test_further_owner_is_invited_to_the_agency(services: Services) -> None:
    create_agency(services.tenant, "Une", lea=Role.OWNER, tom=Role.CHATTER)
    for _ in range(2):  # the second link is a sign-in link of the owner
        secret = secret_of(invitations.create_owner_link(services, "zoe@x.test"), "/auth/link/")
    found = sessions.find_session(
        services.tenant, sessions.redeem_sign_in_link(services.tenant, secret)
    )
    assert found is not None
    with services.tenant(found[0], "system:test") as scope:
        zoe = queries.get_member(scope, found[1])
    assert (zoe.role, zoe.email, zoe.name) == (Role.OWNER, "zoe@x.test", "zoe")
    with pytest.raises(BadInput, match=r"invite\.other_role"):
        invitations.create_owner_link(services, "tom@x.test")
    with pytest.raises(BadInput, match=r"member\.bad_email"):
        invitations.create_owner_link(services, "")


def test_one_of_several_agencies_is_named(services: Services) -> None:
    create_agency(services.tenant, "Une", lea=Role.OWNER)
    create_agency(services.tenant, "Deux", ana=Role.OWNER)
    with pytest.raises(BadInput) as refused:
        invitations.create_owner_link(services, "zoe@x.test")
    assert refused.value.message.params == {"names": "Deux, Une"}
    assert invitations.create_owner_link(services, "zoe@x.test", "deux")
    with pytest.raises(NotFound):
        invitations.create_owner_link(services, "zoe@x.test", "Trois")
