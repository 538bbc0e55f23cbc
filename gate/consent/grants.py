"""A history that moves in: permissions that were taken back before anything of ours was outside."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from foundation.db.database import Scope
from foundation.errors import BadInput
from foundation.i18n.translation import Message
from foundation.outbox import outbox
from gate import epochs, journal
from gate.consent.events import ConsentRevoked
from gate.consent.models import ConsentGrant
from gate.contract.units import Rating
from gate.copies import live_copies
from gate.faces import known_faces
from gate.people.persons import MAX_CONSENT_PERIOD, get_person, list_digital_twins
from gate.removal import recall

CONSENT_SCOPES = ("depict", "publish", "download_sell", "ai_likeness")


FACE_CONSENT = "face"
"""What is agreed to beside the permissions to show: that one's face is known here, so that nobody
invented has it."""


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
    """Whether a person agrees, at this moment and somewhere, that a model makes their likeness or
    their voice."""
    return bool(
        scope.run(
            "SELECT EXISTS (SELECT FROM consent_grants WHERE tenant_id = :tenant AND person_id = "
            ":person"
            " AND scope = 'ai_likeness' AND revoked_at IS NULL AND valid_from <= house_now()"
            " AND valid_until > house_now())",
            tenant=scope.tenant_id,
            person=person_id,
        ).scalar_one()
    )


def revoke_consent(scope: Scope, person_id: UUID, *, what: str | None = None) -> list[UUID]:
    """Take a permission back, or all of them; from this commit on nothing that needs it leaves.

    Every copy outside that shows the person, or their double, is called back in the same
    transaction; returns the permits of those. Taking back `download_sell` alone calls back what was
    sold; `FACE` alone nothing: the template of their face is erased, as with all at once. Raises
    NotFound.
    """
    get_person(scope, person_id)
    shown = [person_id, *list_digital_twins(scope, person_id)]
    epochs.lock_and_advance(scope, *(epochs.person_key(scope, each) for each in shown))
    with scope.acting_as("gate"):
        scope.run(
            "UPDATE consent_grants SET revoked_at = house_now(), updated_at = house_now() WHERE "
            "tenant_id = :tenant"
            " AND person_id = :person AND revoked_at IS NULL AND (CAST(:what AS text) IS NULL OR "
            "scope = :what)",
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
    """Whether somebody took anything back on their own page after they signed something there, at
    `at`: then that signature is not written down, whichever of the two is done first. Who takes
    back later waits for this transaction.
    """
    epochs.lock_exclusive(scope, epochs.person_key(scope, person_id))
    return bool(
        scope.run(
            "SELECT EXISTS (SELECT FROM person_links WHERE tenant_id = :tenant AND person_id = "
            ":person"
            " AND asked_at >= CAST(:at AS timestamptz))",
            tenant=scope.tenant_id,
            person=person_id,
            at=at,
        ).scalar_one()
    )


def import_revocation(scope: Scope, person_id: UUID, *, at: datetime) -> int:
    """Every permission of a person was taken back at `at` (UTC-aware); what was taken back before
    stays so.

    Returns how many. Nothing is called back: where a copy may be outside, use `people.revoke`.
    """
    epochs.lock_and_advance(scope, epochs.person_key(scope, person_id))
    with scope.acting_as("gate"):
        done = scope.run(
            "UPDATE consent_grants SET revoked_at = :at, updated_at = house_now() WHERE tenant_id "
            "= :tenant"
            " AND person_id = :person AND revoked_at IS NULL",
            tenant=scope.tenant_id,
            person=person_id,
            at=at,
        )
    return int(done.rowcount)
