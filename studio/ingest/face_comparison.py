"""Face comparison: resemblances of new images, enrolment of faces, and repeated comparisons.

Face templates are decrypted only here, for the duration of one comparison. No transaction is open
then, and decrypted templates are not stored or logged.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

from foundation.db.database import OpenScope
from foundation.errors import BadInput, NotFound, Unavailable
from foundation.outbox import outbox
from foundation.outbox.heartbeat import heartbeat
from foundation.sealed import RevealSecret, Sealed, SealSecret
from foundation.storage.object_store import ObjectStore
from gate.faces import known_faces
from gate.faces.known_faces import (
    FaceComparisonDue,
    FaceComparisonResult,
    FaceEnrolmentDue,
    KnownFaces,
)
from gate.reviews.face_bans import FaceBanRequested, handle_face_ban, report_face_ban_failed
from generators.analysis import face_vectors as vectors
from generators.analysis.face_vectors import (
    FaceVectors,
    pack_vectors,
    portrait_views,
    single_face_vectors,
    unpack_vectors,
)
from generators.analysis.picture_views import picture_views
from generators.contract.classifier import Classifier, ClassifierReport, DetectedFaces
from generators.media import pictures
from studio.ingest import classification
from studio.library import assets

FACE_COMPARISON_ACTOR = "system:comparing"
SLICE = 40
"""Number of images compared per event before other work is processed."""

AGAIN = timedelta(days=1)
"""Delay until the next enrolment attempt. Until then, a member may identify the person in an image.
"""


@dataclass(frozen=True)
class OpenedTemplates:
    """The decrypted templates of all faces enrolled with a model."""

    known: KnownFaces
    vectors: Mapping[UUID, FaceVectors] = field(repr=False)


@dataclass(frozen=True)
class FaceComparison:
    """The dependencies of a comparison. `reveal` and `seal` decrypt and encrypt templates per
    tenant; `alike` is the threshold in percent."""

    tenant: OpenScope
    store: ObjectStore
    classifier: Classifier | None
    reveal: RevealSecret
    seal: SealSecret
    alike: int

    def __call__(self, tenant_id: UUID, seen: ClassifierReport) -> FaceComparisonResult | None:
        """Return the resemblances of an image, or None if no faces were detected separately.

        No transaction may be open.
        """
        if seen.faces is None:
            return None
        return self.compare(self.open_templates(tenant_id, seen.faces.model), seen.faces)

    def open_templates(self, tenant_id: UUID, model: str) -> OpenedTemplates:
        """Decrypt all faces of a tenant that are enrolled with a model, and queue the enrolment of
        consenting persons who are not."""
        with self.tenant(tenant_id, FACE_COMPARISON_ACTOR) as scope:
            known = known_faces.known_faces(scope, model)
            # A new model knows a person only after it has processed their images.
            for subject in known.waiting:
                outbox.put(scope, FaceEnrolmentDue(tenant_id, subject), dedupe=f"face:{subject}")
            if known_faces.has_uncompared_pictures(scope):
                known_faces.request_comparison(scope)
        return OpenedTemplates(
            known,
            {
                one: self._open_vectors(tenant_id, one, model, box)
                for one, box in known.boxes.items()
            },
        )

    def compare(self, there: OpenedTemplates, found: DetectedFaces) -> FaceComparisonResult:
        """Return the resemblances of detected faces to templates of the same model."""
        known = there.known
        width = vectors.vector_width(found.found)
        comparable = all(
            each.halves and width in (0, each.width) for each in there.vectors.values()
        )
        scores = vectors.find_resemblances(found.found, there.vectors, alike=self.alike)
        return FaceComparisonResult(
            known.model, known.version, known.complete and comparable, len(found.found), scores
        )

    def _open_vectors(self, tenant_id: UUID, subject: UUID, model: str, box: Sealed) -> FaceVectors:
        """Return the vectors of a person, empty if decryption fails; the comparison is then
        incomplete."""
        try:
            return unpack_vectors(str(subject), model, self.reveal(tenant_id, box))
        except (ValueError, Unavailable):
            return FaceVectors(0, b"")

    def seal_vectors(
        self, tenant_id: UUID, subject: UUID, model: str, found: tuple[bytes, ...]
    ) -> Sealed:
        """Encrypt vectors, bound to their subject and model."""
        return self.seal(tenant_id, pack_vectors(str(subject), model, found))


def create_face_template(event: FaceEnrolmentDue, *, by: FaceComparison) -> None:
    """Create the template of a consenting person from photographs that show only that person.

    Does nothing once consent is withdrawn. Raises `outbox.RetryLater` without a usable photograph,
    EngineError while the classifier is unavailable.
    """
    with by.tenant(event.tenant_id, FACE_COMPARISON_ACTOR) as scope:
        digests = known_faces.enrolment_pictures(scope, event.subject_id)
    if digests is None:
        return
    model = ""
    found = dict[str, tuple[bytes, ...]]()
    for sha256 in digests:
        told = _face_in(by.classifier, by.store.get(event.tenant_id, sha256))
        if told is not None and told[0] == (model or told[0]):
            model, found[sha256] = told
    if not found:
        raise outbox.RetryLater(AGAIN)
    every = tuple(vector for each in found.values() for vector in each)
    box = by.seal_vectors(event.tenant_id, event.subject_id, model, every)
    with by.tenant(event.tenant_id, FACE_COMPARISON_ACTOR) as scope:
        known_faces.store_template(
            scope, event.subject_id, model=model, box=box, pictures=list(found)
        )


def add_barred_face(event: FaceBanRequested, *, by: FaceComparison) -> None:
    """Add the face in an image to the list of persons who must not be depicted, and delete the
    image.

    Members receive a notice if the image does not show exactly one face. Raises EngineError while
    the classifier is unavailable.
    """
    try:
        data = by.store.get(event.tenant_id, event.sha256)
    except NotFound:  # already processed
        return
    try:
        told = _face_in(by.classifier, data)
    except BadInput:  # not an image
        told = None
    if told is None:
        fail_barred_face(event, by=by)
        return
    box = by.seal_vectors(event.tenant_id, event.subject_id, *told)
    with by.tenant(event.tenant_id, event.by) as scope:
        handle_face_ban(scope, event, model=told[0], box=box)
    _delete_banned_picture(event, by=by)


def fail_barred_face(event: FaceBanRequested, *, by: FaceComparison) -> None:
    """Notify members that a face was not added because the number of faces was not one or the
    classifier was unavailable."""
    with by.tenant(event.tenant_id, event.by) as scope:
        report_face_ban_failed(scope, event)
    _delete_banned_picture(event, by=by)


def _delete_banned_picture(event: FaceBanRequested, *, by: FaceComparison) -> None:
    """Delete the image of a banned face, unless it is also in the library."""
    with by.tenant(event.tenant_id, FACE_COMPARISON_ACTOR) as scope:
        assets.lock_library(scope, "object", event.sha256)
        if not assets.is_object_in_use(scope, event.sha256):
            by.store.delete(event.tenant_id, event.sha256)


def _face_in(classifier: Classifier | None, data: bytes) -> tuple[str, tuple[bytes, ...]] | None:
    """Return the model and the vectors of the only face in an image, or None if there is none or
    several.

    Raises BadInput and EngineError.
    """
    if classifier is None:
        return None
    seen = classifier.classify_views(portrait_views(pictures.decode_photo(data, name="face")))
    found = single_face_vectors(seen.faces) if seen.faces is not None else ()
    return (seen.faces.model, found) if seen.faces is not None and found else None


def compare_again(event: FaceComparisonDue, *, by: FaceComparison) -> None:
    """Compare images with faces that were enrolled after their last comparison, `SLICE` images at a
    time.

    Raises `outbox.RetryLater` while images remain, EngineError while the classifier is unavailable.
    """
    if by.classifier is None:
        return
    with by.tenant(event.tenant_id, FACE_COMPARISON_ACTOR) as scope:
        wanted = known_faces.list_uncompared_pictures(scope, most=SLICE)
    there: dict[
        str, OpenedTemplates
    ] = {}  # decrypted once per event; faces enrolled in the meantime are compared in the next one
    with heartbeat() as pulse:
        for sha256 in wanted:
            pulse.check_lease()
            if not _compare_picture(event.tenant_id, sha256, by.classifier, by=by, there=there):
                return
    if len(wanted) == SLICE:
        raise outbox.RetryLater(timedelta(0))


def _compare_picture(
    tenant_id: UUID,
    sha256: str,
    classifier: Classifier,
    *,
    by: FaceComparison,
    there: dict[str, OpenedTemplates],
) -> bool:
    """Compare one image. Return False if the classifier does not detect faces separately.

    A deleted or invalid image is skipped, because it cannot be published either.
    """
    try:
        seen = classifier.classify_views(
            picture_views(pictures.decode_photo(by.store.get(tenant_id, sha256), name=sha256))
        )
    except (NotFound, BadInput):
        return True
    if seen.faces is None:
        return False
    model = seen.faces.model
    if model not in there:
        there[model] = by.open_templates(tenant_id, model)
    found = by.compare(there[model], seen.faces)
    with by.tenant(tenant_id, FACE_COMPARISON_ACTOR) as scope:
        classification.record_findings(scope, sha256, seen, found)
    return True
