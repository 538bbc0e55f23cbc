"""Weeks proposed from a brief, in the API: asked for, read, and accepted or dropped line by line. Drafts only.

What is accepted becomes a draft of the key's member with its wished time; nothing is planned by it.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from fastapi.responses import Response

from foundation.database import OpenScope, Scope
from foundation.errors import NotFound
from foundation.ids import uuid7
from foundation.words import Message
from schedules import weeks
from schedules.calendar import local_day
from schedules.scheduling import Stale
from schedules.weeks import Line, Proposal
from schedules.weeks_brief import WEEK, Brief
from subscribers import persona
from tenants.keys import KeyScope
from tenants.reads import Creator
from web.api_call import Call, Done, Sight, Where, doing, etag, making, reading, rewriting
from web.api_errors import ApiRefused
from web.api_inputs import In
from web.api_week_models import LineChange, LineOut, WeekIn, WeekOut, WeeksOut

LANGUAGES = ("fr", "en")
LINE = "/weeks/lines/{line_id}"


class WeeksWanted(In):
    """Of whom."""

    creator: UUID | None = None


def router(tenant: OpenScope) -> APIRouter:
    """The routes under `/weeks`."""
    routes = APIRouter(tags=["weeks"])
    _asks(routes, tenant)
    _reads(routes, tenant)
    _lines(routes, tenant)
    return routes


def _asks(routes: APIRouter, tenant: OpenScope) -> None:
    @routes.post("/weeks", status_code=202, response_model=WeekOut)
    def ask_for_week(body: WeekIn, call: Annotated[Call, Depends(making(tenant, KeyScope.POSTS_WRITE))]) -> Response:
        """Propose a week from a brief: days and hours at once, a model's words soon after. Nothing is planned.
        Needs `posts:write`."""

        def act(scope: Scope, sight: Sight) -> Done:
            made = weeks.ask(scope, _brief(scope, sight.creator(body.creator_id), body), key=uuid7())
            scope.session.flush()
            found = WeekOut.of(weeks.one(scope, sight.creators, made))
            return Done(found, "week.ask", f"week:{made}", 202, {"location": f"/v1/weeks/{made}"})

        return call.once(act)


def _brief(scope: Scope, creator: Creator, body: WeekIn) -> Brief:
    manner, today = persona.manner(scope, creator.id), local_day(scope.now, creator.zone)
    ours = next((one for one in creator.languages if one in LANGUAGES), LANGUAGES[0])
    return Brief(
        creator_id=creator.id,
        goal=" ".join(body.goal.split()),
        tone=" ".join((manner.tone if body.tone is None else body.tone).split()),
        language=body.language or ours,
        channels=tuple(dict.fromkeys(body.channels)),
        first=body.first or today + timedelta(days=WEEK - today.weekday()),
        weekdays=tuple(sorted(set(body.weekdays))),
        count=body.count,
        topics=tuple(filter(None, (" ".join(one.split()) for one in body.topics))),
        link=body.link.strip(),
        recipes=tuple(dict.fromkeys(body.recipes)),
        forbidden=manner.forbidden,
    )


def _reads(routes: APIRouter, tenant: OpenScope) -> None:
    can_read = Depends(reading(tenant, KeyScope.POSTS_READ))

    @routes.get("/weeks", response_model=WeeksOut)
    def list_weeks(call: Annotated[Call, can_read], which: Annotated[WeeksWanted, Query()]) -> WeeksOut:
        """The newest proposal of each creator, unless it is over. Needs `posts:read`."""

        def ask(scope: Scope, sight: Sight) -> list[Proposal]:
            seen = [one for one in sight.creators if which.creator in (None, one)]
            return [found for one in seen for found in weeks.proposals(scope, one)]

        return WeeksOut(items=[WeekOut.of(one) for one in call.read(ask)])

    @routes.get("/weeks/{week_id}", response_model=WeekOut)
    def get_week(week_id: UUID, call: Annotated[Call, can_read]) -> WeekOut:
        """One of them, with its lines by time, each with its `version`; while it is `waiting`, ask again.
        Needs `posts:read`."""
        return WeekOut.of(call.read(lambda scope, sight: weeks.one(scope, sight.creators, week_id)))

    @routes.get(LINE, response_model=LineOut)
    def get_week_line(line_id: UUID, call: Annotated[Call, can_read], response: Response) -> LineOut:
        """One line; its `ETag` is its version. Needs `posts:read`."""
        found = call.read(lambda scope, sight: _line(scope, sight, line_id))
        response.headers.update(etag(found.version))
        return LineOut.of(found)


def _lines(routes: APIRouter, tenant: OpenScope) -> None:
    can_write = KeyScope.POSTS_WRITE

    @routes.patch(LINE, response_model=LineOut)
    def change_week_line(
        line_id: UUID, body: LineChange, call: Annotated[Call, Depends(rewriting(tenant, can_write))]
    ) -> Response:
        """Change the words, the hour or the recipe of a line that is still proposed. Needs `posts:write`."""

        def act(scope: Scope, old: Line) -> None:
            weeks.edit(scope, line_id, body.edit(old), version=old.version)

        return call.change(_done(call, line_id, "week.change", act), where=_where(line_id))

    @routes.post(LINE + "/accept", response_model=LineOut)
    def accept_week_line(line_id: UUID, call: Annotated[Call, Depends(doing(tenant, can_write))]) -> Response:
        """Make a draft of a line, with its wished time; nothing is approved or planned by it. Where it asks for a
        picture, that is ordered, and the key needs `generate` too. Needs `posts:write`."""

        def act(scope: Scope, old: Line) -> None:
            if old.recipe_id is not None and KeyScope.GENERATE not in call.asked.entered.scopes:
                raise ApiRefused(403, Message("api.other_scope", {"scope": str(KeyScope.GENERATE)}))
            weeks.accept(scope, line_id, version=old.version)

        return call.once(_done(call, line_id, "week.accept", act), where=_where(line_id))

    @routes.post(LINE + "/drop", response_model=LineOut)
    def drop_week_line(line_id: UUID, call: Annotated[Call, Depends(doing(tenant, can_write))]) -> Response:
        """Leave a line out. Needs `posts:write`."""

        def act(scope: Scope, old: Line) -> None:
            weeks.drop(scope, line_id, version=old.version)

        return call.once(_done(call, line_id, "week.drop", act), where=_where(line_id))


def _done(call: Call, line_id: UUID, did: str, act: Callable[[Scope, Line], None]) -> Callable[[Scope, Sight], Done]:
    """Do something to a line as its caller saw it; it answers with the line as it stands then."""

    def done(scope: Scope, sight: Sight) -> Done:
        old = _line(scope, sight, line_id)
        if old.version != call.version:
            raise Stale("week.changed")
        act(scope, old)
        scope.session.flush()
        found = _line(scope, sight, line_id)
        return Done(LineOut.of(found), did, f"week.line:{line_id}", headers=etag(found.version))

    return done


def _line(scope: Scope, sight: Sight, line_id: UUID) -> Line:
    """Raises NotFound, in the same words for none, another agency's and another creator's."""
    found = weeks.line_of(scope, line_id)
    if found.creator_id not in sight.creators:
        raise NotFound("week.unknown")
    return found


def _where(line_id: UUID) -> Where:
    def ask(scope: Scope, sight: Sight) -> dict[str, str]:
        return {str(line_id): str(_line(scope, sight, line_id).state)}

    return ask
