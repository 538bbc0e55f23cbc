"""What follows a seal (`gate/seals.py`): copies are called back, what looks the same is sealed too, an officer alerted.

The officer reads which picture it is by a number, and never sees it here; reporting is theirs, by the law of the place.
"""

from foundation.database import OpenScope
from foundation.words import Message
from gate import choosing, copies, looks, recall, seals
from gate.seals import Seal, SealDue
from tenants import audit, notices

ACTOR = "system:sealing"


def settle(event: SealDue, *, tenant: OpenScope) -> None:
    """Do it, once: what was called back or told before is left."""
    with tenant(event.tenant_id, ACTOR) as scope:
        row = scope.session.get(Seal, (scope.tenant_id, event.subject_id))
        if row is None:
            return
        same = [] if row.by.startswith(seals.ALIKE) else looks.alike(scope, row.sha256)
        for sha256 in same:
            seals.put(scope, sha256, by=f"{seals.ALIKE}{row.id}")
        recall.open_takedowns(scope, copies.showing_bytes(scope, row.sha256), Message("recall.sealed"))
        if row.by.startswith(seals.ALIKE):
            return  # the officer was told of the one it looks like
        officer = choosing.officer(scope)
        told = {"officer": officer.name if officer is not None else "—", "number": str(row.id)}
        if notices.put(scope, Message("seal.alert", told), cause=f"seal:{row.id}", urgent=True):
            audit.note(scope, "picture.sealed", f"seal:{row.id}", alike=len(same))
