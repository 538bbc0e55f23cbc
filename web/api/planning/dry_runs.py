"""Rehearsals in the API: everything but the sending, begun and ended; and the days ahead as they
would go."""

from collections.abc import Mapping
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from fastapi.responses import Response

from channels.accounts import queries
from connectors.contract.connector import Connector
from foundation.db.database import OpenScope, Scope
from foundation.errors import BadInput, NotFound, Refused
from schedules.calendar import listings
from schedules.calendar.publishing_forecast import PublishingForecast, forecast_publishing
from schedules.posts import dry_run_state
from schedules.posts.dry_run_state import DryRunTarget
from schedules.posts.queries import get_stored_post
from tenants.api_keys.keys import ApiKeyScope
from web.api.channels.router import find_channel
from web.api.common.calls import (
    ApiCall,
    Caller,
    ChangeResult,
    create_dependency,
    etag_header,
    read_dependency,
    replace_dependency,
    state_tag,
)
from web.api.planning.dry_run_schemas import (
    BegunOut,
    ForecastQuery,
    OutlookOut,
    RehearsalIn,
    RehearsalOut,
    RehearsalsOut,
)

MAX_POSTS_JUDGED = 200
"""Posts that are judged at once; the rest is counted."""

ONE = "/rehearsals/{of_id}"


def router(tenant: OpenScope, connectors: Mapping[str, Connector]) -> APIRouter:
    """The routes under `/rehearsals`, and `/outlook`."""
    routes = APIRouter(tags=["rehearsals"])
    _add_dry_run_read_routes(routes, tenant)
    _add_dry_run_action_routes(routes, tenant)
    _add_forecast_route(routes, tenant, connectors)
    return routes


def _add_dry_run_read_routes(routes: APIRouter, tenant: OpenScope) -> None:
    can_read = Depends(read_dependency(tenant, ApiKeyScope.POSTS_READ))

    @routes.get("/rehearsals", response_model=RehearsalsOut)
    def list_rehearsals(call: Annotated[ApiCall, can_read]) -> RehearsalsOut:
        """What is only rehearsed for now. What came of it stands in deliveries whose state is
        `rehearsed`. Needs `posts:read`."""
        found = call.read(_list_visible_dry_runs)
        return RehearsalsOut(
            items=[RehearsalOut(what=what, of_id=of_id) for of_id, what in found.items()]
        )

    @routes.get(ONE, response_model=RehearsalOut)
    def get_rehearsal(
        of_id: UUID, call: Annotated[ApiCall, can_read], response: Response
    ) -> RehearsalOut:
        """One of them, by the id of the post, the account or the agency. Needs `posts:read`."""
        what = call.read(lambda scope, sight: _get_dry_run_target(scope, sight, of_id))
        response.headers.update(etag_header(state_tag(of_id, what)))
        return RehearsalOut(what=what, of_id=of_id)


def _add_dry_run_action_routes(routes: APIRouter, tenant: OpenScope) -> None:
    @routes.post("/rehearsals", status_code=201, response_model=BegunOut)
    def rehearse(
        body: RehearsalIn,
        call: Annotated[ApiCall, Depends(create_dependency(tenant, ApiKeyScope.CALENDAR_WRITE))],
    ) -> Response:
        """Send nothing of it from now on: at its time it is judged, its request is built, and it
        ends there. What is planned meanwhile is never sent. Again is the same. Needs
        `calendar:write`."""

        def act(scope: Scope, sight: Caller) -> ChangeResult:
            of_id = _resolve_dry_run_target(scope, sight, body)
            ahead = dry_run_state.start_dry_run(scope, body.what, of_id)
            told = BegunOut(what=body.what, of_id=of_id, ahead=ahead)
            headers = {
                **etag_header(state_tag(of_id, body.what)),
                "location": f"/v1/rehearsals/{of_id}",
            }
            return ChangeResult(told, "rehearsal.begin", f"{body.what}:{of_id}", 201, headers)

        return call.apply_once(act)

    @routes.delete(ONE, response_model=RehearsalOut)
    def end_rehearsal(
        of_id: UUID,
        call: Annotated[ApiCall, Depends(replace_dependency(tenant, ApiKeyScope.CALENDAR_WRITE))],
    ) -> Response:
        """End one: what is planned from now on is sent, and what was planned before and is not due
        yet; what was planned meanwhile stays a rehearsal. Needs `calendar:write`."""

        def act(scope: Scope, sight: Caller) -> ChangeResult:
            what = _get_dry_run_target(scope, sight, of_id)
            call.check_state_tag(of_id, what)
            if what == "tenant":
                _check_sees_whole_agency(sight)
            dry_run_state.end_dry_run(scope, of_id)
            return ChangeResult(
                RehearsalOut(what=what, of_id=of_id), "rehearsal.end", f"{what}:{of_id}"
            )

        return call.apply(act)


def _add_forecast_route(
    routes: APIRouter, tenant: OpenScope, connectors: Mapping[str, Connector]
) -> None:
    @routes.get("/outlook", response_model=OutlookOut)
    def get_outlook(
        call: Annotated[ApiCall, Depends(read_dependency(tenant, ApiKeyScope.POSTS_READ))],
        which: Annotated[ForecastQuery, Query()],
    ) -> OutlookOut:
        """The days ahead, rehearsed as of now: what would leave, what would not and why, what is
        too near, what runs out before. Nothing is written or asked of a platform. Needs
        `posts:read`."""

        def ask(scope: Scope, sight: Caller) -> PublishingForecast:
            seen = [one for one in sight.creators if which.creator in (None, one)]
            return forecast_publishing(
                scope, seen, days=which.days, connectors=connectors, most=MAX_POSTS_JUDGED
            )

        return OutlookOut.of(call.read(ask))


def _resolve_dry_run_target(scope: Scope, sight: Caller, body: RehearsalIn) -> UUID:
    """What is meant, by its id. Raises NotFound for what this key may not see, BadInput,
    Refused."""
    if body.what == "tenant":
        _check_sees_whole_agency(sight)
        if body.of_id not in (None, scope.tenant_id):
            raise NotFound("rehearsal.unknown")
        return scope.tenant_id
    if body.of_id is None:
        raise BadInput("api.no_subject")
    if body.what == "channel":
        return find_channel(scope, sight, body.of_id).id
    return listings.get_post_detail(scope, sight.creators, body.of_id).listed.post.id


def _check_sees_whole_agency(sight: Caller) -> None:
    """Raise Refused for who does not see the whole agency."""
    if sight.narrowed:
        raise Refused("api.narrowed")


def _list_visible_dry_runs(scope: Scope, sight: Caller) -> dict[UUID, DryRunTarget]:
    """What of all that is rehearsed this key may see; that the agency rehearses, everybody may
    know."""
    return {
        of_id: what
        for of_id, what in dry_run_state.list_dry_runs(scope).items()
        if _can_see_dry_run(scope, sight, of_id, what)
    }


def _can_see_dry_run(scope: Scope, sight: Caller, of_id: UUID, what: DryRunTarget) -> bool:
    try:
        if what == "post":
            return get_stored_post(scope, of_id).creator_id in sight.creators
        if what == "channel":
            return queries.get_channel(scope, of_id).creator_id in sight.creators
    except NotFound:
        return False
    return True


def _get_dry_run_target(scope: Scope, sight: Caller, of_id: UUID) -> DryRunTarget:
    """Raises NotFound, in the same words for none, another agency's and another creator's."""
    what = dry_run_state.list_dry_runs(scope).get(of_id)
    if what is None or not _can_see_dry_run(scope, sight, of_id, what):
        raise NotFound("rehearsal.unknown")
    return what
