"""The handler of requested revocations."""

from foundation.db.database import OpenScope
from gate.consent.events import RevocationRequested
from gate.consent.grants import revoke_consent


def handle_revocation(event: RevocationRequested, *, tenant: OpenScope) -> None:
    """Revoke a permission and recall the copies that depend on it."""
    with tenant(event.tenant_id, event.by) as scope:
        revoke_consent(scope, event.subject_id, what=event.scope or None)
