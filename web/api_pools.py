"""The pool in the API: posts that come back, where and how often; put in, taken out, paused."""

from collections.abc import Callable
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends
from fastapi.responses import Response

from foundation.database import OpenScope, Scope
from foundation.errors import Conflict, NotFound
from foundation.ids import uuid7
from schedules import listing, pools
from tenants.keys import KeyScope
from web.api_call import Call, Done, Sight, doing, etag, reading, rewriting, tag
from web.api_models import DeliveryOut
from web.api_pool_models import EntryIn, EntryOut, PoolOut, PutInIn, RhythmIn, WordingIn

POOL = "/pools/{creator_id}"


def router(tenant: OpenScope) -> APIRouter:
    """The routes under `/pools`."""
    routes = APIRouter(tags=["pool"])
    _reads(routes, tenant)
    _rhythm(routes, tenant)
    _entries(routes, tenant)
    _turns(routes, tenant)
    return routes


def _reads(routes: APIRouter, tenant: OpenScope) -> None:
    @routes.get(POOL, response_model=PoolOut)
    def get_pool(
        creator_id: UUID, call: Annotated[Call, Depends(reading(tenant, KeyScope.POSTS_READ))], response: Response
    ) -> PoolOut:
        """The posts of a creator that come back, and what of them is planned. Its `ETag` is what a change names; that
        something was planned is none. Needs `posts:read`."""

        def ask(scope: Scope, sight: Sight) -> tuple[PoolOut, str]:
            sight.creator(creator_id)
            return _shown(scope, sight, creator_id), _stands(scope, creator_id)

        found, stands = call.read(ask)
        response.headers.update(etag(stands))
        return found


def _rhythm(routes: APIRouter, tenant: OpenScope) -> None:
    @routes.patch(POOL, response_model=PoolOut)
    def settle_pool(
        creator_id: UUID, body: RhythmIn, call: Annotated[Call, Depends(rewriting(tenant, KeyScope.CALENDAR_WRITE))]
    ) -> Response:
        """Say where, when and how often her posts come back; where she has no pool yet, it is made. What is planned
        stays. Needs `calendar:write`."""

        def act(scope: Scope, sight: Sight) -> None:
            pools.settle(scope, creator_id, body.rhythm)

        return call.change(_done(call, creator_id, "pool.settle", act))


def _entries(routes: APIRouter, tenant: OpenScope) -> None:
    can_write = Depends(doing(tenant, KeyScope.CALENDAR_WRITE))

    @routes.post(POOL + "/add", response_model=PoolOut)
    def put_in(creator_id: UUID, body: PutInIn, call: Annotated[Call, can_write]) -> Response:
        """Let a post come back; one that was taken out is in again. 409 while she has no pool.
        Needs `calendar:write`."""

        def act(scope: Scope, sight: Sight) -> None:
            if listing.whole(scope, sight.creators, body.post_id).listed.post.creator_id != creator_id:
                raise NotFound("post.unknown")
            pools.add(scope, body.post_id)

        return call.once(_done(call, creator_id, "pool.add", act))

    @routes.post(POOL + "/wording", response_model=PoolOut)
    def add_wording(creator_id: UUID, body: WordingIn, call: Annotated[Call, can_write]) -> Response:
        """Write an entry in other words, a post of its own that waits for the yes its creator asks for and then takes
        its turn. Needs `calendar:write`."""

        def act(scope: Scope, sight: Sight) -> None:
            _check_entry(scope, creator_id, body.entry_id)
            pools.add_wording(scope, body.entry_id, body.body, key=uuid7(), author=scope.actor)

        return call.once(_done(call, creator_id, "pool.wording", act))

    @routes.post(POOL + "/take-out", response_model=PoolOut)
    def take_out_of_pool(creator_id: UUID, body: EntryIn, call: Annotated[Call, can_write]) -> Response:
        """Let an entry come back no more; what is planned of it leaves the calendar. Needs `calendar:write`."""

        def act(scope: Scope, sight: Sight) -> None:
            _check_entry(scope, creator_id, body.entry_id)
            pools.take_out(scope, body.entry_id)

        return call.once(_done(call, creator_id, "pool.take_out", act))


def _turns(routes: APIRouter, tenant: OpenScope) -> None:
    can_write = Depends(doing(tenant, KeyScope.CALENDAR_WRITE))

    @routes.post(POOL + "/pause", response_model=PoolOut)
    def pause_pool(creator_id: UUID, call: Annotated[Call, can_write]) -> Response:
        """Plan no more of it; what is planned leaves the calendar. 409 while she has no pool.
        Needs `calendar:write`."""

        def act(scope: Scope, _: Sight) -> None:
            pools.pause(scope, _known(scope, creator_id))

        return call.once(_done(call, creator_id, "pool.pause", act))

    @routes.post(POOL + "/resume", response_model=PoolOut)
    def resume_pool(creator_id: UUID, call: Annotated[Call, can_write]) -> Response:
        """Plan again. 409 while she has no pool. Needs `calendar:write`."""

        def act(scope: Scope, _: Sight) -> None:
            pools.resume(scope, _known(scope, creator_id))

        return call.once(_done(call, creator_id, "pool.resume", act))


def _done(
    call: Call, creator_id: UUID, did: str, act: Callable[[Scope, Sight], None]
) -> Callable[[Scope, Sight], Done]:
    """Do something to a pool as its caller saw it; it answers with the pool as it stands then."""

    def done(scope: Scope, sight: Sight) -> Done:
        sight.creator(creator_id)
        pools.held(scope, creator_id)
        call.saw(*_said(scope, creator_id))
        act(scope, sight)
        scope.session.flush()
        headers = etag(_stands(scope, creator_id))
        return Done(_shown(scope, sight, creator_id), did, f"creator:{creator_id}", headers=headers)

    return done


def _known(scope: Scope, creator_id: UUID) -> UUID:
    row = pools.of_creator(scope, creator_id)
    if row is None:
        raise Conflict("pool.none_yet")
    return row.id


def _check_entry(scope: Scope, creator_id: UUID, entry_id: UUID) -> None:
    """Raises NotFound, in the same words for none and another creator's."""
    if pools.creator_of(scope, entry_id) != creator_id:
        raise NotFound("pool.no_entry")


def _said(scope: Scope, creator_id: UUID) -> tuple[object, ...]:
    """What somebody may change about it."""
    row = pools.of_creator(scope, creator_id)
    if row is None:
        return (creator_id,)
    entries = [(one.id, one.wordings) for one in pools.entries_of(scope, row.id) if not one.taken_out]
    return creator_id, pools.rhythm_of(row), row.paused, entries


def _stands(scope: Scope, creator_id: UUID) -> str:
    return tag(*_said(scope, creator_id))


def _shown(scope: Scope, sight: Sight, creator_id: UUID) -> PoolOut:
    row = pools.of_creator(scope, creator_id)
    if row is None:
        return PoolOut.of(creator_id, None, paused=False, items=(), coming=())
    entries = pools.entries_of(scope, row.id)
    items = [EntryOut(id=one.id, posts=list(map(UUID, one.wordings))) for one in entries if not one.taken_out]
    planned = pools.coming(scope, [post_id for one in items for post_id in one.posts])
    coming = [DeliveryOut.of(listing.entry(scope, sight.creators, one.id)) for one in planned]
    return PoolOut.of(creator_id, pools.rhythm_of(row), paused=row.paused, items=items, coming=coming)
