"""API routes of AI weekly plans: request a plan, then change, accept or drop its lines.

An accepted line becomes a draft of the key's member with a proposed time. It is not scheduled.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from fastapi.responses import Response

from foundation.db.database import OpenScope, Scope
from foundation.errors import NotFound
from foundation.i18n.translation import Message
from foundation.ids import uuid7
from foundation.ops.wall_time import local_day
from schedules.calendar.versioned_actions import StaleVersion
from schedules.suggestions.weekly_plans import proposals
from schedules.suggestions.weekly_plans.brief import DAYS_PER_WEEK, WeekBrief
from schedules.suggestions.weekly_plans.proposals import WeekLineView, WeekProposal
from subscribers.replies import persona
from tenants.agencies.queries import Creator
from tenants.api_keys.keys import ApiKeyScope
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
)
from web.api.common.errors import ApiError
from web.api.common.schemas import RequestModel
from web.api.planning.weekly_plan_schemas import LineChange, LineOut, WeekIn, WeekOut, WeeksOut

LANGUAGES = ("fr", "en")
LINE = "/weeks/lines/{line_id}"


class WeeklyPlansQuery(RequestModel):
    """The creator whose plans are listed."""

    creator: UUID | None = None


def router(tenant: OpenScope) -> APIRouter:
    """Create the routes under `/weeks`."""
    routes = APIRouter(tags=["weeks"])
    _add_week_create_route(routes, tenant)
    _add_week_read_routes(routes, tenant)
    _add_week_line_routes(routes, tenant)
    return routes


def _add_week_create_route(routes: APIRouter, tenant: OpenScope) -> None:
    @routes.post("/weeks", status_code=202, response_model=WeekOut)
    def ask_for_week(
        body: WeekIn,
        call: Annotated[ApiCall, Depends(create_dependency(tenant, ApiKeyScope.POSTS_WRITE))],
    ) -> Response:
        """Request a weekly plan. Days and times are ready immediately, texts shortly after. Nothing
        is scheduled. Requires the `posts:write` scope."""

        def act(scope: Scope, sight: Caller) -> ChangeResult:
            made = proposals.request_week(
                scope,
                _build_week_brief(scope, sight.get_creator(body.creator_id), body),
                key=uuid7(),
            )
            scope.session.flush()
            found = WeekOut.of(proposals.get_week_proposal(scope, sight.creators, made))
            return ChangeResult(
                found, "week.ask", f"week:{made}", 202, {"location": f"/v1/weeks/{made}"}
            )

        return call.apply_once(act)


def _build_week_brief(scope: Scope, creator: Creator, body: WeekIn) -> WeekBrief:
    manner = persona.writing_style_of_creator(scope, creator.id)
    today = local_day(scope.now, creator.zone)
    ours = next((one for one in creator.languages if one in LANGUAGES), LANGUAGES[0])
    return WeekBrief(
        creator_id=creator.id,
        goal=" ".join(body.goal.split()),
        tone=" ".join((manner.tone if body.tone is None else body.tone).split()),
        language=body.language or ours,
        channels=tuple(dict.fromkeys(body.channels)),
        # The default is the next Monday.
        first=body.first or today + timedelta(days=DAYS_PER_WEEK - today.weekday()),
        weekdays=tuple(sorted(set(body.weekdays))),
        count=body.count,
        topics=tuple(filter(None, (" ".join(one.split()) for one in body.topics))),
        link=body.link.strip(),
        recipes=tuple(dict.fromkeys(body.recipes)),
        forbidden=manner.forbidden,
    )


def _add_week_read_routes(routes: APIRouter, tenant: OpenScope) -> None:
    can_read = Depends(read_dependency(tenant, ApiKeyScope.POSTS_READ))

    @routes.get("/weeks", response_model=WeeksOut)
    def list_weeks(
        call: Annotated[ApiCall, can_read], which: Annotated[WeeklyPlansQuery, Query()]
    ) -> WeeksOut:
        """List the latest weekly plan of each creator, unless it is expired. Requires the
        `posts:read` scope."""

        def ask(scope: Scope, sight: Caller) -> list[WeekProposal]:
            seen = [one for one in sight.creators if which.creator in (None, one)]
            return [found for one in seen for found in proposals.list_week_proposals(scope, one)]

        return WeeksOut(items=[WeekOut.of(one) for one in call.read(ask)])

    @routes.get("/weeks/{week_id}", response_model=WeekOut)
    def get_week(week_id: UUID, call: Annotated[ApiCall, can_read]) -> WeekOut:
        """Return a weekly plan with its lines, sorted by time, each with its `version`. Poll this
        route while the state is `waiting`. Requires the `posts:read` scope."""
        return WeekOut.of(
            call.read(
                lambda scope, sight: proposals.get_week_proposal(scope, sight.creators, week_id)
            )
        )

    @routes.get(LINE, response_model=LineOut)
    def get_week_line(
        line_id: UUID, call: Annotated[ApiCall, can_read], response: Response
    ) -> LineOut:
        """Return one line. Its `ETag` is its version. Requires the `posts:read` scope."""
        found = call.read(lambda scope, sight: _get_visible_week_line(scope, sight, line_id))
        response.headers.update(etag_header(found.version))
        return LineOut.of(found)


def _add_week_line_routes(routes: APIRouter, tenant: OpenScope) -> None:
    can_write = ApiKeyScope.POSTS_WRITE

    @routes.patch(LINE, response_model=LineOut)
    def change_week_line(
        line_id: UUID,
        body: LineChange,
        call: Annotated[ApiCall, Depends(replace_dependency(tenant, can_write))],
    ) -> Response:
        """Change the text, time or recipe of a line that is not yet accepted or dropped. Requires
        the `posts:write` scope."""

        def act(scope: Scope, old: WeekLineView) -> None:
            proposals.update_week_line(scope, line_id, body.to_edit(old), version=old.version)

        return call.apply(
            _build_week_line_change(call, line_id, "week.change", act),
            where=_week_line_conflict_states(line_id),
        )

    @routes.post(LINE + "/accept", response_model=LineOut)
    def accept_week_line(
        line_id: UUID, call: Annotated[ApiCall, Depends(action_dependency(tenant, can_write))]
    ) -> Response:
        """Create a draft from a line, with a proposed time. It is neither approved nor scheduled.
        If the line has a recipe, a run is started, which also requires the `generate` scope.
        Requires the `posts:write` scope."""

        def act(scope: Scope, old: WeekLineView) -> None:
            if old.recipe_id is not None and ApiKeyScope.GENERATE not in call.asked.entered.scopes:
                raise ApiError(
                    403, Message("api.other_scope", {"scope": str(ApiKeyScope.GENERATE)})
                )
            proposals.accept_week_line(scope, line_id, version=old.version)

        return call.apply_once(
            _build_week_line_change(call, line_id, "week.accept", act),
            where=_week_line_conflict_states(line_id),
        )

    @routes.post(LINE + "/drop", response_model=LineOut)
    def drop_week_line(
        line_id: UUID, call: Annotated[ApiCall, Depends(action_dependency(tenant, can_write))]
    ) -> Response:
        """Drop a line. Requires the `posts:write` scope."""

        def act(scope: Scope, old: WeekLineView) -> None:
            proposals.drop_week_line(scope, line_id, version=old.version)

        return call.apply_once(
            _build_week_line_change(call, line_id, "week.drop", act),
            where=_week_line_conflict_states(line_id),
        )


def _build_week_line_change(
    call: ApiCall, line_id: UUID, did: str, act: Callable[[Scope, WeekLineView], None]
) -> Callable[[Scope, Caller], ChangeResult]:
    """Return a change that acts on a line at the version its caller saw, and responds with the new
    state."""

    def done(scope: Scope, sight: Caller) -> ChangeResult:
        old = _get_visible_week_line(scope, sight, line_id)
        if old.version != call.expected_version:
            raise StaleVersion("week.changed")
        act(scope, old)
        scope.session.flush()
        found = _get_visible_week_line(scope, sight, line_id)
        return ChangeResult(
            LineOut.of(found), did, f"week.line:{line_id}", headers=etag_header(found.version)
        )

    return done


def _get_visible_week_line(scope: Scope, sight: Caller, line_id: UUID) -> WeekLineView:
    """Return a line. Raises the same NotFound for an unknown line and for one of another creator or
    tenant."""
    found = proposals.get_week_line(scope, line_id)
    if found.creator_id not in sight.creators:
        raise NotFound("week.unknown")
    return found


def _week_line_conflict_states(line_id: UUID) -> ConflictStates:
    def ask(scope: Scope, sight: Caller) -> dict[str, str]:
        return {str(line_id): str(_get_visible_week_line(scope, sight, line_id).state)}

    return ask
