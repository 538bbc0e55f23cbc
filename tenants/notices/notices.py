"""Notices to members. Pages show them; `channels.notifications` sends them."""

from collections.abc import Collection
from datetime import datetime, timedelta
from uuid import UUID

from foundation.canonical_json import canonical_json
from foundation.db.database import Scope
from foundation.i18n.translation import Message
from foundation.ids import uuid7
from tenants import audit

INFORMED = timedelta(days=14)
"""Time for which a notice without a decision stays in the lists of members."""


def put(
    scope: Scope,
    message: Message,
    *,
    cause: str,
    urgent: bool = False,
    creator_id: UUID | None = None,
    to: UUID | None = None,
    informs: bool = False,
) -> bool:
    """Notify the members of the tenant once per `cause` while the notice is open, and again if it
    becomes urgent. Return True if this call notifies them.

    With `to`, only that principal is notified. A notice that only `informs` needs no decision; it
    is closed by `close_old_information`.
    """
    # A settled notice is reopened; an open one changes only when it becomes urgent.
    done = scope.run(
        "INSERT INTO notices (tenant_id, id, cause, message, urgent, creator_id, principal_id,"
        " informs) VALUES (:tenant, :id, :cause, CAST(:message AS jsonb), :urgent, :creator, :to,"
        " :informs)"
        " ON CONFLICT (tenant_id, cause)"
        " DO UPDATE SET message = EXCLUDED.message, urgent = EXCLUDED.urgent, creator_id = "
        "EXCLUDED.creator_id,"
        " times = notices.times + CAST(notices.settled_at IS NOT NULL AS int),"
        " settled_at = NULL, updated_at = house_now()"
        " WHERE notices.settled_at IS NOT NULL OR (EXCLUDED.urgent AND NOT notices.urgent)",
        tenant=scope.tenant_id,
        id=uuid7(),
        cause=cause,
        message=canonical_json(message.to_json()).decode(),
        urgent=urgent,
        creator=creator_id,
        to=to,
        informs=informs,
    )
    return bool(done.rowcount)


def close_old_information(scope: Scope) -> None:
    """Settle the notices that only inform members and were opened more than `INFORMED` ago."""
    scope.run(
        "UPDATE notices SET settled_at = house_now(), updated_at = house_now()"
        " WHERE tenant_id = :tenant AND settled_at IS NULL AND informs AND updated_at < :before",
        tenant=scope.tenant_id,
        before=scope.now - INFORMED,
    )


def update_message(scope: Scope, message: Message, *, cause: str) -> None:
    """Replace the text of an open notice, for example a count, without another notification."""
    scope.run(
        "UPDATE notices SET message = CAST(:message AS jsonb)"
        " WHERE tenant_id = :tenant AND cause = :cause AND settled_at IS NULL"
        " AND message IS DISTINCT FROM CAST(:message AS jsonb)",
        tenant=scope.tenant_id,
        cause=cause,
        message=canonical_json(message.to_json()).decode(),
    )


def renew_message(scope: Scope, message: Message, *, cause: str) -> None:
    """Replace the text of an open notice and notify members again, for example of a count that
    grew."""
    scope.run(
        "UPDATE notices SET message = CAST(:message AS jsonb), updated_at = house_now()"
        " WHERE tenant_id = :tenant AND cause = :cause AND settled_at IS NULL",
        tenant=scope.tenant_id,
        cause=cause,
        message=canonical_json(message.to_json()).decode(),
    )


def open_message(scope: Scope, cause: str) -> Message | None:
    """Return the text of the open notice of a cause, or None."""
    found = scope.run(
        "SELECT message FROM notices WHERE tenant_id = :tenant AND cause = :cause AND "
        "settled_at IS NULL",
        tenant=scope.tenant_id,
        cause=cause,
    ).scalar()
    return Message.from_json(found) if found is not None else None


def opened_at(scope: Scope, cause: str) -> datetime | None:
    """Return the time at which the open notice of a cause was last opened (UTC-aware), or None."""
    found: datetime | None = scope.run(
        "SELECT updated_at FROM notices WHERE tenant_id = :tenant AND cause = :cause AND "
        "settled_at IS NULL",
        tenant=scope.tenant_id,
        cause=cause,
    ).scalar()
    return found


def has_been_notified(scope: Scope, cause: str) -> bool:
    """Return True if a notice of this cause exists, open or settled."""
    return bool(
        scope.run(
            "SELECT EXISTS (SELECT 1 FROM notices WHERE tenant_id = :tenant AND cause = :cause)",
            tenant=scope.tenant_id,
            cause=cause,
        ).scalar_one()
    )


def close(scope: Scope, cause: str) -> None:
    """Settle the open notice of a cause."""
    scope.run(
        "UPDATE notices SET settled_at = house_now(), updated_at = house_now()"
        " WHERE tenant_id = :tenant AND cause = :cause AND settled_at IS NULL",
        tenant=scope.tenant_id,
        cause=cause,
    )


def list_open_causes(scope: Scope, prefix: str) -> list[str]:
    """Return the causes of open notices that start with `prefix`, sorted."""
    rows = scope.run(
        "SELECT cause FROM notices WHERE tenant_id = :tenant AND settled_at IS NULL AND "
        "starts_with(cause, :prefix)"
        " ORDER BY cause",
        tenant=scope.tenant_id,
        prefix=prefix,
    )
    return [row.cause for row in rows]


def close_all(scope: Scope, causes: Collection[str]) -> None:
    """Settle the open notices of several causes."""
    scope.run(
        "UPDATE notices SET settled_at = house_now(), updated_at = house_now()"
        " WHERE tenant_id = :tenant AND cause = ANY(:causes) AND settled_at IS NULL",
        tenant=scope.tenant_id,
        causes=list(causes),
    )


def close_others(scope: Scope, prefix: str, stand: Collection[str]) -> None:
    """Settle the open notices whose cause starts with `prefix` and is not in `stand`."""
    scope.run(
        "UPDATE notices SET settled_at = house_now(), updated_at = house_now() WHERE tenant_id = "
        ":tenant"
        " AND settled_at IS NULL AND starts_with(cause, :prefix) AND cause <> ALL(:stand)",
        tenant=scope.tenant_id,
        prefix=prefix,
        stand=list(stand),
    )


def dismiss(scope: Scope, cause: str, *, why: str) -> bool:
    """Dismiss an open notice as a member and record it in the audit log; `why` is a reason code of
    the page. Return True if the notice was open."""
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
