"""Keys of the API: random, shown once, kept as a digest; a key acts for the member who made it, and for nobody else.

A key for somebody else would let one person write as another and approve as themself. Keys run on the people's clock.
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

from foundation.database import OpenScope, Scope
from foundation.errors import BadInput, NotFound, Refused
from foundation.ids import HOUSE, uuid7
from tenants import audit, failures, reads
from tenants.models import ApiKey
from tenants.roles import Right, may, require

PREFIX = "grk_"
"""What every key begins with, so that those who search code for lost secrets know one."""

LONGEST_LIFE = timedelta(days=366)
LONGEST_NAME = 60
MOST_KEYS = 50
"""Living keys of an agency."""

_KEY = re.compile(rf"{PREFIX}[\w-]{{43}}", re.ASCII)


class KeyScope(StrEnum):
    """What a key may be used for; its member's role may allow less."""

    POSTS_READ = "posts:read"
    POSTS_WRITE = "posts:write"
    APPROVE = "approve"
    DELIVERIES_WRITE = "deliveries:write"
    CALENDAR_WRITE = "calendar:write"
    GENERATE = "generate"
    COMMENTS_WRITE = "comments:write"
    STOP = "stop"
    HOOKS_WRITE = "hooks:write"


@dataclass(frozen=True)
class Entered:
    """Who a living key acts for, and for what. `creators` are slugs; empty means all its member works for."""

    tenant_id: UUID
    key_id: UUID
    name: str
    member_id: UUID
    scopes: frozenset[str]
    creators: tuple[str, ...]


@dataclass(frozen=True)
class Key:
    """A key as its owner sees it; instants are UTC-aware."""

    id: UUID
    member_id: UUID
    name: str
    scopes: tuple[str, ...]
    creators: tuple[str, ...]
    made_at: datetime
    expires_at: datetime
    used_at: datetime | None
    revoked_at: datetime | None

    def lives(self, now: datetime) -> bool:
        """Whether it opens anything; `now` is the people's."""
        return self.revoked_at is None and now < self.expires_at


def digest_of(secret: str) -> str:
    """What is kept of a key: 256 random bits need no salt and no slow hash."""
    return hashlib.sha256(secret.encode()).hexdigest()


def people_now(scope: Scope) -> datetime:
    """The people's clock, which keys live by; UTC-aware."""
    found: datetime = scope.run("SELECT people_now()").scalar_one()
    return found


def make(
    scope: Scope, *, name: str, scopes: Collection[str], creators: Sequence[str], days: int, key_id: UUID | None = None
) -> str:
    """A new key for the member who asks, good for `days`; returns its secret, which is shown once.

    Made before under the same `key_id`: "", and nothing changes.

    Raises Refused for a role that runs nothing and for creators the member does not work for; BadInput without a
    name, for a scope nobody knows and for a life out of bounds.
    """
    member = reads.acting(scope, "key.members_only")
    require(member.role, Right.RUN)
    name = name.strip()
    if not name or len(name) > LONGEST_NAME or "\x00" in name:
        raise BadInput("key.name")
    if not scopes or not set(scopes) <= set(KeyScope):
        raise BadInput("key.scopes")
    if not 1 <= days <= LONGEST_LIFE.days:
        raise BadInput("key.days", most=LONGEST_LIFE.days)
    hers = {one.slug for one in reads.creators(scope) if not member.creators or one.slug in member.creators}
    if not hers >= set(creators):
        raise Refused("key.other_creators")
    scope.hold(f"keys:{scope.tenant_id}")
    now = people_now(scope)
    if key_id is not None and scope.session.get(ApiKey, (scope.tenant_id, key_id)) is not None:
        return ""
    if sum(one.lives(now) for one in keys(scope)) >= MOST_KEYS:
        raise BadInput("key.too_many", most=MOST_KEYS)
    secret = PREFIX + secrets.token_urlsafe(32)
    row = ApiKey(
        tenant_id=scope.tenant_id,
        id=key_id or uuid7(),
        member_id=member.id,
        name=name,
        digest=digest_of(secret),
        scopes=sorted(set(scopes)),
        creators=sorted(set(creators)),
        expires_at=now + timedelta(days=days),
    )
    scope.add(row)
    audit.note(scope, "key.made", f"api_key:{row.id}", key=name)
    return secret


def revoke(scope: Scope, key_id: UUID) -> None:
    """End a key of one's own; who may choose the staff ends anybody's. The next request with it is refused.

    Raises NotFound for what is not here or not theirs.
    """
    member = reads.acting(scope, "key.members_only")
    row = scope.session.get(ApiKey, (scope.tenant_id, key_id), populate_existing=True)
    if row is None or not (row.member_id == member.id or may(member.role, Right.STAFF)):
        raise NotFound("key.unknown")
    done = scope.run(
        "UPDATE api_keys SET revoked_at = people_now(), revoked_by = :by, updated_at = house_now()"
        " WHERE tenant_id = :tenant AND id = :id AND revoked_at IS NULL",
        tenant=scope.tenant_id,
        id=key_id,
        by=scope.actor,
    )
    if done.rowcount:
        audit.note(scope, "key.revoked", f"api_key:{key_id}", key=row.name)


def keys(scope: Scope, *, member_id: UUID | None = None) -> list[Key]:
    """The keys of the agency, or of one member, the newest first."""
    query = select(ApiKey).where(ApiKey.tenant_id == scope.tenant_id).order_by(col(ApiKey.id).desc())
    query = query if member_id is None else query.where(ApiKey.member_id == member_id)
    return [
        Key(
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
"""
_USED = "UPDATE api_keys SET used_at = people_now() WHERE tenant_id = :tenant AND id = :id"


def enter(tenant: OpenScope, secret: str, *, address: str) -> Entered | None:
    """Whom a key acts for; None for a key nobody has, one that ended, and one whose member left.

    What fails is counted by address. Raises Refused after too many; a right key is let in all the same.
    """
    if not _KEY.fullmatch(secret):
        return None
    with tenant(HOUSE, "system:door", role="door") as scope:
        row = scope.run(_FIND, digest=digest_of(secret)).first()
        if row is None:
            failures.guessed(scope, "api address", address, wait="key.wait")
            return None
        if row.stale:
            scope.run(_USED, tenant=row.tenant_id, id=row.id)
    return Entered(row.tenant_id, row.id, row.name, row.member_id, frozenset(row.scopes), tuple(row.creators))
