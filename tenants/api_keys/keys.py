"""API keys: random, shown once, stored as a digest. A key acts for the member who created it.

Keys for other members do not exist: a member could write as another and approve as themselves. Keys
use the real clock (`people_now()`).
"""

import hashlib
import re
import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from sqlmodel import col, select

from foundation.db.database import OpenScope, Scope
from foundation.errors import BadInput, NotFound, Refused
from foundation.ids import INSTALLATION_ID, uuid7
from tenants import audit
from tenants.agencies import queries
from tenants.agencies.creators import RENAMED_CREATORS
from tenants.agencies.rights import Right, has_right, require_right
from tenants.api_keys.models import ApiKey
from tenants.auth import failed_attempts

API_KEY_PREFIX = "grk_"
"""Prefix of each key, so that secret scanners recognize it."""

MAX_KEY_LIFETIME = timedelta(days=366)
MAX_KEY_NAME = 60
MAX_KEYS = 50
"""Maximum number of active keys of an agency."""

_KEY = re.compile(rf"{API_KEY_PREFIX}[\w-]{{43}}", re.ASCII)


class ApiKeyScope(StrEnum):
    """Permissions of keys. The role of the member may allow less."""

    POSTS_READ = "posts:read"
    POSTS_WRITE = "posts:write"
    APPROVE = "approve"
    DELIVERIES_WRITE = "deliveries:write"
    CALENDAR_WRITE = "calendar:write"
    GENERATE = "generate"
    COMMENTS_WRITE = "comments:write"
    STOP = "stop"
    HOOKS_WRITE = "hooks:write"
    SETTINGS_WRITE = "settings:write"
    RATINGS_WRITE = "ratings:write"
    CREATORS_WRITE = "creators:write"
    MONEY_READ = "money:read"
    MONEY_WRITE = "money:write"
    REPORTS_WRITE = "reports:write"
    AUDIT_READ = "audit:read"
    PERSONA_WRITE = "persona:write"
    KEYS_WRITE = "keys:write"


@dataclass(frozen=True)
class ApiKeyIdentity:
    """The member and permissions of an authenticated key. `creators` are slugs; empty means all
    creators the member has access to."""

    tenant_id: UUID
    key_id: UUID
    name: str
    member_id: UUID
    scopes: frozenset[str]
    creators: tuple[str, ...]


@dataclass(frozen=True)
class ApiKeySummary:
    """A key as its owner sees it; times are UTC-aware."""

    id: UUID
    member_id: UUID
    name: str
    scopes: tuple[str, ...]
    creators: tuple[str, ...]
    made_at: datetime
    expires_at: datetime
    used_at: datetime | None
    revoked_at: datetime | None

    def is_active(self, now: datetime) -> bool:
        """Return True if the key is neither revoked nor expired at `now` on the real clock."""
        return self.revoked_at is None and now < self.expires_at


def rename_creator(scope: Scope, before: str, after: str) -> None:
    """Replace the changed handle of a creator in the keys that may access the creator."""
    scope.run(
        f"UPDATE api_keys SET creators = {RENAMED_CREATORS}, updated_at = house_now()"  # noqa: S608  our own expression
        " WHERE tenant_id = :tenant AND creators ? :before",
        tenant=scope.tenant_id,
        before=before,
        after=after,
    )


def key_digest(secret: str) -> str:
    """Return the digest stored for a key. 256 random bits need neither a salt nor a slow hash."""
    return hashlib.sha256(secret.encode()).hexdigest()


def people_now(scope: Scope) -> datetime:
    """Return the current time of the real clock, which keys use (UTC-aware)."""
    found: datetime = scope.run("SELECT people_now()").scalar_one()
    return found


def create_key(
    scope: Scope,
    *,
    name: str,
    scopes: Collection[str],
    creators: Sequence[str],
    days: int,
    key_id: UUID | None = None,
    made_with: UUID | None = None,
) -> str:
    """Create a key of the acting member, valid for `days`, and return its secret, which is shown
    once.

    Returns "" without changes if `key_id` exists. `made_with` is the key that creates it; the new
    key becomes invalid with it.

    Raises Refused for a role without the right to run the agency and for creators the member has no
    access to; BadInput for an invalid name, an unknown scope and a lifetime out of bounds.
    """
    member = queries.get_acting_member(scope, "key.members_only")
    require_right(member.role, Right.RUN)
    name = name.strip()
    if not name or len(name) > MAX_KEY_NAME or "\x00" in name:
        raise BadInput("key.name").about("name")
    if not scopes or not set(scopes) <= set(ApiKeyScope):
        raise BadInput("key.scopes").about("scopes")
    if not 1 <= days <= MAX_KEY_LIFETIME.days:
        raise BadInput("key.days", most=MAX_KEY_LIFETIME.days).about("days")
    hers = {
        one.slug
        for one in queries.list_creators(scope)
        if not member.creators or one.slug in member.creators
    }
    if not hers >= set(creators):
        raise Refused("key.other_creators")
    # Serialize creation, so that the limit of active keys holds.
    scope.lock(f"keys:{scope.tenant_id}")
    now = people_now(scope)
    if key_id is not None and scope.session.get(ApiKey, (scope.tenant_id, key_id)) is not None:
        return ""
    if sum(one.is_active(now) for one in list_keys(scope)) >= MAX_KEYS:
        raise BadInput("key.too_many", most=MAX_KEYS)
    secret = API_KEY_PREFIX + secrets.token_urlsafe(32)
    row = ApiKey(
        tenant_id=scope.tenant_id,
        id=key_id or uuid7(),
        member_id=member.id,
        name=name,
        digest=key_digest(secret),
        scopes=sorted(set(scopes)),
        creators=sorted(set(creators)),
        expires_at=now + timedelta(days=days),
        made_with=made_with,
    )
    scope.add(row)
    audit.record(scope, "key.made", f"api_key:{row.id}", key=name)
    return secret


def revoke_key(scope: Scope, key_id: UUID) -> None:
    """Revoke a key of the acting member; owners can revoke any key. The next request with it is
    rejected.

    Raises NotFound for an unknown key or one of another member.
    """
    member = queries.get_acting_member(scope, "key.members_only")
    row = scope.session.get(ApiKey, (scope.tenant_id, key_id), populate_existing=True)
    if row is None or not (row.member_id == member.id or has_right(member.role, Right.STAFF)):
        raise NotFound("key.unknown")
    done = scope.run(
        "UPDATE api_keys SET revoked_at = people_now(), revoked_by = :by, updated_at = house_now()"
        " WHERE tenant_id = :tenant AND id = :id AND revoked_at IS NULL",
        tenant=scope.tenant_id,
        id=key_id,
        by=scope.actor,
    )
    if done.rowcount:
        audit.record(scope, "key.revoked", f"api_key:{key_id}", key=row.name)


def list_keys(scope: Scope, *, member_id: UUID | None = None) -> list[ApiKeySummary]:
    """Return the keys of the agency, or of one member, newest first."""
    query = (
        select(ApiKey).where(ApiKey.tenant_id == scope.tenant_id).order_by(col(ApiKey.id).desc())
    )
    query = query if member_id is None else query.where(ApiKey.member_id == member_id)
    return [
        ApiKeySummary(
            row.id,
            row.member_id,
            row.name,
            tuple(row.scopes),
            tuple(row.creators),
            row.created_at or scope.now,
            row.expires_at,
            row.used_at,
            row.revoked_at,
        )
        for row in scope.session.exec(query.execution_options(populate_existing=True))
    ]


_FIND = """
SELECT k.tenant_id, k.id, k.name, k.member_id, k.scopes, k.creators,
  k.used_at IS NULL OR k.used_at < people_now() - interval '1 minute' AS stale
FROM api_keys k JOIN members m ON m.tenant_id = k.tenant_id AND m.id = k.member_id AND m.active
WHERE k.digest = :digest AND k.revoked_at IS NULL AND k.expires_at > people_now()
  AND NOT EXISTS (SELECT FROM api_keys p WHERE p.tenant_id = k.tenant_id AND p.id = k.made_with
    AND (p.revoked_at IS NOT NULL OR p.expires_at <= people_now()))
"""
_USED = "UPDATE api_keys SET used_at = people_now() WHERE tenant_id = :tenant AND id = :id"


def authenticate_key(tenant: OpenScope, secret: str, *, address: str) -> ApiKeyIdentity | None:
    """Return the identity of a key, or None for an unknown, expired or revoked key and for an
    inactive member.

    Failures are counted by network address. Raises Refused after too many; a valid key is still
    accepted.
    """
    if not _KEY.fullmatch(secret):
        return None
    with tenant(INSTALLATION_ID, "system:door", role="door") as scope:
        row = scope.run(_FIND, digest=key_digest(secret)).first()
        if row is None:
            failed_attempts.record_guess(scope, "api address", address, wait="key.wait")
            return None
        if row.stale:
            scope.run(_USED, tenant=row.tenant_id, id=row.id)
    return ApiKeyIdentity(
        row.tenant_id, row.id, row.name, row.member_id, frozenset(row.scopes), tuple(row.creators)
    )
