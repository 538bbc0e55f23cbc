"""Face bans: requests to ban a face, or to end a ban, and the bans in force."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar
from uuid import UUID

from sqlmodel import col, select

from foundation.db.database import OpenScope, Scope
from foundation.errors import BadInput, GreenroomError
from foundation.i18n.translation import Message
from foundation.ids import uuid7
from foundation.outbox import outbox
from foundation.outbox.outbox import Queue
from foundation.sealed import Sealed
from gate.consent.face_consent import PEOPLE_ONLY
from gate.faces import known_faces
from gate.faces.known_faces import FACE_BANNED, FaceSubject
from gate.text.user_input import clean_paragraph
from tenants.agencies import queries
from tenants.agencies.rights import Right, require_right
from tenants.notices import notices


@dataclass(frozen=True)
class FaceBanRequested:
    """A member bans the face in a stored picture; `subject_id` is the ID of the new ban."""

    kind: ClassVar[str] = "face.bar"
    queue: ClassVar[Queue] = "make"
    tenant_id: UUID
    subject_id: UUID
    sha256: str
    why: str
    by: str


@dataclass(frozen=True)
class FaceBanEndRequested:
    """A member asked to end a face ban, which takes two members."""

    kind: ClassVar[str] = "face.unbar"
    queue: ClassVar[Queue] = "urgent"
    tenant_id: UUID
    subject_id: UUID
    by: str


@dataclass(frozen=True)
class FaceBanSummary:
    """A face ban as members see it; `ending_by` is the first of the two people who end it."""

    id: UUID
    why: str
    noted_by: str
    since: datetime
    ending_by: UUID | None


def request_face_ban(scope: Scope, sha256: str, *, why: str) -> UUID:
    """Request a ban of the face in a stored picture as the acting member, and return the ban's ID.

    The reason must not name anyone. A worker creates the ban and does not store the picture. Raises
    Refused if the member lacks the right, and BadInput without a reason.
    """
    require_right(queries.get_acting_member(scope, PEOPLE_ONLY).role, Right.RUN)
    said = clean_paragraph(why)
    if not said:
        raise BadInput("face.no_reason").about("reason")
    event = FaceBanRequested(scope.tenant_id, uuid7(), sha256, said, scope.actor)
    outbox.put(scope, event, dedupe=f"face:bar:{sha256}")
    return event.subject_id


def handle_face_ban(scope: Scope, event: FaceBanRequested, *, model: str, box: Sealed) -> None:
    """Create a face ban. A member who may no longer do so gets a notice."""
    try:
        require_right(queries.get_acting_member(scope, PEOPLE_ONLY).role, Right.RUN)
    except GreenroomError as refused:
        notices.put(scope, refused.message, cause=f"{event.kind}:{event.subject_id}")
        return
    known_faces.add_face_ban(
        scope, subject_id=event.subject_id, why=event.why, model=model, box=box
    )


def report_face_ban_failed(scope: Scope, event: FaceBanRequested) -> None:
    """Notify the members that the picture does not show exactly one face, so that no ban was
    created."""
    notices.put(
        scope, Message("face.not_one"), cause=f"{event.kind}:{event.subject_id}", urgent=True
    )


def request_face_ban_end(scope: Scope, subject_id: UUID) -> None:
    """Request the end of a face ban as one of two members. Raises Refused if the member lacks the
    right."""
    require_right(queries.get_acting_member(scope, PEOPLE_ONLY).role, Right.RUN)
    outbox.put(scope, FaceBanEndRequested(scope.tenant_id, subject_id, scope.actor), priority=1)


def handle_face_ban_end(event: FaceBanEndRequested, *, tenant: OpenScope) -> None:
    """Record a request to end a ban as the member who made it.

    A refusal becomes a notice for that member.
    """
    try:
        with tenant(event.tenant_id, event.by) as scope:
            member = queries.get_acting_member(scope, PEOPLE_ONLY)
            require_right(member.role, Right.RUN)
            known_faces.end_face_ban(scope, event.subject_id, member.principal_id)
    except GreenroomError as refused:
        with tenant(event.tenant_id, event.by) as scope:
            notices.put(scope, refused.message, cause=f"{event.kind}:{event.subject_id}")


def list_face_bans(scope: Scope) -> list[FaceBanSummary]:
    """Return the face bans in force, newest first."""
    rows = scope.session.exec(
        select(FaceSubject)
        .where(
            FaceSubject.tenant_id == scope.tenant_id,
            FaceSubject.basis == FACE_BANNED,
            col(FaceSubject.ended_at).is_(None),
        )
        .order_by(col(FaceSubject.id).desc())
    )
    return [
        FaceBanSummary(row.id, row.why, row.said_by, row.created_at or scope.now, row.ending_by)
        for row in rows
    ]
