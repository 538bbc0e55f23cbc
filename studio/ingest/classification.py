"""Classification of images and videos before they are recorded, and again later if it was
incomplete.

The classifier runs without an open transaction; its result is stored together with the asset. A
failure is recorded together with an event that repeats the classification, so that the repetition
cannot be lost.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import chain
from uuid import UUID

from foundation.db.database import OpenScope, Scope
from foundation.errors import NotFound
from foundation.outbox import outbox
from foundation.outbox.heartbeat import heartbeat
from foundation.storage.object_store import ObjectStore
from gate.faces import resemblances
from gate.faces.known_faces import FaceComparisonResult
from gate.ratings import inspections
from generators.analysis.picture_views import picture_views
from generators.contract.classifier import Classifier, ClassifierReport
from generators.contract.engines import EngineError, UnusableAnswer
from generators.contract.picture_checks import CheckFinding, PictureChecks
from generators.media import pictures
from generators.media.pictures import DecodedPhoto
from generators.video import video_files
from generators.video.video_files import DecodedVideo
from studio.ingest import video_assets
from studio.ingest.events import ClassificationDue
from studio.ingest.video_assets import PartialClassification

_WHITE = (255, 255, 255)
_BLACK = (0, 0, 0)

CLASSIFICATION_ACTOR = "system:looking"


@dataclass(frozen=True)
class ClassificationMissed:
    """A classifier is configured but could not classify the file."""


ClassificationResult = ClassifierReport | PartialClassification | ClassificationMissed | None
"""The result of a classification, or None without a classifier."""


def classify(
    photo: DecodedPhoto, classifier: Classifier | None, *, film: DecodedVideo | None = None
) -> ClassificationResult:
    """Classify every view of an image, or of the video that it represents. Never raises engine
    errors."""
    if classifier is None:
        return None
    if film is not None:
        found = video_assets.classify_video(film, classifier)
        return ClassificationMissed() if found == PartialClassification(None, again=True) else found
    try:
        return classifier.classify_views(picture_views(photo))
    except EngineError:
        return ClassificationMissed()


def run_checks(
    photo: DecodedPhoto, checks: PictureChecks | None, *, film: DecodedVideo | None = None
) -> tuple[CheckFinding, ...]:
    """Run the bundled models on an image with its embedded preview, or on the covers and frames of
    a video. Nothing is found in audio, or without models."""
    if checks is None:
        return ()
    if film is None:
        grounds = (_WHITE, _BLACK) if photo.pixels.mode == "RGBA" else (_WHITE,)
        views = [pictures.flatten_on(photo.pixels, ground) for ground in grounds]
        return checks.check_views([*views, *([photo.preview] if photo.preview else [])])
    if not film.looked.frames:
        return ()
    frames = (frame.to_image() for frame in film.looked.frames)
    return checks.check_views(chain(film.covers, frames))


CompareFaces = Callable[[UUID, ClassifierReport], FaceComparisonResult | None]
"""Compares the faces of an image with those known to its tenant
(`studio/ingest/face_comparison.py`); no transaction is open."""


def compare_faces(
    tenant_id: UUID, found: ClassificationResult, compare: CompareFaces | None
) -> FaceComparisonResult | None:
    """Return the resemblances of an image, or None if no faces were detected separately."""
    seen = found.seen if isinstance(found, PartialClassification) else found
    return (
        compare(tenant_id, seen)
        if compare is not None and isinstance(seen, ClassifierReport)
        else None
    )


def record_classification(
    scope: Scope,
    asset_id: UUID,
    sha256: str,
    found: ClassificationResult,
    faces: FaceComparisonResult | None = None,
) -> None:
    """Record a classification; queue another one for missing parts."""
    match found:
        case ClassifierReport():
            record_findings(scope, sha256, found, faces)
        case ClassificationMissed():
            inspections.record_classifier_missing(scope, sha256)
            outbox.put(
                scope, ClassificationDue(scope.tenant_id, asset_id, sha256), dedupe=f"look:{sha256}"
            )
        case PartialClassification(seen=seen, again=again):
            if seen is not None:
                record_findings(scope, sha256, seen, faces)
            inspections.record_partial_inspection(scope, sha256)
            if again:
                outbox.put(
                    scope,
                    ClassificationDue(scope.tenant_id, asset_id, sha256),
                    dedupe=f"look:{sha256}",
                )


def reclassify(
    event: ClassificationDue,
    *,
    tenant: OpenScope,
    store: ObjectStore,
    classifier: Classifier | None,
    compare: CompareFaces | None = None,
) -> None:
    """Repeat a missed or partial classification. Raises EngineError while it remains incomplete.

    Does nothing if it was completed in the meantime, the file was deleted, or there is no
    classifier.
    """
    with tenant(event.tenant_id, CLASSIFICATION_ACTOR) as scope:
        wanted = inspections.needs_inspection(scope, event.sha256)
    if not wanted or classifier is None:
        return
    try:
        data = store.get(event.tenant_id, event.sha256)
    except NotFound:
        return
    with heartbeat() as pulse:
        found = _classify_bytes(data, event.sha256, classifier)
        pulse.check_lease()
    faces = compare_faces(event.tenant_id, found, compare)
    with tenant(event.tenant_id, CLASSIFICATION_ACTOR) as scope:
        if isinstance(found, ClassifierReport):
            record_findings(scope, event.sha256, found, faces)
            inspections.record_full_inspection(scope, event.sha256)
        elif found.seen is not None:
            record_findings(scope, event.sha256, found.seen, faces)
    if isinstance(found, PartialClassification) and found.again:
        raise UnusableAnswer("engine.classifier_part")


def _classify_bytes(
    data: bytes, name: str, classifier: Classifier
) -> ClassifierReport | PartialClassification:
    if video_files.is_video_or_audio(data):
        return video_assets.classify_video(video_files.reopen_video(data, name=name), classifier)
    return classifier.classify_views(picture_views(pictures.decode_photo(data, name=name)))


def record_findings(
    scope: Scope, sha256: str, seen: ClassifierReport, faces: FaceComparisonResult | None
) -> None:
    """Record classifier findings. The face comparison is recorded first, because it locks persons
    before the image."""
    if faces is not None:
        resemblances.record_comparison(scope, sha256, faces)
    inspections.record_classifier_finding(
        scope,
        sha256,
        source=seen.source,
        rating=seen.rating,
        prohibited=seen.prohibited,
        people=seen.people,
        words=seen.words,
    )
