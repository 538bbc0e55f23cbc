"""The inbox: what came in from outside, once per (source, key), kept until somebody has understood
it."""

from typing import Any
from uuid import UUID

from sqlalchemy import UniqueConstraint

from foundation.canonical_json import canonical_json, to_storable_json
from foundation.db.database import Scope
from foundation.db.tables import TenantRow, jsonb_column, table_arguments
from foundation.errors import NotFound
from foundation.ids import derived_uuid


class InboxRow(TenantRow, table=True):
    """One thing that came in. `source` is where from (`sandbox:<channel>`), `key` what the sender
    calls it."""

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
    """Keep what came in, without signs that no database keeps; None when it has come before, so the
    caller puts its event only for a new one.

    Returns: the entry's id, the `subject_id` of the event that will read it with `body`.
    """
    entry_id = derived_uuid("inbox", scope.tenant_id, source, key)
    done = scope.run(  # no RETURNING: the role of the door may insert and not read
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
    """What came in under this id. Raises NotFound; another tenant's entry looks the same."""
    found = scope.run(
        "SELECT body FROM inbox WHERE tenant_id = :tenant AND id = :id",
        tenant=scope.tenant_id,
        id=entry_id,
    ).one_or_none()
    if found is None:
        raise NotFound("inbox.unknown", entry=str(entry_id))
    content: dict[str, Any] = found.body
    return content
