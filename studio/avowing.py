"""A file that came in as a photograph and is a model's work: somebody says so afterwards, and nobody takes it back.

A press, or the same file handed in once more as a model's, ends in the same event: the doors may not write what the
gate goes by.
"""

from uuid import UUID

from foundation import outbox
from foundation.database import OpenScope, Scope
from foundation.errors import Refused
from gate import avowing
from studio import library, origins
from studio.events import ModelMade
from tenants import audit
from tenants import reads as tenants
from tenants.roles import Right, require

_NAMED = """
UPDATE creations SET engine = :unnamed, updated_at = house_now()
WHERE tenant_id = :tenant AND asset_id = ANY(:assets) AND engine = :camera
"""


def ask(scope: Scope, asset_id: UUID) -> None:
    """Say, as the acting member, that a model made a picture, a film or a sound. Raises Refused for who may not, and
    for what no camera is said to have made; NotFound for another tenant's."""
    require(tenants.acting(scope, "review.people_only").role, Right.RUN)
    if library.item(scope, asset_id).engine != origins.CAMERA:
        raise Refused("avow.no_photograph")
    put(scope, asset_id, by=scope.actor)


def put(scope: Scope, asset_id: UUID, *, by: str) -> None:
    """Have it said in the name of `by`; once is enough."""
    outbox.put(scope, ModelMade(scope.tenant_id, asset_id, by), priority=1, dedupe=f"avow:{asset_id}")


def run(event: ModelMade, *, tenant: OpenScope) -> None:
    """Say it of the asset, of what it is a copy of, and of what was made of it. Said twice, it is said once."""
    with tenant(event.tenant_id, event.by) as scope:
        names = {"camera": origins.CAMERA, "unnamed": origins.UNNAMED}
        found = avowing.say_generated(scope, event.subject_id, **names)
        scope.run(_NAMED, tenant=scope.tenant_id, assets=found, **names)
        if found:
            audit.note(scope, "picture.by_model", f"asset:{event.subject_id}", count=len(found))
