"""Members who leave an agency and are invited again: the same human, without their former access.
Logins of one mailbox are one human."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from itertools import permutations
from uuid import UUID

import pytest

from foundation.db.database import Database, OpenScope
from foundation.errors import Conflict, Refused
from foundation.i18n.translation import LANGUAGES, render_message
from tenants.agencies import queries
from tenants.agencies.names import normalize_email
from tenants.agencies.rights import Role
from tenants.api_keys import keys
from tenants.api_keys.keys import ApiKeyScope
from tenants.auth import custodians, members, passkeys, passwords, sessions
from tenants.notices import emails
from tests.tenants.builders import Agency, create_small_agency

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


def invite(here: Agency, email: str, role: Role = Role.MANAGER) -> UUID:
    """Invite a member and return their ID."""
    back(here, email, role)
    with here.scope() as scope:
        (found,) = (one.id for one in queries.list_members(scope) if one.email == email)
    return found


def principal(here: Agency, member: UUID) -> UUID:
    with here.scope() as scope:
        return queries.get_member(scope, member).principal_id


SAME = ("nia.bell@gmail.com", "NiaBell+desk@googlemail.com")


def test_logins_of_one_mailbox_have_one_principal(lumiere: Agency) -> None:
    first, second = (principal(lumiere, invite(lumiere, normalize_email(one))) for one in SAME)
    assert first == second != principal(lumiere, invite(lumiere, "niabell@example.test"))


def test_former_login_of_a_mailbox_gives_its_principal(lumiere: Agency) -> None:
    first = invite(lumiere, SAME[0])
    with lumiere.scope(f"member:{lumiere.owner}") as scope:
        members.remove_member(scope, first)
    second = invite(lumiere, "niabell@gmail.com")
    assert second != first
    assert principal(lumiere, second) == principal(lumiere, first)


def test_mailbox_belongs_to_one_person_of_each_agency(tenant: OpenScope, lumiere: Agency) -> None:
    there = create_small_agency(tenant, name="Nova")
    here_principal, there_principal = (
        principal(agency, invite(agency, email))
        for agency, email in zip((lumiere, there), (SAME[0], "niabell@gmail.com"), strict=True)
    )
    assert here_principal != there_principal


@pytest.mark.parametrize("roles", list(permutations((Role.MANAGER, Role.GUEST, Role.CUSTODIAN), 2)))
def test_people_outside_share_no_mailbox_with_another_login(
    lumiere: Agency, roles: tuple[Role, Role]
) -> None:
    back(lumiere, SAME[0], roles[0])
    with pytest.raises(Conflict) as refused:
        back(lumiere, "niabell+2@gmail.com", roles[1])
    assert refused.value.message.code == "member.address_taken"
    assert {
        render_message(refused.value.message, language).count("niabell+2@gmail.com")
        for language in LANGUAGES
    } == {1}


def test_login_of_a_shared_mailbox_cannot_become_a_guest(lumiere: Agency) -> None:
    first, _ = invite(lumiere, SAME[0]), invite(lumiere, "niabell@gmail.com")
    with (
        lumiere.scope(f"member:{lumiere.owner}") as scope,
        pytest.raises(Conflict, match="address_taken"),
    ):
        members.change_member(scope, first, role=Role.GUEST, creators=("mia",))
    with lumiere.scope(f"member:{lumiere.owner}") as scope:
        members.remove_member(scope, first)
    with pytest.raises(Conflict, match="address_taken"):
        back(lumiere, SAME[0], Role.GUEST)
    back(lumiere, SAME[0], Role.CHATTER)


def test_simultaneous_invitations_of_a_mailbox_create_one_principal(lumiere: Agency) -> None:
    emails = [f"nia.bell+{number}@gmail.com" for number in range(6)]
    with ThreadPoolExecutor(len(emails)) as pool:
        list(pool.map(partial(back, lumiere), emails))
    with lumiere.scope() as scope:
        principals = queries.principals_by_address(scope, emails)
    assert principals.keys() == set(emails)
    assert len(set().union(*principals.values())) == 1


def test_custodian_with_a_login_in_the_agency_confirms_nothing(lumiere: Agency) -> None:
    """An upgrade may join a custodian and a member who share a mailbox."""
    back(lumiere, SAME[0], Role.CUSTODIAN)
    with lumiere.scope() as scope:
        (custodian,) = (one for one in queries.list_members(scope) if one.role is Role.CUSTODIAN)
    with lumiere.scope(f"member:{custodian.id}") as scope:
        assert custodians.get_acting_custodian(scope).id == custodian.id
        scope.run(
            "UPDATE members SET principal_id = :p WHERE id = :id",
            p=custodian.principal_id,
            id=lumiere.chatter,
        )
        with pytest.raises(Refused, match="same_human"):
            custodians.get_acting_custodian(scope)
