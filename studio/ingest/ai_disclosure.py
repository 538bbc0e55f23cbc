"""AI disclosure: a member declares that a model made a file uploaded as a photograph, or answers
whether a file of unknown origin is a photograph. Both are irrevocable.

The declaration, or another upload of the file as generated, creates an event. A worker applies it,
because web processes may not write data that the gate relies on. Until the answer, a file of
unknown origin counts as generated.
"""

from uuid import UUID

from foundation.db.database import OpenScope, Scope
from foundation.errors import Refused
from foundation.outbox import outbox
from gate.assets import asset_records
from studio.ingest import origin_detection
from studio.ingest.events import AiDisclosureDue
from studio.library import assets
from tenants import audit
from tenants.agencies import queries
from tenants.agencies.rights import Right, require_right

_NAMED = """
UPDATE creations SET engine = :unnamed, updated_at = house_now()
WHERE tenant_id = :tenant AND asset_id = ANY(:assets) AND engine = :camera
"""


def request_ai_disclosure(scope: Scope, asset_id: UUID) -> None:
    """Declare, as the acting member, that a model made a file.

    Raises Refused for members without the right and for files whose AI origin is recorded;
    NotFound.
    """
    require_right(queries.get_acting_member(scope, "review.people_only").role, Right.RUN)
    if assets.get_asset(scope, asset_id).engine not in origin_detection.DECLARABLE_ENGINES:
        raise Refused("avow.no_photograph")
    schedule_ai_disclosure(scope, asset_id, by=scope.actor)


def confirm_photograph(scope: Scope, asset_id: UUID) -> None:
    """Answer, as the acting member, that a file of unknown origin is a photograph.

    Raises Refused for members without the right and for files whose origin is known; NotFound.
    """
    require_right(queries.get_acting_member(scope, "review.people_only").role, Right.RUN)
    if assets.get_asset(scope, asset_id).engine != origin_detection.UNCONFIRMED_ENGINE:
        raise Refused("avow.origin_known")
    outbox.put(
        scope,
        AiDisclosureDue(scope.tenant_id, asset_id, scope.actor, is_photograph=True),
        priority=1,
        dedupe=f"avow.photo:{asset_id}",
    )


def schedule_ai_disclosure(scope: Scope, asset_id: UUID, *, by: str) -> None:
    """Queue the declaration on behalf of `by`; duplicates are ignored."""
    outbox.put(
        scope, AiDisclosureDue(scope.tenant_id, asset_id, by), priority=1, dedupe=f"avow:{asset_id}"
    )


def apply_ai_disclosure(event: AiDisclosureDue, *, tenant: OpenScope) -> None:
    """Mark the asset, the assets it was copied from and the assets derived from it as generated, or
    as photographs if their origin was unknown. Idempotent: the first answer counts."""
    with tenant(event.tenant_id, event.by) as scope:
        engine, ai = (
            (origin_detection.CAMERA_ENGINE, "none")
            if event.is_photograph
            else (origin_detection.UNKNOWN_ENGINE, "generated")
        )
        unconfirmed = origin_detection.UNCONFIRMED_ENGINE
        found = asset_records.settle_origin(
            scope, event.subject_id, unconfirmed=unconfirmed, engine=engine, ai=ai
        )
        scope.run(_NAMED, tenant=scope.tenant_id, assets=found, unnamed=engine, camera=unconfirmed)
        if not event.is_photograph:
            names = {"camera": origin_detection.CAMERA_ENGINE, "unnamed": engine}
            declared = asset_records.disclose_as_generated(scope, event.subject_id, **names)
            scope.run(_NAMED, tenant=scope.tenant_id, assets=declared, **names)
            found = sorted({*found, *declared})
        if found:
            kind = "picture.photograph" if event.is_photograph else "picture.by_model"
            audit.record(scope, kind, f"asset:{event.subject_id}", count=len(found))
