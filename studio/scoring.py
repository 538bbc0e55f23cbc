"""How alike a picture is to the look it was made after: measured once by the workers, shown beside it, and no proof of
who anybody is, or how old.

Faces are compared where a model tells them apart and who is shown agreed to that; else colours and edges are. Vectors
are held as long as one comparison takes, and kept nowhere.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import ForeignKeyConstraint, UniqueConstraint
from sqlmodel import select

from foundation.database import CreatorRow, OpenScope, Scope, reason_column, stored, table
from foundation.errors import BadInput, NotFound, Refused
from foundation.ids import uuid7
from foundation.jobs import heartbeat
from foundation.storage import ObjectStore
from foundation.words import Message, canonical
from gate import imitating
from generators import faces, media, resemblance
from generators.classifying import Classifier
from generators.media import Photo
from generators.views import whole
from studio import library, looks, models
from studio.events import LookScoreDue

SCORING = "system:scoring"
FACE = "face:"
"""Before the name of the model that told faces apart."""


class LookScore(CreatorRow, table=True):
    """How alike a picture is to its look, or why nobody knows."""

    __tablename__ = "look_scores"
    __table_args__ = table(
        UniqueConstraint("tenant_id", "asset_id"),
        ForeignKeyConstraint(["tenant_id", "asset_id"], ["assets.tenant_id", "assets.id"]),
        about="creator",
        keep="while the tenant is here",
    )
    asset_id: UUID
    method: str
    """With its version; empty where nothing was compared."""
    score: int | None = None
    """In percent."""
    reason: dict[str, object] | None = reason_column()


@dataclass(frozen=True)
class Score:
    """How alike, in percent, and by what method; `why` there is no figure; neither while it waits."""

    method: str = ""
    score: int | None = None
    why: Message | None = None

    @property
    def of_faces(self) -> bool:
        """Whether faces were compared, not whole pictures."""
        return self.method.startswith(FACE)


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
SELECT c.tenant_id, :id, c.creator_id, c.asset_id, :method, :score, CAST(:reason AS jsonb) FROM creations c
WHERE c.tenant_id = :tenant AND c.asset_id = :asset
ON CONFLICT (tenant_id, asset_id) DO NOTHING
"""


def of(scope: Scope, assets: Collection[UUID]) -> dict[UUID, Score]:
    """The scores of those of these pictures that were made after a look."""
    rows = scope.run(_OF, tenant=scope.tenant_id, assets=list(assets))
    return {
        row.asset_id: Score(row.method or "", row.score, Message.from_json(row.reason) if row.reason else None)
        for row in rows
    }


def score(event: LookScoreDue, *, tenant: OpenScope, store: ObjectStore, classifier: Classifier | None) -> None:
    """Measure one picture; ends quietly for one that keeps to no look, is gone or was measured before.

    Raises EngineError while the classifier cannot say whether it tells faces apart.
    """
    with tenant(event.tenant_id, SCORING) as scope:
        wanted = _wanted(scope, event.subject_id)
    if wanted is None:
        return
    if isinstance(wanted, Message):
        found = Score(why=wanted)
    else:
        try:
            with heartbeat() as pulse:
                found = _measured(event.tenant_id, wanted, store, classifier)
                pulse.check()
        except (NotFound, BadInput):
            found = Score(why=Message("look.lost"))
    _keep(event, found, tenant)


def gave_up(event: LookScoreDue, *, tenant: OpenScope) -> None:
    """The classifier was away for too long: there is no figure, and why is said."""
    _keep(event, Score(why=Message("look.unmeasured")), tenant)


def _wanted(scope: Scope, asset_id: UUID) -> _Wanted | Message | None:
    row = scope.session.exec(
        select(models.Creation.creator_id, models.Creation.sha256, models.Job.look)
        .join(models.Job, models.Job.id == models.Creation.job_id)  # type: ignore[arg-type]  # columns
        .where(
            models.Creation.tenant_id == scope.tenant_id,
            models.Job.tenant_id == scope.tenant_id,
            models.Creation.asset_id == asset_id,
        )
    ).first()
    if row is None or not row[2] or of(scope, [asset_id])[asset_id] != Score():
        return None
    look = [sha256 for _, sha256 in row[2]]
    try:
        looks.check(scope, row[0], list(row[2]))
    except (BadInput, NotFound, Refused):
        return Message("look.lost")
    return _Wanted(row[0], row[1], look, imitating.faces_may_be_compared(scope, look))


def _measured(tenant_id: UUID, wanted: _Wanted, store: ObjectStore, classifier: Classifier | None) -> Score:
    """No transaction is open. Raises NotFound, BadInput, EngineError."""
    photos = [media.read(store.get(tenant_id, sha256), name=sha256) for sha256 in (wanted.sha256, *wanted.look)]
    by_face = _by_face(photos, classifier) if classifier is not None and wanted.by_face else None
    if by_face is not None:
        return by_face
    alike = resemblance.percent(photos[0].pixels, [photo.pixels for photo in photos[1:]])
    return Score(resemblance.METHOD, alike)


def _by_face(photos: Sequence[Photo], classifier: Classifier) -> Score | None:
    """The faces of the first photo against those of the others; None where one model did not tell them all apart."""
    seen = [classifier.look((whole(photo),)).faces for photo in photos]
    told = [each for each in seen if each is not None]
    if len(told) < len(seen) or len({each.model for each in told}) > 1:
        return None
    near = faces.nearest(told[0].found, [each.found for each in told[1:]])
    method = f"{FACE}{told[0].model}"
    return Score(method, near, Message("look.no_face") if near is None else None)


def _keep(event: LookScoreDue, found: Score, tenant: OpenScope) -> None:
    with tenant(event.tenant_id, SCORING) as scope:
        library.alone(scope, "look_score", event.subject_id)
        scope.run(
            _KEEP,
            tenant=event.tenant_id,
            id=uuid7(),
            asset=event.subject_id,
            method=found.method,
            score=found.score,
            reason=canonical(stored(found.why)).decode() if found.why is not None else None,
        )
