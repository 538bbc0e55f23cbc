"""API routes of creators: list, add, edit, deactivate, reactivate and archive them."""

from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from fastapi.responses import Response

from channels.creators import profiles
from foundation.db.database import OpenScope, Scope
from foundation.errors import Refused
from foundation.ids import uuid7
from schedules.publishing import creator_handles
from studio.costs import quotas
from tenants.agencies import creators, queries
from tenants.agencies.queries import Creator
from tenants.agencies.rights import Right, require_right
from tenants.agencies.states import CreatorState
from tenants.api_keys.keys import ApiKeyScope
from web.api.common.calls import (
    ApiCall,
    Caller,
    ChangeResult,
    action_dependency,
    create_dependency,
    etag_header,
    read_dependency,
    replace_dependency,
    state_tag,
)
from web.api.creators.schemas import (
    CreatorChangeIn,
    CreatorFilter,
    CreatorProfileOut,
    CreatorProfilesOut,
    NewCreatorIn,
)


def creator_routes(tenant: OpenScope) -> APIRouter:
    """Create the routes under `/creators`."""
    routes = APIRouter(prefix="/creators", tags=["creators"])
    can_read = Depends(read_dependency(tenant, ApiKeyScope.POSTS_READ))

    @routes.get("", response_model=CreatorProfilesOut)
    def list_creators(
        call: Annotated[ApiCall, can_read], which: Annotated[CreatorFilter, Query()]
    ) -> CreatorProfilesOut:
        """List the creators that the key may access, sorted by name, including inactive and
        archived ones. Requires the `posts:read` scope."""

        def ask(scope: Scope, sight: Caller) -> list[CreatorProfileOut]:
            every = sight.creators.values()
            return _load_profiles(scope, [one for one in every if which.state in (None, one.state)])

        return CreatorProfilesOut(items=call.read(ask))

    @routes.get("/{creator_id}", response_model=CreatorProfileOut)
    def get_creator(
        creator_id: UUID, call: Annotated[ApiCall, can_read], response: Response
    ) -> CreatorProfileOut:
        """Return one creator. Its `ETag` covers the whole profile. Requires the `posts:read`
        scope."""
        found = call.read(lambda scope, sight: _load_one(scope, sight, creator_id))
        response.headers.update(_etag(found))
        return found

    _add_change_routes(routes, tenant)
    _add_state_routes(routes, tenant)
    return routes


def _add_change_routes(routes: APIRouter, tenant: OpenScope) -> None:
    can_write = ApiKeyScope.CREATORS_WRITE

    @routes.post("", status_code=201, response_model=CreatorProfileOut)
    def add_creator(
        body: NewCreatorIn, call: Annotated[ApiCall, Depends(create_dependency(tenant, can_write))]
    ) -> Response:
        """Add a creator with a public page. Members answer the fans until a persona is activated.
        409 if another creator uses the handle. Requires the `creators:write` scope; owners only."""

        def act(scope: Scope, sight: Caller) -> ChangeResult:
            if sight.narrowed:
                raise Refused("api.narrowed")
            creator_id = profiles.add_creator(scope, body.to_creator(), key=uuid7())
            if body.images_per_day:
                quotas.set_daily_quota(scope, body.images_per_day, creator_id=creator_id)
            made = queries.get_creator(scope, creator_id)
            (found,) = _load_profiles(scope, [made])
            return ChangeResult(found, "creator.add", f"creator:{creator_id}", 201, _etag(found))

        return call.apply_once(act)

    @routes.patch("/{creator_id}", response_model=CreatorProfileOut)
    def edit_creator(
        creator_id: UUID,
        body: CreatorChangeIn,
        call: Annotated[ApiCall, Depends(replace_dependency(tenant, can_write))],
    ) -> Response:
        """Change the profile of a creator. Only owners change the type, the maximum rating and the
        handle, which is fixed once a post is published or scheduled on the creator's page. With
        Explicit as the maximum, posts need at least one approval, and scheduled posts without one
        become drafts. Requires the `creators:write` scope."""

        def act(scope: Scope, sight: Caller) -> ChangeResult:
            _check_tag(call, _load_one(scope, sight, creator_id))
            require_right(sight.member.role, Right.RUN)
            if body.handle is not None:
                creator_handles.change_handle(scope, creator_id, body.handle)
            profiles.edit_creator(scope, creator_id, body.to_changes())
            if body.images_per_day is not None:
                quotas.set_daily_quota(scope, body.images_per_day or None, creator_id=creator_id)
            return _build_result(scope, creator_id, "creator.edit")

        return call.apply(act)


def _add_state_routes(routes: APIRouter, tenant: OpenScope) -> None:
    can_write = Depends(action_dependency(tenant, ApiKeyScope.CREATORS_WRITE))

    @routes.post("/{creator_id}/deactivate", response_model=CreatorProfileOut)
    def deactivate_creator(creator_id: UUID, call: Annotated[ApiCall, can_write]) -> Response:
        """Pause the posts, chats and image generation of a creator. Due posts are held. Requires
        the `creators:write` scope; owners only."""
        return _change_state(call, creator_id, CreatorState.INACTIVE)

    @routes.post("/{creator_id}/reactivate", response_model=CreatorProfileOut)
    def reactivate_creator(creator_id: UUID, call: Annotated[ApiCall, can_write]) -> Response:
        """Resume the posts and chats of an inactive or archived creator. Held posts are published
        if they are not too late. Requires the `creators:write` scope; owners only."""
        return _change_state(call, creator_id, CreatorState.ACTIVE)

    @routes.post("/{creator_id}/archive", response_model=CreatorProfileOut)
    def archive_creator(creator_id: UUID, call: Annotated[ApiCall, can_write]) -> Response:
        """Pause a creator and hide them from the lists of the dashboard; all data remains. Requires
        the `creators:write` scope; owners only."""
        return _change_state(call, creator_id, CreatorState.ARCHIVED)


def _change_state(call: ApiCall, creator_id: UUID, state: CreatorState) -> Response:
    def act(scope: Scope, sight: Caller) -> ChangeResult:
        _check_tag(call, _load_one(scope, sight, creator_id))
        creators.change_creator_state(scope, creator_id, state)
        return _build_result(scope, creator_id, f"creator.{state}")

    def states(_: Scope, sight: Caller) -> dict[str, str]:
        return {str(creator_id): str(sight.get_creator(creator_id).state)}

    return call.apply_once(act, where=states)


def _build_result(scope: Scope, creator_id: UUID, did: str) -> ChangeResult:
    (found,) = _load_profiles(scope, [queries.get_creator(scope, creator_id)])
    return ChangeResult(found, did, f"creator:{creator_id}", 200, _etag(found))


def _load_one(scope: Scope, sight: Caller, creator_id: UUID) -> CreatorProfileOut:
    (found,) = _load_profiles(scope, [sight.get_creator(creator_id)])
    return found


def _load_profiles(scope: Scope, found: Sequence[Creator]) -> list[CreatorProfileOut]:
    images = quotas.creator_quotas(scope)
    return [
        CreatorProfileOut.from_profile(one, images) for one in creators.list_profiles(scope, found)
    ]


def _check_tag(call: ApiCall, found: CreatorProfileOut) -> None:
    call.check_state_tag(*_tag_fields(found))


def _etag(found: CreatorProfileOut) -> dict[str, str]:
    return etag_header(state_tag(*_tag_fields(found)))


def _tag_fields(found: CreatorProfileOut) -> tuple[object, ...]:
    return tuple(found.model_dump(mode="json").values())
