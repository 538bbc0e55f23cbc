"""Faces, compared: whom a new picture resembles, whose face becomes known here, and what has to be
compared again.

Templates are opened here alone, by what wiring hands in, for as long as one comparison takes; no
transaction is open meanwhile, and nothing of them is kept or logged.
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
"""Pictures compared again before others get their turn."""

AGAIN = timedelta(days=1)
"""Until then nobody may have said who is in a picture of somebody who agreed."""


@dataclass(frozen=True)
class OpenedTemplates:
    """Everybody whose face a model knows, for as long as it takes to compare."""

    known: KnownFaces
    vectors: Mapping[UUID, FaceVectors] = field(repr=False)


@dataclass(frozen=True)
class FaceComparison:
    """What comparing needs: templates are opened and closed by tenant; `alike` is from which
    percent on."""

    tenant: OpenScope
    store: ObjectStore
    classifier: Classifier | None
    reveal: RevealSecret
    seal: SealSecret
    alike: int

    def __call__(self, tenant_id: UUID, seen: ClassifierReport) -> FaceComparisonResult | None:
        """Whom a picture resembles; None where no faces were told apart. No transaction may be
        open."""
        if seen.faces is None:
            return None
        return self.compare(self.open_templates(tenant_id, seen.faces.model), seen.faces)

    def open_templates(self, tenant_id: UUID, model: str) -> OpenedTemplates:
        """Every face that a model knows in a tenant, open; who agreed and it does not know is
        looked at by it."""
        with self.tenant(tenant_id, FACE_COMPARISON_ACTOR) as scope:
            known = known_faces.known_faces(scope, model)
            for subject in (
                known.waiting
            ):  # the model is new: they are known to it as soon as it saw their pictures
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
        """Whom faces resemble, of the same model."""
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
        """Somebody's vectors; none where the box does not open, or is another's: then nobody counts
        as compared."""
        try:
            return unpack_vectors(str(subject), model, self.reveal(tenant_id, box))
        except (ValueError, Unavailable):
            return FaceVectors(0, b"")

    def seal_vectors(
        self, tenant_id: UUID, subject: UUID, model: str, found: tuple[bytes, ...]
    ) -> Sealed:
        """Vectors as they are kept: only for this subject and this model."""
        return self.seal(tenant_id, pack_vectors(str(subject), model, found))


def create_face_template(event: FaceEnrolmentDue, *, by: FaceComparison) -> None:
    """Make the template of somebody who agreed, from photographs that show them alone; ends quietly
    once they agree no more.

    Raises `outbox.RetryLater` while there is no photograph, or nothing that tells faces apart;
    EngineError while it is away.
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
    """Put the face of a picture on the list of those nobody may depict, and forget the picture; who
    asked is told at Home where it shows no single face. Raises EngineError while the classifier is
    away."""
    try:
        data = by.store.get(event.tenant_id, event.sha256)
    except NotFound:  # done before
        return
    try:
        told = _face_in(by.classifier, data)
    except BadInput:  # no picture at all
        told = None
    if told is None:
        fail_barred_face(event, by=by)
        return
    box = by.seal_vectors(event.tenant_id, event.subject_id, *told)
    with by.tenant(event.tenant_id, event.by) as scope:
        handle_face_ban(scope, event, model=told[0], box=box)
    _delete_banned_picture(event, by=by)


def fail_barred_face(event: FaceBanRequested, *, by: FaceComparison) -> None:
    """Nobody is on the list, and members are told: no single face, or nothing answered for too
    long."""
    with by.tenant(event.tenant_id, event.by) as scope:
        report_face_ban_failed(scope, event)
    _delete_banned_picture(event, by=by)


def _delete_banned_picture(event: FaceBanRequested, *, by: FaceComparison) -> None:
    """The picture of who is on the list is not kept; one of the library stays there."""
    with by.tenant(event.tenant_id, FACE_COMPARISON_ACTOR) as scope:
        assets.lock_library(scope, "object", event.sha256)
        if not assets.is_object_in_use(scope, event.sha256):
            by.store.delete(event.tenant_id, event.sha256)


def _face_in(classifier: Classifier | None, data: bytes) -> tuple[str, tuple[bytes, ...]] | None:
    """The model and the vectors of the one face of a picture; None where it shows none, or several.
    Raises BadInput, EngineError."""
    if classifier is None:
        return None
    seen = classifier.classify_views(portrait_views(pictures.decode_photo(data, name="face")))
    found = single_face_vectors(seen.faces) if seen.faces is not None else ()
    return (seen.faces.model, found) if seen.faces is not None and found else None


def compare_again(event: FaceComparisonDue, *, by: FaceComparison) -> None:
    """Look again at the pictures that were not compared with every face known by now, some of them
    at a time.

    Raises `outbox.RetryLater` while there are more, EngineError while the classifier cannot say
    anything.
    """
    if by.classifier is None:
        return
    with by.tenant(event.tenant_id, FACE_COMPARISON_ACTOR) as scope:
        wanted = known_faces.list_uncompared_pictures(scope, most=SLICE)
    there: dict[
        str, OpenedTemplates
    ] = {}  # opened once; who becomes known meanwhile comes in the next turn
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
    """Compare one picture; whether the classifier tells faces apart at all. What is gone, or no
    picture, counts as compared with nobody: it cannot leave either."""
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
