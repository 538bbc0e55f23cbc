"""Requests of members who are removed before the workers process them are refused and reported."""

import pytest

from foundation.db.database import OpenScope
from foundation.errors import NotFound
from foundation.ids import uuid7
from gate.people import age_proofs
from gate.people.age_proofs import AgeProofSubmitted
from tenants.auth import members
from tests.gate.builders import World, world
from tests.gate.person_actions import (
    add_custodian,
    add_unknown_person,
    build_age_confirmation,
    member_scope,
    request_age_proof,
    run_workers,
)
from tests.gate.side_effects import StoredNotice, find_notice


@pytest.fixture
def here(tenant: OpenScope) -> World:
    return world(tenant, uuid7())


def test_age_proof_of_removed_custodian_is_discarded(
    here: World,
) -> None:
    ida = add_unknown_person(here)
    asked = request_age_proof(here, ida)
    roux = add_custodian(here)
    with member_scope(here, roux) as scope:
        age_proofs.submit_age_proof(scope, asked, build_age_confirmation(scope))
    with member_scope(here, here.rob) as scope:
        members.remove_member(scope, roux)
    run_workers(here)
    with here.scope() as scope:
        assert (
            scope.run("SELECT count(*) FROM identity_checks WHERE person_id = :p", p=ida).scalar()
            == 0
        )
        said = StoredNotice("member.unknown", {}, urgent=False, open=True, creator=None)
        assert find_notice(scope, f"{AgeProofSubmitted.kind}:{ida}") == said
    with member_scope(here, roux) as scope, pytest.raises(NotFound, match=r"member\.unknown"):
        age_proofs.submit_age_proof(scope, asked, build_age_confirmation(scope))
