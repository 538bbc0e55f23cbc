"""API keys created outside the dashboard, on the command line or with another key. They require a
member with a second factor, because no page can request the factor there."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from uuid import UUID

from foundation.db.database import Scope
from foundation.errors import NotFound, Refused
from tenants.agencies import queries
from tenants.api_keys import keys
from tenants.api_keys.keys import ApiKeyIdentity, ApiKeyScope, ApiKeySummary
from tenants.auth import passkeys


@dataclass(frozen=True)
class KeyRequest:
    """Parameters of a new key: name, scopes, slugs of its creators (empty means all) and lifetime
    in days."""

    name: str
    scopes: Collection[str]
    creators: Sequence[str]
    days: int


def create_key_for_member(
    scope: Scope, request: KeyRequest, *, key_id: UUID | None = None, made_with: UUID | None = None
) -> str:
    """Create a key for the acting member and return its secret, or "" if `key_id` exists.

    Raises Refused for a member without a second factor, and the errors of `keys.create_key`.
    """
    member = queries.get_acting_member(scope, "key.members_only")
    if not passkeys.has_second_factor(scope, member.id):
        raise Refused("key.no_second_factor")
    return keys.create_key(
        scope,
        name=request.name,
        scopes=request.scopes,
        creators=request.creators,
        days=request.days,
        key_id=key_id,
        made_with=made_with,
    )


def create_key_with_key(
    scope: Scope, parent: ApiKeyIdentity, request: KeyRequest, *, key_id: UUID
) -> str:
    """Create a key with another key of the same member and return its secret.

    The new key has no more permissions than `parent`, cannot create keys, and expires with it.
    Raises Refused for a scope, creator or lifetime beyond that of `parent`, and the errors of
    `create_key_for_member`.
    """
    allowed = parent.scopes - {ApiKeyScope.KEYS_WRITE}
    if not set(request.scopes) <= allowed:
        raise Refused("key.beyond_uses")
    if parent.creators and not (request.creators and set(request.creators) <= set(parent.creators)):
        raise Refused("key.other_creators")
    left = get_own_key(scope, parent, parent.key_id).expires_at - keys.people_now(scope)
    if request.days > left.days + 1:
        raise Refused("key.beyond_life", days=left.days + 1)
    return create_key_for_member(scope, request, key_id=key_id, made_with=parent.key_id)


def list_own_keys(scope: Scope, caller: ApiKeyIdentity) -> list[ApiKeySummary]:
    """Return the keys of the acting member that are limited to the creators of `caller`, newest
    first. A key for some creators cannot list or revoke keys for others."""
    member = queries.get_acting_member(scope, "key.members_only")
    found = keys.list_keys(scope, member_id=member.id)
    if not caller.creators:
        return list(found)
    return [one for one in found if one.creators and set(one.creators) <= set(caller.creators)]


def get_own_key(scope: Scope, caller: ApiKeyIdentity, key_id: UUID) -> ApiKeySummary:
    """Return one of `list_own_keys`. Raises NotFound for any other key."""
    for one in list_own_keys(scope, caller):
        if one.id == key_id:
            return one
    raise NotFound("key.unknown")
