"""Withdrawn age proofs no longer count, and copies that only they covered are recalled."""

from datetime import timedelta
from uuid import UUID

import pytest

from foundation.db.database import OpenScope
from foundation.errors import NotFound, Refused
from foundation.ids import uuid7
from gate import journal
from gate.contract.reasons import Reason
from gate.contract.units import Rating, Unit
from gate.evidence import age_proof_withdrawal, media_facts, person_dossiers
from gate.evidence.age_proof_withdrawal import AgeProofWithdrawn
from gate.people import persons
from gate.permits import issuance
from tenants.agencies import agencies
from tenants.agencies.rights import Role
from tests.gate.builders import World, picture, publish_unit, real_person, unit, world
from tests.gate.person_actions import (
    add_custodian,
    add_unknown_person,
    member_scope,
    note_age_proof,
)
from tests.gate.side_effects import list_stored_tasks

DAY = timedelta(days=1)


@pytest.fixture
def here(tenant: OpenScope) -> World:
    return world(tenant, uuid7())


def post(here: World, person: UUID, rating: Rating, *, age: timedelta = 30 * DAY) -> Unit:
    with here.scope() as scope:
        return unit(here, media=(picture(scope, here, rating, person=person, age=age),))


def proof_of(here: World, person: UUID) -> UUID:
    with here.scope() as scope:
        found: UUID = scope.run(
            "SELECT id FROM identity_checks WHERE person_id = :p AND withdrawn_at IS NULL ORDER BY id LIMIT 1",
            p=person,
        ).scalar_one()
        return found


def withdraw(here: World, proof: UUID) -> list[UUID]:
    with member_scope(here, here.ann) as scope:
        return age_proof_withdrawal.withdraw_age_proof(scope, proof)


def reasons(here: World, whole: Unit) -> tuple[Reason, ...]:
    with here.scope() as scope:
        return tuple(issuance.judge_unit(scope, whole, author=f"member:{here.ann}").reasons)


@pytest.mark.parametrize("double", [False, True])
def test_copies_covered_only_by_withdrawn_proof_are_recalled(here: World, double: bool) -> None:
    with here.scope() as scope:
        ida = real_person(scope, scopes=("depict", "publish", "ai_likeness"))
        shown = ida
        if double:
            shown = persons.add_person(
                scope, kind="digital_twin", display_ref="Double", twin_of=ida
            )
    whole = post(here, shown, Rating.S)
    jti = publish_unit(here, whole)
    plain = publish_unit(here, post(here, shown, Rating.G), body="plain", native="n2")
    proof = proof_of(here, ida)
    assert withdraw(here, proof) == [jti]
    assert plain != jti
    assert withdraw(here, proof) == [], "the second withdrawal recalls nothing"
    assert Reason.IDENTITY_MISSING in reasons(here, whole)
    with here.scope() as scope:
        (note,) = list_stored_tasks(scope, "journal.keep")
        assert (note.args["act"], note.args["about"]) == (journal.WITHDRAW_PROOF, str(proof))
        dossier = next(one for one in person_dossiers.list_dossiers(scope) if one.id == ida)
        assert [one.stands for one in dossier.proofs] == [False]


@pytest.mark.parametrize(("second", "covered"), [(60 * DAY, True), (10 * DAY, False)])
def test_another_proof_covers_later_pictures(here: World, second: timedelta, covered: bool) -> None:
    with here.scope() as scope:
        ida = real_person(scope)
    jti = publish_unit(here, post(here, ida, Rating.S))
    with here.scope() as scope:
        persons.record_age_proof(
            scope,
            ida,
            custodian="c",
            method="eid",
            verified_at=scope.now - second,
            evidence_digest="f" * 64,
        )
    assert withdraw(here, proof_of(here, ida)) == ([] if covered else [jti])
    with here.scope() as scope:
        (known,) = media_facts.person_facts(scope, [ida])
        assert len(known.identities) == 1


def test_members_who_run_or_stop_can_withdraw_proof(here: World) -> None:
    ida = add_unknown_person(here)
    for role in Role:
        note_age_proof(here, ida)
        with here.scope() as scope:
            member = agencies.add_member(
                scope, name="X", email=f"{uuid7()}@x.test", role=role, language="en", zone="UTC"
            )
        proof = proof_of(here, ida)
        may = role in (Role.OWNER, Role.MANAGER, Role.CREATOR, Role.CHATTER)
        with member_scope(here, member) as scope:
            if may:
                age_proof_withdrawal.request_withdrawal(scope, proof)
            else:
                with pytest.raises(Refused):
                    age_proof_withdrawal.request_withdrawal(scope, proof)
        event = AgeProofWithdrawn(here.tenant_id, ida, proof, f"member:{member}")
        age_proof_withdrawal.handle_withdrawal(event, tenant=here.open)
        with here.scope() as scope:
            (known,) = media_facts.person_facts(scope, [ida])
            assert bool(known.identities) is not may
        if not may:
            withdraw(here, proof)


def test_custodian_withdraws_and_replaces_own_proof(here: World) -> None:
    ida = add_unknown_person(here)
    note_age_proof(here, ida)
    roux = add_custodian(here)
    with member_scope(here, roux) as scope:
        age_proof_withdrawal.request_withdrawal(scope, proof_of(here, ida))
        with pytest.raises(NotFound):
            age_proof_withdrawal.request_withdrawal(scope, uuid7())
    withdraw(here, proof_of(here, ida))
    note_age_proof(here, ida)
    with here.scope() as scope:
        (known,) = media_facts.person_facts(scope, [ida])
        assert len(known.identities) == 1
