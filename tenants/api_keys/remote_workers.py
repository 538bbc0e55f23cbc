"""Registration of remote workers. Each has a random key, shown once, stored as a digest and bound
to one agency.

A remote worker is not a member: its key gives access only to the API of remote workers. Times use
the real clock (`people_now()`).
"""

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlmodel import col, select

from foundation.db.database import OpenScope, Scope
from foundation.errors import BadInput, NotFound, Refused
from foundation.i18n.translation import Message
from foundation.i18n.visible_text import is_one_line
from foundation.ids import INSTALLATION_ID, uuid7
from tenants import audit
from tenants.agencies import queries
from tenants.agencies.rights import Right, require_right
from tenants.api_keys.keys import key_digest
from tenants.api_keys.models import RemoteWorkerRow
from tenants.auth import failed_attempts
from tenants.notices import notices

REMOTE_WORKER_PREFIX = "grm_"
"""Prefix of a remote worker's key, different from that of API keys."""

MAX_REMOTE_WORKER_NAME = 60
MAX_REMOTE_WORKERS = 20
"""Maximum number of active remote workers of an agency."""

SILENT = timedelta(minutes=10)
FORGOTTEN = timedelta(days=7)
"""A remote worker that has not connected for `SILENT` is reported, until `FORGOTTEN` has passed."""

SILENT_CAUSE = "worker:"
"""Prefix of the causes of notices about silent remote workers."""

_KEY = re.compile(rf"{REMOTE_WORKER_PREFIX}[\w-]{{43}}", re.ASCII)


@dataclass(frozen=True)
class RemoteWorkerIdentity:
    """An authenticated remote worker."""

    tenant_id: UUID
    key_id: UUID
    """ID of the remote worker."""
    name: str


@dataclass(frozen=True)
class RemoteWorkerSummary:
    """A remote worker as members see it; times are UTC-aware. `capabilities` is empty before the
    first connection."""

    id: UUID
    name: str
    capabilities: Mapping[str, Any]
    made_at: datetime
    seen_at: datetime | None
    revoked_at: datetime | None


def create_remote_worker(scope: Scope, *, name: str, machine_id: UUID | None = None) -> str:
    """Add a remote worker and return its key, which is shown once; return "" without changes if
    `machine_id` exists.

    Raises Refused for a role without the right to run the agency, and BadInput for an invalid name
    or more than `MAX_REMOTE_WORKERS`.
    """
    member = queries.get_acting_member(scope, "machine.members_only")
    require_right(member.role, Right.RUN)
    name = name.strip()
    if not name or len(name) > MAX_REMOTE_WORKER_NAME or not is_one_line(name):
        raise BadInput("machine.name", most=MAX_REMOTE_WORKER_NAME).about("name")
    # Serialize creation, so that the limit of active remote workers holds.
    scope.lock(f"machines:{scope.tenant_id}")
    if (
        machine_id is not None
        and scope.session.get(RemoteWorkerRow, (scope.tenant_id, machine_id)) is not None
    ):
        return ""
    if sum(one.revoked_at is None for one in list_remote_workers(scope)) >= MAX_REMOTE_WORKERS:
        raise BadInput("machine.too_many", most=MAX_REMOTE_WORKERS)
    secret = REMOTE_WORKER_PREFIX + secrets.token_urlsafe(32)
    row = RemoteWorkerRow(
        tenant_id=scope.tenant_id,
        id=machine_id or uuid7(),
        name=name,
        digest=key_digest(secret),
        by=scope.actor,
    )
    scope.add(row)
    audit.record(scope, "machine.made", f"machine:{row.id}", machine=name)
    return secret


def revoke_remote_worker(scope: Scope, machine_id: UUID) -> None:
    """Revoke the key of a remote worker; its next request is rejected. Raises Refused for a role
    without the right to run the agency, and NotFound."""
    member = queries.get_acting_member(scope, "machine.members_only")
    require_right(member.role, Right.RUN)
    row = scope.session.get(RemoteWorkerRow, (scope.tenant_id, machine_id), populate_existing=True)
    if row is None:
        raise NotFound("machine.unknown")
    done = scope.run(
        "UPDATE machines SET revoked_at = people_now(), revoked_by = :by, updated_at = house_now()"
        " WHERE tenant_id = :tenant AND id = :id AND revoked_at IS NULL",
        tenant=scope.tenant_id,
        id=machine_id,
        by=scope.actor,
    )
    if done.rowcount:
        audit.record(scope, "machine.revoked", f"machine:{machine_id}", machine=row.name)


def list_remote_workers(scope: Scope) -> list[RemoteWorkerSummary]:
    """Return the remote workers of the agency, revoked ones included, newest first."""
    query = (
        select(RemoteWorkerRow)
        .where(RemoteWorkerRow.tenant_id == scope.tenant_id)
        .order_by(col(RemoteWorkerRow.id).desc())
    )
    return [
        RemoteWorkerSummary(
            row.id,
            row.name,
            dict(row.able),
            row.created_at or scope.now,
            row.seen_at,
            row.revoked_at,
        )
        for row in scope.session.exec(query.execution_options(populate_existing=True))
    ]


def remote_worker_name(scope: Scope, machine_id: UUID) -> str:
    """Return the name of a remote worker, also after it was revoked. Raises NotFound."""
    row = scope.session.get(RemoteWorkerRow, (scope.tenant_id, machine_id))
    if row is None:
        raise NotFound("machine.unknown")
    return row.name


def list_connected_workers(scope: Scope) -> list[UUID]:
    """Return the IDs of active remote workers that have connected at least once."""
    return [
        one.id
        for one in list_remote_workers(scope)
        if one.seen_at is not None and one.revoked_at is None
    ]


def report_silent_workers(scope: Scope) -> None:
    """Notify members of remote workers that stopped connecting, and close the notices of those that
    are back, were revoked, or have been away for `FORGOTTEN`."""
    rows = scope.run(
        "SELECT id, name FROM machines WHERE tenant_id = :tenant AND revoked_at IS NULL"
        " AND seen_at BETWEEN people_now() - CAST(:most AS interval)"
        " AND people_now() - CAST(:least AS interval)",
        tenant=scope.tenant_id,
        most=FORGOTTEN,
        least=SILENT,
    )
    silent = {f"{SILENT_CAUSE}{row.id}": row.name for row in rows}
    notices.close_others(scope, SILENT_CAUSE, silent)
    for cause, name in silent.items():
        notices.put(scope, Message("machine.silent", {"machine": name}), cause=cause)


def record_worker_seen(
    scope: Scope, machine_id: UUID, able: Mapping[str, Any] | None = None
) -> None:
    """Record a request of a remote worker and its capabilities, if given. Raises Refused if its key
    was revoked."""
    row = scope.session.get(
        RemoteWorkerRow, (scope.tenant_id, machine_id), with_for_update=True, populate_existing=True
    )
    if row is None or row.revoked_at is not None:
        raise Refused("machine.ended")
    if able is not None:
        row.able = dict(able)
    row.seen_at = scope.run("SELECT people_now()").scalar_one()
    scope.add(row)


_FIND = "SELECT tenant_id, id, name FROM machines WHERE digest = :digest AND revoked_at IS NULL"


def authenticate_remote_worker(
    tenant: OpenScope, secret: str, *, address: str
) -> RemoteWorkerIdentity | None:
    """Return the remote worker of a key, or None for an unknown or revoked key.

    Failures are counted by network address. Raises Refused after too many; a valid key is still
    accepted.
    """
    if not _KEY.fullmatch(secret):
        return None
    with tenant(INSTALLATION_ID, "system:door", role="door") as scope:
        row = scope.run(_FIND, digest=key_digest(secret)).first()
        if row is None:
            failed_attempts.record_guess(scope, "machine address", address, wait="key.wait")
            return None
    return RemoteWorkerIdentity(row.tenant_id, row.id, row.name)
