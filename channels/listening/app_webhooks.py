"""Webhooks of platforms for an application of the agency: their signing secret, and the accounts
they concern.

The platform creates the secret, a member enters it on a page, it is stored sealed, and opened only
to verify a webhook.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from foundation.db.database import Scope
from foundation.errors import NotFound
from foundation.sealed import Sealed
from tenants import audit

CALL_SECRET_FIELD = "secret"  # noqa: S105  a name
"""Name of the field in the sealed form."""

CALL_NOTE_INTERVAL = timedelta(minutes=1)
"""Precision of the time of the last webhook: a burst causes one write."""


@dataclass(frozen=True)
class CalledApp:
    """An application: its ID, the client ID of the platform, the sealed secret (None: webhooks are
    refused), and the time of the last accepted webhook."""

    id: UUID
    platform: str
    client_id: str
    letter: Sealed | None = field(repr=False)
    called_at: datetime | None


def list_applications(scope: Scope) -> list[CalledApp]:
    """Return the applications with which accounts of this tenant signed in."""
    rows = scope.run(
        "SELECT id, platform, client_id, call_letter, called_at FROM oauth_clients WHERE "
        "tenant_id = :tenant"
        " ORDER BY platform, id",
        tenant=scope.tenant_id,
    )
    return [
        CalledApp(
            row.id,
            row.platform,
            row.client_id,
            Sealed(bytes(row.call_letter)) if row.call_letter else None,
            row.called_at,
        )
        for row in rows
    ]


def enable_app_webhooks(scope: Scope, application: UUID, letter: bytes) -> None:
    """Accept webhooks signed with the secret in `letter` (`tenants.vault.sealed_intake`) only.
    Raises NotFound."""
    _store_app_secret(scope, application, letter)
    audit.record(scope, "calls.taken", f"application:{application}")


def disable_app_webhooks(scope: Scope, application: UUID) -> None:
    """Refuse webhooks for an application and delete its secret. Raises NotFound."""
    _store_app_secret(scope, application, None)
    audit.record(scope, "calls.ended", f"application:{application}")


def _store_app_secret(scope: Scope, application: UUID, letter: bytes | None) -> None:
    done = scope.run(
        "UPDATE oauth_clients SET call_letter = :letter, called_at = NULL WHERE tenant_id = "
        ":tenant AND id = :id",
        tenant=scope.tenant_id,
        id=application,
        letter=letter,
    )
    if not done.rowcount:
        raise NotFound("calls.unknown")


def record_call(scope: Scope, application: UUID) -> None:
    """Record that a webhook was accepted now."""
    scope.run(
        "UPDATE oauth_clients SET called_at = :now WHERE tenant_id = :tenant AND id = :id"
        " AND (called_at IS NULL OR called_at < :before)",
        tenant=scope.tenant_id,
        id=application,
        now=scope.now,
        before=scope.now - CALL_NOTE_INTERVAL,
    )


def accounts_of_call(scope: Scope, application: UUID, account: str) -> Sequence[UUID]:
    """Return the active accounts of an application with this name; all of them for ""."""
    rows = scope.run(
        "SELECT id FROM channels WHERE tenant_id = :tenant AND app_key = :application AND state = "
        "'active'"
        " AND (:account = '' OR account = :account) ORDER BY id",
        tenant=scope.tenant_id,
        application=application,
        account=account,
    )
    return [row.id for row in rows]
