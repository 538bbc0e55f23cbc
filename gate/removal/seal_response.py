"""The response to a seal (`gate/ratings/seals.py`): recall, seals of look-alikes, and an alert.

The officer gets the number of the seal and cannot view the picture here. Reporting it according to
local law is the officer's task.
"""

from foundation.db.database import OpenScope
from foundation.i18n.translation import Message
from gate.assets import lookalikes
from gate.copies import live_copies
from gate.policy import review_settings
from gate.ratings import seals
from gate.ratings.seals import Seal, SealDue
from gate.removal import recall
from tenants import audit
from tenants.notices import notices

ACTOR = "system:sealing"


def handle_seal(event: SealDue, *, tenant: OpenScope) -> None:
    """Recall the copies, seal the look-alikes and alert the officer, each once."""
    with tenant(event.tenant_id, ACTOR) as scope:
        row = scope.session.get(Seal, (scope.tenant_id, event.subject_id))
        if row is None:
            return
        same = (
            []
            if row.by.startswith(seals.LOOKALIKE_SEAL)
            else lookalikes.find_lookalikes(scope, row.sha256)
        )
        for sha256 in same:
            seals.seal_bytes(scope, sha256, by=f"{seals.LOOKALIKE_SEAL}{row.id}")
        recall.open_takedowns(
            scope, live_copies.live_copies_of_bytes(scope, row.sha256), Message("recall.sealed")
        )
        if row.by.startswith(seals.LOOKALIKE_SEAL):
            return  # The officer was alerted about the original.
        officer = review_settings.safety_officer(scope)
        told = {"officer": officer.name if officer is not None else "—", "number": str(row.id)}
        if notices.put(scope, Message("seal.alert", told), cause=f"seal:{row.id}", urgent=True):
            audit.record(scope, "picture.sealed", f"seal:{row.id}", alike=len(same))
