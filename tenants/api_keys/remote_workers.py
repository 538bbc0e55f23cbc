"""Machines of an agency's own: each has a key, random, shown once, kept as a digest, bound to this
agency alone.

A machine is nobody: its key opens the door of machines and no other. Keys and sightings run on the
people's clock.
"""

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlmodel import col, select

from foundation.db.database import OpenScope, Scope
from foundation.errors import BadInput, NotFound, Refused
from foundation.i18n.visible_text import is_one_line
from foundation.ids import INSTALLATION_ID, uuid7
from tenants import audit
from tenants.agencies import queries
from tenants.agencies.rights import Right, require_right
from tenants.api_keys.keys import key_digest
from tenants.api_keys.models import RemoteWorkerRow
from tenants.auth import failed_attempts

REMOTE_WORKER_PREFIX = "grm_"
"""What the key of a machine begins with: no key for programs is taken for one."""

MAX_REMOTE_WORKER_NAME = 60
MAX_REMOTE_WORKERS = 20
"""Machines an agency has at once."""

_KEY = re.compile(rf"{REMOTE_WORKER_PREFIX}[\w-]{{43}}", re.ASCII)


@dataclass(frozen=True)
class RemoteWorkerIdentity:
    """A machine whose key was shown."""

    tenant_id: UUID
    key_id: UUID
    """The machine's."""
    name: str


@dataclass(frozen=True)
class RemoteWorkerSummary:
    """A machine as members see it; instants are UTC-aware. `able` is what it said it has, empty
    until it came."""

    id: UUID
    name: str
    capabilities: Mapping[str, Any]
    made_at: datetime
    seen_at: datetime | None
    revoked_at: datetime | None


def create_remote_worker(scope: Scope, *, name: str, machine_id: UUID | None = None) -> str:
    """A new machine; returns its key, which is shown once. Made before under the same `machine_id`:
    "", and nothing changes. Raises Refused for who runs nothing, BadInput without a name and beyond
    `MOST`.
    """
    member = queries.get_acting_member(scope, "machine.members_only")
    require_right(member.role, Right.RUN)
    name = name.strip()
    if not name or len(name) > MAX_REMOTE_WORKER_NAME or not is_one_line(name):
        raise BadInput("machine.name", most=MAX_REMOTE_WORKER_NAME)
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
    """End a machine's key: its next word is refused. Raises Refused for who runs nothing,
    NotFound."""
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
    """The machines of the agency, those that ended too, the newest first."""
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
    """What a machine is called, also once it ended. Raises NotFound."""
    row = scope.session.get(RemoteWorkerRow, (scope.tenant_id, machine_id))
    if row is None:
        raise NotFound("machine.unknown")
    return row.name


def list_connected_workers(scope: Scope) -> list[UUID]:
    """The machines that have come at least once and whose keys live."""
    return [
        one.id
        for one in list_remote_workers(scope)
        if one.seen_at is not None and one.revoked_at is None
    ]


def record_worker_seen(
    scope: Scope, machine_id: UUID, able: Mapping[str, Any] | None = None
) -> None:
    """A machine said something, perhaps what it has. Raises Refused for one whose key ended
    meanwhile."""
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
    """Whose machine a key is; None for a key nobody has, and one that ended.

    What fails is counted by address. Raises Refused after too many; a right key is let in all the
    same.
    """
    if not _KEY.fullmatch(secret):
        return None
    with tenant(INSTALLATION_ID, "system:door", role="door") as scope:
        row = scope.run(_FIND, digest=key_digest(secret)).first()
        if row is None:
            failed_attempts.record_guess(scope, "machine address", address, wait="key.wait")
            return None
    return RemoteWorkerIdentity(row.tenant_id, row.id, row.name)
