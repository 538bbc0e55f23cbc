"""A history that moves in: permissions that were taken back before anything of ours was outside."""

from datetime import datetime
from uuid import UUID

from foundation.db.database import Scope
from gate import epochs


def import_revocation(scope: Scope, person_id: UUID, *, at: datetime) -> int:
    """Every permission of a person was taken back at `at` (UTC-aware); what was taken back before stays so.

    Returns how many. Nothing is called back: where a copy may be outside, use `people.revoke`.
    """
    epochs.lock_and_advance(scope, epochs.person_key(scope, person_id))
    with scope.acting_as("gate"):
        done = scope.run(
            "UPDATE consent_grants SET revoked_at = :at, updated_at = house_now() WHERE tenant_id = :tenant"
            " AND person_id = :person AND revoked_at IS NULL",
            tenant=scope.tenant_id,
            person=person_id,
            at=at,
        )
    return int(done.rowcount)
