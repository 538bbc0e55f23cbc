"""What a custodian outside said of somebody's age, as a member writes it down: yes or no by a
method and at a time.

No birth date and no document comes in: of what proves it a digest is kept.
"""

import hashlib
import re
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar
from uuid import UUID

from foundation.db.database import OpenScope, Scope
from foundation.errors import BadInput, GreenroomError
from foundation.outbox import outbox
from foundation.outbox.outbox import Queue
from gate.people import persons
from gate.people.models import Person
from tenants import audit
from tenants.agencies import queries
from tenants.agencies.rights import Right, require_right
from tenants.notices import notices

PROOF_METHODS = ("document", "eid", "bank", "notary")
"""How a custodian knows: an identity document, an electronic identity, a bank, somebody who met
them."""

MAX_CUSTODIAN_NAME = 80
DIGEST = re.compile(r"[0-9a-f]{64}")
A_DAY = re.compile(r"\d{1,4}[./-]\d{1,2}[./-]\d{1,4}")
"""What looks like a day of birth: it is not taken as anybody's name."""


@dataclass(frozen=True)
class AgeProofSubmitted:
    """A member says that `custodian` confirmed that a person, the subject, was of age: when it
    looked, or `on_day`."""

    kind: ClassVar[str] = "person.prove"
    queue: ClassVar[Queue] = "urgent"
    tenant_id: UUID
    subject_id: UUID
    custodian: str
    method: str
    verified_at: datetime
    valid_until: datetime | None
    on_day: datetime | None
    digest: str
    by: str


@dataclass(frozen=True)
class AgeConfirmation:
    """A custodian's yes as a member types it; `receipt` is its digest, or a reference of which one
    is made."""

    custodian: str
    method: str
    receipt: str
    verified_at: datetime
    valid_until: datetime | None = None
    on_day: datetime | None = None


def submit_age_proof(scope: Scope, person_id: UUID, said: AgeConfirmation) -> None:
    """Note a custodian's yes, as the acting member; the workers write it down at once.

    Raises Refused for who may not, NotFound, BadInput for somebody nobody can check, for no
    custodian, and for a time that cannot be.
    """
    require_right(queries.get_acting_member(scope, "person.people_only").role, Right.RUN)
    person = persons.get_person(scope, person_id)
    _validate_confirmation(scope, person, said)
    typed = " ".join(said.receipt.split())
    digest = typed if DIGEST.fullmatch(typed) else hashlib.sha256(typed.encode()).hexdigest()
    event = AgeProofSubmitted(
        scope.tenant_id,
        person_id,
        " ".join(said.custodian.split()),
        said.method,
        said.verified_at,
        said.valid_until,
        said.on_day,
        digest,
        scope.actor,
    )
    outbox.put(scope, event, priority=0)


def _validate_confirmation(scope: Scope, person: Person, said: AgeConfirmation) -> None:
    if person.kind != persons.REAL_PERSON:  # behind a double stands somebody real, who is checked
        raise BadInput("person.bad_kind", kind=person.kind)
    custodian = " ".join(said.custodian.split())
    if (
        not 0 < len(custodian) <= MAX_CUSTODIAN_NAME
        or A_DAY.search(custodian)
        or said.method not in PROOF_METHODS
    ):
        raise BadInput("proof.no_custodian", most=MAX_CUSTODIAN_NAME)
    if not said.receipt.strip():
        raise BadInput("proof.no_receipt")
    later = [at for at in (said.verified_at, said.on_day) if at is not None and at > scope.now]
    ended = said.valid_until is not None and said.valid_until <= scope.now
    if later or ended:
        raise BadInput("proof.bad_time")


def handle_age_proof(event: AgeProofSubmitted, *, tenant: OpenScope) -> None:
    """Write it down, as the member who said so, if they still may; who may not is told at Home why
    nothing came."""
    try:
        with tenant(event.tenant_id, event.by) as scope:
            require_right(queries.get_acting_member(scope, "person.people_only").role, Right.RUN)
            persons.record_age_proof(
                scope,
                event.subject_id,
                custodian=event.custodian,
                method=event.method,
                verified_at=event.verified_at,
                valid_until=event.valid_until,
                on_day=event.on_day,
                evidence_digest=event.digest,
                noted_by=event.by,
            )
            audit.record(scope, "person.proved", f"person:{event.subject_id}")
    except GreenroomError as refused:
        with tenant(event.tenant_id, event.by) as scope:
            notices.put(scope, refused.message, cause=f"{event.kind}:{event.subject_id}")
