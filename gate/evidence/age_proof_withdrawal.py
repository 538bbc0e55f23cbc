"""Withdrawal of an age proof, because the custodian erred or can no longer confirm it.

After the commit, nothing that needs the proof is published, and every copy that no other proof of
the person covers is recalled. A withdrawn proof never counts again; the custodian may give another.
"""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from sqlmodel import select

from foundation.db.database import OpenScope, Scope
from foundation.errors import GreenroomError, NotFound
from foundation.i18n.translation import Message
from foundation.outbox import outbox
from foundation.outbox.outbox import Queue
from gate import epochs, journal
from gate.contract.facts import MediumFacts, PersonFacts
from gate.contract.units import Rating
from gate.copies import live_copies
from gate.copies.live_copies import LiveCopy
from gate.decision.shoot_card_terms import valid_age_proofs
from gate.evidence import media_facts
from gate.people import persons
from gate.people.models import IdentityCheck
from gate.removal import recall
from tenants import audit
from tenants.agencies import queries
from tenants.agencies.rights import Right, has_right, require_right
from tenants.notices import notices


@dataclass(frozen=True)
class AgeProofWithdrawn:
    """A custodian or member, `by`, withdraws an age proof; the subject is the person."""

    kind: ClassVar[str] = "person.unprove"
    queue: ClassVar[Queue] = "urgent"
    tenant_id: UUID
    subject_id: UUID
    proof_id: UUID
    by: str


def request_withdrawal(scope: Scope, proof_id: UUID) -> None:
    """Request the withdrawal of an age proof, as the acting member or custodian. A worker executes
    it at once.

    Any member with the right to run or stop the agency may withdraw proofs, because a withdrawal
    only restricts; custodians may withdraw their own. Raises Refused, NotFound.
    """
    row = _get_proof(scope, proof_id)
    _check_allowed(scope, row)
    event = AgeProofWithdrawn(scope.tenant_id, row.person_id, proof_id, scope.actor)
    outbox.put(scope, event, priority=0, dedupe=f"person.unprove:{proof_id}")


def _check_allowed(scope: Scope, row: IdentityCheck) -> None:
    member = queries.get_acting_member(scope, "person.people_only")
    own = has_right(member.role, Right.VOUCH) and row.custodian_id == member.id
    # A withdrawal only restricts, so the right to stop is enough.
    if not own and not has_right(member.role, Right.STOP):
        require_right(member.role, Right.RUN)


def handle_withdrawal(event: AgeProofWithdrawn, *, tenant: OpenScope) -> None:
    """Withdraw an age proof as its requester, if they still have the right. Otherwise notify the
    agency of the reason."""
    try:
        with tenant(event.tenant_id, event.by) as scope:
            _check_allowed(scope, _get_proof(scope, event.proof_id))
            withdraw_age_proof(scope, event.proof_id)
    except GreenroomError as refused:
        with tenant(event.tenant_id, event.by) as scope:
            notices.put(scope, refused.message, cause=f"{event.kind}:{event.subject_id}")


def withdraw_age_proof(scope: Scope, proof_id: UUID) -> list[UUID]:
    """Withdraw an age proof permanently and recall every copy above General that no other proof of
    the person covers. Return the permits of those copies. Raises NotFound."""
    person_id = _get_proof(scope, proof_id).person_id
    shown = [person_id, *persons.list_digital_twins(scope, person_id)]
    epochs.lock_and_advance(scope, *(epochs.person_key(scope, each) for each in shown))
    with scope.acting_as("gate"):
        done = scope.run(
            "UPDATE identity_checks SET withdrawn_at = house_now(), withdrawn_by = :by,"
            " updated_at = house_now()"
            " WHERE tenant_id = :tenant AND id = :id AND withdrawn_at IS NULL",
            tenant=scope.tenant_id,
            id=proof_id,
            by=scope.actor,
        )
    if not done.rowcount:
        return []
    audit.record(scope, "person.proof_withdrawn", f"person:{person_id}")
    journal.record_restriction(scope, journal.WITHDRAW_PROOF, proof_id)
    copies = [copy for each in shown for copy in live_copies.live_copies_of_person(scope, each)]
    (person,) = media_facts.person_facts(scope, [person_id])
    uncovered = _list_uncovered(scope, copies, person)
    return recall.open_takedowns(scope, uncovered, Message("recall.proof_withdrawn"))


def _list_uncovered(scope: Scope, copies: list[LiveCopy], person: PersonFacts) -> list[LiveCopy]:
    digests = sorted({sha256 for copy in copies for sha256 in copy.media})
    media = {
        one.sha256: one for one in media_facts.media_facts_of_bytes(scope, digests, to_decide=False)
    }
    proofs = valid_age_proofs(person, scope.now)

    def is_covered(medium: MediumFacts | None) -> bool:
        if medium is None or medium.produced_at is None:
            return False
        if medium.rating is Rating.G:
            return True
        day = medium.produced_at
        return any(one.is_of_age_on(day, before=False) for one in proofs)

    return [
        copy
        for copy in copies
        if not copy.media or not all(is_covered(media.get(sha256)) for sha256 in copy.media)
    ]


def _get_proof(scope: Scope, proof_id: UUID) -> IdentityCheck:
    row = scope.session.exec(
        select(IdentityCheck).where(
            IdentityCheck.tenant_id == scope.tenant_id, IdentityCheck.id == proof_id
        )
    ).first()
    if row is None:
        raise NotFound("proof.unknown")
    return row
