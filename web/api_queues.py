"""Hours of the week and queues in the API: what leaves an account at its hours, and in which order."""

from collections.abc import Callable, Sequence
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from fastapi.responses import Response

from channels import reads as channel_reads
from foundation.database import OpenScope, Scope
from foundation.errors import NotFound
from foundation.ids import uuid7
from schedules import drafting, listing, queueing, slots
from schedules.queueing import Queued
from schedules.shifting import Done as Moved
from schedules.slots import Slot
from tenants.keys import KeyScope
from web import api_cursor
from web.api_accounts import account
from web.api_call import Call, Done, Sight, Where, doing, etag, making, reading, rewriting, tag
from web.api_plan_inputs import FillIn, OrderIn, SlotIn, SlotsWanted, TakeOutIn, clock_of
from web.api_plan_models import MovedOut, QueueOut, SlotOut, SlotsPage

QUEUE = "/queues/{channel_id}"
Move = Annotated[bool, Query(description="What stands at it goes, in its order, to the next free hours.")]


def router(tenant: OpenScope) -> APIRouter:
    """The routes under `/slots` and `/queues`."""
    routes = APIRouter(tags=["queues"])
    _hours(routes, tenant)
    _given_up(routes, tenant)
    _reads(routes, tenant)
    _members(routes, tenant)
    _orders(routes, tenant)
    return routes


def _hours(routes: APIRouter, tenant: OpenScope) -> None:
    can_write = KeyScope.CALENDAR_WRITE

    @routes.get("/slots", response_model=SlotsPage)
    def list_slots(
        call: Annotated[Call, Depends(reading(tenant, KeyScope.POSTS_READ))], which: Annotated[SlotsWanted, Query()]
    ) -> SlotsPage:
        """The hours of the week at which an account posts. Needs `posts:read`."""

        def ask(scope: Scope, sight: Sight) -> list[Slot]:
            return slots.slots_of(scope, account(scope, sight, which.channel).id)

        question = ["slots", which.channel]
        found, following = api_cursor.page(question, call.read(ask), cursor=which.cursor, limit=which.limit)
        return SlotsPage(items=[SlotOut.of(one) for one in found], next=following)

    @routes.post("/slots", status_code=201, response_model=SlotOut)
    def add_slot(body: SlotIn, call: Annotated[Call, Depends(making(tenant, can_write))]) -> Response:
        """Post on an account at an hour of the week. Needs `calendar:write`."""

        def act(scope: Scope, sight: Sight) -> Done:
            channel = account(scope, sight, body.channel_id)
            made = slots.add_slot(
                scope,
                channel.id,
                weekday=body.weekday,
                clock=clock_of(body.clock),
                zone=body.zone or sight.creator(channel.creator_id).zone,
                jitter=body.jitter,
                label=body.label,
            )
            return _hour(slots.slot(scope, made), "slot.add", status=201)

        return call.once(act)

    @routes.get("/slots/{slot_id}", response_model=SlotOut)
    def get_slot(
        slot_id: UUID, call: Annotated[Call, Depends(reading(tenant, KeyScope.POSTS_READ))], response: Response
    ) -> SlotOut:
        """One hour of the week. Needs `posts:read`."""
        found = call.read(lambda scope, sight: _slot(scope, sight, slot_id))
        response.headers.update(etag(tag(found)))
        return SlotOut.of(found)


def _given_up(routes: APIRouter, tenant: OpenScope) -> None:
    @routes.delete("/slots/{slot_id}", response_model=SlotOut)
    def remove_slot(
        slot_id: UUID, call: Annotated[Call, Depends(rewriting(tenant, KeyScope.CALENDAR_WRITE))], move: Move = False
    ) -> Response:
        """Post no more at this hour. What is planned at it keeps its time, or goes to the next free hours.
        Needs `calendar:write`."""

        def act(scope: Scope, sight: Sight) -> Done:
            slots.hold(scope, _slot(scope, sight, slot_id).channel_id)
            found = _slot(scope, sight, slot_id)
            call.saw(found)
            if move:
                there = queueing.at_hour(queueing.entries(scope, found.channel_id), slot_id)
                queueing.close(scope, slot_id, seen=_versions(there))
            else:
                slots.remove_slot(scope, slot_id)
            return _hour(found, "slot.remove")

        return call.change(act)


def _hour(found: Slot, did: str, *, status: int = 200) -> Done:
    headers = etag(tag(found))
    if status == 201:
        headers["location"] = f"/v1/slots/{found.id}"
    return Done(SlotOut.of(found), did, f"slot:{found.id}", status, headers)


def _slot(scope: Scope, sight: Sight, slot_id: UUID) -> Slot:
    """Raises NotFound, in the same words for none, another agency's and another creator's."""
    found = slots.slot(scope, slot_id)
    if found.creator_id not in sight.creators:
        raise NotFound("slot.unknown")
    return found


def _reads(routes: APIRouter, tenant: OpenScope) -> None:
    @routes.get(QUEUE, response_model=QueueOut)
    def get_queue(
        channel_id: UUID, call: Annotated[Call, Depends(reading(tenant, KeyScope.POSTS_READ))], response: Response
    ) -> QueueOut:
        """What is ahead at the hours of an account. Its `ETag` is what a change names. Needs `posts:read`."""

        def ask(scope: Scope, sight: Sight) -> tuple[QueueOut, str]:
            account(scope, sight, channel_id)
            return _queue(scope, channel_id)

        found, stands = call.read(ask)
        response.headers.update(etag(stands))
        return found


def _members(routes: APIRouter, tenant: OpenScope) -> None:
    can_write = Depends(doing(tenant, KeyScope.CALENDAR_WRITE))

    @routes.post(QUEUE + "/fill", response_model=QueueOut)
    def fill_queue(channel_id: UUID, body: FillIn, call: Annotated[Call, can_write]) -> Response:
        """Give posts the next free hours, in their order; where somebody has to approve one, its hour is a wish.
        A post that is in the queue keeps its place. Needs `calendar:write`."""

        def act(scope: Scope, sight: Sight) -> Done:
            _seen(scope, sight, channel_id, call)
            for post_id in dict.fromkeys(body.posts):
                listing.whole(scope, sight.creators, post_id)
                queueing.add(scope, post_id, channel_id)
                drafting.settle(scope, post_id)
            return _whole(scope, channel_id, "queue.fill")

        return call.once(act, where=_where(channel_id))

    @routes.post(QUEUE + "/take-out", response_model=QueueOut)
    def take_out(channel_id: UUID, body: TakeOutIn, call: Annotated[Call, can_write]) -> Response:
        """Take a delivery off the calendar; its hour is free again, and those behind stay. Needs `calendar:write`."""

        def act(scope: Scope, sight: Sight) -> Done:
            known = {one.delivery_id: one for one in _seen(scope, sight, channel_id, call)}
            if body.delivery_id not in known:
                raise NotFound("delivery.unknown")
            queueing.take_out(scope, body.delivery_id, version=known[body.delivery_id].version)
            return _whole(scope, channel_id, "queue.take_out")

        return call.once(act, where=_where(channel_id))


Reorder = Callable[[Scope, Sequence[Queued]], Moved]


def _orders(routes: APIRouter, tenant: OpenScope) -> None:
    can_write = Depends(doing(tenant, KeyScope.CALENDAR_WRITE))

    @routes.post(QUEUE + "/reorder", response_model=MovedOut)
    def reorder_queue(channel_id: UUID, body: OrderIn, call: Annotated[Call, can_write]) -> Response:
        """Give the hours of a queue to its deliveries in another order. Needs `calendar:write`."""

        def act(scope: Scope, known: Sequence[Queued]) -> Moved:
            return queueing.reorder(scope, channel_id, body.order, seen=_versions(known))

        return _laid(call, channel_id, "queue.reorder", act)

    @routes.post(QUEUE + "/shuffle", response_model=MovedOut)
    def shuffle_queue(channel_id: UUID, call: Annotated[Call, can_write]) -> Response:
        """The same in an order that is drawn. Needs `calendar:write`."""

        def act(scope: Scope, known: Sequence[Queued]) -> Moved:
            return queueing.shuffle(scope, channel_id, key=uuid7(), seen=_versions(known))

        return _laid(call, channel_id, "queue.shuffle", act)

    @routes.post(QUEUE + "/forward", response_model=MovedOut)
    def pull_forward(channel_id: UUID, call: Annotated[Call, can_write]) -> Response:
        """Fill the free hours between, in its order. Needs `calendar:write`."""

        def act(scope: Scope, known: Sequence[Queued]) -> Moved:
            return queueing.pull_forward(scope, channel_id, seen=_versions(known))

        return _laid(call, channel_id, "queue.forward", act)


def _laid(call: Call, channel_id: UUID, did: str, act: Reorder) -> Response:
    """Move the deliveries of a queue as its caller saw it, once."""

    def done(scope: Scope, sight: Sight) -> Done:
        moved = act(scope, _seen(scope, sight, channel_id, call))
        _, stands = _queue(scope, channel_id)
        body = MovedOut.of(moved.shift_id, moved.moved, moved.left)
        return Done(body, did, f"channel:{channel_id}", headers=etag(stands))

    return call.once(done, where=_where(channel_id))


def _seen(scope: Scope, sight: Sight, channel_id: UUID, call: Call) -> list[Queued]:
    """Hold a queue as its caller saw it. Raises NotFound, Stale."""
    account(scope, sight, channel_id)
    slots.hold(scope, channel_id)
    known = queueing.entries(scope, channel_id)
    channel = channel_reads.channel(scope, channel_id)
    call.saw(*_stands(known), channel.min_gap, channel.holds_distance)
    return known


def _stands(known: Sequence[Queued]) -> tuple[object, ...]:
    return tuple((one.delivery_id, one.version) for one in known)


def _versions(known: Sequence[Queued]) -> dict[UUID, int]:
    return {one.delivery_id: one.version for one in known}


def _queue(scope: Scope, channel_id: UUID) -> tuple[QueueOut, str]:
    known = queueing.entries(scope, channel_id)
    channel = channel_reads.channel(scope, channel_id)
    found = QueueOut.of(channel, known, queueing.first_free(scope, channel_id))
    return found, tag(*_stands(known), channel.min_gap, channel.holds_distance)


def _whole(scope: Scope, channel_id: UUID, did: str) -> Done:
    found, stands = _queue(scope, channel_id)
    return Done(found, did, f"channel:{channel_id}", headers=etag(stands))


def _where(channel_id: UUID) -> Where:
    def ask(scope: Scope, sight: Sight) -> dict[str, str]:
        known = queueing.entries(scope, account(scope, sight, channel_id).id)
        return {str(one.delivery_id): str(one.state) for one in known}

    return ask
