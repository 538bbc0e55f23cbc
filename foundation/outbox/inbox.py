"""The inbox: received items, stored once per source and key until they are processed."""

from typing import Any
from uuid import UUID

from sqlalchemy import UniqueConstraint

from foundation.canonical_json import canonical_json, to_storable_json
from foundation.db.database import Scope
from foundation.db.tables import TenantRow, jsonb_column, table_arguments
from foundation.errors import NotFound
from foundation.ids import derived_uuid


class InboxRow(TenantRow, table=True):
    """A received item; `source` is its origin (`sandbox:<channel>`), `key` the sender's ID."""

    __tablename__ = "inbox"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "source", "key", name="inbox_once"),
        about="fan",
        keep="90 days",
    )

    source: str
    key: str
    body: dict[str, Any] = jsonb_column()


def receive(scope: Scope, source: str, key: str, body: dict[str, Any]) -> UUID | None:
    """Store a received item without characters that PostgreSQL rejects, and return its ID.

    The ID is the `subject_id` of the event that will process the item with `get_body`. Return None
    if it was received before, so that the caller puts its event only once.
    """
    entry_id = derived_uuid("inbox", scope.tenant_id, source, key)
    done = scope.run(  # No RETURNING: the role `door` may insert but not select.
        "INSERT INTO inbox (tenant_id, id, source, key, body)"
        " VALUES (:tenant, :id, :source, :key, CAST(:body AS jsonb)) ON CONFLICT DO NOTHING",
        tenant=scope.tenant_id,
        id=entry_id,
        source=source,
        key=key,
        body=canonical_json(to_storable_json(body)).decode(),
    )
    return entry_id if done.rowcount else None


def get_body(scope: Scope, entry_id: UUID) -> dict[str, Any]:
    """Return the item with this ID. Raises NotFound, also for another tenant's item."""
    found = scope.run(
        "SELECT body FROM inbox WHERE tenant_id = :tenant AND id = :id",
        tenant=scope.tenant_id,
        id=entry_id,
    ).one_or_none()
    if found is None:
        raise NotFound("inbox.unknown", entry=str(entry_id))
    content: dict[str, Any] = found.body
    return content
