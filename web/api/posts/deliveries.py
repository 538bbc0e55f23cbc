"""Deliveries in the API: a post on one account, its story, and what a person may do about it.

What a person would say of one delivery on its page: that a repeat is meant so, what became of other
words.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from fastapi.responses import Response
from pydantic import BaseModel, Field

from connectors.contract.connector import Connector
from foundation.db.database import OpenScope, Scope
from schedules.approvals.time_changes import reschedule_delivery
from schedules.calendar import listings, next_steps, versioned_actions
from schedules.calendar.listings import DeliveryFilter
from schedules.drafts import drafts, duplicates
from schedules.drafts.duplicates import DuplicatePost
from schedules.posts.queries import DeliveryEntry
from schedules.publishing import edit_requests
from schedules.rescheduling import priority
from tenants.api_keys.keys import ApiKeyScope
from web.api.common import pagination
from web.api.common.calls import (
    ApiCall,
    Caller,
    ChangeResult,
    action_dependency,
    etag_header,
    read_dependency,
)
from web.api.common.schemas import (
    EXAMPLE_POST_ID,
    MAX_MEDIA,
    ReasonOut,
    RequestModel,
    example_config,
    reason_out,
    wall_time_in,
)
from web.api.posts.delivery_schemas import (
    DeliveriesOut,
    DeliveriesQuery,
    DeliveryOut,
    DeliveryStory,
    ImportanceIn,
    LinkIn,
    MoveIn,
)


def router(tenant: OpenScope, connectors: Mapping[str, Connector]) -> APIRouter:
    """The routes under `/deliveries`."""
    routes = APIRouter(prefix="/deliveries", tags=["deliveries"])
    _add_delivery_read_routes(routes, tenant, connectors)
    _add_delivery_time_routes(routes, tenant)
    _add_retry_and_cancel_routes(routes, tenant)
    _add_uncertain_delivery_routes(routes, tenant)
    _add_repost_route(routes, tenant, connectors)
    return routes


def _add_delivery_read_routes(
    routes: APIRouter, tenant: OpenScope, connectors: Mapping[str, Connector]
) -> None:
    can_read = Depends(read_dependency(tenant, ApiKeyScope.POSTS_READ))

    @routes.get("", response_model=DeliveriesOut)
    def list_deliveries(
        call: Annotated[ApiCall, can_read], which: Annotated[DeliveriesQuery, Query()]
    ) -> DeliveriesOut:
        """Deliveries by the time they are due. Needs `posts:read`."""
        return load_deliveries_page(call, which)

    @routes.get("/{delivery_id}", response_model=DeliveryStory)
    def get_delivery(
        delivery_id: UUID, call: Annotated[ApiCall, can_read], response: Response
    ) -> DeliveryStory:
        """One delivery with its whole story: its moves, what was tried at the platform, other
        words, and what comes next, when and by whom. Needs `posts:read`."""
        found = get_delivery_story(call, connectors, delivery_id)
        response.headers.update(etag_header(found.version))
        return found


def get_delivery_story(
    call: ApiCall, connectors: Mapping[str, Connector], delivery_id: UUID
) -> DeliveryStory:
    """One delivery with its whole story."""

    def ask(scope: Scope, sight: Caller) -> DeliveryStory:
        found = listings.get_delivery_detail(scope, sight.creators, delivery_id)
        return DeliveryStory.from_detail(
            found, next_steps.next_step_of_delivery(scope, found.entry, connectors)
        )

    return call.read(ask)


def load_deliveries_page(call: ApiCall, which: DeliveriesQuery) -> DeliveriesOut:
    """A page of deliveries."""
    wanted = DeliveryFilter(
        which.post, which.channel, which.state, which.since, which.before, which.label
    )
    question = ["deliveries", which.creator, asdict(wanted)]
    after = pagination.decode_dated_cursor(question, which.cursor)

    def ask(scope: Scope, sight: Caller) -> list[DeliveryEntry]:
        seen = [one for one in sight.creators if which.creator in (None, one)]
        return listings.list_deliveries(scope, seen, wanted, after=after, limit=which.limit)

    found = call.read(ask)
    place = (
        [found[-1].due_at.isoformat(), str(found[-1].delivery_id)]
        if len(found) == which.limit
        else None
    )
    following = pagination.encode_cursor(question, place) if place is not None else None
    return DeliveriesOut(items=[DeliveryOut.from_view(one) for one in found], next=following)


def _add_delivery_time_routes(routes: APIRouter, tenant: OpenScope) -> None:
    can_write = Depends(action_dependency(tenant, ApiKeyScope.DELIVERIES_WRITE))

    @routes.post("/{delivery_id}/move", response_model=DeliveryOut)
    def move_delivery(
        delivery_id: UUID, body: MoveIn, call: Annotated[ApiCall, can_write]
    ) -> Response:
        """Give it another time. A yes to it stands, but for a second one that is for the hour too
        by its creator's rule: then it is `draft` until that is said again, as is what was on hold
        for want of a yes. Needs `deliveries:write`."""

        def act(scope: Scope, sight: Caller) -> None:
            found = listings.get_delivery_entry(scope, sight.creators, delivery_id)
            at = wall_time_in(body.at, found.zone)  # an instant, too, is planned on its own clock
            reschedule_delivery(scope, delivery_id, at=at, version=call.expected_version)

        return act_on_delivery(call, delivery_id, "delivery.move", act)

    @routes.post("/{delivery_id}/importance", response_model=DeliveryOut)
    def set_importance(
        delivery_id: UUID, body: ImportanceIn, call: Annotated[ApiCall, can_write]
    ) -> Response:
        """Say how important it is among what leaves its account at once. Needs
        `deliveries:write`."""

        def act(scope: Scope, _: Caller) -> None:
            priority.set_priority(scope, delivery_id, body.priority, version=call.expected_version)

        return act_on_delivery(call, delivery_id, "delivery.importance", act)

    @routes.post("/{delivery_id}/now", response_model=DeliveryOut)
    def send_now(delivery_id: UUID, call: Annotated[ApiCall, can_write]) -> Response:
        """Send it now: planned, on hold or refused. 409, and nothing moves, while a yes is missing,
        and where the second one was to another hour than now. Needs `deliveries:write`."""

        def act(scope: Scope, _: Caller) -> None:
            drafts.publish_now(scope, delivery_id, version=call.expected_version)

        return act_on_delivery(call, delivery_id, "delivery.now", act)


def _add_retry_and_cancel_routes(routes: APIRouter, tenant: OpenScope) -> None:
    can_write = Depends(action_dependency(tenant, ApiKeyScope.DELIVERIES_WRITE))

    @routes.post("/{delivery_id}/again", status_code=202, response_model=DeliveryOut)
    def send_again(delivery_id: UUID, call: Annotated[ApiCall, can_write]) -> Response:
        """Try again what was refused, held or broken off; 409 as for `now`. Of an uncertain one it
        is your word that it is not there: it may then be sent a second time. Needs
        `deliveries:write`."""

        def act(scope: Scope, sight: Caller) -> None:
            versioned_actions.retry_delivery_version(
                scope, delivery_id, member_id=sight.member.id, version=call.expected_version
            )

        return act_on_delivery(call, delivery_id, "delivery.again", act, status=202)

    @routes.post("/{delivery_id}/cancel", response_model=DeliveryOut)
    def cancel_delivery(delivery_id: UUID, call: Annotated[ApiCall, can_write]) -> Response:
        """Take a post off this account before it leaves; the others stay. 409 once it is on its way
        (`delivery.on_its_way`), in doubt (`delivery.maybe_online`), or outside
        (`delivery.is_online`): `/remove` takes that away. Needs `deliveries:write`."""

        def act(scope: Scope, _: Caller) -> None:
            drafts.remove_channel_from_post(scope, delivery_id)

        return act_on_delivery(call, delivery_id, "delivery.cancel", act)

    @routes.post("/{delivery_id}/remove", status_code=202, response_model=DeliveryOut)
    def remove_delivery(delivery_id: UUID, call: Annotated[ApiCall, can_write]) -> Response:
        """Take away what is outside; it is `removed` once that is proven. Needs
        `deliveries:write`."""

        def act(scope: Scope, sight: Caller) -> None:
            versioned_actions.request_removal_of_version(
                scope, delivery_id, member_id=sight.member.id
            )

        return act_on_delivery(call, delivery_id, "delivery.remove", act, status=202)


def _add_uncertain_delivery_routes(routes: APIRouter, tenant: OpenScope) -> None:
    can_write = Depends(action_dependency(tenant, ApiKeyScope.DELIVERIES_WRITE))

    @routes.post("/{delivery_id}/link", status_code=202, response_model=DeliveryOut)
    def link_delivery(
        delivery_id: UUID, body: LinkIn, call: Annotated[ApiCall, can_write]
    ) -> Response:
        """Say where an uncertain one stands. The platform is asked first: it is `published` once
        that is this account's post, and else stays `uncertain` with why as its `reason`. Needs
        `deliveries:write`."""

        def act(scope: Scope, sight: Caller) -> None:
            versioned_actions.confirm_delivery_link(
                scope, delivery_id, member_id=sight.member.id, url=body.url
            )

        return act_on_delivery(call, delivery_id, "delivery.link", act, status=202)

    @routes.post("/{delivery_id}/leave", response_model=DeliveryOut)
    def leave_delivery(delivery_id: UUID, call: Annotated[ApiCall, can_write]) -> Response:
        """Leave an uncertain one at that: it is looked for no more, never sent again, and
        `cancelled`. 409 where a part of it surely stands. Needs `deliveries:write`."""

        def act(scope: Scope, sight: Caller) -> None:
            versioned_actions.close_uncertain_version(scope, delivery_id, member_id=sight.member.id)

        return act_on_delivery(call, delivery_id, "delivery.leave", act)


def _add_repost_route(
    routes: APIRouter, tenant: OpenScope, connectors: Mapping[str, Connector]
) -> None:
    @routes.post("/{delivery_id}/once-more", status_code=201, response_model=DeliveryOut)
    def post_once_more(
        delivery_id: UUID,
        body: MoveIn,
        call: Annotated[ApiCall, Depends(action_dependency(tenant, ApiKeyScope.DELIVERIES_WRITE))],
    ) -> Response:
        """Post what was published once more on its account: another delivery, which it answers
        with. 409 for what was not published, and while one more waits already; 403 where the
        platform never takes the same words twice. Needs `deliveries:write`."""

        def act(scope: Scope, sight: Caller) -> ChangeResult:
            first = listings.get_delivery_entry(scope, sight.creators, delivery_id)
            versioned_actions.require_delivery_version(scope, delivery_id, call.expected_version)
            at = wall_time_in(body.at, first.zone)
            made = versioned_actions.repost_version(
                scope, delivery_id, at=at, member_id=sight.member.id, connectors=connectors
            )
            scope.session.expire_all()
            found = listings.get_delivery_entry(scope, sight.creators, made)
            headers = {**etag_header(found.version), "location": f"/v1/deliveries/{made}"}
            return ChangeResult(
                DeliveryOut.from_view(found), "delivery.once_more", f"delivery:{made}", 201, headers
            )

        return call.apply_once(act, delivery=delivery_id)


def act_on_delivery(
    call: ApiCall,
    delivery_id: UUID,
    did: str,
    act: Callable[[Scope, Caller], None],
    *,
    status: int = 200,
) -> Response:
    """Do something to a delivery as its caller saw it, once; it answers with the delivery as it
    stands then."""

    def done(scope: Scope, sight: Caller) -> ChangeResult:
        listings.get_delivery_entry(scope, sight.creators, delivery_id)
        versioned_actions.require_delivery_version(scope, delivery_id, call.expected_version)
        act(scope, sight)
        scope.session.expire_all()
        found = listings.get_delivery_entry(scope, sight.creators, delivery_id)
        return ChangeResult(
            DeliveryOut.from_view(found),
            did,
            f"delivery:{delivery_id}",
            status,
            etag_header(found.version),
        )

    return call.apply_once(done, delivery=delivery_id)


ONE = "/deliveries/{delivery_id}"


class AnywayIn(RequestModel):
    """The posts that are repeated, as `GET …/repeats` told them: the word counts for these."""

    model_config = example_config({"seen": [EXAMPLE_POST_ID]})

    seen: Annotated[list[UUID], Field(max_length=MAX_MEDIA)]


class WordsIn(RequestModel):
    """Which words somebody saw outside: the new ones, where they `came`."""

    came: bool


class RepeatOut(BaseModel):
    """A post of the account that this one repeats; `at` is when it left or will. `refused`: the
    platform takes it no second time, whoever wants it."""

    post_id: UUID
    delivery_id: UUID
    at: datetime
    out: bool
    refused: bool
    why: ReasonOut | None

    @classmethod
    def of(cls, one: DuplicatePost) -> "RepeatOut":
        """Of the room's value."""
        names = ("post_id", "delivery_id", "at", "out", "refused")
        return cls(**{name: getattr(one, name) for name in names}, why=reason_out(one.to_message))


class RepeatsOut(BaseModel):
    """What a delivery repeats on its account."""

    items: list[RepeatOut]


def settlement_router(tenant: OpenScope, connectors: Mapping[str, Connector]) -> APIRouter:
    """More routes under `/deliveries`."""
    routes = APIRouter(tags=["deliveries"])
    _add_duplicate_routes(routes, tenant, connectors)
    _add_open_edit_routes(routes, tenant)
    return routes


def _add_duplicate_routes(
    routes: APIRouter, tenant: OpenScope, connectors: Mapping[str, Connector]
) -> None:
    @routes.get(ONE + "/repeats", response_model=RepeatsOut)
    def get_repeats(
        delivery_id: UUID,
        call: Annotated[ApiCall, Depends(read_dependency(tenant, ApiKeyScope.POSTS_READ))],
    ) -> RepeatsOut:
        """What it repeats of what its account said, or will say. Needs `posts:read`."""

        def ask(scope: Scope, sight: Caller) -> list[DuplicatePost]:
            found = listings.get_delivery_entry(scope, sight.creators, delivery_id)
            ahead = found.state in duplicates.UPCOMING_STATES
            return (
                duplicates.find_delivery_duplicates(scope, delivery_id, connectors=connectors)
                if ahead
                else []
            )

        return RepeatsOut(items=[RepeatOut.of(one) for one in call.read(ask)])

    @routes.post(
        ONE + "/anyway",
        response_model=DeliveryOut,
        operation_id="post_anyway_deliveries__delivery_id__anyway_post",
    )
    def publish_duplicate(
        delivery_id: UUID,
        body: AnywayIn,
        call: Annotated[ApiCall, Depends(action_dependency(tenant, ApiKeyScope.DELIVERIES_WRITE))],
    ) -> Response:
        """Say that the repeat is meant so: it leaves, now where it was held for that. 403 where the
        platform never takes the same twice. Needs `deliveries:write`."""

        def act(scope: Scope, _: Caller) -> None:
            seen = frozenset(body.seen)
            duplicates.allow_duplicate(
                scope, delivery_id, connectors=connectors, seen=seen, version=call.expected_version
            )

        return act_on_delivery(call, delivery_id, "delivery.anyway", act)


def _add_open_edit_routes(routes: APIRouter, tenant: OpenScope) -> None:
    can_write = Depends(action_dependency(tenant, ApiKeyScope.DELIVERIES_WRITE))

    @routes.post(ONE + "/words-again", status_code=202, response_model=DeliveryOut)
    def reword_again(delivery_id: UUID, call: Annotated[ApiCall, can_write]) -> Response:
        """Try once more to change the words outside. 409 where nothing is open. Needs
        `deliveries:write`."""

        def act(scope: Scope, _: Caller) -> None:
            edit_requests.retry_edit(scope, delivery_id)

        return act_on_delivery(call, delivery_id, "words.again", act, status=202)

    @routes.post(ONE + "/words-leave", response_model=DeliveryOut)
    def leave_words(delivery_id: UUID, call: Annotated[ApiCall, can_write]) -> Response:
        """Leave the words outside as they are. 409 where nothing is open, or nobody knows which
        stand. Needs `deliveries:write`."""

        def act(scope: Scope, _: Caller) -> None:
            edit_requests.abandon_edit(scope, delivery_id)

        return act_on_delivery(call, delivery_id, "words.leave", act)

    @routes.post(ONE + "/words-say", status_code=202, response_model=DeliveryOut)
    def say_words(
        delivery_id: UUID, body: WordsIn, call: Annotated[ApiCall, can_write]
    ) -> Response:
        """Say which words stand outside, where nobody was sure: it is your word, as the key's
        member. 409 where nobody asks. Needs `deliveries:write`."""

        def act(scope: Scope, sight: Caller) -> None:
            edit_requests.resolve_uncertain_edit(
                scope, delivery_id, came=body.came, member_id=sight.member.id
            )

        return act_on_delivery(call, delivery_id, "words.say", act, status=202)
