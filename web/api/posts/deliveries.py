"""API routes of deliveries: a post on one account, its history, and actions on it."""

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
    """Create the routes under `/deliveries`."""
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
        """List deliveries, sorted by due time. Requires the `posts:read` scope."""
        return load_deliveries_page(call, which)

    @routes.get("/{delivery_id}", response_model=DeliveryStory)
    def get_delivery(
        delivery_id: UUID, call: Annotated[ApiCall, can_read], response: Response
    ) -> DeliveryStory:
        """Return a delivery with its history: state changes, attempts at the platform, edits, and
        the next step. Requires the `posts:read` scope."""
        found = get_delivery_story(call, connectors, delivery_id)
        response.headers.update(etag_header(found.version))
        return found


def get_delivery_story(
    call: ApiCall, connectors: Mapping[str, Connector], delivery_id: UUID
) -> DeliveryStory:
    """Return a delivery with its history and next step."""

    def ask(scope: Scope, sight: Caller) -> DeliveryStory:
        found = listings.get_delivery_detail(scope, sight.creators, delivery_id)
        return DeliveryStory.from_detail(
            found, next_steps.next_step_of_delivery(scope, found.entry, connectors)
        )

    return call.read(ask)


def load_deliveries_page(call: ApiCall, which: DeliveriesQuery) -> DeliveriesOut:
    """Return a page of deliveries."""
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
        """Change the publish time of a delivery. Approvals remain valid, except a second approval
        that covers the time: then the delivery becomes a `draft` until it is approved again. A
        delivery on hold becomes a `draft` too if an approval is missing. Requires the
        `deliveries:write` scope."""

        def act(scope: Scope, sight: Caller) -> None:
            found = listings.get_delivery_entry(scope, sight.creators, delivery_id)
            # instants are converted to the delivery's time zone
            at = wall_time_in(body.at, found.zone)
            reschedule_delivery(scope, delivery_id, at=at, version=call.expected_version)

        return act_on_delivery(call, delivery_id, "delivery.move", act)

    @routes.post("/{delivery_id}/importance", response_model=DeliveryOut)
    def set_importance(
        delivery_id: UUID, body: ImportanceIn, call: Annotated[ApiCall, can_write]
    ) -> Response:
        """Set the priority of a delivery among those due at the same time on its account. Requires
        the `deliveries:write` scope."""

        def act(scope: Scope, _: Caller) -> None:
            priority.set_priority(scope, delivery_id, body.priority, version=call.expected_version)

        return act_on_delivery(call, delivery_id, "delivery.importance", act)

    @routes.post("/{delivery_id}/now", response_model=DeliveryOut)
    def send_now(delivery_id: UUID, call: Annotated[ApiCall, can_write]) -> Response:
        """Publish a scheduled, held or failed delivery now. 409 if an approval is missing, or if
        the second approval covers another time. Requires the `deliveries:write` scope."""

        def act(scope: Scope, _: Caller) -> None:
            drafts.publish_now(scope, delivery_id, version=call.expected_version)

        return act_on_delivery(call, delivery_id, "delivery.now", act)


def _add_retry_and_cancel_routes(routes: APIRouter, tenant: OpenScope) -> None:
    can_write = Depends(action_dependency(tenant, ApiKeyScope.DELIVERIES_WRITE))

    @routes.post("/{delivery_id}/again", status_code=202, response_model=DeliveryOut)
    def send_again(delivery_id: UUID, call: Annotated[ApiCall, can_write]) -> Response:
        """Retry a failed, held or interrupted delivery. 409 as for `now`. For an uncertain
        delivery, the request confirms that the post is not online, so it may be published twice.
        Requires the `deliveries:write` scope."""

        def act(scope: Scope, sight: Caller) -> None:
            versioned_actions.retry_delivery_version(
                scope, delivery_id, member_id=sight.member.id, version=call.expected_version
            )

        return act_on_delivery(call, delivery_id, "delivery.again", act, status=202)

    @routes.post("/{delivery_id}/cancel", response_model=DeliveryOut)
    def cancel_delivery(delivery_id: UUID, call: Annotated[ApiCall, can_write]) -> Response:
        """Cancel a delivery before it is published. Other accounts are not affected. 409 if it is
        being published (`delivery.on_its_way`), uncertain (`delivery.maybe_online`) or published
        (`delivery.is_online`, use `/remove`). Requires the `deliveries:write` scope."""

        def act(scope: Scope, _: Caller) -> None:
            drafts.remove_channel_from_post(scope, delivery_id)

        return act_on_delivery(call, delivery_id, "delivery.cancel", act)

    @routes.post("/{delivery_id}/remove", status_code=202, response_model=DeliveryOut)
    def remove_delivery(delivery_id: UUID, call: Annotated[ApiCall, can_write]) -> Response:
        """Remove a published post from the platform. The state is `removed` once that is verified.
        Requires the `deliveries:write` scope."""

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
        """Confirm an uncertain delivery with the URL of its post. The platform is queried first:
        the delivery becomes `published` if the post belongs to this account; otherwise it remains
        `uncertain` with a `reason`. Requires the `deliveries:write` scope."""

        def act(scope: Scope, sight: Caller) -> None:
            versioned_actions.confirm_delivery_link(
                scope, delivery_id, member_id=sight.member.id, url=body.url
            )

        return act_on_delivery(call, delivery_id, "delivery.link", act, status=202)

    @routes.post("/{delivery_id}/leave", response_model=DeliveryOut)
    def leave_delivery(delivery_id: UUID, call: Annotated[ApiCall, can_write]) -> Response:
        """Close an uncertain delivery: it becomes `cancelled`, and is neither looked up nor
        published again. 409 if a part of it is known to be online. Requires the `deliveries:write`
        scope."""

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
        """Repost a published delivery on its account. Returns the new delivery. 409 if it is not
        published or another repost is pending, 403 if the platform rejects repeated text. Requires
        the `deliveries:write` scope."""

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
    """Run an action on a delivery once, at the version its caller saw, and respond with its new
    state."""

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


class RepeatConfirmationIn(RequestModel):
    """The repeated posts that the caller saw in `GET …/repeats`. The confirmation covers only
    these."""

    model_config = example_config({"seen": [EXAMPLE_POST_ID]})

    seen: Annotated[list[UUID], Field(max_length=MAX_MEDIA)]


class WordsIn(RequestModel):
    """The text that is online: the new one if `came` is true."""

    came: bool


class RepeatOut(BaseModel):
    """A post of the account that this delivery repeats. `at` is its publish time, and `out` is true
    if it is already published. `refused` is true if the platform rejects repeated posts."""

    post_id: UUID
    delivery_id: UUID
    at: datetime
    out: bool
    refused: bool
    why: ReasonOut | None

    @classmethod
    def of(cls, one: DuplicatePost) -> "RepeatOut":
        names = ("post_id", "delivery_id", "at", "out", "refused")
        return cls(**{name: getattr(one, name) for name in names}, why=reason_out(one.to_message))


class RepeatsOut(BaseModel):
    """The posts that a delivery repeats on its account."""

    items: list[RepeatOut]


def settlement_router(tenant: OpenScope, connectors: Mapping[str, Connector]) -> APIRouter:
    """Create the routes under `/deliveries` about repeats and edits."""
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
        """List published and scheduled posts of the account that the delivery repeats. Requires the
        `posts:read` scope."""

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
        # The published name, which generated clients use.
        operation_id="post_anyway_deliveries__delivery_id__anyway_post",
    )
    def publish_duplicate(
        delivery_id: UUID,
        body: RepeatConfirmationIn,
        call: Annotated[ApiCall, Depends(action_dependency(tenant, ApiKeyScope.DELIVERIES_WRITE))],
    ) -> Response:
        """Confirm that a repeat is intended. A delivery that was held for it is published now. 403
        if the platform rejects repeated posts. Requires the `deliveries:write` scope."""

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
        """Retry an edit of the published text. 409 if no edit is open. Requires the
        `deliveries:write` scope."""

        def act(scope: Scope, _: Caller) -> None:
            edit_requests.retry_edit(scope, delivery_id)

        return act_on_delivery(call, delivery_id, "words.again", act, status=202)

    @routes.post(ONE + "/words-leave", response_model=DeliveryOut)
    def leave_words(delivery_id: UUID, call: Annotated[ApiCall, can_write]) -> Response:
        """Abandon an edit and retain the published text. 409 if no edit is open or the published
        text is uncertain. Requires the `deliveries:write` scope."""

        def act(scope: Scope, _: Caller) -> None:
            edit_requests.abandon_edit(scope, delivery_id)

        return act_on_delivery(call, delivery_id, "words.leave", act)

    @routes.post(ONE + "/words-say", status_code=202, response_model=DeliveryOut)
    def say_words(
        delivery_id: UUID, body: WordsIn, call: Annotated[ApiCall, can_write]
    ) -> Response:
        """Report which text is online after an uncertain edit, as the key's member. 409 if no edit
        is uncertain. Requires the `deliveries:write` scope."""

        def act(scope: Scope, sight: Caller) -> None:
            edit_requests.resolve_uncertain_edit(
                scope, delivery_id, came=body.came, member_id=sight.member.id
            )

        return act_on_delivery(call, delivery_id, "words.say", act, status=202)
