"""Records of depicted persons: adding and blocking them, their age proofs and declarations."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from uuid import UUID

from sqlmodel import select

from foundation.db.database import Scope
from foundation.errors import BadInput, NotFound
from foundation.i18n.translation import Message
from gate import epochs, journal
from gate.copies import live_copies
from gate.people.models import IdentityCheck, Person
from gate.people.synthetic_person_declarations import Declaration, DeclaredSource
from gate.removal import recall
from tenants.agencies import queries

REAL_PERSON = "real"
PERSON_KINDS = (REAL_PERSON, "synthetic", "digital_twin")
MAX_PERSON_NAME = 80
MAX_CONSENT_PERIOD = timedelta(days=730)
"""Maximum duration of a permission: 24 months, after which it must be requested again."""


def add_person(
    scope: Scope,
    *,
    kind: str,
    display_ref: str,
    twin_of: UUID | None = None,
    creator_id: UUID | None = None,
) -> UUID:
    """Add a person who may be depicted; `kind` (real, synthetic, digital_twin) never changes.

    `display_ref` is the name that members use. A digital_twin names its real person in `twin_of`;
    `creator_id` is the creator of the agency who is this person. Raises BadInput, and NotFound for
    a real person or creator unknown to this agency.
    """
    name = display_ref.strip()
    if kind not in PERSON_KINDS or (kind == "digital_twin") != (twin_of is not None):
        raise BadInput("person.bad_kind", kind=kind)
    if not 0 < len(name) <= MAX_PERSON_NAME:
        raise BadInput("person.bad_name", most=MAX_PERSON_NAME).about("name")
    if twin_of is not None and get_person(scope, twin_of).kind != REAL_PERSON:
        raise BadInput("person.bad_kind", kind=kind)
    if creator_id is not None:
        queries.get_creator(scope, creator_id)
    row = Person(
        tenant_id=scope.tenant_id,
        kind=kind,
        display_ref=name,
        twin_of=twin_of,
        creator_id=creator_id,
    )
    scope.add(row)
    return row.id


def get_person(scope: Scope, person_id: UUID) -> Person:
    """Return a person. Raises NotFound, also for persons of another agency."""
    row = scope.session.get(Person, (scope.tenant_id, person_id))
    if row is None:
        raise NotFound("person.unknown")
    return row


def record_age_proof(
    scope: Scope,
    person_id: UUID,
    *,
    custodian: str,
    method: str,
    verified_at: datetime,
    evidence_digest: str,
    valid_until: datetime | None = None,
    on_day: datetime | None = None,
    noted_by: str = "",
    custodian_id: UUID | None = None,
    principal_id: UUID | None = None,
) -> UUID:
    """Record a custodian's confirmation that a person is of age at `verified_at`, or was on
    `on_day`. No birth date or document is stored.

    `custodian_id` is the member record of the custodian, `principal_id` the member they confirmed
    to be this person. Raises NotFound for an unknown person, BadInput for a synthetic one.
    """
    if get_person(scope, person_id).kind == "synthetic":
        raise BadInput("person.bad_kind", kind="synthetic")
    row = IdentityCheck(
        tenant_id=scope.tenant_id,
        person_id=person_id,
        custodian=custodian,
        method=method,
        result="over_18" if on_day is None else "over_18_on",
        on_day=on_day,
        verified_at=verified_at,
        valid_until=valid_until,
        evidence_digest=evidence_digest,
        noted_by=noted_by,
        custodian_id=custodian_id,
        principal_id=principal_id,
    )
    with scope.acting_as("gate"):
        scope.add(row)
    return row.id


def record_declaration(
    scope: Scope,
    person_id: UUID,
    *,
    source_digest: str,
    adult_licence: bool,
    declared_by: UUID,
    sources: Sequence[DeclaredSource] = (),
    references: Sequence[str] = (),
) -> UUID:
    """Record the declaration that a person is synthetic, with its sources and licences, and return
    its ID.

    `source_digest` covers model, adapter and reference set; `declared_by` is a principal. The
    latest declaration counts; for Nudity and Explicit two other members must review it
    (`gate/reviews/synthetic_people.py`). Raises NotFound, BadInput for a real person.
    """
    if get_person(scope, person_id).kind != "synthetic":
        raise BadInput("person.not_invented")
    epochs.lock_exclusive(
        scope, epochs.person_key(scope, person_id)
    )  # Wait for claims that read the previous declaration.
    row = Declaration(
        tenant_id=scope.tenant_id,
        person_id=person_id,
        source_digest=source_digest,
        adult_licence=adult_licence,
        declared_by=declared_by,
        sources=[asdict(one) for one in sources],
        reference_set=list(references),
    )
    scope.add(row)
    return row.id


def list_digital_twins(scope: Scope, person_id: UUID) -> Sequence[UUID]:
    """Return the AI doubles of a real person."""
    return scope.session.exec(
        select(Person.id).where(Person.tenant_id == scope.tenant_id, Person.twin_of == person_id)
    ).all()


def block_person(scope: Scope, person_id: UUID) -> list[UUID]:
    """Block a person and their AI doubles permanently, and recall the copies of all of them. Raises
    NotFound."""
    get_person(scope, person_id)
    shown = [person_id, *list_digital_twins(scope, person_id)]
    epochs.lock_and_advance(scope, *(epochs.person_key(scope, each) for each in shown))
    with scope.acting_as("gate"):
        scope.run(
            "UPDATE persons SET state = 'blocked', updated_at = house_now()"
            " WHERE tenant_id = :tenant AND id = :person AND state <> 'blocked'",
            tenant=scope.tenant_id,
            person=person_id,
        )
    journal.record_restriction(scope, journal.BLOCK_PERSON, person_id)
    listed = [copy for each in shown for copy in live_copies.live_copies_of_person(scope, each)]
    return recall.open_takedowns(scope, listed, Message("recall.person_blocked"))
