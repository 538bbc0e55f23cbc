"""Who left an agency and is brought in again: one human as before, and nothing of before opens."""

from dataclasses import replace

import pytest

from foundation.database import Database, OpenScope
from foundation.errors import Conflict, Refused
from tenants import keys, login, mails, passkeys, passwords, reads, staffing
from tenants.keys import KeyScope
from tenants.roles import Role
from tests.tenants.builders import Agency

GOOD = "trois moineaux sur un fil"


def back(here: Agency, email: str, role: Role = Role.MANAGER) -> str:
    with here.scope(f"member:{here.owner}") as scope:
        return staffing.bring_in(
            scope, name="Cy", email=email, role=role, language="en", zone="Europe/Paris", creators=("mia",)
        )


def test_who_comes_back_is_who_they_were_with_what_is_said_of_them_now(tenant: OpenScope, lumiere: Agency) -> None:
    with lumiere.scope() as scope:
        before = reads.member(scope, lumiere.chatter)
    with lumiere.scope(f"member:{lumiere.owner}") as scope:
        staffing.trust(scope, lumiere.chatter, adult_chat=True)
        staffing.let_go(scope, lumiere.chatter)
    link = back(lumiere, before.email.upper())
    with lumiere.scope() as scope:
        (now,) = [one for one in reads.members(scope) if one.id == lumiere.chatter]
    assert now.principal_id == before.principal_id, "nobody is two people by leaving"
    assert (now.name, now.role, now.language, now.creators) == ("Cy", Role.MANAGER, "en", ("mia",))
    assert not now.adult_chat
    assert login.current(tenant, login.redeem(tenant, link)) == (lumiere.tenant_id, lumiere.chatter)
    with pytest.raises(Conflict, match="address_taken"):
        back(lumiere, before.email)


def test_nothing_of_before_opens(tenant: OpenScope, pages: Database, lumiere: Agency) -> None:
    with lumiere.scope(f"member:{lumiere.owner}") as scope:
        staffing.change(scope, lumiere.chatter, role=Role.MANAGER, creators=())
    with lumiere.scope(f"member:{lumiere.chatter}") as scope:
        member = reads.member(scope, lumiere.chatter)
        key = keys.make(scope, name="CI", scopes=[KeyScope.POSTS_READ], creators=[], days=30)
        passwords.choose(scope, member.id, GOOD, email=member.email)
        link = login.invite(scope, member.id)
        mails.ask(scope, member.id)
        scope.run(
            "INSERT INTO passkeys (tenant_id, id, member_id, credential, public_key, count, name, ended)"
            " VALUES (:t, gen_random_uuid(), :m, 'credential', 'x', 0, 'Phone', '')",
            t=scope.tenant_id,
            m=member.id,
        )
    with lumiere.scope(f"member:{lumiere.owner}") as scope:
        staffing.let_go(scope, member.id)
    back(replace(lumiere, open=pages.scope), member.email)
    assert keys.enter(tenant, key, address="a") is None
    with pytest.raises(Refused, match="link_spent"):
        login.redeem(tenant, link)
    with pytest.raises(Refused, match=r"password\.wrong"):
        passwords.enter(tenant, email=member.email, password=GOOD, address="a")
    with lumiere.scope() as scope:
        assert passkeys.keys(scope, member.id) == []
        assert not mails.wish(scope, member).asked
