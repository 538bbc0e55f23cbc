"""What doors ask about known faces: somebody agrees on their own page, members keep a list of whom nobody may depict.

A face agreed to is taken back as every permission is (`gate/mine.py`): by `people.revoke`, at once.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar
from uuid import UUID

from sqlmodel import col, select

from foundation import outbox
from foundation.database import OpenScope, Scope
from foundation.errors import BadInput, GreenroomError
from foundation.ids import uuid7
from foundation.outbox import Queue
from foundation.sealed import Sealed
from foundation.words import Message
from gate import faces, people
from gate.appealing import plain
from gate.faces import BARRED, FaceSubject, ReferencesDue
from tenants import notices
from tenants import reads as tenants
from tenants.roles import Right, require

PEOPLE_ONLY = "review.people_only"


@dataclass(frozen=True)
class FaceAgreed:
    """Somebody agreed on their own page that their face is known here; `subject_id` is the person."""

    kind: ClassVar[str] = "face.agree"
    queue: ClassVar[Queue] = "urgent"
    tenant_id: UUID
    subject_id: UUID
    by: str
    at: datetime | None = None
    """When they pressed it."""


@dataclass(frozen=True)
class BarWanted:
    """A member wants the face of a stored picture on the list; `subject_id` is to be its id there."""

    kind: ClassVar[str] = "face.bar"
    queue: ClassVar[Queue] = "make"
    tenant_id: UUID
    subject_id: UUID
    sha256: str
    why: str
    by: str


@dataclass(frozen=True)
class UnbarWanted:
    """A member takes a face off the list; it needs two of them."""

    kind: ClassVar[str] = "face.unbar"
    queue: ClassVar[Queue] = "urgent"
    tenant_id: UUID
    subject_id: UUID
    by: str


@dataclass(frozen=True)
class Listed:
    """A face on the list, as members read it; `ending_by` is the human who took it off, of the two it needs."""

    id: UUID
    why: str
    noted_by: str
    since: datetime
    ending_by: UUID | None


def agree(scope: Scope, person_id: UUID) -> None:
    """Somebody presses it on their own page: the workers write it down at once. `scope` acts for the person."""
    event = FaceAgreed(scope.tenant_id, person_id, by=f"person:{person_id}", at=scope.now)
    outbox.put(scope, event, priority=0, dedupe=f"face:agree:{person_id}")


def asked(scope: Scope, person_id: UUID) -> bool:
    """Whether somebody pressed it, and it is not done yet."""
    return outbox.awaited(scope, person_id, FaceAgreed.kind)


def agreed(event: FaceAgreed, *, tenant: OpenScope) -> None:
    """Write it down, by the person's own hand, unless they took something back since."""
    with tenant(event.tenant_id, event.by) as scope:
        if people.took_back_since(scope, event.subject_id, event.at):
            return
        faces.agree(scope, event.subject_id)


def referred(event: ReferencesDue, *, tenant: OpenScope) -> None:
    """Have whom an invented person is made after compared with every known face, before anything of theirs leaves."""
    with tenant(event.tenant_id, "system:faces") as scope:
        faces.refer(scope, event.subject_id, event.digests.split())


def agrees(scope: Scope, person_id: UUID) -> bool:
    """Whether somebody's face is known here since they agreed."""
    row = faces.living(scope, person_id)
    return row is not None and row.basis == faces.AGREED


def want_barred(scope: Scope, sha256: str, *, why: str) -> UUID:
    """Put the face of a stored picture on the list, as the scope's actor, with a reason that names nobody; the workers
    do it, and forget the picture. Raises Refused for who may not, BadInput without a reason."""
    require(tenants.acting(scope, PEOPLE_ONLY).role, Right.RUN)
    said = plain(why)
    if not said:
        raise BadInput("face.no_reason")
    event = BarWanted(scope.tenant_id, uuid7(), sha256, said, scope.actor)
    outbox.put(scope, event, dedupe=f"face:bar:{sha256}")
    return event.subject_id


def bar(scope: Scope, event: BarWanted, *, model: str, box: Sealed) -> None:
    """Do it, if who asked still may; else they are told at Home."""
    try:
        require(tenants.acting(scope, PEOPLE_ONLY).role, Right.RUN)
    except GreenroomError as refused:
        notices.put(scope, refused.message, cause=f"{event.kind}:{event.subject_id}")
        return
    faces.bar(scope, subject_id=event.subject_id, why=event.why, model=model, box=box)


def not_barred(scope: Scope, event: BarWanted) -> None:
    """The picture showed no single face: members are told, since nobody is on the list."""
    notices.put(scope, Message("face.not_one"), cause=f"{event.kind}:{event.subject_id}", urgent=True)


def want_unbarred(scope: Scope, subject_id: UUID) -> None:
    """Take a face off the list, as one of the two it needs. Raises Refused for who may not."""
    require(tenants.acting(scope, PEOPLE_ONLY).role, Right.RUN)
    outbox.put(scope, UnbarWanted(scope.tenant_id, subject_id, scope.actor), priority=1)


def unbar(event: UnbarWanted, *, tenant: OpenScope) -> None:
    """Do it as the member who asked, if they still may; why not is told at Home."""
    try:
        with tenant(event.tenant_id, event.by) as scope:
            member = tenants.acting(scope, PEOPLE_ONLY)
            require(member.role, Right.RUN)
            faces.unbar(scope, event.subject_id, member.principal_id)
    except GreenroomError as refused:
        with tenant(event.tenant_id, event.by) as scope:
            notices.put(scope, refused.message, cause=f"{event.kind}:{event.subject_id}")


def listed(scope: Scope) -> list[Listed]:
    """Everybody nobody may depict, the newest first."""
    rows = scope.session.exec(
        select(FaceSubject)
        .where(
            FaceSubject.tenant_id == scope.tenant_id, FaceSubject.basis == BARRED, col(FaceSubject.ended_at).is_(None)
        )
        .order_by(col(FaceSubject.id).desc())
    )
    return [Listed(row.id, row.why, row.said_by, row.created_at or scope.now, row.ending_by) for row in rows]
