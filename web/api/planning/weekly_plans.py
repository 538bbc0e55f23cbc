"""Weeks proposed from a brief, in the API: asked for, read, and accepted or dropped line by line.
Drafts only.

What is accepted becomes a draft of the key's member with its wished time; nothing is planned by
it.
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
    """Of whom."""

    creator: UUID | None = None


def router(tenant: OpenScope) -> APIRouter:
    """The routes under `/weeks`."""
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
        """Propose a week from a brief: days and hours at once, a model's words soon after. Nothing
        is planned. Needs `posts:write`."""

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
        """The newest proposal of each creator, unless it is over. Needs `posts:read`."""

        def ask(scope: Scope, sight: Caller) -> list[WeekProposal]:
            seen = [one for one in sight.creators if which.creator in (None, one)]
            return [found for one in seen for found in proposals.list_week_proposals(scope, one)]

        return WeeksOut(items=[WeekOut.of(one) for one in call.read(ask)])

    @routes.get("/weeks/{week_id}", response_model=WeekOut)
    def get_week(week_id: UUID, call: Annotated[ApiCall, can_read]) -> WeekOut:
        """One of them, with its lines by time, each with its `version`; while it is `waiting`, ask
        again. Needs `posts:read`."""
        return WeekOut.of(
            call.read(
                lambda scope, sight: proposals.get_week_proposal(scope, sight.creators, week_id)
            )
        )

    @routes.get(LINE, response_model=LineOut)
    def get_week_line(
        line_id: UUID, call: Annotated[ApiCall, can_read], response: Response
    ) -> LineOut:
        """One line; its `ETag` is its version. Needs `posts:read`."""
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
        """Change the words, the hour or the recipe of a line that is still proposed. Needs
        `posts:write`."""

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
        """Make a draft of a line, with its wished time; nothing is approved or planned by it. Where
        it asks for a picture, that is ordered, and the key needs `generate` too. Needs
        `posts:write`."""

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
        """Leave a line out. Needs `posts:write`."""

        def act(scope: Scope, old: WeekLineView) -> None:
            proposals.drop_week_line(scope, line_id, version=old.version)

        return call.apply_once(
            _build_week_line_change(call, line_id, "week.drop", act),
            where=_week_line_conflict_states(line_id),
        )


def _build_week_line_change(
    call: ApiCall, line_id: UUID, did: str, act: Callable[[Scope, WeekLineView], None]
) -> Callable[[Scope, Caller], ChangeResult]:
    """Do something to a line as its caller saw it; it answers with the line as it stands then."""

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
    """Raises NotFound, in the same words for none, another agency's and another creator's."""
    found = proposals.get_week_line(scope, line_id)
    if found.creator_id not in sight.creators:
        raise NotFound("week.unknown")
    return found


def _week_line_conflict_states(line_id: UUID) -> ConflictStates:
    def ask(scope: Scope, sight: Caller) -> dict[str, str]:
        return {str(line_id): str(_get_visible_week_line(scope, sight, line_id).state)}

    return ask
