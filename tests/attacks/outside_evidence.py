"""Attacks on external evidence: an age that a member typed, a withdrawn proof, and a reviewer who
is depicted."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from gate.contract.units import Rating
from gate.evidence import age_proof_withdrawal
from gate.people import age_proofs
from gate.people.age_proofs import AgeProofSubmitted
from gate.permits import issuance
from gate.reviews import content_reviews
from tests.attacks.evidence import send_unit
from tests.attacks.harness import SCENARIOS, Result, Stage, register_attack
from tests.attacks.texts import text_unit
from tests.gate.builders import picture, real_person
from tests.gate.person_actions import note_age_proof, request_age_proof

__all__ = ["SCENARIOS"]


def _proofs(scope: Any, person: UUID) -> list[UUID]:
    return list(
        scope.run("SELECT id FROM identity_checks WHERE person_id = :p ORDER BY id", p=person)
        .scalars()
        .all()
    )


def _unproven_person(stage: Stage) -> UUID:
    """Return a person who consented to everything and whose only proof was withdrawn."""
    person: UUID = stage.do(real_person)
    (proof,) = stage.do(lambda scope: _proofs(scope, person))
    stage.do(lambda scope: age_proof_withdrawal.withdraw_age_proof(scope, proof))
    return person


@register_attack("I-10")
def age_that_a_member_typed(stage: Stage) -> Result:
    """Submit a backdated confirmation of a notary as ann. In the twin the custodian submits it."""
    person = _unproven_person(stage)
    if stage.harm:
        event = stage.do(
            lambda scope: AgeProofSubmitted(
                scope.tenant_id,
                person,
                "Notaire Roux",
                "notary",
                scope.now - timedelta(days=400),
                None,
                None,
                "a" * 64,
                stage.author,
            )
        )
        age_proofs.handle_age_proof(event, tenant=stage.world.open)
    else:
        note_age_proof(stage.world, person)
    return send_unit(
        stage, stage.do(lambda scope: picture(scope, stage.world, Rating.S, person=person))
    )


@register_attack("I-11")
def proof_that_was_withdrawn(stage: Stage) -> Result:
    """Withdraw the proofs of a custodian who erred. In the twin another proof covers the day of the
    picture."""
    person: UUID = stage.do(real_person)
    note_age_proof(stage.world, person)
    proofs = stage.do(lambda scope: _proofs(scope, person))
    for proof in proofs if stage.harm else proofs[:1]:
        stage.do(lambda scope, proof=proof: age_proof_withdrawal.withdraw_age_proof(scope, proof))
    return send_unit(
        stage, stage.do(lambda scope: picture(scope, stage.world, Rating.S, person=person))
    )


@register_attack("P-20")
def reviewer_who_is_shown(stage: Stage) -> Result:
    """Reveal that the reviewer is the depicted person. In the twin it is the author."""
    person: UUID = stage.do(real_person)
    medium = stage.do(lambda scope: picture(scope, stage.world, Rating.N, person=person))
    whole = stage.marked(text_unit(stage, "FV1", media=(medium,), body="Hello"))
    stage.do(
        lambda scope: issuance.judge_unit(scope, whole, author=stage.author, bundle=stage.rules)
    )
    stage.do(
        lambda scope: content_reviews.review_unit(scope, whole.digest(), verdict="approve"),
        actor=f"member:{stage.world.rob}",
    )
    shown = stage.world.rob if stage.harm else stage.world.ann
    request_age_proof(stage.world, person, member=shown)
    return stage.send(whole, review=False, mark=False)
