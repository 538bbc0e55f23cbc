"""Rows of what members should know; `channels.notifications.webhooks` sends them, pages show
them."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from foundation.canonical_json import canonical_json
from foundation.db.database import Scope
from foundation.i18n.translation import Message
from foundation.ids import uuid7
from tenants import audit


def put(
    scope: Scope,
    message: Message,
    *,
    cause: str,
    urgent: bool = False,
    creator_id: UUID | None = None,
    to: UUID | None = None,
) -> bool:
    """Tell the members of this tenant once per `cause` while it is open, and once more where it
    becomes urgent; returns whether they are told by this.

    With `to`, that principal alone is told.
    """
    done = scope.run(
        "INSERT INTO notices (tenant_id, id, cause, message, urgent, creator_id, principal_id)"
        " VALUES (:tenant, :id, :cause, CAST(:message AS jsonb), :urgent, :creator, :to)"
        " ON CONFLICT (tenant_id, cause)"
        " DO UPDATE SET message = EXCLUDED.message, urgent = EXCLUDED.urgent, creator_id = "
        "EXCLUDED.creator_id,"
        " settled_at = NULL, updated_at = house_now()"
        " WHERE notices.settled_at IS NOT NULL OR (EXCLUDED.urgent AND NOT notices.urgent)",
        tenant=scope.tenant_id,
        id=uuid7(),
        cause=cause,
        message=canonical_json(message.to_json()).decode(),
        urgent=urgent,
        creator=creator_id,
        to=to,
    )
    return bool(done.rowcount)


def update_message(scope: Scope, message: Message, *, cause: str) -> None:
    """What an open notice says is put otherwise, a count that moved; it is no news, and nobody is
    told again."""
    scope.run(
        "UPDATE notices SET message = CAST(:message AS jsonb)"
        " WHERE tenant_id = :tenant AND cause = :cause AND settled_at IS NULL"
        " AND message IS DISTINCT FROM CAST(:message AS jsonb)",
        tenant=scope.tenant_id,
        cause=cause,
        message=canonical_json(message.to_json()).decode(),
    )


def opened_at(scope: Scope, cause: str) -> datetime | None:
    """When the open notice of a cause was opened, the last time if it was settled before; None
    where none is open."""
    found: datetime | None = scope.run(
        "SELECT updated_at FROM notices WHERE tenant_id = :tenant AND cause = :cause AND "
        "settled_at IS NULL",
        tenant=scope.tenant_id,
        cause=cause,
    ).scalar()
    return found


def has_been_notified(scope: Scope, cause: str) -> bool:
    """Whether the members were ever told of this cause."""
    return bool(
        scope.run(
            "SELECT EXISTS (SELECT 1 FROM notices WHERE tenant_id = :tenant AND cause = :cause)",
            tenant=scope.tenant_id,
            cause=cause,
        ).scalar_one()
    )


def close(scope: Scope, cause: str) -> None:
    """The cause is gone: the notice closes."""
    scope.run(
        "UPDATE notices SET settled_at = house_now(), updated_at = house_now()"
        " WHERE tenant_id = :tenant AND cause = :cause AND settled_at IS NULL",
        tenant=scope.tenant_id,
        cause=cause,
    )


def list_open_causes(scope: Scope, prefix: str) -> list[str]:
    """The causes of open notices that begin so, in order."""
    rows = scope.run(
        "SELECT cause FROM notices WHERE tenant_id = :tenant AND settled_at IS NULL AND "
        "starts_with(cause, :prefix)"
        " ORDER BY cause",
        tenant=scope.tenant_id,
        prefix=prefix,
    )
    return [row.cause for row in rows]


def close_all(scope: Scope, causes: Collection[str]) -> None:
    """As `settle`, of many."""
    scope.run(
        "UPDATE notices SET settled_at = house_now(), updated_at = house_now()"
        " WHERE tenant_id = :tenant AND cause = ANY(:causes) AND settled_at IS NULL",
        tenant=scope.tenant_id,
        causes=list(causes),
    )


def close_others(scope: Scope, prefix: str, stand: Collection[str]) -> None:
    """Close the open notices whose cause begins with `prefix` and is not one of those that
    stand."""
    scope.run(
        "UPDATE notices SET settled_at = house_now(), updated_at = house_now() WHERE tenant_id = "
        ":tenant"
        " AND settled_at IS NULL AND starts_with(cause, :prefix) AND cause <> ALL(:stand)",
        tenant=scope.tenant_id,
        prefix=prefix,
        stand=list(stand),
    )


def dismiss(scope: Scope, cause: str, *, why: str) -> bool:
    """A member puts a notice away, with a reason (a code of the page's); whether it was open. It is
    in the audit."""
    row = scope.run(
        "SELECT id FROM notices WHERE tenant_id = :tenant AND cause = :cause AND settled_at IS "
        "NULL",
        tenant=scope.tenant_id,
        cause=cause,
    ).first()
    if row is None:
        return False
    audit.record(scope, "notice.dismissed", f"notice:{row.id}", why=why)
    close(scope, cause)
    return True
