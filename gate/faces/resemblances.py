"""Resemblances of pictures to known faces: recorded by face comparison, read by every decision,
resolved by members who compare both pictures.

A resemblance contains no vector. It is bound to the bytes, the subject, the model and the template:
if one of these changes, earlier verdicts on it no longer count.
"""

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Index, UniqueConstraint
from sqlmodel import col, select

import gate.people.models  # noqa: F401  foreign keys refer to its tables
from foundation.db.database import Scope
from foundation.db.tables import (
    FOREVER,
    TenantRow,
    message_column,
    table_arguments,
    tenant_foreign_key,
)
from foundation.i18n.translation import Message
from foundation.ids import uuid7
from gate import epochs
from gate.assets import asset_records
from gate.assets.models import Asset
from gate.contract.facts import FaceComparisonFacts, ResemblanceFacts, ReviewFacts
from gate.faces import known_faces
from gate.faces.known_faces import FaceComparisonResult, FaceSubject
from gate.ratings import ratings
from tenants.notices import notices


class ResemblanceRow(TenantRow, table=True):
    """Bytes that resemble a subject: `score` is the cosine of the two most similar faces, in
    thousandths."""

    __tablename__ = "likenesses"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "sha256", "subject_id", name="likenesses_one"),
        Index("likenesses_subject", "tenant_id", "subject_id"),
        *(
            tenant_foreign_key("subject_id", "face_subjects"),
            tenant_foreign_key("person_id", "persons"),
        ),
        about="person",
        keep="while published, then 5 years",
    )
    sha256: str
    subject_id: UUID
    person_id: UUID | None = None
    """None for subjects with a face ban."""
    model: str
    score: int
    digest: str
    """Digest of the bytes, the subject, the model and the sealed template."""


class ResemblanceVote(TenantRow, table=True):
    """The verdict of a member who compared both pictures: a different person (`other`), or the
    same. Append-only."""

    __tablename__ = "likeness_rulings"
    __table_args__ = table_arguments(
        tenant_foreign_key("likeness_id", "likenesses"),
        Index("likeness_rulings_one", "tenant_id", "likeness_id"),
        about="member",
        keep=FOREVER,
    )
    likeness_id: UUID
    digest: str
    principal_id: UUID
    other: bool
    reason: dict[str, Any] | None = message_column()


_RESEMBLES = """(SELECT jsonb_agg(jsonb_build_array(l.person_id, (SELECT jsonb_agg(
      jsonb_build_array(u.principal_id, u.other, u.created_at) ORDER BY u.created_at, u.id)
    FROM likeness_rulings u
    WHERE u.tenant_id = l.tenant_id AND u.likeness_id = l.id AND u.digest = l.digest))
    ORDER BY l.id)
  FROM likenesses l JOIN face_subjects f ON f.tenant_id = l.tenant_id AND f.id = l.subject_id
  WHERE l.tenant_id = {tenant} AND (l.person_id IS NOT NULL OR f.ended_at IS NULL)
    AND l.sha256 IN ({bytes}))"""
"""The resemblances of bytes with their verdicts. Subjects whose face ban has ended do not count."""

_CURRENT = """(s.complete AND s.version >= coalesce((SELECT e.value FROM epochs e
    WHERE e.tenant_id = s.tenant_id AND e.key = s.tenant_id || chr(58) || 'faces'), 0))"""

_WANTED = """(EXISTS (SELECT FROM face_templates t WHERE t.tenant_id = {tenant})
  OR EXISTS (SELECT FROM face_searches t WHERE t.tenant_id = {tenant}))"""

_FAMILY = """WITH RECURSIVE line AS (
    SELECT renditions.asset_id AS id, 0 AS depth
    UNION SELECT p.parent_id, line.depth + 1 FROM line JOIN asset_parents p
      ON p.tenant_id = renditions.tenant_id AND p.asset_id = line.id WHERE line.depth < 20)
  SELECT m.sha256 FROM line JOIN renditions m
    ON m.tenant_id = renditions.tenant_id AND m.asset_id = line.id"""
"""The bytes, their siblings and the bytes they were made from, so that a picture still resembles
the person after it was blurred."""

RESEMBLANCES_OF_BYTES_SQL = f"""(SELECT jsonb_build_object(
  'wanted', {_WANTED.format(tenant="renditions.tenant_id")},
  'searched', (SELECT {_CURRENT} FROM face_searches s
    WHERE s.tenant_id = renditions.tenant_id AND s.sha256 = renditions.sha256),
  'resembles', {_RESEMBLES.format(tenant="renditions.tenant_id", bytes=_FAMILY)}
  ))"""  # noqa: S608  constants of this file
"""The resemblances of a row of `renditions`, as a column, so that a decision needs no further
statement."""

_REFERENCE_PICTURES = "SELECT jsonb_array_elements_text(c.pictures)"

RESEMBLANCES_OF_REFERENCES_SQL = f"""(SELECT jsonb_build_object(
  'wanted', {_WANTED.format(tenant=":tenant")},
  'searched', NOT EXISTS (SELECT FROM jsonb_array_elements_text(c.pictures) p(sha256)
    LEFT JOIN face_searches s ON s.tenant_id = c.tenant_id AND s.sha256 = p.sha256
    WHERE {_CURRENT} IS NOT TRUE),
  'resembles', {_RESEMBLES.format(tenant=":tenant", bytes=_REFERENCE_PICTURES)})
  FROM face_subjects c WHERE c.tenant_id = :tenant AND c.person_id = k.id AND c.basis = 'reference'
    AND c.ended_at IS NULL)"""  # noqa: S608  constants of this file
"""The resemblances of all reference pictures of a synthetic person, for a row `k` of persons."""


def parse_resemblances(found: Mapping[str, Any]) -> FaceComparisonFacts:
    """Return the facts that one of the two statements above reads."""
    resembles = (
        ResemblanceFacts(
            UUID(person) if person else None,
            tuple(
                ReviewFacts(UUID(who), other, 100, datetime.fromisoformat(at))
                for who, other, at in said or ()
            ),
        )
        for person, said in found["resembles"] or ()
    )
    return FaceComparisonFacts(bool(found["wanted"]), bool(found["searched"]), tuple(resembles))


def record_comparison(scope: Scope, sha256: str, compared: FaceComparisonResult) -> None:
    """Record that bytes were compared, with the subjects they resemble.

    If another face became known since the comparison began, request another comparison. Notify the
    members, and propose each person recognised in a photograph as depicted in it. Raises NotFound
    for bytes that were not recorded.
    """
    asset_id = asset_records.find_rendition_by_digest(scope, sha256).asset_id
    subjects = _load_active_subjects(scope, compared.resembles)
    known = {one.person_id for one in subjects.values() if one.person_id is not None}
    # The subjects are read again after the locks: these only determine which epochs to lock.
    touched = known | people_using_reference(scope, sha256) if subjects else known
    epochs.lock_and_advance(
        scope,
        epochs.asset_key(scope, asset_id),
        *(epochs.person_key(scope, one) for one in touched),
    )
    known_faces.lock_faces(scope)
    _record_search(scope, sha256, compared)
    fresh = [
        one
        for one in _load_active_subjects(scope, compared.resembles).values()
        if _record_resemblance(scope, sha256, one, compared)
    ]
    if compared.version < known_faces.faces_version(scope):
        known_faces.request_comparison(scope)
    if not fresh:
        return
    asset = scope.session.get(Asset, (scope.tenant_id, asset_id))
    if asset is not None and asset.ai == "none":
        for one in fresh:
            if one.person_id is not None:
                ratings.record_depiction(scope, asset_id, one.person_id, how="face")
    creator = asset.creator_id if asset is not None else None
    notices.put(
        scope,
        Message("likeness.found"),
        cause=f"likeness:{asset_id}",
        urgent=True,
        creator_id=creator,
    )


def _load_active_subjects(scope: Scope, wanted: Mapping[UUID, int]) -> dict[UUID, FaceSubject]:
    """Return the subjects that have not ended."""
    rows = scope.session.exec(
        select(FaceSubject)
        .where(
            FaceSubject.tenant_id == scope.tenant_id,
            col(FaceSubject.id).in_(list(wanted)),
            col(FaceSubject.ended_at).is_(None),
        )
        .order_by(col(FaceSubject.id))
        .execution_options(populate_existing=True)
    )
    return {row.id: row for row in rows}


def people_using_reference(scope: Scope, sha256: str) -> set[UUID]:
    """Return the synthetic persons that have these bytes among their reference pictures."""
    rows = scope.run(
        "SELECT person_id FROM face_subjects WHERE tenant_id = :tenant AND basis = 'reference'"
        " AND ended_at IS NULL AND pictures @> to_jsonb(CAST(:sha256 AS text))",
        tenant=scope.tenant_id,
        sha256=sha256,
    )
    return {row.person_id for row in rows}


def _record_search(scope: Scope, sha256: str, compared: FaceComparisonResult) -> None:
    with scope.acting_as("gate"):
        scope.run(
            "INSERT INTO face_searches (tenant_id, id, sha256, model, version, complete, faces)"
            " VALUES (:tenant, :id, :sha256, :model, :version, :complete, :faces)"
            " ON CONFLICT (tenant_id, sha256) DO UPDATE SET model = excluded.model,"
            " version = excluded.version, complete = excluded.complete, faces = excluded.faces,"
            " updated_at = house_now()"
            " WHERE face_searches.version <= excluded.version",
            tenant=scope.tenant_id,
            id=uuid7(),
            sha256=sha256,
            model=compared.model,
            version=compared.version,
            complete=compared.complete,
            faces=compared.faces,
        )


_FOUND = """
INSERT INTO likenesses (tenant_id, id, sha256, subject_id, person_id, model, score, digest)
VALUES (:tenant, :id, :sha256, :subject, :person, :model, :score, :digest)
ON CONFLICT (tenant_id, sha256, subject_id) DO UPDATE SET model = excluded.model,
  score = excluded.score, digest = excluded.digest, updated_at = house_now()
  WHERE likenesses.digest <> excluded.digest
"""


def _record_resemblance(
    scope: Scope, sha256: str, subject: FaceSubject, compared: FaceComparisonResult
) -> bool:
    """Record one resemblance. Return True if it is new, or found with another template or model."""
    box = scope.run(
        "SELECT box FROM face_templates"
        " WHERE tenant_id = :tenant AND subject_id = :subject AND model = :model",
        tenant=scope.tenant_id,
        subject=subject.id,
        model=compared.model,
    ).scalar()
    bound = " ".join([sha256, str(subject.id), compared.model]).encode() + bytes(box or b"")
    with scope.acting_as("gate"):
        done = scope.run(
            _FOUND,
            tenant=scope.tenant_id,
            id=uuid7(),
            sha256=sha256,
            subject=subject.id,
            person=subject.person_id,
            model=compared.model,
            score=compared.resembles[subject.id],
            digest=hashlib.sha256(bound).hexdigest(),
        )
    return bool(done.rowcount)
