"""Consent to face comparison, which a person gives in their portal.

It is revoked like any permission (`gate/consent/subject_portal.py`), by `grants.revoke_consent`.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar
from uuid import UUID

from foundation.db.database import OpenScope, Scope
from foundation.outbox import outbox
from foundation.outbox.outbox import Queue
from gate.consent.grants import has_revoked_since
from gate.faces import known_faces
from gate.faces.known_faces import ReferenceComparisonDue

PEOPLE_ONLY = "review.people_only"


@dataclass(frozen=True)
class FaceConsentGiven:
    """A person agreed in their portal to face comparison; `subject_id` is the person."""

    kind: ClassVar[str] = "face.agree"
    queue: ClassVar[Queue] = "urgent"
    tenant_id: UUID
    subject_id: UUID
    by: str
    at: datetime | None = None
    """Time of the consent."""


def submit_face_consent(scope: Scope, person_id: UUID) -> None:
    """Submit the consent of the person the scope acts for. A worker records it at once."""
    event = FaceConsentGiven(scope.tenant_id, person_id, by=f"person:{person_id}", at=scope.now)
    outbox.put(scope, event, priority=0, dedupe=f"face:agree:{person_id}")


def is_face_consent_pending(scope: Scope, person_id: UUID) -> bool:
    """Return True while a submitted consent is not recorded yet."""
    return outbox.is_pending(scope, person_id, FaceConsentGiven.kind)


def handle_face_consent(event: FaceConsentGiven, *, tenant: OpenScope) -> None:
    """Record the consent, acting as the person, unless they revoked a permission since."""
    with tenant(event.tenant_id, event.by) as scope:
        if has_revoked_since(scope, event.subject_id, event.at):
            return
        known_faces.record_face_consent(scope, event.subject_id)


def handle_reference_comparison(event: ReferenceComparisonDue, *, tenant: OpenScope) -> None:
    """Set the reference pictures of a synthetic person and request their comparison with every
    known face."""
    with tenant(event.tenant_id, "system:faces") as scope:
        known_faces.set_reference_pictures(scope, event.subject_id, event.digests.split())


def has_face_consent(scope: Scope, person_id: UUID) -> bool:
    """Return True if a person agreed to face comparison."""
    row = known_faces.find_face_consent(scope, person_id)
    return row is not None and row.basis == known_faces.FACE_AGREED
