"""Members who leave an agency and are invited again: the same human, without their former access."""

from dataclasses import replace

import pytest

from foundation.db.database import Database, OpenScope
from foundation.errors import Conflict, Refused
from tenants.agencies import queries
from tenants.agencies.rights import Role
from tenants.api_keys import keys
from tenants.api_keys.keys import ApiKeyScope
from tenants.auth import members, passkeys, passwords, sessions
from tenants.notices import emails
from tests.tenants.builders import Agency

GOOD = "trois moineaux sur un fil"


def back(here: Agency, email: str, role: Role = Role.MANAGER) -> str:
    with here.scope(f"member:{here.owner}") as scope:
        return members.invite_member(
            scope,
            name="Cy",
            email=email,
            role=role,
            language="en",
            zone="Europe/Paris",
            creators=("mia",),
        )


def test_reinvited_member_is_same_human_with_new_details(
    tenant: OpenScope, lumiere: Agency
) -> None:
    with lumiere.scope() as scope:
        before = queries.get_member(scope, lumiere.chatter)
    with lumiere.scope(f"member:{lumiere.owner}") as scope:
        members.set_adult_chat_training(scope, lumiere.chatter, adult_chat=True)
        members.remove_member(scope, lumiere.chatter)
    link = back(lumiere, before.email.upper())
    with lumiere.scope() as scope:
        (now,) = [one for one in queries.list_members(scope) if one.id == lumiere.chatter]
    assert now.principal_id == before.principal_id, "a former member remains the same human"
    assert (now.name, now.role, now.language, now.creators) == ("Cy", Role.MANAGER, "en", ("mia",))
    assert not now.adult_chat
    assert sessions.find_session(tenant, sessions.redeem_sign_in_link(tenant, link)) == (
        lumiere.tenant_id,
        lumiere.chatter,
    )
    with pytest.raises(Conflict, match="address_taken"):
        back(lumiere, before.email)


def test_former_credentials_of_reinvited_member_are_revoked(
    tenant: OpenScope, pages: Database, lumiere: Agency
) -> None:
    with lumiere.scope(f"member:{lumiere.owner}") as scope:
        members.change_member(scope, lumiere.chatter, role=Role.MANAGER, creators=())
    with lumiere.scope(f"member:{lumiere.chatter}") as scope:
        member = queries.get_member(scope, lumiere.chatter)
        key = keys.create_key(
            scope, name="CI", scopes=[ApiKeyScope.POSTS_READ], creators=[], days=30
        )
        passwords.set_password(scope, member.id, GOOD, email=member.email)
        link = sessions.create_sign_in_link(scope, member.id)
        emails.send_confirmation_code(scope, member.id)
        scope.run(
            "INSERT INTO passkeys (tenant_id, id, member_id, credential, public_key, count, name, "
            "ended)"
            " VALUES (:t, gen_random_uuid(), :m, 'credential', 'x', 0, 'Phone', '')",
            t=scope.tenant_id,
            m=member.id,
        )
    with lumiere.scope(f"member:{lumiere.owner}") as scope:
        members.remove_member(scope, member.id)
    back(replace(lumiere, open=pages.scope), member.email)
    assert keys.authenticate_key(tenant, key, address="a") is None
    with pytest.raises(Refused, match="link_spent"):
        sessions.redeem_sign_in_link(tenant, link)
    with pytest.raises(Refused, match=r"password\.wrong"):
        passwords.sign_in_with_password(tenant, email=member.email, password=GOOD, address="a")
    with lumiere.scope() as scope:
        assert passkeys.list_passkeys(scope, member.id) == []
        assert not emails.get_email_preference(scope, member).asked
