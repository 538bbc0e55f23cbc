"""API routes of dry runs, which do everything except send, and of the publishing forecast."""

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
"""Maximum number of posts that a forecast checks. Further posts are only counted."""

ONE = "/rehearsals/{of_id}"


def router(tenant: OpenScope, connectors: Mapping[str, Connector]) -> APIRouter:
    """Create the routes under `/rehearsals`, and `/outlook`."""
    routes = APIRouter(tags=["rehearsals"])
    _add_dry_run_read_routes(routes, tenant)
    _add_dry_run_action_routes(routes, tenant)
    _add_forecast_route(routes, tenant, connectors)
    return routes


def _add_dry_run_read_routes(routes: APIRouter, tenant: OpenScope) -> None:
    can_read = Depends(read_dependency(tenant, ApiKeyScope.POSTS_READ))

    @routes.get("/rehearsals", response_model=RehearsalsOut)
    def list_rehearsals(call: Annotated[ApiCall, can_read]) -> RehearsalsOut:
        """List the objects in dry run mode. Deliveries that ended as a dry run have the state
        `rehearsed`. Requires the `posts:read` scope."""
        found = call.read(_list_visible_dry_runs)
        return RehearsalsOut(
            items=[RehearsalOut(what=what, of_id=of_id) for of_id, what in found.items()]
        )

    @routes.get(ONE, response_model=RehearsalOut)
    def get_rehearsal(
        of_id: UUID, call: Annotated[ApiCall, can_read], response: Response
    ) -> RehearsalOut:
        """Return a dry run by the ID of the post, account or agency. Requires the `posts:read`
        scope."""
        what = call.read(lambda scope, sight: _get_dry_run_target(scope, sight, of_id))
        response.headers.update(etag_header(state_tag(of_id, what)))
        return RehearsalOut(what=what, of_id=of_id)


def _add_dry_run_action_routes(routes: APIRouter, tenant: OpenScope) -> None:
    @routes.post("/rehearsals", status_code=201, response_model=BegunOut)
    def rehearse(
        body: RehearsalIn,
        call: Annotated[ApiCall, Depends(create_dependency(tenant, ApiKeyScope.CALENDAR_WRITE))],
    ) -> Response:
        """Start a dry run: due deliveries are checked and their requests are built, but not sent.
        Posts that are scheduled during a dry run are never sent. Repeating the request changes
        nothing. Requires the `calendar:write` scope."""

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
        """End a dry run. Posts that were scheduled before it and are not due yet are published;
        posts that were scheduled during it remain dry runs. Requires the `calendar:write` scope."""

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
        """Return the publishing forecast: the posts that would be published, those that would not
        and why, violations of minimum intervals, and upcoming expiries. It changes nothing and
        sends no requests to platforms. Requires the `posts:read` scope."""

        def ask(scope: Scope, sight: Caller) -> PublishingForecast:
            seen = [one for one in sight.creators if which.creator in (None, one)]
            return forecast_publishing(
                scope, seen, days=which.days, connectors=connectors, most=MAX_POSTS_JUDGED
            )

        return OutlookOut.of(call.read(ask))


def _resolve_dry_run_target(scope: Scope, sight: Caller, body: RehearsalIn) -> UUID:
    """Return the ID of the requested object. Raises NotFound for one that the key may not access,
    BadInput and Refused."""
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
    """Raise Refused if the key or its member is limited to some creators."""
    if sight.narrowed:
        raise Refused("api.narrowed")


def _list_visible_dry_runs(scope: Scope, sight: Caller) -> dict[UUID, DryRunTarget]:
    """Return the dry runs that the key may access. Those of the whole agency are visible to all
    keys."""
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
    """Return the kind of object. Raises the same NotFound for an unknown one and for one of another
    creator or tenant."""
    what = dry_run_state.list_dry_runs(scope).get(of_id)
    if what is None or not _can_see_dry_run(scope, sight, of_id, what):
        raise NotFound("rehearsal.unknown")
    return what
