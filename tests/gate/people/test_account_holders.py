"""Account holders: claimed by a member, confirmed by a custodian, ended by a member."""

from uuid import UUID

import pytest

from foundation.db.database import OpenScope
from foundation.errors import BadInput, NotFound, Refused
from foundation.ids import uuid7
from gate.evidence import own_release_facts
from gate.people import account_holders, age_proofs, age_requests, persons
from gate.people.age_proofs import AgeConfirmation
from gate.people.age_requests import ClaimedAccount
from tenants.agencies.rights import Role
from tests.dashboard.builders import Agency, create_agency
from tests.gate import person_actions
from tests.gate.builders import unit, world

X = ClaimedAccount(UUID(int=1), "x", "ida")
REDDIT = ClaimedAccount(UUID(int=2), "reddit", "u/ida")


def scope_of(who: Agency, role: Role):  # type: ignore[no-untyped-def]  # a context manager of the builder
    return who.scope(f"member:{who.members[role]}")


def request_check(who: Agency, *accounts: ClaimedAccount) -> tuple[UUID, UUID]:
    """Return a person and the open request of a manager, who is this person."""
    with scope_of(who, Role.MANAGER) as scope:
        person = persons.add_person(scope, kind="real", display_ref="Ida")
        request = age_requests.request_person_check(
            scope,
            person,
            reference="dossier 12",
            member_id=who.members[Role.MANAGER],
            accounts=accounts,
        )
    return person, request


def confirm(who: Agency, request: UUID, *channels: UUID) -> None:
    with scope_of(who, Role.CUSTODIAN) as scope:
        confirmation = AgeConfirmation(
            method="document", receipt="file 12", verified_at=scope.now, channels=channels
        )
        age_proofs.submit_age_proof(scope, request, confirmation)


def held(who: Agency, person: UUID) -> list[str]:
    with who.scope() as scope:
        return [one.account for one in account_holders.list_held_accounts(scope, person)]


def test_only_accounts_that_the_custodian_confirms_are_held(tenant: OpenScope) -> None:
    who = create_agency(tenant)
    person, request = request_check(who, X, REDDIT)
    with scope_of(who, Role.CUSTODIAN) as scope:
        [shown] = age_requests.list_open_requests(scope)
    assert shown.accounts == (X, REDDIT)
    confirm(who, request, X.channel_id)
    assert held(who, person) == []
    assert set(person_actions.run_workers(who)) == {"person.prove", "person.account_confirmed"}
    assert held(who, person) == ["ida"]
    with who.scope() as scope:
        whole = unit(world(tenant, uuid7()), channel_id=X.channel_id, account="ida")
        [holder] = own_release_facts.account_holders(scope, whole)
    assert holder.person == person


def test_account_that_was_not_claimed_is_refused(tenant: OpenScope) -> None:
    who = create_agency(tenant)
    person, request = request_check(who, X)
    with pytest.raises(BadInput):
        confirm(who, request, REDDIT.channel_id)
    assert held(who, person) == []


def test_account_needs_the_member_who_holds_it(tenant: OpenScope) -> None:
    who = create_agency(tenant)
    with scope_of(who, Role.MANAGER) as scope:
        person = persons.add_person(scope, kind="real", display_ref="Ida")
        with pytest.raises(BadInput) as raised:
            age_requests.request_person_check(scope, person, reference="dossier 12", accounts=[X])
    assert raised.value.message.code == "proof.accounts_without_member"


@pytest.mark.parametrize("role", [Role.MANAGER, Role.OWNER])
def test_members_end_the_record(tenant: OpenScope, role: Role) -> None:
    who = create_agency(tenant)
    person, request = request_check(who, X)
    confirm(who, request, X.channel_id)
    person_actions.run_workers(who)
    with who.scope() as scope:
        [account] = account_holders.list_held_accounts(scope, person)
    with scope_of(who, role) as scope:
        account_holders.request_account_holder_end(scope, account.id)
    assert held(who, person) == ["ida"]
    person_actions.run_workers(who)
    assert held(who, person) == []


def test_record_of_another_agency_cannot_be_ended(tenant: OpenScope) -> None:
    who = create_agency(tenant)
    person, request = request_check(who, X)
    confirm(who, request, X.channel_id)
    person_actions.run_workers(who)
    with who.scope() as scope:
        [account] = account_holders.list_held_accounts(scope, person)
    other = create_agency(tenant)
    with scope_of(other, Role.OWNER) as scope, pytest.raises(NotFound):
        account_holders.request_account_holder_end(scope, account.id)
    with scope_of(who, Role.CUSTODIAN) as scope, pytest.raises(Refused):
        account_holders.request_account_holder_end(scope, uuid7())
    assert held(who, person) == ["ida"]
