"""API routes of goals, annotations and saved views of Analytics."""

from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from fastapi.responses import Response

from foundation.db.database import OpenScope, Scope
from foundation.errors import Refused
from foundation.ids import uuid7
from foundation.ops.wall_time import local_day
from insights.workspace import annotations, goals, saved_views
from insights.workspace.annotations import Annotation
from insights.workspace.goals import GoalProgress
from insights.workspace.saved_views import SavedView
from tenants.agencies.queries import get_agency
from tenants.api_keys.keys import ApiKeyScope
from web.api.analytics.analytics import PREFIX, list_queried_creators
from web.api.analytics.workspace_schemas import (
    AnnotationIn,
    AnnotationOut,
    AnnotationsOut,
    AnnotationsQuery,
    GoalIn,
    GoalOut,
    GoalsOut,
    GoalsQuery,
    SavedViewIn,
    SavedViewOut,
    SavedViewsOut,
)
from web.api.common import pagination
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
from web.api.common.schemas import PageQuery

GOAL = "/goals/{goal_id}"
ANNOTATION = "/annotations/{annotation_id}"
VIEW = "/views/{view_id}"
CAN_WRITE = ApiKeyScope.REPORTS_WRITE


def workspace_routes(tenant: OpenScope) -> APIRouter:
    """Create the routes under `/analytics/goals`, `/annotations` and `/views`."""
    routes = APIRouter(prefix=PREFIX, tags=["analytics"])
    _add_goal_read_routes(routes, tenant)
    _add_goal_change_routes(routes, tenant)
    _add_annotation_read_routes(routes, tenant)
    _add_annotation_change_routes(routes, tenant)
    _add_view_read_routes(routes, tenant)
    _add_view_change_routes(routes, tenant)
    return routes


def _add_goal_read_routes(routes: APIRouter, tenant: OpenScope) -> None:
    can_read = Depends(read_dependency(tenant, ApiKeyScope.MONEY_READ))

    @routes.get("/goals", response_model=GoalsOut)
    def list_goals(
        call: Annotated[ApiCall, can_read], which: Annotated[GoalsQuery, Query()]
    ) -> GoalsOut:
        """List the goals of a month with their progress. Requires the `money:read` scope."""

        def ask(scope: Scope, sight: Caller) -> tuple[date, list[GoalOut]]:
            ids = sight.creators if which.creator is None else [which.creator]
            month = which.month or local_day(scope.now, get_agency(scope).zone)
            mine = [sight.get_creator(one) for one in ids]
            found = goals.list_goal_progress(scope, mine, month)
            return month.replace(day=1), [GoalOut.of(one) for one in found]

        month, found = call.read(ask)
        question = ["goals", str(which.creator), month.isoformat()]
        items, following = pagination.paginate(
            question, found, cursor=which.cursor, limit=which.limit
        )
        return GoalsOut(items=items, next=following)

    @routes.get(GOAL, response_model=GoalOut)
    def get_goal(goal_id: UUID, call: Annotated[ApiCall, can_read], response: Response) -> GoalOut:
        """Return a goal with its progress. Requires the `money:read` scope."""
        found = call.read(
            lambda scope, sight: goals.get_goal_progress(scope, sight.creators, goal_id)
        )
        response.headers.update(etag_header(state_tag(*_goal_state(found))))
        return GoalOut.of(found)


def _add_goal_change_routes(routes: APIRouter, tenant: OpenScope) -> None:
    @routes.post("/goals", status_code=201, response_model=GoalOut)
    def set_goal(
        body: GoalIn, call: Annotated[ApiCall, Depends(create_dependency(tenant, CAN_WRITE))]
    ) -> Response:
        """Set the goal of a creator for a metric and month. An existing goal gets the new target.
        Requires the `reports:write` scope."""

        def act(scope: Scope, sight: Caller) -> ChangeResult:
            creator = sight.get_creator(body.creator_id)
            goal_id = goals.set_goal(
                scope,
                member_id=sight.member.id,
                creator_id=creator.id,
                month=body.month or local_day(scope.now, creator.zone),
                metric=body.metric,
                target=body.target,
                currency=body.currency,
                key=uuid7(),
            )
            found = goals.get_goal_progress(scope, sight.creators, goal_id)
            return _build_goal_result(call, sight, found, "goal.set", 201)

        return call.apply_once(act)

    @routes.delete(GOAL, response_model=GoalOut)
    def delete_goal(
        goal_id: UUID, call: Annotated[ApiCall, Depends(replace_dependency(tenant, CAN_WRITE))]
    ) -> Response:
        """Delete a goal. Requires the `reports:write` scope."""

        def act(scope: Scope, sight: Caller) -> ChangeResult:
            found = goals.get_goal_progress(scope, sight.creators, goal_id)
            call.check_state_tag(*_goal_state(found))
            goals.delete_goal(scope, goal_id, member_id=sight.member.id)
            return _build_goal_result(call, sight, found, "goal.delete", 200)

        return call.apply(act)


def _goal_state(one: GoalProgress) -> tuple[str, ...]:
    """Return what members change of a goal."""
    return str(one.goal.id), str(one.goal.target)


def _build_goal_result(
    call: ApiCall, sight: Caller, found: GoalProgress, did: str, status: int
) -> ChangeResult:
    headers = etag_header(state_tag(*_goal_state(found)))
    body = GoalOut.of(found, with_progress=call.allows(sight, ApiKeyScope.MONEY_READ))
    return ChangeResult(body, did, f"goal:{found.goal.id}", status, headers)


def _add_annotation_read_routes(routes: APIRouter, tenant: OpenScope) -> None:
    can_read = Depends(read_dependency(tenant, ApiKeyScope.MONEY_READ))

    @routes.get("/annotations", response_model=AnnotationsOut)
    def list_annotations(
        call: Annotated[ApiCall, can_read], which: Annotated[AnnotationsQuery, Query()]
    ) -> AnnotationsOut:
        """List the annotations of a period, with those of all creators. Requires the `money:read`
        scope."""

        def ask(scope: Scope, sight: Caller) -> list[AnnotationOut]:
            ids = [one.id for one in list_queried_creators(sight, which.creator, which)]
            found = annotations.list_annotations(scope, ids, which.first, which.last)
            return [AnnotationOut.of(one) for one in found]

        question = ["annotations", which.model_dump(mode="json", exclude={"cursor", "limit"})]
        items, following = pagination.paginate(
            question, call.read(ask), cursor=which.cursor, limit=which.limit
        )
        return AnnotationsOut(items=items, next=following)

    @routes.get(ANNOTATION, response_model=AnnotationOut)
    def get_annotation(
        annotation_id: UUID, call: Annotated[ApiCall, can_read], response: Response
    ) -> AnnotationOut:
        """Return an annotation. Requires the `money:read` scope."""
        found = call.read(
            lambda scope, sight: annotations.get_annotation(scope, sight.creators, annotation_id)
        )
        response.headers.update(etag_header(state_tag(str(found.id))))
        return AnnotationOut.of(found)


def _add_annotation_change_routes(routes: APIRouter, tenant: OpenScope) -> None:
    @routes.post("/annotations", status_code=201, response_model=AnnotationOut)
    def add_annotation(
        body: AnnotationIn, call: Annotated[ApiCall, Depends(create_dependency(tenant, CAN_WRITE))]
    ) -> Response:
        """Add an annotation; one of all creators needs a key without a limit to creators. Requires
        the `reports:write` scope."""

        def act(scope: Scope, sight: Caller) -> ChangeResult:
            _require_creator(sight, body.creator_id)
            made = uuid7()
            annotations.add_annotation(
                scope,
                member_id=sight.member.id,
                creator_id=body.creator_id,
                day=body.day,
                text=body.text,
                key=made,
            )
            found = annotations.get_annotation(scope, sight.creators, made)
            return _build_annotation_result(found, "annotation.add", 201)

        return call.apply_once(act)

    @routes.delete(ANNOTATION, response_model=AnnotationOut)
    def delete_annotation(
        annotation_id: UUID,
        call: Annotated[ApiCall, Depends(replace_dependency(tenant, CAN_WRITE))],
    ) -> Response:
        """Delete an annotation. Requires the `reports:write` scope."""

        def act(scope: Scope, sight: Caller) -> ChangeResult:
            found = annotations.get_annotation(scope, sight.creators, annotation_id)
            call.check_state_tag(str(found.id))
            _require_creator(sight, found.creator_id)
            annotations.delete_annotation(scope, annotation_id, member_id=sight.member.id)
            return _build_annotation_result(found, "annotation.delete", 200)

        return call.apply(act)


def _require_creator(sight: Caller, creator_id: UUID | None) -> None:
    """Raise NotFound for a creator that the key may not access, and Refused for all creators with a
    key that is limited to some."""
    if creator_id is not None:
        sight.get_creator(creator_id)
    elif sight.narrowed:
        raise Refused("annotation.shared_by_all")


def _build_annotation_result(found: Annotation, did: str, status: int) -> ChangeResult:
    headers = etag_header(state_tag(str(found.id)))
    about = f"annotation:{found.id}"
    return ChangeResult(AnnotationOut.of(found), did, about, status, headers)


def _add_view_read_routes(routes: APIRouter, tenant: OpenScope) -> None:
    can_read = Depends(read_dependency(tenant, ApiKeyScope.MONEY_READ))

    @routes.get("/views", response_model=SavedViewsOut)
    def list_views(
        call: Annotated[ApiCall, can_read], which: Annotated[PageQuery, Query()]
    ) -> SavedViewsOut:
        """List the saved views of the key's member and those that others share. Requires the
        `money:read` scope."""

        def ask(scope: Scope, sight: Caller) -> list[SavedViewOut]:
            return [SavedViewOut.of(one) for one in saved_views.list_views(scope, sight.member.id)]

        items, following = pagination.paginate(
            ["views"], call.read(ask), cursor=which.cursor, limit=which.limit
        )
        return SavedViewsOut(items=items, next=following)

    @routes.get(VIEW, response_model=SavedViewOut)
    def get_view(
        view_id: UUID, call: Annotated[ApiCall, can_read], response: Response
    ) -> SavedViewOut:
        """Return a saved view. Requires the `money:read` scope."""
        found = call.read(
            lambda scope, sight: saved_views.get_view(scope, view_id, member_id=sight.member.id)
        )
        response.headers.update(etag_header(state_tag(*_view_state(found))))
        return SavedViewOut.of(found)


def _add_view_change_routes(routes: APIRouter, tenant: OpenScope) -> None:
    @routes.post("/views", status_code=201, response_model=SavedViewOut)
    def save_view(
        body: SavedViewIn, call: Annotated[ApiCall, Depends(create_dependency(tenant, CAN_WRITE))]
    ) -> Response:
        """Save a view of Analytics for the key's member; a view of that name is replaced. Requires
        the `reports:write` scope."""

        def act(scope: Scope, sight: Caller) -> ChangeResult:
            member_id = sight.member.id
            view_id = saved_views.save_view(
                scope,
                member_id=member_id,
                name=body.name,
                parameters=body.parameters,
                is_shared=body.is_shared,
                key=uuid7(),
            )
            found = saved_views.get_view(scope, view_id, member_id=member_id)
            return _build_view_result(found, "view.save", 201)

        return call.apply_once(act)

    @routes.delete(VIEW, response_model=SavedViewOut)
    def delete_view(
        view_id: UUID, call: Annotated[ApiCall, Depends(replace_dependency(tenant, CAN_WRITE))]
    ) -> Response:
        """Delete a saved view: one's own, or a shared one as a member who manages members. Requires
        the `reports:write` scope."""

        def act(scope: Scope, sight: Caller) -> ChangeResult:
            found = saved_views.get_view(scope, view_id, member_id=sight.member.id)
            call.check_state_tag(*_view_state(found))
            saved_views.delete_view(scope, view_id, member_id=sight.member.id)
            return _build_view_result(found, "view.delete", 200)

        return call.apply(act)


def _view_state(one: SavedView) -> tuple[object, ...]:
    """Return what members change of a view."""
    return str(one.id), one.name, dict(one.parameters), one.is_shared


def _build_view_result(found: SavedView, did: str, status: int) -> ChangeResult:
    headers = etag_header(state_tag(*_view_state(found)))
    return ChangeResult(SavedViewOut.of(found), did, f"view:{found.id}", status, headers)
