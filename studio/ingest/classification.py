"""The classifier's look at pictures and films: before they are recorded, and again later where it
could not say all.

The network is asked while no transaction is open; what it said is recorded with the picture, in
one. A picture the classifier could not look at is recorded as such together with the row that asks
again, so neither is ever lost.
"""

from collections.abc import Callable
from dataclasses import dataclass
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
from generators.media import pictures
from generators.media.pictures import DecodedPhoto
from generators.video import video_files
from generators.video.video_files import DecodedVideo
from studio.ingest import video_assets
from studio.ingest.events import ClassificationDue
from studio.ingest.video_assets import PartialClassification

CLASSIFICATION_ACTOR = "system:looking"


@dataclass(frozen=True)
class ClassificationMissed:
    """There is a classifier, and it could not say anything."""


ClassificationResult = ClassifierReport | PartialClassification | ClassificationMissed | None
"""What a look brought; None where no classifier is there."""


def classify(
    photo: DecodedPhoto, classifier: Classifier | None, *, film: DecodedVideo | None = None
) -> ClassificationResult:
    """Have the classifier see every view of a picture, or of the film it stands for. Never raises
    for what it does."""
    if classifier is None:
        return None
    if film is not None:
        found = video_assets.classify_video(film, classifier)
        return ClassificationMissed() if found == PartialClassification(None, again=True) else found
    try:
        return classifier.classify_views(picture_views(photo))
    except EngineError:
        return ClassificationMissed()


CompareFaces = Callable[[UUID, ClassifierReport], FaceComparisonResult | None]
"""Compares the faces of a picture with those its tenant knows (`studio/ingest/face_comparison.py`);
no transaction is open."""


def compare_faces(
    tenant_id: UUID, found: ClassificationResult, compare: CompareFaces | None
) -> FaceComparisonResult | None:
    """Whom a picture resembles; None where nothing told faces apart."""
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
    """Hand down what was found; what was missed is looked at again later."""
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
    """Look at what was missed, or seen in part. Raises EngineError while the classifier cannot say
    all.

    Ends quietly when somebody looked meanwhile, the picture is gone, or the installation has no
    classifier any more.
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
    """Record what a look found: the faces first, which lock people beside the picture."""
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
