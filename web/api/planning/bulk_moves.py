"""API routes of bulk moves: preview, move and undo."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from fastapi.responses import Response

from foundation.db.database import OpenScope, Scope
from schedules.rescheduling import bulk_moves
from schedules.rescheduling.bulk_moves import BulkMoveRecord, MovePreview, MoveSelection
from tenants.api_keys.keys import ApiKeyScope
from web.api.channels.router import find_channel
from web.api.common.calls import (
    ApiCall,
    Caller,
    ChangeResult,
    action_dependency,
    create_dependency,
    etag_header,
    read_dependency,
    state_tag,
)
from web.api.planning.request_schemas import ShiftIn, ShiftQuery
from web.api.planning.response_schemas import MovedOut, MovePreviewOut, ShiftOut


def router(tenant: OpenScope) -> APIRouter:
    """Create the routes under `/shifts`."""
    routes = APIRouter(prefix="/shifts", tags=["shifts"])
    _add_bulk_move_read_routes(routes, tenant)
    _add_bulk_move_action_routes(routes, tenant)
    return routes


def _add_bulk_move_read_routes(routes: APIRouter, tenant: OpenScope) -> None:
    can_read = Depends(read_dependency(tenant, ApiKeyScope.POSTS_READ))

    @routes.get("/preview", response_model=MovePreviewOut)
    def preview_shift(
        call: Annotated[ApiCall, can_read], which: Annotated[ShiftQuery, Query()]
    ) -> MovePreviewOut:
        """Preview a bulk move. Requires the `posts:read` scope."""

        def ask(scope: Scope, sight: Caller) -> MovePreview:
            return bulk_moves.preview_bulk_move(
                scope, _build_move_selection(scope, sight, which), which.to_offset
            )

        found = call.read(ask)
        return MovePreviewOut.of(found)

    @routes.get("/{shift_id}", response_model=ShiftOut)
    def get_shift(
        shift_id: UUID, call: Annotated[ApiCall, can_read], response: Response
    ) -> ShiftOut:
        """Return a bulk move and the time until which it can be undone. Requires the `posts:read`
        scope."""
        found = call.read(
            lambda scope, sight: bulk_moves.get_bulk_move(scope, sight.creators, shift_id)
        )
        response.headers.update(etag_header(state_tag(*_bulk_move_tag_fields(found))))
        return ShiftOut.of(found)


def _add_bulk_move_action_routes(routes: APIRouter, tenant: OpenScope) -> None:
    @routes.post("", status_code=201, response_model=MovedOut)
    def shift(
        body: ShiftIn,
        call: Annotated[ApiCall, Depends(create_dependency(tenant, ApiKeyScope.CALENDAR_WRITE))],
    ) -> Response:
        """Move the deliveries of a preview. Deliveries that have changed since the preview or are
        being published do not move. Requires the `calendar:write` scope."""

        def act(scope: Scope, sight: Caller) -> ChangeResult:
            done = bulk_moves.move_deliveries(
                scope, _build_move_selection(scope, sight, body), body.to_offset, seen=body.seen
            )
            made = bulk_moves.get_bulk_move(scope, sight.creators, done.shift_id)
            headers = {
                **etag_header(state_tag(*_bulk_move_tag_fields(made))),
                "location": f"/v1/shifts/{done.shift_id}",
            }
            told = MovedOut.of(done.shift_id, done.moved, done.left)
            return ChangeResult(told, "shift.do", f"shift:{done.shift_id}", 201, headers)

        return call.apply_once(act)

    @routes.post("/{shift_id}/undo", response_model=MovedOut)
    def undo_shift(
        shift_id: UUID,
        call: Annotated[ApiCall, Depends(action_dependency(tenant, ApiKeyScope.CALENDAR_WRITE))],
    ) -> Response:
        """Undo a bulk move within ten minutes. Deliveries that have changed since the move are not
        moved back. Requires the `calendar:write` scope."""

        def act(scope: Scope, sight: Caller) -> ChangeResult:
            call.check_state_tag(
                *_bulk_move_tag_fields(bulk_moves.get_bulk_move(scope, sight.creators, shift_id))
            )
            back = bulk_moves.undo_bulk_move(scope, shift_id)
            return ChangeResult(
                MovedOut.of(None, back.moving, back.left), "shift.undo", f"shift:{shift_id}"
            )

        return call.apply_once(act)


def _build_move_selection(scope: Scope, sight: Caller, which: ShiftQuery) -> MoveSelection:
    """Return the selected deliveries. Raises NotFound for a creator or channel that the key may not
    access."""
    sight.get_creator(which.creator_id)
    if which.channel_id is not None:
        find_channel(scope, sight, which.channel_id)
    return which.to_selection(scope.now)


def _bulk_move_tag_fields(one: BulkMoveRecord) -> tuple[object, ...]:
    return one.shift_id, one.undone_at
