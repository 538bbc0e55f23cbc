"""Moves of many in the API: what would go where is asked first, then it is done, and may be taken back."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from fastapi.responses import Response

from foundation.database import OpenScope, Scope
from schedules import shifted, shifting
from schedules.shifted import Shifted
from schedules.shifting import Chosen, Preview
from tenants.keys import KeyScope
from web.api_accounts import account
from web.api_call import Call, Done, Sight, doing, etag, making, reading, tag
from web.api_plan_inputs import ShiftIn, ShiftWanted
from web.api_plan_models import MovedOut, PreviewOut, ShiftOut


def router(tenant: OpenScope) -> APIRouter:
    """The routes under `/shifts`."""
    routes = APIRouter(prefix="/shifts", tags=["shifts"])
    _reads(routes, tenant)
    _acts(routes, tenant)
    return routes


def _reads(routes: APIRouter, tenant: OpenScope) -> None:
    can_read = Depends(reading(tenant, KeyScope.POSTS_READ))

    @routes.get("/preview", response_model=PreviewOut)
    def preview_shift(call: Annotated[Call, can_read], which: Annotated[ShiftWanted, Query()]) -> PreviewOut:
        """What a move would bring where; nothing is done. Needs `posts:read`."""

        def ask(scope: Scope, sight: Sight) -> Preview:
            return shifting.preview(scope, _chosen(scope, sight, which), which.by)

        found = call.read(ask)
        return PreviewOut.of(found)

    @routes.get("/{shift_id}", response_model=ShiftOut)
    def get_shift(shift_id: UUID, call: Annotated[Call, can_read], response: Response) -> ShiftOut:
        """One move of many, and until when it may be taken back. Needs `posts:read`."""
        found = call.read(lambda scope, sight: shifted.one(scope, sight.creators, shift_id))
        response.headers.update(etag(tag(*_stands(found))))
        return ShiftOut.of(found)


def _acts(routes: APIRouter, tenant: OpenScope) -> None:
    @routes.post("", status_code=201, response_model=MovedOut)
    def shift(body: ShiftIn, call: Annotated[Call, Depends(making(tenant, KeyScope.CALENDAR_WRITE))]) -> Response:
        """Move what was seen in the preview; what changed since, or is on its way, stays. Needs `calendar:write`."""

        def act(scope: Scope, sight: Sight) -> Done:
            done = shifting.shift(scope, _chosen(scope, sight, body), body.by, seen=body.seen)
            made = shifted.one(scope, sight.creators, done.shift_id)
            headers = {**etag(tag(*_stands(made))), "location": f"/v1/shifts/{done.shift_id}"}
            told = MovedOut.of(done.shift_id, done.moved, done.left)
            return Done(told, "shift.do", f"shift:{done.shift_id}", 201, headers)

        return call.once(act)

    @routes.post("/{shift_id}/undo", response_model=MovedOut)
    def undo_shift(shift_id: UUID, call: Annotated[Call, Depends(doing(tenant, KeyScope.CALENDAR_WRITE))]) -> Response:
        """Bring back what it moved and nobody touched since, within ten minutes. Needs `calendar:write`."""

        def act(scope: Scope, sight: Sight) -> Done:
            call.saw(*_stands(shifted.one(scope, sight.creators, shift_id)))
            back = shifting.undo(scope, shift_id)
            return Done(MovedOut.of(None, back.moving, back.left), "shift.undo", f"shift:{shift_id}")

        return call.once(act)


def _chosen(scope: Scope, sight: Sight, which: ShiftWanted) -> Chosen:
    """Raises NotFound for whom this key may not see."""
    sight.creator(which.creator_id)
    if which.channel_id is not None:
        account(scope, sight, which.channel_id)
    return which.chosen(scope.now)


def _stands(one: Shifted) -> tuple[object, ...]:
    return one.shift_id, one.undone_at
