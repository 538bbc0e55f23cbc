"""Keys that are made outside the dashboard, at the terminal or with another key: for members with a
second factor only, because no page asks for one there."""

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
    """The terms of a new key: its name, its uses, slugs of its creators (none: all), its life in
    days."""

    name: str
    scopes: Collection[str]
    creators: Sequence[str]
    days: int


def create_key_for_member(
    scope: Scope, request: KeyRequest, *, key_id: UUID | None = None, made_with: UUID | None = None
) -> str:
    """Make a key for the acting member; returns its secret, "" if the key exists already.

    Raises Refused for a member without a second factor, and as `keys.create_key`.
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
    """Make a key with another key of the same member; returns its secret.

    The new key may do nothing that `parent` may not, makes no keys itself, and ends with it.
    Raises Refused for a use, a creator or a life beyond that of `parent`, and as
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
    """Return the keys of the acting member that reach no further than `caller`, the newest first: a
    key of some creators neither sees nor ends a key of others."""
    member = queries.get_acting_member(scope, "key.members_only")
    found = keys.list_keys(scope, member_id=member.id)
    if not caller.creators:
        return list(found)
    return [one for one in found if one.creators and set(one.creators) <= set(caller.creators)]


def get_own_key(scope: Scope, caller: ApiKeyIdentity, key_id: UUID) -> ApiKeySummary:
    """Return one of `list_own_keys`. Raises NotFound for any other."""
    for one in list_own_keys(scope, caller):
        if one.id == key_id:
            return one
    raise NotFound("key.unknown")
