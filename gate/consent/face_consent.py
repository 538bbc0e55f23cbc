"""What doors ask about known faces: somebody agrees on their own page, members keep a list of whom
nobody may depict.

A face agreed to is taken back as every permission is (`gate/consent/subject_portal.py`): by
`persons.revoke_consent`, at once.
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
    """Somebody agreed on their own page that their face is known here; `subject_id` is the
    person."""

    kind: ClassVar[str] = "face.agree"
    queue: ClassVar[Queue] = "urgent"
    tenant_id: UUID
    subject_id: UUID
    by: str
    at: datetime | None = None
    """When they pressed it."""


def submit_face_consent(scope: Scope, person_id: UUID) -> None:
    """Somebody presses it on their own page: the workers write it down at once. `scope` acts for
    the person."""
    event = FaceConsentGiven(scope.tenant_id, person_id, by=f"person:{person_id}", at=scope.now)
    outbox.put(scope, event, priority=0, dedupe=f"face:agree:{person_id}")


def is_face_consent_pending(scope: Scope, person_id: UUID) -> bool:
    """Whether somebody pressed it, and it is not done yet."""
    return outbox.is_pending(scope, person_id, FaceConsentGiven.kind)


def handle_face_consent(event: FaceConsentGiven, *, tenant: OpenScope) -> None:
    """Write it down, by the person's own hand, unless they took something back since."""
    with tenant(event.tenant_id, event.by) as scope:
        if has_revoked_since(scope, event.subject_id, event.at):
            return
        known_faces.record_face_consent(scope, event.subject_id)


def handle_reference_comparison(event: ReferenceComparisonDue, *, tenant: OpenScope) -> None:
    """Have whom an invented person is made after compared with every known face, before anything of
    theirs leaves."""
    with tenant(event.tenant_id, "system:faces") as scope:
        known_faces.set_reference_pictures(scope, event.subject_id, event.digests.split())


def has_face_consent(scope: Scope, person_id: UUID) -> bool:
    """Whether somebody's face is known here since they agreed."""
    row = known_faces.find_face_consent(scope, person_id)
    return row is not None and row.basis == known_faces.FACE_AGREED
