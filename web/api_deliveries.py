"""Deliveries in the API: a post on one account, its story, and what a person may do about it."""

from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from fastapi.responses import Response

from connectors.contract import Connector
from foundation.database import OpenScope, Scope
from schedules import coming, drafting, importance, listing, planning, scheduling
from schedules.listing import Wanted
from schedules.reads import Entry
from tenants.keys import KeyScope
from web import api_cursor
from web.api_call import Call, Done, Sight, doing, etag, reading
from web.api_inputs import DeliveriesWanted, ImportanceIn, LinkIn, MoveIn, wall_of
from web.api_models import DeliveriesOut, DeliveryOut
from web.api_story_models import DeliveryStory


def router(tenant: OpenScope, connectors: Mapping[str, Connector]) -> APIRouter:
    """The routes under `/deliveries`."""
    routes = APIRouter(prefix="/deliveries", tags=["deliveries"])
    _reads(routes, tenant, connectors)
    _times(routes, tenant)
    _ends(routes, tenant)
    _doubts(routes, tenant)
    _more(routes, tenant, connectors)
    return routes


def _reads(routes: APIRouter, tenant: OpenScope, connectors: Mapping[str, Connector]) -> None:
    can_read = Depends(reading(tenant, KeyScope.POSTS_READ))

    @routes.get("", response_model=DeliveriesOut)
    def list_deliveries(call: Annotated[Call, can_read], which: Annotated[DeliveriesWanted, Query()]) -> DeliveriesOut:
        """Deliveries by the time they are due. Needs `posts:read`."""
        return listed(call, which)

    @routes.get("/{delivery_id}", response_model=DeliveryStory)
    def get_delivery(delivery_id: UUID, call: Annotated[Call, can_read], response: Response) -> DeliveryStory:
        """One delivery with its whole story: its moves, what was tried at the platform, other words, and what comes
        next, when and by whom. Needs `posts:read`."""
        found = story(call, connectors, delivery_id)
        response.headers.update(etag(found.version))
        return found


def story(call: Call, connectors: Mapping[str, Connector], delivery_id: UUID) -> DeliveryStory:
    """One delivery with its whole story."""

    def ask(scope: Scope, sight: Sight) -> DeliveryStory:
        found = listing.told(scope, sight.creators, delivery_id)
        return DeliveryStory.told(found, coming.of_delivery(scope, found.entry, connectors))

    return call.read(ask)


def listed(call: Call, which: DeliveriesWanted) -> DeliveriesOut:
    """A page of deliveries."""
    wanted = Wanted(which.post, which.channel, which.state, which.since, which.before, which.label)
    question = ["deliveries", which.creator, asdict(wanted)]
    after = api_cursor.read_dated(question, which.cursor)

    def ask(scope: Scope, sight: Sight) -> list[Entry]:
        seen = [one for one in sight.creators if which.creator in (None, one)]
        return listing.deliveries(scope, seen, wanted, after=after, limit=which.limit)

    found = call.read(ask)
    place = [found[-1].due_at.isoformat(), str(found[-1].delivery_id)] if len(found) == which.limit else None
    following = api_cursor.write(question, place) if place is not None else None
    return DeliveriesOut(items=[DeliveryOut.of(one) for one in found], next=following)


def _times(routes: APIRouter, tenant: OpenScope) -> None:
    can_write = Depends(doing(tenant, KeyScope.DELIVERIES_WRITE))

    @routes.post("/{delivery_id}/move", response_model=DeliveryOut)
    def move_delivery(delivery_id: UUID, body: MoveIn, call: Annotated[Call, can_write]) -> Response:
        """Give it another time. A yes to it stands, but for a second one that is for the hour too by its creator's
        rule: then it is `draft` until that is said again, as is what was on hold for want of a yes.
        Needs `deliveries:write`."""

        def act(scope: Scope, sight: Sight) -> None:
            found = listing.entry(scope, sight.creators, delivery_id)
            at = wall_of(body.at, found.zone)  # an instant, too, is planned on its own clock
            planning.move_delivery(scope, delivery_id, at=at, version=call.version)

        return on(call, delivery_id, "delivery.move", act)

    @routes.post("/{delivery_id}/importance", response_model=DeliveryOut)
    def set_importance(delivery_id: UUID, body: ImportanceIn, call: Annotated[Call, can_write]) -> Response:
        """Say how important it is among what leaves its account at once. Needs `deliveries:write`."""

        def act(scope: Scope, _: Sight) -> None:
            importance.set_importance(scope, delivery_id, body.priority, version=call.version)

        return on(call, delivery_id, "delivery.importance", act)

    @routes.post("/{delivery_id}/now", response_model=DeliveryOut)
    def send_now(delivery_id: UUID, call: Annotated[Call, can_write]) -> Response:
        """Send it now: planned, on hold or refused. 409, and nothing moves, while a yes is missing, and where the
        second one was to another hour than now. Needs `deliveries:write`."""

        def act(scope: Scope, _: Sight) -> None:
            drafting.now(scope, delivery_id, version=call.version)

        return on(call, delivery_id, "delivery.now", act)


def _ends(routes: APIRouter, tenant: OpenScope) -> None:
    can_write = Depends(doing(tenant, KeyScope.DELIVERIES_WRITE))

    @routes.post("/{delivery_id}/again", status_code=202, response_model=DeliveryOut)
    def send_again(delivery_id: UUID, call: Annotated[Call, can_write]) -> Response:
        """Try again what was refused, held or broken off; 409 as for `now`. Of an uncertain one it is your word that it
        is not there: it may then be sent a second time. Needs `deliveries:write`."""

        def act(scope: Scope, sight: Sight) -> None:
            scheduling.again(scope, delivery_id, member_id=sight.member.id, version=call.version)

        return on(call, delivery_id, "delivery.again", act, status=202)

    @routes.post("/{delivery_id}/cancel", response_model=DeliveryOut)
    def cancel_delivery(delivery_id: UUID, call: Annotated[Call, can_write]) -> Response:
        """Take a post off this account before it leaves; the others stay. 409 once it is on its way
        (`delivery.on_its_way`), in doubt (`delivery.maybe_online`), or outside (`delivery.is_online`): `/remove` takes
        that away. Needs `deliveries:write`."""

        def act(scope: Scope, _: Sight) -> None:
            drafting.skip(scope, delivery_id)

        return on(call, delivery_id, "delivery.cancel", act)

    @routes.post("/{delivery_id}/remove", status_code=202, response_model=DeliveryOut)
    def remove_delivery(delivery_id: UUID, call: Annotated[Call, can_write]) -> Response:
        """Take away what is outside; it is `removed` once that is proven. Needs `deliveries:write`."""

        def act(scope: Scope, sight: Sight) -> None:
            scheduling.remove(scope, delivery_id, member_id=sight.member.id)

        return on(call, delivery_id, "delivery.remove", act, status=202)


def _doubts(routes: APIRouter, tenant: OpenScope) -> None:
    can_write = Depends(doing(tenant, KeyScope.DELIVERIES_WRITE))

    @routes.post("/{delivery_id}/link", status_code=202, response_model=DeliveryOut)
    def link_delivery(delivery_id: UUID, body: LinkIn, call: Annotated[Call, can_write]) -> Response:
        """Say where an uncertain one stands. The platform is asked first: it is `published` once that is this account's
        post, and else stays `uncertain` with why as its `reason`. Needs `deliveries:write`."""

        def act(scope: Scope, sight: Sight) -> None:
            scheduling.link(scope, delivery_id, member_id=sight.member.id, url=body.url)

        return on(call, delivery_id, "delivery.link", act, status=202)

    @routes.post("/{delivery_id}/leave", response_model=DeliveryOut)
    def leave_delivery(delivery_id: UUID, call: Annotated[Call, can_write]) -> Response:
        """Leave an uncertain one at that: it is looked for no more, never sent again, and `cancelled`. 409 where a part
        of it surely stands. Needs `deliveries:write`."""

        def act(scope: Scope, sight: Sight) -> None:
            scheduling.leave(scope, delivery_id, member_id=sight.member.id)

        return on(call, delivery_id, "delivery.leave", act)


def _more(routes: APIRouter, tenant: OpenScope, connectors: Mapping[str, Connector]) -> None:
    @routes.post("/{delivery_id}/once-more", status_code=201, response_model=DeliveryOut)
    def post_once_more(
        delivery_id: UUID, body: MoveIn, call: Annotated[Call, Depends(doing(tenant, KeyScope.DELIVERIES_WRITE))]
    ) -> Response:
        """Post what was published once more on its account: another delivery, which it answers with. 409 for what was
        not published, and while one more waits already; 403 where the platform never takes the same words twice.
        Needs `deliveries:write`."""

        def act(scope: Scope, sight: Sight) -> Done:
            first = listing.entry(scope, sight.creators, delivery_id)
            scheduling.as_seen(scope, delivery_id, call.version)
            at = wall_of(body.at, first.zone)
            made = scheduling.once_more(scope, delivery_id, at=at, member_id=sight.member.id, connectors=connectors)
            scope.session.expire_all()
            found = listing.entry(scope, sight.creators, made)
            headers = {**etag(found.version), "location": f"/v1/deliveries/{made}"}
            return Done(DeliveryOut.of(found), "delivery.once_more", f"delivery:{made}", 201, headers)

        return call.once(act, delivery=delivery_id)


def on(call: Call, delivery_id: UUID, did: str, act: Callable[[Scope, Sight], None], *, status: int = 200) -> Response:
    """Do something to a delivery as its caller saw it, once; it answers with the delivery as it stands then."""

    def done(scope: Scope, sight: Sight) -> Done:
        listing.entry(scope, sight.creators, delivery_id)
        scheduling.as_seen(scope, delivery_id, call.version)
        act(scope, sight)
        scope.session.expire_all()
        found = listing.entry(scope, sight.creators, delivery_id)
        return Done(DeliveryOut.of(found), did, f"delivery:{delivery_id}", status, etag(found.version))

    return call.once(done, delivery=delivery_id)
