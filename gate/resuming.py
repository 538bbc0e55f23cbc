"""Faces, caught up with: what could not be compared while the classifier was away is done again without a press."""

from foundation import outbox
from foundation.database import Scope
from gate import faces
from gate.faces import CompareDue, EnrolDue

KINDS = (CompareDue.kind, EnrolDue.kind)


def resume(scope: Scope) -> None:
    """Put again what gave up: comparing while pictures are behind, and making known who agreed; what gave up before is
    put aside, so that a long absence leaves no heap of it. Where no face was ever known nothing waits."""
    gave_up = [one for one in outbox.dead(scope) if one.kind in KINDS and one.tenant_id == scope.tenant_id]
    for one in gave_up:
        outbox.drop(scope, one.id)
        if one.kind == EnrolDue.kind:
            outbox.put(scope, EnrolDue(scope.tenant_id, one.subject_id), dedupe=f"face:{one.subject_id}")
    compared = any(one.kind == CompareDue.kind for one in gave_up)
    if (compared or faces.version(scope)) and faces.behind(scope):
        faces.compare(scope)
