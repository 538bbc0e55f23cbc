"""The classifier's look at pictures and films: before they are recorded, and again later where it could not say all.

The network is asked while no transaction is open; what it said is recorded with the picture, in one. A picture the
classifier could not look at is recorded as such together with the row that asks again, so neither is ever lost.
"""

from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from foundation import outbox
from foundation.database import OpenScope, Scope
from foundation.errors import NotFound
from foundation.jobs import heartbeat
from foundation.storage import ObjectStore
from gate import inspecting, likeness
from gate.faces import Compared
from generators import films, media
from generators.classifying import Classifier, Seen
from generators.contract import AnswerUnusable, EngineError
from generators.films import Film
from generators.media import Photo
from generators.views import views
from studio import filming
from studio.events import LookDue
from studio.filming import Partly

LOOKING = "system:looking"


@dataclass(frozen=True)
class Missed:
    """There is a classifier, and it could not say anything."""


Found = Seen | Partly | Missed | None
"""What a look brought; None where no classifier is there."""


def look(photo: Photo, classifier: Classifier | None, *, film: Film | None = None) -> Found:
    """Have the classifier see every view of a picture, or of the film it stands for. Never raises for what it does."""
    if classifier is None:
        return None
    if film is not None:
        found = filming.look(film, classifier)
        return Missed() if found == Partly(None, again=True) else found
    try:
        return classifier.look(views(photo))
    except EngineError:
        return Missed()


Compare = Callable[[UUID, Seen], Compared | None]
"""Compares the faces of a picture with those its tenant knows (`studio/comparing.py`); no transaction is open."""


def compared(tenant_id: UUID, found: Found, compare: Compare | None) -> Compared | None:
    """Whom a picture resembles; None where nothing told faces apart."""
    seen = found.seen if isinstance(found, Partly) else found
    return compare(tenant_id, seen) if compare is not None and isinstance(seen, Seen) else None


def note(scope: Scope, asset_id: UUID, sha256: str, found: Found, faces: Compared | None = None) -> None:
    """Hand down what was found; what was missed is looked at again later."""
    match found:
        case Seen():
            hand_down(scope, sha256, found, faces)
        case Missed():
            inspecting.missed(scope, sha256)
            outbox.put(scope, LookDue(scope.tenant_id, asset_id, sha256), dedupe=f"look:{sha256}")
        case Partly(seen=seen, again=again):
            if seen is not None:
                hand_down(scope, sha256, seen, faces)
            inspecting.partly(scope, sha256)
            if again:
                outbox.put(scope, LookDue(scope.tenant_id, asset_id, sha256), dedupe=f"look:{sha256}")


def again(
    event: LookDue,
    *,
    tenant: OpenScope,
    store: ObjectStore,
    classifier: Classifier | None,
    compare: Compare | None = None,
) -> None:
    """Look at what was missed, or seen in part. Raises EngineError while the classifier cannot say all.

    Ends quietly when somebody looked meanwhile, the picture is gone, or the installation has no classifier any more.
    """
    with tenant(event.tenant_id, LOOKING) as scope:
        wanted = inspecting.waiting(scope, event.sha256)
    if not wanted or classifier is None:
        return
    try:
        data = store.get(event.tenant_id, event.sha256)
    except NotFound:
        return
    with heartbeat() as pulse:
        found = _seen_now(data, event.sha256, classifier)
        pulse.check()
    faces = compared(event.tenant_id, found, compare)
    with tenant(event.tenant_id, LOOKING) as scope:
        if isinstance(found, Seen):
            hand_down(scope, event.sha256, found, faces)
            inspecting.wholly(scope, event.sha256)
        elif found.seen is not None:
            hand_down(scope, event.sha256, found.seen, faces)
    if isinstance(found, Partly) and found.again:
        raise AnswerUnusable("engine.classifier_part")


def _seen_now(data: bytes, name: str, classifier: Classifier) -> Seen | Partly:
    if films.moves(data):
        return filming.look(films.reread(data, name=name), classifier)
    return classifier.look(views(media.read(data, name=name)))


def hand_down(scope: Scope, sha256: str, seen: Seen, faces: Compared | None) -> None:
    """Record what a look found: the faces first, which lock people beside the picture."""
    if faces is not None:
        likeness.note(scope, sha256, faces)
    inspecting.record(
        scope,
        sha256,
        source=seen.source,
        rating=seen.rating,
        prohibited=seen.prohibited,
        people=seen.people,
        words=seen.words,
    )
