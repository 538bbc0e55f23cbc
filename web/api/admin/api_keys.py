"""API routes of API keys. A key can list, create and revoke keys of its member.

The secret of a new key is only in the first response and is not stored, so the response to a
repeated request does not contain it.
"""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends
from fastapi.responses import Response
from pydantic import BaseModel, Field

from foundation.db.database import OpenScope, Scope
from foundation.ids import uuid7
from tenants.api_keys import key_requests, keys
from tenants.api_keys.key_requests import KeyRequest
from tenants.api_keys.keys import MAX_KEY_LIFETIME, MAX_KEY_NAME, ApiKeyScope, ApiKeySummary
from web.api.common.calls import (
    ApiCall,
    Caller,
    ChangeResult,
    create_dependency,
    etag_header,
    read_dependency,
    replace_dependency,
    state_tag,
)
from web.api.common.schemas import (
    EXAMPLE_CREATOR_ID,
    RequestModel,
    StorableText,
    example_config,
)

MAX_CREATORS = 100


class KeyIn(RequestModel):
    """A new key: its scopes, its creators (by default those of the calling key), and its lifetime
    in days."""

    model_config = example_config(
        {"name": "Nightly import", "scopes": ["posts:read"], "creators": [EXAMPLE_CREATOR_ID]}
    )

    name: Annotated[StorableText, Field(min_length=1, max_length=MAX_KEY_NAME)]
    scopes: Annotated[list[ApiKeyScope], Field(min_length=1, max_length=len(ApiKeyScope))]
    creators: Annotated[list[UUID], Field(max_length=MAX_CREATORS)] = Field(default_factory=list)
    days: Annotated[int, Field(ge=1, le=MAX_KEY_LIFETIME.days, strict=True)] = 30


class KeyOut(BaseModel):
    """A key of the calling key's member. `creators` are those that it is limited to."""

    id: UUID
    name: str
    scopes: list[str]
    creators: list[UUID]
    created_at: datetime
    expires_at: datetime
    used_at: datetime | None
    revoked_at: datetime | None


class NewKeyOut(KeyOut):
    """A new key. `secret` is only in this response; it is null in the response to a repeated
    request."""

    secret: str | None


class KeysOut(BaseModel):
    """The keys of the calling key's member, newest first."""

    items: list[KeyOut]


def router(tenant: OpenScope) -> APIRouter:
    """Create the routes under `/keys`."""
    routes = APIRouter(prefix="/keys", tags=["keys"])
    can_read = Depends(read_dependency(tenant, ApiKeyScope.KEYS_WRITE))

    @routes.get("", response_model=KeysOut)
    def list_own_keys(call: Annotated[ApiCall, can_read]) -> KeysOut:
        """List the keys of the calling key's member that have no more rights than the calling key.
        Requires the `keys:write` scope."""

        def ask(scope: Scope, sight: Caller) -> KeysOut:
            found = key_requests.list_own_keys(scope, call.asked.entered)
            return KeysOut(items=[KeyOut(**_key_fields(sight, one)) for one in found])

        return call.read(ask)

    @routes.get("/{key_id}", response_model=KeyOut)
    def get_own_key(key_id: UUID, call: Annotated[ApiCall, can_read], response: Response) -> KeyOut:
        """Return one key. Requires the `keys:write` scope."""

        def ask(scope: Scope, sight: Caller) -> tuple[KeyOut, str]:
            found = key_requests.get_own_key(scope, call.asked.entered, key_id)
            return KeyOut(**_key_fields(sight, found)), state_tag(*_tag_fields(found))

        found, tag = call.read(ask)
        response.headers.update(etag_header(tag))
        return found

    _add_key_change_routes(routes, tenant)
    return routes


def _add_key_change_routes(routes: APIRouter, tenant: OpenScope) -> None:
    @routes.post("", status_code=201, response_model=NewKeyOut)
    def make_key(
        body: KeyIn,
        call: Annotated[ApiCall, Depends(create_dependency(tenant, ApiKeyScope.KEYS_WRITE))],
    ) -> Response:
        """Create a key for the same member, who must have a second factor. It gets no more rights
        than the calling key, cannot create keys, and expires with the calling key. Requires the
        `keys:write` scope."""

        def act(scope: Scope, sight: Caller) -> ChangeResult:
            made = uuid7()
            parent = call.asked.entered
            slugs = [sight.get_creator(one).slug for one in body.creators] or parent.creators
            request = KeyRequest(body.name, [str(one) for one in body.scopes], slugs, body.days)
            secret = key_requests.create_key_with_key(scope, parent, request, key_id=made)
            fields = _key_fields(sight, key_requests.get_own_key(scope, parent, made))
            return ChangeResult(
                NewKeyOut(**fields, secret=secret),
                "key.make",
                f"api_key:{made}",
                201,
                {"location": f"/v1/keys/{made}"},
                remembered=NewKeyOut(**fields, secret=None),
            )

        return call.apply_once(act)

    @routes.delete("/{key_id}", response_model=KeyOut)
    def revoke_key(
        key_id: UUID,
        call: Annotated[ApiCall, Depends(replace_dependency(tenant, ApiKeyScope.KEYS_WRITE))],
    ) -> Response:
        """Revoke a key of the same member, and all keys created with it. Requires the `keys:write`
        scope."""

        def act(scope: Scope, sight: Caller) -> ChangeResult:
            call.check_state_tag(
                *_tag_fields(key_requests.get_own_key(scope, call.asked.entered, key_id))
            )
            keys.revoke_key(scope, key_id)
            gone = KeyOut(
                **_key_fields(sight, key_requests.get_own_key(scope, call.asked.entered, key_id))
            )
            return ChangeResult(gone, "key.revoke", f"api_key:{key_id}")

        return call.apply(act)


def _key_fields(sight: Caller, one: ApiKeySummary) -> dict[str, object]:
    ids = {creator.slug: creator.id for creator in sight.creators.values()}
    return {
        "id": one.id,
        "name": one.name,
        "scopes": list(one.scopes),
        "creators": [ids[slug] for slug in one.creators if slug in ids],
        "created_at": one.made_at,
        "expires_at": one.expires_at,
        "used_at": one.used_at,
        "revoked_at": one.revoked_at,
    }


def _tag_fields(one: ApiKeySummary) -> tuple[object, ...]:
    return str(one.id), str(one.revoked_at)
