"""Consent grants: record, revoke and import the permissions of depicted persons."""

from collections.abc import Collection, Sequence
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
"""Scope of the consent to face comparison, which protects the person's face from use for synthetic
persons."""


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
    """Record a permission that the person signed, and return its ID.

    Args:
        what: depict, publish, download_sell or ai_likeness.
        surfaces: platforms (`sandbox`) or single surfaces (`sandbox.post`), at least one.
        max_rating: the highest rating it covers.
        signed_by: the ID of the person, the only possible signer.
        card: the shoot card it was signed on; it then covers the pictures of that card only.

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
    """Return True if a person currently permits AI-generated content of their likeness or voice on
    any surface."""
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


def creators_with_publish_consent(scope: Scope, creators: Collection[UUID]) -> set[UUID]:
    """Return those of these creators who are a real person with a model record and currently permit
    to publish pictures of them."""
    rows = scope.run(
        "SELECT DISTINCT p.creator_id FROM persons p JOIN consent_grants g"
        " ON g.tenant_id = p.tenant_id AND g.person_id = p.id"
        " WHERE p.tenant_id = :tenant AND p.creator_id = ANY(:creators) AND p.kind = 'real'"
        " AND p.state = 'active' AND g.scope = 'publish' AND g.revoked_at IS NULL"
        " AND g.valid_from <= house_now() AND g.valid_until > house_now()",
        tenant=scope.tenant_id,
        creators=list(creators),
    )
    return set(rows.scalars())


def revoke_consent(scope: Scope, person_id: UUID, *, what: str | None = None) -> list[UUID]:
    """Revoke a permission, or all of them. After the commit, nothing that needs it is published.

    Every live copy that shows the person or their AI double is recalled in the same transaction;
    returns the permits of those copies. Revoking `download_sell` alone recalls only sold copies;
    revoking `FACE_CONSENT` alone recalls none and erases the face template, as does revoking
    everything. Raises NotFound.
    """
    get_person(scope, person_id)
    # The permissions of a person also apply to their AI doubles.
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
        return []  # No published copy depends on it.
    if what == "download_sell":
        listed = [copy for copy in listed if copy.sold]
    return recall.open_takedowns(scope, listed, Message("recall.consent_revoked"))


def has_revoked_since(scope: Scope, person_id: UUID, at: datetime | None) -> bool:
    """Return True if the person revoked anything in their portal after they signed something at
    `at`.

    That signature must then not be recorded, whichever event is processed first. The function locks
    the epoch of the person exclusively, so that later revocations wait for this transaction.
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
    """Record that all permissions of a person were revoked at `at` (UTC-aware), and return their
    number. Earlier revocations remain.

    No copy is recalled: use `revoke_consent` if copies may be live.
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
