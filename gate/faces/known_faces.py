"""Known faces: of persons who agreed in their subject portal, and of people with a depiction ban.

A template is biometric data (Regulation (EU) 2016/679, art. 4(14) and 9:
https://eur-lex.europa.eu/eli/reg/2016/679/oj). It is stored sealed, for the only purpose of finding
resemblances of synthetic persons, and is erased when the consent or the ban ends. This package
never opens it: higher packages compare faces and report the results.

Comparisons that failed while the classifier was unavailable are requested again automatically.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar
from uuid import UUID

from sqlalchemy import BigInteger, Index, LargeBinary, UniqueConstraint, text
from sqlmodel import Field, col, select

from foundation.db.database import Scope
from foundation.db.tables import (
    TenantRow,
    jsonb_column,
    table_arguments,
    tenant_foreign_key,
    timestamp_column,
)
from foundation.errors import BadInput, Conflict, NotFound
from foundation.outbox import outbox
from foundation.outbox.outbox import Queue
from foundation.sealed import Sealed
from gate import epochs
from gate.people.models import Person
from tenants import audit

FACE_AGREED = "agreed"
FACE_BANNED = "barred"
FACE_REFERENCE = "reference"
MAX_PICTURES = 3
"""Maximum number of pictures for a template; more add little."""

MAX_REFERENCES = 100


class FaceSubject(TenantRow, table=True):
    """A face to search for.

    `basis` is agreed for a real person who consented, barred for a person with a ban, who needs no
    other record, and reference for the reference pictures of a synthetic person. The row remains as
    evidence; the template is erased when it ends.
    """

    __tablename__ = "face_subjects"
    __table_args__ = table_arguments(
        tenant_foreign_key("person_id", "persons"),
        Index(
            "face_subjects_one",
            "tenant_id",
            "person_id",
            unique=True,
            postgresql_where=text("ended_at IS NULL"),
        ),
        about="person",
        keep="5 years after its end",
    )
    basis: str
    person_id: UUID | None = None
    why: str = ""
    """Reason of a ban, for members; erased when it ends."""
    pictures: list[str] = jsonb_column(list)
    """Digests of the reference pictures."""
    said_by: str
    ending_by: UUID | None = None
    """The first of the two principals who end a ban."""
    ended_at: datetime | None = timestamp_column(optional=True)


class FaceTemplate(TenantRow, table=True):
    """The sealed vectors of a face for one model; deleted when the consent or ban ends."""

    __tablename__ = "face_templates"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "subject_id", "model", name="face_templates_one"),
        tenant_foreign_key("subject_id", "face_subjects"),
        about="person",
        keep="while the consent is valid or the person is listed",
    )
    subject_id: UUID
    model: str
    """name@version of the model that made the vectors."""
    box: bytes = Field(sa_type=LargeBinary)
    pictures: list[str] = jsonb_column(list)
    """Digests of the pictures it was made from, if they are in the library."""


class FaceSearch(TenantRow, table=True):
    """A comparison of bytes with every face known at a `version` (of the epoch `faces`). `complete`
    is True if the model knew every face."""

    __tablename__ = "face_searches"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "sha256", name="face_searches_one"),
        about="creator",
        keep="while published, then 5 years",
    )
    sha256: str
    model: str
    version: int = Field(sa_type=BigInteger)
    complete: bool
    faces: int


@dataclass(frozen=True)
class FaceEnrolmentDue:
    """A person, the subject, agreed: make a template from their pictures once there are any."""

    kind: ClassVar[str] = "face.enrol"
    queue: ClassVar[Queue] = "make"
    tenant_id: UUID
    subject_id: UUID


@dataclass(frozen=True)
class FaceComparisonDue:
    """Another face is known: compare the pictures that were not compared with it. `tenant_id` and
    `subject_id` are those of the tenant."""

    kind: ClassVar[str] = "face.compare"
    queue: ClassVar[Queue] = "make"
    tenant_id: UUID
    subject_id: UUID


@dataclass(frozen=True)
class ReferenceComparisonDue:
    """Compare the reference pictures of a synthetic person, the subject. `digests` are separated by
    spaces."""

    kind: ClassVar[str] = "face.references"
    queue: ClassVar[Queue] = "urgent"
    tenant_id: UUID
    subject_id: UUID
    digests: str


@dataclass(frozen=True)
class KnownFaces:
    """All faces to compare a picture with: the sealed templates of one model and version by
    subject."""

    model: str
    version: int
    complete: bool
    boxes: Mapping[UUID, Sealed] = field(repr=False)
    waiting: tuple[UUID, ...] = ()
    """Subjects who agreed and have a template of another model only."""


@dataclass(frozen=True)
class FaceComparisonResult:
    """The result of comparing bytes: the number of faces, and the subjects they resemble with
    scores in thousandths."""

    model: str
    version: int
    complete: bool
    faces: int
    resembles: Mapping[UUID, int]


def record_face_consent(scope: Scope, person_id: UUID) -> None:
    """Record that a real person, who is the actor of the scope, agrees to face comparison. Does
    nothing if they agreed before.

    Raises NotFound, and BadInput for any other actor and for a synthetic person.
    """
    person = scope.session.get(Person, (scope.tenant_id, person_id))
    if person is None:
        raise NotFound("person.unknown")
    if person.kind != "real" or scope.actor != f"person:{person_id}":
        raise BadInput("person.bad_kind", kind=person.kind)
    epochs.lock_and_advance(scope, epochs.person_key(scope, person_id))
    if find_face_consent(scope, person_id) is not None:
        return
    row = FaceSubject(
        tenant_id=scope.tenant_id, basis=FACE_AGREED, person_id=person_id, said_by=scope.actor
    )
    with scope.acting_as("gate"):
        scope.add(row)
    outbox.put(scope, FaceEnrolmentDue(scope.tenant_id, row.id), dedupe=f"face:{row.id}")
    audit.record(scope, "face.agreed", f"person:{person_id}")


def withdraw_face_consent(scope: Scope, person_id: UUID) -> None:
    """End the consent of a person and erase their template at once. Recorded resemblances remain to
    be decided.

    The transaction must hold the epoch of the person exclusively.
    """
    row = find_face_consent(scope, person_id)
    if row is not None and row.basis == FACE_AGREED:
        _end_subject(scope, row)
        audit.record(scope, "face.withdrawn", f"person:{person_id}")


def find_face_consent(scope: Scope, person_id: UUID) -> FaceSubject | None:
    """Return the active face subject of a person, or None."""
    return scope.session.exec(
        select(FaceSubject)
        .where(
            FaceSubject.tenant_id == scope.tenant_id,
            FaceSubject.person_id == person_id,
            col(FaceSubject.ended_at).is_(None),
        )
        .execution_options(populate_existing=True)
    ).first()


def set_reference_pictures(scope: Scope, person_id: UUID, digests: Collection[str]) -> None:
    """Replace the reference pictures of a synthetic person and request their comparison.

    Every resemblance of a reference counts as a resemblance of the person, in all pictures. Raises
    NotFound for an unknown person and for pictures outside the library; BadInput for a real person,
    and for none or too many pictures.
    """
    person = scope.session.get(Person, (scope.tenant_id, person_id))
    if person is None:
        raise NotFound("person.unknown")
    wanted = sorted(set(digests))
    if person.kind != "synthetic" or not 0 < len(wanted) <= MAX_REFERENCES:
        raise BadInput("person.not_invented")
    known = scope.run(
        "SELECT count(*) FROM renditions WHERE tenant_id = :tenant AND sha256 = ANY(:digests)",
        tenant=scope.tenant_id,
        digests=wanted,
    ).scalar_one()
    if known != len(wanted):
        raise NotFound("asset.unknown")
    epochs.lock_and_advance(scope, epochs.person_key(scope, person_id))
    before = find_face_consent(scope, person_id)
    if before is not None and before.pictures == wanted:
        return
    with scope.acting_as("gate"):
        if before is not None:
            _end_subject(scope, before)
        scope.add(
            FaceSubject(
                tenant_id=scope.tenant_id,
                basis=FACE_REFERENCE,
                person_id=person_id,
                pictures=wanted,
                said_by=scope.actor,
            )
        )
    request_comparison(scope)


def add_face_ban(scope: Scope, *, subject_id: UUID, why: str, model: str, box: Sealed) -> None:
    """Add a face to the depiction bans: a sealed template and a reason, without name or picture.
    Does nothing if the ID exists."""
    epochs.lock_and_advance(scope, epochs.faces_key(scope))
    if scope.session.get(FaceSubject, (scope.tenant_id, subject_id)) is not None:
        return
    row = FaceSubject(
        tenant_id=scope.tenant_id, id=subject_id, basis=FACE_BANNED, why=why, said_by=scope.actor
    )
    with scope.acting_as("gate"):
        scope.add(row)
        scope.add(
            FaceTemplate(tenant_id=scope.tenant_id, subject_id=row.id, model=model, box=box.box)
        )
    audit.record(scope, "face.barred", f"face:{row.id}")
    _restart_comparison(scope)


def end_face_ban(scope: Scope, subject_id: UUID, principal: UUID) -> bool:
    """End a face ban, which takes two principals. Return True for the second, which erases the
    template.

    Raises NotFound if there is no such ban, Conflict if the same principal acts twice.
    """
    epochs.lock_and_advance(scope, epochs.faces_key(scope))
    row = scope.session.get(FaceSubject, (scope.tenant_id, subject_id), populate_existing=True)
    if row is None or row.basis != FACE_BANNED or row.ended_at is not None:
        raise NotFound("face.unknown")
    if row.ending_by == principal:
        raise Conflict("face.another_ends")
    audit.record(scope, "face.unbarred", f"face:{row.id}")
    if row.ending_by is None:
        with scope.acting_as("gate"):
            row.ending_by = principal
            scope.add(row)
        return False
    _end_subject(scope, row)
    return True


def _end_subject(scope: Scope, row: FaceSubject) -> None:
    """Erase all templates of a subject and end it, so that none can be added."""
    with scope.acting_as("gate"):
        scope.run(
            "DELETE FROM face_templates WHERE tenant_id = :tenant AND subject_id = :subject",
            tenant=scope.tenant_id,
            subject=row.id,
        )
        row.ended_at = scope.now
        row.why = ""
        scope.add(row)
        scope.session.flush()


def store_template(
    scope: Scope, subject_id: UUID, *, model: str, box: Sealed, pictures: Sequence[str]
) -> bool:
    """Store the template of a person who agreed.

    Return False, and store nothing, if they have withdrawn the consent.
    """
    row = scope.session.get(FaceSubject, (scope.tenant_id, subject_id))
    if row is None or row.person_id is None:
        return False
    epochs.lock_and_advance(scope, epochs.person_key(scope, row.person_id), epochs.faces_key(scope))
    scope.session.refresh(row)
    if row.basis != FACE_AGREED or row.ended_at is not None:
        return False
    with scope.acting_as("gate"):
        scope.run(
            "INSERT INTO face_templates (tenant_id, id, subject_id, model, box, pictures)"
            " VALUES (:tenant, gen_random_uuid(), :subject, :model, :box, to_jsonb(CAST(:pictures "
            "AS text[])))"
            " ON CONFLICT (tenant_id, subject_id, model) DO UPDATE SET box = excluded.box,"
            " pictures = excluded.pictures, updated_at = house_now()",
            tenant=scope.tenant_id,
            subject=subject_id,
            model=model,
            box=box.box,
            pictures=list(pictures),
        )
    _restart_comparison(scope)
    return True


def _restart_comparison(scope: Scope) -> None:
    """Wait for comparisons in progress, then request a new comparison of every picture."""
    lock_faces(scope)
    request_comparison(scope)


def request_comparison(scope: Scope) -> None:
    """Request a comparison of the pictures that were not compared with every known face."""
    event = FaceComparisonDue(scope.tenant_id, scope.tenant_id)
    outbox.put(scope, event, dedupe=f"faces:{faces_version(scope)}")


def lock_faces(scope: Scope) -> None:
    """Serialise new faces and recorded comparisons, so that each sees the other. In the lock order,
    this lock follows all epochs."""
    scope.lock(f"{scope.tenant_id}:faces-compared")


def faces_version(scope: Scope) -> int:
    """Return the number of times that another face became known."""
    return next((value for _, value in epochs.epoch_values(scope, [epochs.faces_key(scope)])), 0)


_PORTRAITS = """
SELECT r.sha256 FROM depictions d
JOIN assets a ON a.tenant_id = d.tenant_id AND a.id = d.asset_id AND a.ai = 'none' AND a.origin =
'upload'
JOIN renditions r ON r.tenant_id = a.tenant_id AND r.asset_id = a.id AND r.state = 'made'
  AND r.profile NOT LIKE 'thumb-%'
WHERE d.tenant_id = :tenant AND d.person_id = :person AND d.how = 'face' AND d.state = 'confirmed'
  AND NOT EXISTS (SELECT FROM depictions o
    WHERE o.tenant_id = d.tenant_id AND o.asset_id = d.asset_id AND o.person_id <> d.person_id)
  AND NOT EXISTS (SELECT FROM content_ratings c
    WHERE c.tenant_id = d.tenant_id AND c.sha256 = r.sha256 AND c.rating = 'X')
ORDER BY a.made_at DESC NULLS LAST, r.id DESC LIMIT :most
"""


def enrolment_pictures(scope: Scope, subject_id: UUID) -> list[str] | None:
    """Return the digests of the newest photographs in which a person who agreed is confirmed and
    alone, at most `MAX_PICTURES`. Return None if they no longer agree."""
    row = scope.session.get(FaceSubject, (scope.tenant_id, subject_id), populate_existing=True)
    if row is None or row.basis != FACE_AGREED or row.ended_at is not None:
        return None
    found = scope.run(_PORTRAITS, tenant=scope.tenant_id, person=row.person_id, most=MAX_PICTURES)
    return [one.sha256 for one in found]


_KNOWN = """
SELECT s.id, s.basis, t.box, EXISTS (SELECT FROM face_templates o
    WHERE o.tenant_id = s.tenant_id AND o.subject_id = s.id) AS elsewhere
FROM face_subjects s
LEFT JOIN face_templates t ON t.tenant_id = s.tenant_id AND t.subject_id = s.id AND t.model = :model
WHERE s.tenant_id = :tenant AND s.ended_at IS NULL AND s.basis <> 'reference'
"""


def known_faces(scope: Scope, model: str) -> KnownFaces:
    """Return all faces that a model knows.

    The version is read first, so that a face added at the same time is not counted as known.
    """
    at = faces_version(scope)
    rows = scope.run(_KNOWN, tenant=scope.tenant_id, model=model).all()
    boxes = {row.id: Sealed(bytes(row.box)) for row in rows if row.box is not None}
    unknown = [row for row in rows if row.box is None and row.elsewhere]
    return KnownFaces(
        model, at, not unknown, boxes, tuple(row.id for row in unknown if row.basis == FACE_AGREED)
    )


_BEHIND = """
FROM renditions r LEFT JOIN face_searches s ON s.tenant_id = r.tenant_id AND s.sha256 = r.sha256
WHERE r.tenant_id = :tenant AND r.state = 'made' AND r.mime LIKE 'image/%' AND r.profile NOT LIKE
'thumb-%'
  AND (s.id IS NULL OR s.version < :version)
"""

_STALE = f"""
SELECT w.sha256 FROM (SELECT r.sha256, r.asset_id, r.id {_BEHIND}) w
JOIN assets a ON a.tenant_id = :tenant AND a.id = w.asset_id
ORDER BY a.ai = 'generated' DESC, EXISTS (SELECT FROM content_ratings c
    WHERE c.tenant_id = :tenant AND c.sha256 = w.sha256 AND c.rating IN ('N', 'E')) DESC, w.id DESC
LIMIT :most
"""  # noqa: S608  a constant of this file


def has_uncompared_pictures(scope: Scope) -> bool:
    """Return True if there are pictures that were not compared with every known face."""
    found = scope.run(
        f"SELECT EXISTS (SELECT {_BEHIND})", tenant=scope.tenant_id, version=faces_version(scope)
    )
    return bool(found.scalar_one())


def list_uncompared_pictures(scope: Scope, *, most: int) -> list[str]:
    """Return at most `most` pictures that were not compared with every known face: generated ones
    first, then adult ones."""
    found = scope.run(_STALE, tenant=scope.tenant_id, version=faces_version(scope), most=most)
    return [row.sha256 for row in found]


KINDS = (FaceComparisonDue.kind, FaceEnrolmentDue.kind)


def resume_face_work(scope: Scope) -> None:
    """Request failed enrolments and comparisons again.

    Failed events are discarded first, so that they do not accumulate while the classifier is
    unavailable. Does nothing if no face was ever known.
    """
    gave_up = [
        one
        for one in outbox.list_dead(scope)
        if one.kind in KINDS and one.tenant_id == scope.tenant_id
    ]
    for one in gave_up:
        outbox.discard_dead(scope, one.id)
        if one.kind == FaceEnrolmentDue.kind:
            outbox.put(
                scope,
                FaceEnrolmentDue(scope.tenant_id, one.subject_id),
                dedupe=f"face:{one.subject_id}",
            )
    compared = any(one.kind == FaceComparisonDue.kind for one in gave_up)
    if (compared or faces_version(scope)) and has_uncompared_pictures(scope):
        request_comparison(scope)
