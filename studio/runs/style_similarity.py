"""Style similarity of images to their style references, measured once by workers and shown to
members.

It does not prove the identity or age of a person. Faces are compared if a model detects them
separately and the person consented; otherwise colours and edges are. Vectors exist only during a
comparison and are not stored.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlmodel import select

from foundation.canonical_json import canonical_json
from foundation.db.database import OpenScope, Scope
from foundation.db.tables import stored_message
from foundation.errors import BadInput, NotFound, Refused
from foundation.i18n.translation import Message
from foundation.ids import uuid7
from foundation.outbox.heartbeat import heartbeat
from foundation.storage.object_store import ObjectStore
from gate.permits import reference_images
from generators.analysis import face_similarity, face_vectors
from generators.analysis.picture_views import whole_view
from generators.contract.classifier import Classifier
from generators.media import pictures
from generators.media.pictures import DecodedPhoto
from studio.library import assets, models
from studio.recipes import style_references
from studio.runs.events import StyleScoreDue
from studio.runs.models import JobRow

SCORING = "system:scoring"
FACE_METHOD_PREFIX = "face:"
"""Prefix of the names of methods that compare faces; the name of the model follows."""


@dataclass(frozen=True)
class StyleScore:
    """A similarity in percent with its method, or the reason why there is none; empty while
    pending."""

    method: str = ""
    score: int | None = None
    missing_reason: Message | None = None

    @property
    def of_faces(self) -> bool:
        """True if faces were compared instead of whole images."""
        return self.method.startswith(FACE_METHOD_PREFIX)


@dataclass(frozen=True)
class _Wanted:
    creator_id: UUID
    sha256: str
    look: Sequence[str]
    by_face: bool


_OF = """
SELECT c.asset_id, s.method, s.score, s.reason FROM creations c
JOIN jobs j ON j.tenant_id = c.tenant_id AND j.id = c.job_id AND j.look <> CAST('[]' AS jsonb)
LEFT JOIN look_scores s ON s.tenant_id = c.tenant_id AND s.asset_id = c.asset_id
WHERE c.tenant_id = :tenant AND c.asset_id = ANY(:assets)
"""

_KEEP = """
INSERT INTO look_scores (tenant_id, id, creator_id, asset_id, method, score, reason)
SELECT c.tenant_id, :id, c.creator_id, c.asset_id, :method, :score, CAST(:reason AS jsonb) FROM
creations c
WHERE c.tenant_id = :tenant AND c.asset_id = :asset
ON CONFLICT (tenant_id, asset_id) DO NOTHING
"""


def style_scores(scope: Scope, assets: Collection[UUID]) -> dict[UUID, StyleScore]:
    """Return the scores of these images, except those made without style references."""
    rows = scope.run(_OF, tenant=scope.tenant_id, assets=list(assets))
    return {
        row.asset_id: StyleScore(
            row.method or "", row.score, Message.from_json(row.reason) if row.reason else None
        )
        for row in rows
    }


def measure_style_similarity(
    event: StyleScoreDue, *, tenant: OpenScope, store: ObjectStore, classifier: Classifier | None
) -> None:
    """Measure an image. Does nothing if it has no style references, was deleted or is already
    measured.

    Raises EngineError while the classifier is unavailable.
    """
    with tenant(event.tenant_id, SCORING) as scope:
        wanted = _find_comparison(scope, event.subject_id)
    if wanted is None:
        return
    if isinstance(wanted, Message):
        found = StyleScore(missing_reason=wanted)
    else:
        try:
            with heartbeat() as pulse:
                found = _measure_style(event.tenant_id, wanted, store, classifier)
                pulse.check_lease()
        except (NotFound, BadInput):
            found = StyleScore(missing_reason=Message("look.lost"))
    _record_score(event, found, tenant)


def fail_style_score(event: StyleScoreDue, *, tenant: OpenScope) -> None:
    """Record that an image could not be measured, after the last attempt."""
    _record_score(event, StyleScore(missing_reason=Message("look.unmeasured")), tenant)


def _find_comparison(scope: Scope, asset_id: UUID) -> _Wanted | Message | None:
    row = scope.session.exec(
        select(models.CreationRow.creator_id, models.CreationRow.sha256, JobRow.look)
        .join(JobRow, JobRow.id == models.CreationRow.job_id)  # type: ignore[arg-type]  # columns
        .where(
            models.CreationRow.tenant_id == scope.tenant_id,
            JobRow.tenant_id == scope.tenant_id,
            models.CreationRow.asset_id == asset_id,
        )
    ).first()
    if row is None or not row[2] or style_scores(scope, [asset_id])[asset_id] != StyleScore():
        return None
    look = [sha256 for _, sha256 in row[2]]
    try:
        style_references.check_style(scope, row[0], list(row[2]))
    except (BadInput, NotFound, Refused):
        return Message("look.lost")
    return _Wanted(row[0], row[1], look, reference_images.can_compare_faces(scope, look))


def _measure_style(
    tenant_id: UUID, wanted: _Wanted, store: ObjectStore, classifier: Classifier | None
) -> StyleScore:
    """Measure an image without an open transaction. Raises NotFound, BadInput, EngineError."""
    photos = [
        pictures.decode_photo(store.get(tenant_id, sha256), name=sha256)
        for sha256 in (wanted.sha256, *wanted.look)
    ]
    by_face = _by_face(photos, classifier) if classifier is not None and wanted.by_face else None
    if by_face is not None:
        return by_face
    alike = face_similarity.similarity_percent(
        photos[0].pixels, [photo.pixels for photo in photos[1:]]
    )
    return StyleScore(face_similarity.SIMILARITY_METHOD, alike)


def _by_face(photos: Sequence[DecodedPhoto], classifier: Classifier) -> StyleScore | None:
    """Compare the faces in the first photo with those in the others. Return None if the faces were
    not all detected by one model."""
    seen = [classifier.classify_views((whole_view(photo),)).faces for photo in photos]
    told = [each for each in seen if each is not None]
    if len(told) < len(seen) or len({each.model for each in told}) > 1:
        return None
    near = face_vectors.nearest_faces(told[0].found, [each.found for each in told[1:]])
    method = f"{FACE_METHOD_PREFIX}{told[0].model}"
    return StyleScore(method, near, Message("look.no_face") if near is None else None)


def _record_score(event: StyleScoreDue, found: StyleScore, tenant: OpenScope) -> None:
    with tenant(event.tenant_id, SCORING) as scope:
        assets.lock_library(scope, "look_score", event.subject_id)
        scope.run(
            _KEEP,
            tenant=event.tenant_id,
            id=uuid7(),
            asset=event.subject_id,
            method=found.method,
            score=found.score,
            reason=canonical_json(stored_message(found.missing_reason)).decode()
            if found.missing_reason is not None
            else None,
        )
