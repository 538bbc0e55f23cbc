"""Calls of platforms for an application of the agency: the secret they are signed with, and whom
they are about.

The secret is made by the platform, typed on a page, kept as it was sealed there, and opened where a
call is checked.
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
"""The field of the letter."""

CALL_NOTE_INTERVAL = timedelta(minutes=1)
"""How exactly the last call is remembered: a burst is one write."""


@dataclass(frozen=True)
class CalledApp:
    """An application: its id here, the platform's id of it, the letter with its secret (None: calls
    are not taken), and when a call for it was last taken."""

    id: UUID
    platform: str
    client_id: str
    letter: Sealed | None = field(repr=False)
    called_at: datetime | None


def list_applications(scope: Scope) -> list[CalledApp]:
    """The applications of this tenant by which somebody signed in."""
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
    """Take calls that are signed with the secret in `letter` (`tenants.vault.sealed_intake`), and
    no others. Raises NotFound."""
    _store_app_secret(scope, application, letter)
    audit.record(scope, "calls.taken", f"application:{application}")


def disable_app_webhooks(scope: Scope, application: UUID) -> None:
    """Take no calls for an application any more, and forget the secret. Raises NotFound."""
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
    """Remember that a call was taken just now."""
    scope.run(
        "UPDATE oauth_clients SET called_at = :now WHERE tenant_id = :tenant AND id = :id"
        " AND (called_at IS NULL OR called_at < :before)",
        tenant=scope.tenant_id,
        id=application,
        now=scope.now,
        before=scope.now - CALL_NOTE_INTERVAL,
    )


def accounts_of_call(scope: Scope, application: UUID, account: str) -> Sequence[UUID]:
    """The accounts that are let in and came in by an application: the one of that name, or all for
    ""."""
    rows = scope.run(
        "SELECT id FROM channels WHERE tenant_id = :tenant AND app_key = :application AND state = "
        "'active'"
        " AND (:account = '' OR account = :account) ORDER BY id",
        tenant=scope.tenant_id,
        application=application,
        account=account,
    )
    return [row.id for row in rows]
