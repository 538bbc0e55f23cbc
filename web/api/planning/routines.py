"""API routes of routines: the plan of a creator's days, today's steps, and running one again."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends
from fastapi.responses import Response

from foundation.db.database import OpenScope, Scope
from foundation.errors import NotFound
from foundation.ops.wall_time import local_day
from schedules.calendar.versioned_actions import StaleVersion
from schedules.routines import routines, steps
from schedules.routines.routines import RoutineView
from tenants.api_keys.keys import ApiKeyScope
from web.api.common.calls import (
    ApiCall,
    Caller,
    ChangeResult,
    ConflictStates,
    action_dependency,
    etag_header,
    read_dependency,
    replace_dependency,
)
from web.api.planning.routine_schemas import RoutineIn, RoutineOut, StepIn

ROUTINE = "/creators/{creator_id}/routine"


def router(tenant: OpenScope) -> APIRouter:
    """Create the routes under `/creators/{creator_id}/routine`."""
    routes = APIRouter(tags=["routines"])
    _add_read_route(routes, tenant)
    _add_change_routes(routes, tenant)
    return routes


def _add_read_route(routes: APIRouter, tenant: OpenScope) -> None:
    @routes.get(ROUTINE, response_model=RoutineOut)
    def get_routine(
        creator_id: UUID,
        call: Annotated[ApiCall, Depends(read_dependency(tenant, ApiKeyScope.POSTS_READ))],
        response: Response,
    ) -> RoutineOut:
        """Return the routine of a creator with today's steps; 404 if the creator has none. Its
        `ETag` is its version. Requires the `posts:read` scope."""
        found = call.read(lambda scope, sight: _load_routine(scope, sight, creator_id))
        response.headers.update(etag_header(found.version))
        return found


def _add_change_routes(routes: APIRouter, tenant: OpenScope) -> None:
    can_write = ApiKeyScope.CALENDAR_WRITE

    @routes.put(ROUTINE, response_model=RoutineOut)
    def set_routine(
        creator_id: UUID,
        body: RoutineIn,
        call: Annotated[ApiCall, Depends(replace_dependency(tenant, can_write))],
    ) -> Response:
        """Create or replace the routine of a creator; `active` pauses or resumes it. Send `"0"` in
        `If-Match` for a creator without one. The routine proposes posts and approves none. Requires
        the `calendar:write` scope."""

        def act(scope: Scope, sight: Caller) -> ChangeResult:
            sight.get_creator(creator_id)
            routines.save_routine(scope, creator_id, body.to_plan(), version=call.expected_version)
            change = routines.resume_routine if body.active else routines.pause_routine
            change(scope, creator_id)
            return _build_result(scope, sight, creator_id, "routine.set")

        return call.apply(act, where=_routine_conflict_states(creator_id))

    @routes.post(ROUTINE + "/again", response_model=RoutineOut)
    def run_step_again(
        creator_id: UUID,
        body: StepIn,
        call: Annotated[ApiCall, Depends(action_dependency(tenant, can_write))],
    ) -> Response:
        """Run a skipped or failed step of today again; 409 if it is over, done or in progress.
        Requires the `calendar:write` scope."""

        def act(scope: Scope, sight: Caller) -> ChangeResult:
            found = _find_visible_routine(scope, sight, creator_id)
            if found.version != call.expected_version:
                raise StaleVersion("routine.changed_meanwhile")
            steps.run_step_again(scope, creator_id, body.step_id)
            return _build_result(scope, sight, creator_id, "routine.step_again")

        return call.apply_once(act, where=_routine_conflict_states(creator_id))


def _build_result(scope: Scope, sight: Caller, creator_id: UUID, did: str) -> ChangeResult:
    scope.session.flush()
    found = _load_routine(scope, sight, creator_id)
    return ChangeResult(found, did, f"creator:{creator_id}", headers=etag_header(found.version))


def _load_routine(scope: Scope, sight: Caller, creator_id: UUID) -> RoutineOut:
    found = _find_visible_routine(scope, sight, creator_id)
    today = local_day(scope.now, sight.get_creator(creator_id).zone)
    return RoutineOut.of(found, steps.list_steps(scope, creator_id, today))


def _find_visible_routine(scope: Scope, sight: Caller, creator_id: UUID) -> RoutineView:
    """Return the routine of a visible creator. Raises NotFound for another creator and for one
    without a routine."""
    sight.get_creator(creator_id)
    found = routines.find_routine(scope, creator_id)
    if found is None:
        raise NotFound("routine.unknown")
    return found


def _routine_conflict_states(creator_id: UUID) -> ConflictStates:
    def ask(scope: Scope, sight: Caller) -> dict[str, str]:
        found = _load_routine(scope, sight, creator_id)
        return {str(one.id): str(one.state) for one in found.steps}

    return ask
