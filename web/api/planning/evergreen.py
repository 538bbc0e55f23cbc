"""API routes of the evergreen queue: its settings, its posts, pause and resume."""

from collections.abc import Callable
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends
from fastapi.responses import Response

from foundation.db.database import OpenScope, Scope
from foundation.errors import Conflict, NotFound
from foundation.ids import uuid7
from schedules.calendar import listings
from schedules.recurrence import evergreen_pools
from tenants.api_keys.keys import ApiKeyScope
from web.api.common.calls import (
    ApiCall,
    Caller,
    ChangeResult,
    action_dependency,
    etag_header,
    read_dependency,
    replace_dependency,
    state_tag,
)
from web.api.planning.evergreen_schemas import (
    EntryIn,
    EntryOut,
    PoolOut,
    PutInIn,
    RhythmIn,
    WordingIn,
)
from web.api.posts.delivery_schemas import DeliveryOut

POOL = "/pools/{creator_id}"


def router(tenant: OpenScope) -> APIRouter:
    """Create the routes under `/pools`."""
    routes = APIRouter(tags=["pool"])
    _add_pool_read_routes(routes, tenant)
    _add_pool_settings_route(routes, tenant)
    _add_pool_entry_routes(routes, tenant)
    _add_pool_state_routes(routes, tenant)
    return routes


def _add_pool_read_routes(routes: APIRouter, tenant: OpenScope) -> None:
    @routes.get(POOL, response_model=PoolOut)
    def get_pool(
        creator_id: UUID,
        call: Annotated[ApiCall, Depends(read_dependency(tenant, ApiKeyScope.POSTS_READ))],
        response: Response,
    ) -> PoolOut:
        """Return the evergreen queue of a creator and its scheduled deliveries. Its `ETag` covers
        settings and entries, not the deliveries. Requires the `posts:read` scope."""

        def ask(scope: Scope, sight: Caller) -> tuple[PoolOut, str]:
            sight.get_creator(creator_id)
            return _build_pool_out(scope, sight, creator_id), _pool_state_tag(scope, creator_id)

        found, stands = call.read(ask)
        response.headers.update(etag_header(stands))
        return found


def _add_pool_settings_route(routes: APIRouter, tenant: OpenScope) -> None:
    @routes.patch(POOL, response_model=PoolOut)
    def settle_pool(
        creator_id: UUID,
        body: RhythmIn,
        call: Annotated[ApiCall, Depends(replace_dependency(tenant, ApiKeyScope.CALENDAR_WRITE))],
    ) -> Response:
        """Set the channels and frequency of the evergreen queue. It is created if the creator has
        none. Scheduled deliveries do not change. Requires the `calendar:write` scope."""

        def act(scope: Scope, sight: Caller) -> None:
            evergreen_pools.save_pool(scope, creator_id, body.to_rhythm)

        return call.apply(_build_pool_change(call, creator_id, "pool.settle", act))


def _add_pool_entry_routes(routes: APIRouter, tenant: OpenScope) -> None:
    can_write = Depends(action_dependency(tenant, ApiKeyScope.CALENDAR_WRITE))

    @routes.post(POOL + "/add", response_model=PoolOut)
    def put_in(creator_id: UUID, body: PutInIn, call: Annotated[ApiCall, can_write]) -> Response:
        """Add a post to the evergreen queue, or add a removed one again. 409 if the creator has no
        queue. Requires the `calendar:write` scope."""

        def act(scope: Scope, sight: Caller) -> None:
            if (
                listings.get_post_detail(scope, sight.creators, body.post_id).listed.post.creator_id
                != creator_id
            ):
                raise NotFound("post.unknown")
            evergreen_pools.add_post_to_pool(scope, body.post_id)

        return call.apply_once(_build_pool_change(call, creator_id, "pool.add", act))

    @routes.post(POOL + "/wording", response_model=PoolOut)
    def add_wording(
        creator_id: UUID, body: WordingIn, call: Annotated[ApiCall, can_write]
    ) -> Response:
        """Add a variant of an entry's text. The variant is a separate post that needs approval and
        then alternates with the others. Requires the `calendar:write` scope."""

        def act(scope: Scope, sight: Caller) -> None:
            _check_entry(scope, creator_id, body.entry_id)
            evergreen_pools.add_pool_variant(
                scope, body.entry_id, body.body, key=uuid7(), author=scope.actor
            )

        return call.apply_once(_build_pool_change(call, creator_id, "pool.wording", act))

    @routes.post(POOL + "/take-out", response_model=PoolOut)
    def take_out_of_pool(
        creator_id: UUID, body: EntryIn, call: Annotated[ApiCall, can_write]
    ) -> Response:
        """Remove an entry from the evergreen queue and cancel its scheduled deliveries. Requires
        the `calendar:write` scope."""

        def act(scope: Scope, sight: Caller) -> None:
            _check_entry(scope, creator_id, body.entry_id)
            evergreen_pools.remove_pool_entry(scope, body.entry_id)

        return call.apply_once(_build_pool_change(call, creator_id, "pool.take_out", act))


def _add_pool_state_routes(routes: APIRouter, tenant: OpenScope) -> None:
    can_write = Depends(action_dependency(tenant, ApiKeyScope.CALENDAR_WRITE))

    @routes.post(POOL + "/pause", response_model=PoolOut)
    def pause_pool(creator_id: UUID, call: Annotated[ApiCall, can_write]) -> Response:
        """Pause the evergreen queue and cancel its scheduled deliveries. 409 if the creator has no
        queue. Requires the `calendar:write` scope."""

        def act(scope: Scope, _: Caller) -> None:
            evergreen_pools.pause_pool(scope, _get_pool_id(scope, creator_id))

        return call.apply_once(_build_pool_change(call, creator_id, "pool.pause", act))

    @routes.post(POOL + "/resume", response_model=PoolOut)
    def resume_pool(creator_id: UUID, call: Annotated[ApiCall, can_write]) -> Response:
        """Resume the evergreen queue. 409 if the creator has no queue. Requires the
        `calendar:write` scope."""

        def act(scope: Scope, _: Caller) -> None:
            evergreen_pools.resume_pool(scope, _get_pool_id(scope, creator_id))

        return call.apply_once(_build_pool_change(call, creator_id, "pool.resume", act))


def _build_pool_change(
    call: ApiCall, creator_id: UUID, did: str, act: Callable[[Scope, Caller], None]
) -> Callable[[Scope, Caller], ChangeResult]:
    """Return a change that acts on an evergreen queue at the state its caller saw, and responds
    with the new state."""

    def done(scope: Scope, sight: Caller) -> ChangeResult:
        sight.get_creator(creator_id)
        evergreen_pools.lock_pool(scope, creator_id)
        call.check_state_tag(*_pool_tag_fields(scope, creator_id))
        act(scope, sight)
        scope.session.flush()
        headers = etag_header(_pool_state_tag(scope, creator_id))
        return ChangeResult(
            _build_pool_out(scope, sight, creator_id), did, f"creator:{creator_id}", headers=headers
        )

    return done


def _get_pool_id(scope: Scope, creator_id: UUID) -> UUID:
    row = evergreen_pools.pool_of_creator(scope, creator_id)
    if row is None:
        raise Conflict("pool.none_yet")
    return row.id


def _check_entry(scope: Scope, creator_id: UUID, entry_id: UUID) -> None:
    """Raise the same NotFound for an unknown entry and for one of another creator."""
    if evergreen_pools.creator_of_pool_entry(scope, entry_id) != creator_id:
        raise NotFound("pool.no_entry")


def _pool_tag_fields(scope: Scope, creator_id: UUID) -> tuple[object, ...]:
    """Return the values of the state tag: those that the API can change."""
    row = evergreen_pools.pool_of_creator(scope, creator_id)
    if row is None:
        return (creator_id,)
    entries = [
        (one.id, one.wordings)
        for one in evergreen_pools.list_pool_entries(scope, row.id)
        if not one.taken_out
    ]
    return creator_id, evergreen_pools.pool_schedule(row), row.paused, entries


def _pool_state_tag(scope: Scope, creator_id: UUID) -> str:
    return state_tag(*_pool_tag_fields(scope, creator_id))


def _build_pool_out(scope: Scope, sight: Caller, creator_id: UUID) -> PoolOut:
    row = evergreen_pools.pool_of_creator(scope, creator_id)
    if row is None:
        return PoolOut.of(creator_id, None, paused=False, items=(), coming=())
    entries = evergreen_pools.list_pool_entries(scope, row.id)
    items = [
        EntryOut(id=one.id, posts=list(map(UUID, one.wordings)))
        for one in entries
        if not one.taken_out
    ]
    planned = evergreen_pools.upcoming_pool_deliveries(
        scope, [post_id for one in items for post_id in one.posts]
    )
    coming = [
        DeliveryOut.from_view(listings.get_delivery_entry(scope, sight.creators, one.id))
        for one in planned
    ]
    return PoolOut.of(
        creator_id,
        evergreen_pools.pool_schedule(row),
        paused=row.paused,
        items=items,
        coming=coming,
    )
