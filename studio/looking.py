"""The classifier's look at pictures: before they are recorded, and again later where it could not say anything.

The network is asked while no transaction is open; what it said is recorded with the picture, in one. A picture the
classifier could not look at is recorded as such together with the row that asks again, so neither is ever lost.
"""

from dataclasses import dataclass
from uuid import UUID

from foundation import outbox
from foundation.database import OpenScope, Scope
from foundation.errors import NotFound
from foundation.storage import ObjectStore
from gate import inspecting
from generators import media
from generators.classifying import Classifier, Seen
from generators.contract import EngineError
from generators.media import Photo
from generators.views import views
from studio.events import LookDue

LOOKING = "system:looking"


@dataclass(frozen=True)
class Missed:
    """There is a classifier, and it could not say anything."""


Found = Seen | Missed | None
"""What a look brought; None where no classifier is there."""


def look(photo: Photo, classifier: Classifier | None) -> Found:
    """Have the classifier see every view of a picture. Never raises for what the classifier does."""
    if classifier is None:
        return None
    try:
        return classifier.look(views(photo))
    except EngineError:
        return Missed()


def note(scope: Scope, asset_id: UUID, sha256: str, found: Found) -> None:
    """Hand down what was found; what was missed is looked at again later."""
    match found:
        case Seen():
            _hand_down(scope, sha256, found)
        case Missed():
            inspecting.missed(scope, sha256)
            outbox.put(scope, LookDue(scope.tenant_id, asset_id, sha256), dedupe=f"look:{sha256}")


def again(event: LookDue, *, tenant: OpenScope, store: ObjectStore, classifier: Classifier | None) -> None:
    """Look at a picture that was missed. Raises EngineError while the classifier cannot say anything.

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
    seen = classifier.look(views(media.read(data, name=event.sha256)))
    with tenant(event.tenant_id, LOOKING) as scope:
        _hand_down(scope, event.sha256, seen)


def _hand_down(scope: Scope, sha256: str, seen: Seen) -> None:
    inspecting.record(
        scope,
        sha256,
        source=seen.source,
        rating=seen.rating,
        prohibited=seen.prohibited,
        people=seen.people,
        words=seen.words,
    )
