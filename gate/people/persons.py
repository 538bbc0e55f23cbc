"""People who are shown: who they are to us, proof of age, permissions, and taking a permission back."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from uuid import UUID

from sqlmodel import select

from foundation.db.database import Scope
from foundation.errors import BadInput, NotFound
from foundation.i18n.translation import Message
from foundation.outbox import outbox
from gate import epochs, journal
from gate.contract.units import Rating
from gate.copies import live_copies
from gate.faces import known_faces
from gate.log.models import ConsentGrant, IdentityCheck, Person
from gate.people.declarations import Declaration, DeclaredSource
from gate.removal import recall
from gate.removal.events import ConsentRevoked
from tenants.agencies import queries as tenants

REAL_PERSON = "real"
PERSON_KINDS = (REAL_PERSON, "synthetic", "digital_twin")
CONSENT_SCOPES = ("depict", "publish", "download_sell", "ai_likeness")
FACE_CONSENT = "face"
"""What is agreed to beside the permissions to show: that one's face is known here, so that nobody invented has it."""
MAX_PERSON_NAME = 80
MAX_CONSENT_PERIOD = timedelta(days=730)
"""No permission is for ever: 24 months, then it is asked for again."""


def add_person(
    scope: Scope, *, kind: str, display_ref: str, twin_of: UUID | None = None, creator_id: UUID | None = None
) -> UUID:
    """Write down somebody who may be shown; `kind` (real, synthetic, digital_twin) never changes.

    `display_ref` is what members call them. A digital_twin names the real person in `twin_of`; `creator_id` is the
    creator of the agency whom they are. Raises BadInput, NotFound for a real person or a creator of nobody here.
    """
    name = display_ref.strip()
    if kind not in PERSON_KINDS or (kind == "digital_twin") != (twin_of is not None):
        raise BadInput("person.bad_kind", kind=kind)
    if not 0 < len(name) <= MAX_PERSON_NAME:
        raise BadInput("person.bad_name", most=MAX_PERSON_NAME)
    if twin_of is not None and get_person(scope, twin_of).kind != REAL_PERSON:
        raise BadInput("person.bad_kind", kind=kind)
    if creator_id is not None:
        tenants.get_creator(scope, creator_id)
    row = Person(tenant_id=scope.tenant_id, kind=kind, display_ref=name, twin_of=twin_of, creator_id=creator_id)
    scope.add(row)
    return row.id


def get_person(scope: Scope, person_id: UUID) -> Person:
    """Somebody who may be shown. Raises NotFound; another agency's looks the same."""
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
) -> UUID:
    """Write down a custodian's yes: of age at `verified_at`, or already at `on_day`. No birth date, no document.

    Raises NotFound for an unknown person, BadInput for an invented one.
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
    """Write down that a person is invented, from what, and under which licences; returns the declaration's id.

    `source_digest` is of model, adapter and reference set, `declared_by` a principal. The newest declaration counts,
    and for Nudity and Explicit two others have to look at it (`gate/reviews/synthetic_people.py`). Raises NotFound, BadInput for a
    real person.
    """
    if get_person(scope, person_id).kind != "synthetic":
        raise BadInput("person.not_invented")
    epochs.lock_exclusive(scope, epochs.person_key(scope, person_id))  # a claim that read the old one ends first
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


def grant_consent(
    scope: Scope,
    person_id: UUID,
    *,
    what: str,
    surfaces: Sequence[str],
    max_rating: Rating,
    valid_from: datetime,
    valid_until: datetime,
    evidence_digest: str,
    signed_by: UUID,
    card: UUID | None = None,
) -> UUID:
    """Write down a permission that the person signed; returns its id.

    Args:
        what: depict, publish, download_sell or ai_likeness.
        surfaces: platforms (`sandbox`) or single places (`sandbox.post`), at least one.
        max_rating: the highest rating it covers.
        signed_by: the person's own id: nobody signs for somebody else.
        card: the shoot card it was signed on; it holds for that card's pictures alone.

    Raises NotFound for an unknown person; BadInput for anything the person could not have signed.
    """
    get_person(scope, person_id)
    if (
        what not in CONSENT_SCOPES
        or not surfaces
        or signed_by != person_id
        or not valid_from < valid_until <= valid_from + MAX_CONSENT_PERIOD
    ):
        raise BadInput("consent.invalid", what=what)
    row = ConsentGrant(
        tenant_id=scope.tenant_id,
        person_id=person_id,
        scope=what,
        surfaces=list(surfaces),
        max_rating=str(max_rating),
        valid_from=valid_from,
        valid_until=valid_until,
        evidence_digest=evidence_digest,
        signed_by=signed_by,
        card_id=card,
    )
    with scope.acting_as("gate"):
        scope.add(row)
    return row.id


def has_ai_consent(scope: Scope, person_id: UUID) -> bool:
    """Whether a person agrees, at this moment and somewhere, that a model makes their likeness or their voice."""
    return bool(
        scope.run(
            "SELECT EXISTS (SELECT FROM consent_grants WHERE tenant_id = :tenant AND person_id = :person"
            " AND scope = 'ai_likeness' AND revoked_at IS NULL AND valid_from <= house_now()"
            " AND valid_until > house_now())",
            tenant=scope.tenant_id,
            person=person_id,
        ).scalar_one()
    )


def revoke_consent(scope: Scope, person_id: UUID, *, what: str | None = None) -> list[UUID]:
    """Take a permission back, or all of them; from this commit on nothing that needs it leaves.

    Every copy outside that shows the person, or their double, is called back in the same transaction; returns the
    permits of those. Taking back `download_sell` alone calls back what was sold; `FACE` alone nothing: the template of
    their face is erased, as with all at once. Raises NotFound.
    """
    get_person(scope, person_id)
    shown = [person_id, *list_digital_twins(scope, person_id)]
    epochs.lock_and_advance(scope, *(epochs.person_key(scope, each) for each in shown))
    with scope.acting_as("gate"):
        scope.run(
            "UPDATE consent_grants SET revoked_at = house_now(), updated_at = house_now() WHERE tenant_id = :tenant"
            " AND person_id = :person AND revoked_at IS NULL AND (CAST(:what AS text) IS NULL OR scope = :what)",
            tenant=scope.tenant_id,
            person=person_id,
            what=what,
        )
    if what in (None, FACE_CONSENT):
        known_faces.withdraw_face_consent(scope, person_id)
    journal.record_restriction(scope, journal.REVOKE, person_id, more=what or "")
    outbox.put(scope, ConsentRevoked(scope.tenant_id, person_id, what or ""))
    listed = [copy for each in shown for copy in live_copies.live_copies_of_person(scope, each)]
    if what == FACE_CONSENT:
        return []  # nothing that is out leans on it
    if what == "download_sell":
        listed = [copy for copy in listed if copy.sold]
    return recall.open_takedowns(scope, listed, Message("recall.consent_revoked"))


def has_revoked_since(scope: Scope, person_id: UUID, at: datetime | None) -> bool:
    """Whether somebody took anything back on their own page after they signed something there, at `at`: then that
    signature is not written down, whichever of the two is done first. Who takes back later waits for this transaction.
    """
    epochs.lock_exclusive(scope, epochs.person_key(scope, person_id))
    return bool(
        scope.run(
            "SELECT EXISTS (SELECT FROM person_links WHERE tenant_id = :tenant AND person_id = :person"
            " AND asked_at >= CAST(:at AS timestamptz))",
            tenant=scope.tenant_id,
            person=person_id,
            at=at,
        ).scalar_one()
    )


def list_digital_twins(scope: Scope, person_id: UUID) -> Sequence[UUID]:
    """The doubles a model makes of a real person."""
    return scope.session.exec(
        select(Person.id).where(Person.tenant_id == scope.tenant_id, Person.twin_of == person_id)
    ).all()


def block_person(scope: Scope, person_id: UUID) -> list[UUID]:
    """Show somebody no more, for good, nor their double; the copies of both are called back. Raises NotFound."""
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
