"""API routes of posting schedules: the slots of an account, its queue, and the order of
the queue."""

from collections.abc import Callable, Sequence
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from fastapi.responses import Response

from channels.accounts import queries
from foundation.db.database import OpenScope, Scope
from foundation.errors import NotFound
from foundation.ids import uuid7
from schedules.approvals.release import release_post
from schedules.availability import slots
from schedules.availability.slots import Slot, find_first_free_time
from schedules.calendar import listings
from schedules.rescheduling import queue
from schedules.rescheduling.bulk_moves import MoveResult
from schedules.rescheduling.queue import QueueEntry
from tenants.api_keys.keys import ApiKeyScope
from web.api.channels.router import find_channel
from web.api.common import pagination
from web.api.common.calls import (
    ApiCall,
    Caller,
    ChangeResult,
    ConflictStates,
    action_dependency,
    create_dependency,
    etag_header,
    read_dependency,
    replace_dependency,
    state_tag,
)
from web.api.common.schemas import parse_clock
from web.api.planning.request_schemas import FillIn, OrderIn, SlotIn, SlotsQuery, TakeOutIn
from web.api.planning.response_schemas import MovedOut, QueueOut, SlotOut, SlotsPage

QUEUE = "/queues/{channel_id}"
Move = Annotated[
    bool, Query(description="Move the queued posts, in order, to the next open slots.")
]


def router(tenant: OpenScope) -> APIRouter:
    """Create the routes under `/slots` and `/queues`."""
    routes = APIRouter(tags=["queues"])
    _add_slot_routes(routes, tenant)
    _add_slot_removal_route(routes, tenant)
    _add_queue_read_routes(routes, tenant)
    _add_queue_member_routes(routes, tenant)
    _add_queue_order_routes(routes, tenant)
    return routes


def _add_slot_routes(routes: APIRouter, tenant: OpenScope) -> None:
    can_write = ApiKeyScope.CALENDAR_WRITE

    @routes.get("/slots", response_model=SlotsPage)
    def list_slots(
        call: Annotated[ApiCall, Depends(read_dependency(tenant, ApiKeyScope.POSTS_READ))],
        which: Annotated[SlotsQuery, Query()],
    ) -> SlotsPage:
        """List the weekly slots of an account. Requires the `posts:read` scope."""

        def ask(scope: Scope, sight: Caller) -> list[Slot]:
            return slots.list_slots(scope, find_channel(scope, sight, which.channel).id)

        question = ["slots", which.channel]
        found, following = pagination.paginate(
            question, call.read(ask), cursor=which.cursor, limit=which.limit
        )
        return SlotsPage(items=[SlotOut.of(one) for one in found], next=following)

    @routes.post("/slots", status_code=201, response_model=SlotOut)
    def add_slot(
        body: SlotIn, call: Annotated[ApiCall, Depends(create_dependency(tenant, can_write))]
    ) -> Response:
        """Add a weekly slot to an account. Requires the `calendar:write` scope."""

        def act(scope: Scope, sight: Caller) -> ChangeResult:
            channel = find_channel(scope, sight, body.channel_id)
            made = slots.add_slot(
                scope,
                channel.id,
                weekday=body.weekday,
                clock=parse_clock(body.clock),
                zone=body.zone or sight.get_creator(channel.creator_id).zone,
                jitter=body.jitter,
                label=body.label,
                automatic=body.automatic,
            )
            return _build_slot_result(slots.get_slot(scope, made), "slot.add", status=201)

        return call.apply_once(act)

    @routes.get("/slots/{slot_id}", response_model=SlotOut)
    def get_slot(
        slot_id: UUID,
        call: Annotated[ApiCall, Depends(read_dependency(tenant, ApiKeyScope.POSTS_READ))],
        response: Response,
    ) -> SlotOut:
        """Return one slot. Requires the `posts:read` scope."""
        found = call.read(lambda scope, sight: _get_visible_slot(scope, sight, slot_id))
        response.headers.update(etag_header(state_tag(found)))
        return SlotOut.of(found)


def _add_slot_removal_route(routes: APIRouter, tenant: OpenScope) -> None:
    @routes.delete("/slots/{slot_id}", response_model=SlotOut)
    def remove_slot(
        slot_id: UUID,
        call: Annotated[ApiCall, Depends(replace_dependency(tenant, ApiKeyScope.CALENDAR_WRITE))],
        move: Move = False,
    ) -> Response:
        """Delete a slot. Its deliveries keep their times, or move to the next open slots if `move`
        is true. Requires the `calendar:write` scope."""

        def act(scope: Scope, sight: Caller) -> ChangeResult:
            slots.lock_queues(scope, _get_visible_slot(scope, sight, slot_id).channel_id)
            found = _get_visible_slot(scope, sight, slot_id)
            call.check_state_tag(found)
            if move:
                there = queue.entries_at_slot(
                    queue.list_queue_entries(scope, found.channel_id), slot_id
                )
                queue.close_slot(scope, slot_id, seen=_versions_by_delivery(there))
            else:
                slots.remove_slot(scope, slot_id)
            return _build_slot_result(found, "slot.remove")

        return call.apply(act)


def _build_slot_result(found: Slot, did: str, *, status: int = 200) -> ChangeResult:
    headers = etag_header(state_tag(found))
    if status == 201:
        headers["location"] = f"/v1/slots/{found.id}"
    return ChangeResult(SlotOut.of(found), did, f"slot:{found.id}", status, headers)


def _get_visible_slot(scope: Scope, sight: Caller, slot_id: UUID) -> Slot:
    """Return a slot. Raises the same NotFound for an unknown slot and for one of another creator or
    tenant."""
    found = slots.get_slot(scope, slot_id)
    if found.creator_id not in sight.creators:
        raise NotFound("slot.unknown")
    return found


def _add_queue_read_routes(routes: APIRouter, tenant: OpenScope) -> None:
    @routes.get(QUEUE, response_model=QueueOut)
    def get_queue(
        channel_id: UUID,
        call: Annotated[ApiCall, Depends(read_dependency(tenant, ApiKeyScope.POSTS_READ))],
        response: Response,
    ) -> QueueOut:
        """Return the upcoming deliveries in the slots of an account. Send its `ETag` in `If-Match`
        to change the queue. Requires the `posts:read` scope."""

        def ask(scope: Scope, sight: Caller) -> tuple[QueueOut, str]:
            find_channel(scope, sight, channel_id)
            return _load_queue(scope, channel_id)

        found, stands = call.read(ask)
        response.headers.update(etag_header(stands))
        return found


def _add_queue_member_routes(routes: APIRouter, tenant: OpenScope) -> None:
    can_write = Depends(action_dependency(tenant, ApiKeyScope.CALENDAR_WRITE))

    @routes.post(QUEUE + "/fill", response_model=QueueOut)
    def fill_queue(channel_id: UUID, body: FillIn, call: Annotated[ApiCall, can_write]) -> Response:
        """Schedule posts in the next open slots, in the given order. If a post needs approval, its
        time is a proposal. Posts that are already in the queue keep their times. Requires the
        `calendar:write` scope."""

        def act(scope: Scope, sight: Caller) -> ChangeResult:
            _lock_queue(scope, sight, channel_id, call)
            for post_id in dict.fromkeys(body.posts):
                listings.get_post_detail(scope, sight.creators, post_id)
                queue.add_post_to_queue(scope, post_id, channel_id)
                release_post(scope, post_id)
            return _build_queue_result(scope, channel_id, "queue.fill")

        return call.apply_once(act, where=_queue_conflict_states(channel_id))

    @routes.post(QUEUE + "/take-out", response_model=QueueOut)
    def take_out(
        channel_id: UUID, body: TakeOutIn, call: Annotated[ApiCall, can_write]
    ) -> Response:
        """Remove a delivery from the queue and the calendar. Its slot becomes open; later
        deliveries do not move. Requires the `calendar:write` scope."""

        def act(scope: Scope, sight: Caller) -> ChangeResult:
            known = {one.delivery_id: one for one in _lock_queue(scope, sight, channel_id, call)}
            if body.delivery_id not in known:
                raise NotFound("delivery.unknown")
            queue.remove_from_queue(
                scope, body.delivery_id, version=known[body.delivery_id].version
            )
            return _build_queue_result(scope, channel_id, "queue.take_out")

        return call.apply_once(act, where=_queue_conflict_states(channel_id))


QueueReorder = Callable[[Scope, Sequence[QueueEntry]], MoveResult]


def _add_queue_order_routes(routes: APIRouter, tenant: OpenScope) -> None:
    can_write = Depends(action_dependency(tenant, ApiKeyScope.CALENDAR_WRITE))

    @routes.post(QUEUE + "/reorder", response_model=MovedOut)
    def reorder_queue(
        channel_id: UUID, body: OrderIn, call: Annotated[ApiCall, can_write]
    ) -> Response:
        """Reorder a queue: assign its times to the deliveries in the given order. Requires the
        `calendar:write` scope."""

        def act(scope: Scope, known: Sequence[QueueEntry]) -> MoveResult:
            return queue.reorder_queue(
                scope, channel_id, body.order, seen=_versions_by_delivery(known)
            )

        return _apply_queue_reorder(call, channel_id, "queue.reorder", act)

    @routes.post(QUEUE + "/shuffle", response_model=MovedOut)
    def shuffle_queue(channel_id: UUID, call: Annotated[ApiCall, can_write]) -> Response:
        """Reorder a queue randomly. Requires the `calendar:write` scope."""

        def act(scope: Scope, known: Sequence[QueueEntry]) -> MoveResult:
            return queue.shuffle_queue(
                scope, channel_id, key=uuid7(), seen=_versions_by_delivery(known)
            )

        return _apply_queue_reorder(call, channel_id, "queue.shuffle", act)

    @routes.post(QUEUE + "/forward", response_model=MovedOut)
    def pull_forward(channel_id: UUID, call: Annotated[ApiCall, can_write]) -> Response:
        """Move the deliveries of a queue forward into earlier open slots, in their order. Requires
        the `calendar:write` scope."""

        def act(scope: Scope, known: Sequence[QueueEntry]) -> MoveResult:
            return queue.pull_queue_forward(scope, channel_id, seen=_versions_by_delivery(known))

        return _apply_queue_reorder(call, channel_id, "queue.forward", act)


def _apply_queue_reorder(call: ApiCall, channel_id: UUID, did: str, act: QueueReorder) -> Response:
    """Reorder a queue once, at the state its caller saw."""

    def done(scope: Scope, sight: Caller) -> ChangeResult:
        moved = act(scope, _lock_queue(scope, sight, channel_id, call))
        _, stands = _load_queue(scope, channel_id)
        body = MovedOut.of(moved.shift_id, moved.moved, moved.left)
        return ChangeResult(body, did, f"channel:{channel_id}", headers=etag_header(stands))

    return call.apply_once(done, where=_queue_conflict_states(channel_id))


def _lock_queue(scope: Scope, sight: Caller, channel_id: UUID, call: ApiCall) -> list[QueueEntry]:
    """Lock a queue at the state its caller saw. Raises NotFound or StaleVersion."""
    find_channel(scope, sight, channel_id)
    slots.lock_queues(scope, channel_id)
    known = queue.list_queue_entries(scope, channel_id)
    channel = queries.get_channel(scope, channel_id)
    call.check_state_tag(
        *_queue_tag_fields(known), channel.min_interval, channel.holds_min_interval
    )
    return known


def _queue_tag_fields(known: Sequence[QueueEntry]) -> tuple[object, ...]:
    return tuple((one.delivery_id, one.version) for one in known)


def _versions_by_delivery(known: Sequence[QueueEntry]) -> dict[UUID, int]:
    return {one.delivery_id: one.version for one in known}


def _load_queue(scope: Scope, channel_id: UUID) -> tuple[QueueOut, str]:
    known = queue.list_queue_entries(scope, channel_id)
    channel = queries.get_channel(scope, channel_id)
    found = QueueOut.of(channel, known, find_first_free_time(scope, channel_id))
    return found, state_tag(
        *_queue_tag_fields(known), channel.min_interval, channel.holds_min_interval
    )


def _build_queue_result(scope: Scope, channel_id: UUID, did: str) -> ChangeResult:
    found, stands = _load_queue(scope, channel_id)
    return ChangeResult(found, did, f"channel:{channel_id}", headers=etag_header(stands))


def _queue_conflict_states(channel_id: UUID) -> ConflictStates:
    def ask(scope: Scope, sight: Caller) -> dict[str, str]:
        known = queue.list_queue_entries(scope, find_channel(scope, sight, channel_id).id)
        return {str(one.delivery_id): str(one.state) for one in known}

    return ask
