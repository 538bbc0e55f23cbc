"""What a member asked for who was let go before the workers came: nobody's word, and told."""

import pytest

from foundation.db.database import OpenScope
from foundation.errors import NotFound
from foundation.ids import uuid7
from gate.people import age_proofs
from gate.people.age_proofs import AgeProofSubmitted
from tenants.auth import members
from tests.gate.builders import World, world
from tests.gate.people_at_work import by, somebody, work, yes
from tests.gate.written import Told, told


@pytest.fixture
def here(tenant: OpenScope) -> World:
    return world(tenant, uuid7())


def test_what_somebody_noted_who_was_let_go_before_it_was_written_is_nobodys_word(
    here: World,
) -> None:
    ida = somebody(here)
    with by(here, here.ann) as scope:
        age_proofs.submit_age_proof(scope, ida, yes(scope))
    with by(here, here.rob) as scope:
        members.remove_member(scope, here.ann)
    work(here)
    with here.scope() as scope:
        assert (
            scope.run("SELECT count(*) FROM identity_checks WHERE person_id = :p", p=ida).scalar()
            == 0
        )
        said = Told("member.unknown", {}, urgent=False, open=True, creator=None)
        assert told(scope, f"{AgeProofSubmitted.kind}:{ida}") == said
    with by(here, here.ann) as scope, pytest.raises(NotFound, match=r"member\.unknown"):
        age_proofs.submit_age_proof(scope, ida, yes(scope))
