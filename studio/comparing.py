"""Faces, compared: whom a new picture resembles, whose face becomes known here, and what has to be compared again.

Templates are opened here alone, by what wiring hands in, for as long as one comparison takes; no transaction is open
meanwhile, and nothing of them is kept or logged.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

from foundation import outbox
from foundation.database import OpenScope
from foundation.errors import BadInput, NotFound, Unavailable
from foundation.jobs import heartbeat
from foundation.sealed import Reveal, Seal, Sealed
from foundation.storage import ObjectStore
from gate import faces, facing
from gate.faces import Compared, CompareDue, EnrolDue, Known
from gate.facing import BarWanted
from generators import faces as vectors
from generators import media
from generators.classifying import Classifier, Faces, Seen
from generators.faces import Vectors, alone, packed, portrait, unpacked
from generators.views import views
from studio import library, looking

COMPARING = "system:comparing"
SLICE = 40
"""Pictures compared again before others get their turn."""

AGAIN = timedelta(days=1)
"""Until then nobody may have said who is in a picture of somebody who agreed."""


@dataclass(frozen=True)
class Opened:
    """Everybody whose face a model knows, for as long as it takes to compare."""

    known: Known
    vectors: Mapping[UUID, Vectors] = field(repr=False)


@dataclass(frozen=True)
class Comparing:
    """What comparing needs: templates are opened and closed by tenant; `alike` is from which percent on."""

    tenant: OpenScope
    store: ObjectStore
    classifier: Classifier | None
    reveal: Reveal
    seal: Seal
    alike: int

    def __call__(self, tenant_id: UUID, seen: Seen) -> Compared | None:
        """Whom a picture resembles; None where no faces were told apart. No transaction may be open."""
        if seen.faces is None:
            return None
        return self.against(self.opened(tenant_id, seen.faces.model), seen.faces)

    def opened(self, tenant_id: UUID, model: str) -> Opened:
        """Every face that a model knows in a tenant, open; who agreed and it does not know is looked at by it."""
        with self.tenant(tenant_id, COMPARING) as scope:
            known = faces.known(scope, model)
            for subject in known.waiting:  # the model is new: they are known to it as soon as it saw their pictures
                outbox.put(scope, EnrolDue(tenant_id, subject), dedupe=f"face:{subject}")
            if faces.behind(scope):
                faces.compare(scope)
        return Opened(known, {one: self._open(tenant_id, one, model, box) for one, box in known.boxes.items()})

    def against(self, there: Opened, found: Faces) -> Compared:
        """Whom faces resemble, of the same model."""
        known, width = there.known, vectors.width_of(found.found)
        comparable = all(each.halves and width in (0, each.width) for each in there.vectors.values())
        scores = vectors.resembling(found.found, there.vectors, alike=self.alike)
        return Compared(known.model, known.version, known.complete and comparable, len(found.found), scores)

    def _open(self, tenant_id: UUID, subject: UUID, model: str, box: Sealed) -> Vectors:
        """Somebody's vectors; none where the box does not open, or is another's: then nobody counts as compared."""
        try:
            return unpacked(str(subject), model, self.reveal(tenant_id, box))
        except (ValueError, Unavailable):
            return Vectors(0, b"")

    def sealed(self, tenant_id: UUID, subject: UUID, model: str, found: tuple[bytes, ...]) -> Sealed:
        """Vectors as they are kept: only for this subject and this model."""
        return self.seal(tenant_id, packed(str(subject), model, found))


def enrol(event: EnrolDue, *, by: Comparing) -> None:
    """Make the template of somebody who agreed, from photographs that show them alone; ends quietly once they agree no
    more.

    Raises `outbox.Later` while there is no photograph, or nothing that tells faces apart; EngineError while it is away.
    """
    with by.tenant(event.tenant_id, COMPARING) as scope:
        digests = faces.portraits(scope, event.subject_id)
    if digests is None:
        return
    model, found = "", dict[str, tuple[bytes, ...]]()
    for sha256 in digests:
        told = _face_in(by.classifier, by.store.get(event.tenant_id, sha256))
        if told is not None and told[0] == (model or told[0]):
            model, found[sha256] = told
    if not found:
        raise outbox.Later(AGAIN)
    every = tuple(vector for each in found.values() for vector in each)
    box = by.sealed(event.tenant_id, event.subject_id, model, every)
    with by.tenant(event.tenant_id, COMPARING) as scope:
        faces.keep(scope, event.subject_id, model=model, box=box, pictures=list(found))


def bar(event: BarWanted, *, by: Comparing) -> None:
    """Put the face of a picture on the list of those nobody may depict, and forget the picture; who asked is told at
    Home where it shows no single face. Raises EngineError while the classifier is away."""
    try:
        data = by.store.get(event.tenant_id, event.sha256)
    except NotFound:  # done before
        return
    try:
        told = _face_in(by.classifier, data)
    except BadInput:  # no picture at all
        told = None
    if told is None:
        not_barred(event, by=by)
        return
    box = by.sealed(event.tenant_id, event.subject_id, *told)
    with by.tenant(event.tenant_id, event.by) as scope:
        facing.bar(scope, event, model=told[0], box=box)
    _forget(event, by=by)


def not_barred(event: BarWanted, *, by: Comparing) -> None:
    """Nobody is on the list, and members are told: no single face, or nothing answered for too long."""
    with by.tenant(event.tenant_id, event.by) as scope:
        facing.not_barred(scope, event)
    _forget(event, by=by)


def _forget(event: BarWanted, *, by: Comparing) -> None:
    """The picture of who is on the list is not kept; one of the library stays there."""
    with by.tenant(event.tenant_id, COMPARING) as scope:
        library.alone(scope, "object", event.sha256)
        if not library.wants(scope, event.sha256):
            by.store.delete(event.tenant_id, event.sha256)


def _face_in(classifier: Classifier | None, data: bytes) -> tuple[str, tuple[bytes, ...]] | None:
    """The model and the vectors of the one face of a picture; None where it shows none, or several. Raises BadInput,
    EngineError."""
    if classifier is None:
        return None
    seen = classifier.look(portrait(media.read(data, name="face")))
    found = alone(seen.faces) if seen.faces is not None else ()
    return (seen.faces.model, found) if seen.faces is not None and found else None


def again(event: CompareDue, *, by: Comparing) -> None:
    """Look again at the pictures that were not compared with every face known by now, some of them at a time.

    Raises `outbox.Later` while there are more, EngineError while the classifier cannot say anything.
    """
    if by.classifier is None:
        return
    with by.tenant(event.tenant_id, COMPARING) as scope:
        wanted = faces.stale(scope, most=SLICE)
    there: dict[str, Opened] = {}  # opened once; who becomes known meanwhile comes in the next turn
    with heartbeat() as pulse:
        for sha256 in wanted:
            pulse.check()
            if not _compared(event.tenant_id, sha256, by.classifier, by=by, there=there):
                return
    if len(wanted) == SLICE:
        raise outbox.Later(timedelta(0))


def _compared(tenant_id: UUID, sha256: str, classifier: Classifier, *, by: Comparing, there: dict[str, Opened]) -> bool:
    """Compare one picture; whether the classifier tells faces apart at all. What is gone, or no picture, counts as
    compared with nobody: it cannot leave either."""
    try:
        seen = classifier.look(views(media.read(by.store.get(tenant_id, sha256), name=sha256)))
    except (NotFound, BadInput):
        return True
    if seen.faces is None:
        return False
    model = seen.faces.model
    if model not in there:
        there[model] = by.opened(tenant_id, model)
    found = by.against(there[model], seen.faces)
    with by.tenant(tenant_id, COMPARING) as scope:
        looking.hand_down(scope, sha256, seen, found)
    return True
