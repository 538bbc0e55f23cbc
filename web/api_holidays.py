"""Public holidays in the API: whose are quiet days, and which these are in the year ahead."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends
from fastapi.responses import Response

from foundation.database import OpenScope, Scope
from foundation.errors import Refused
from schedules import holiday_choices, public_holidays
from schedules.calendar import local_day
from tenants import reads as tenant_reads
from tenants.keys import KeyScope
from web.api_call import Call, Done, Sight, making, reading
from web.api_plan_inputs import HolidaysIn
from web.api_plan_models import HolidayOut, HolidaysOut


def router(tenant: OpenScope) -> APIRouter:
    """The routes under `/holidays`."""
    routes = APIRouter(tags=["quiet"])

    @routes.get("/holidays", response_model=HolidaysOut)
    def get_holidays(
        call: Annotated[Call, Depends(reading(tenant, KeyScope.POSTS_READ))], creator: UUID | None = None
    ) -> HolidaysOut:
        """The public holidays that hold for a creator, or without one what the agency chose, a year ahead.
        Needs `posts:read`."""
        return call.read(lambda scope, sight: _shown(scope, sight, creator))

    @routes.post("/holidays", response_model=HolidaysOut)
    def choose_holidays(
        body: HolidaysIn, call: Annotated[Call, Depends(making(tenant, KeyScope.CALENDAR_WRITE))]
    ) -> Response:
        """Keep the public holidays of a country free, or of a region, for a creator, or without one for the agency: for
        all creators without a choice of their own. What is planned stays. Needs `calendar:write`."""

        def act(scope: Scope, sight: Sight) -> Done:
            of_id = _owner(scope, sight, body.creator_id)
            if body.country is None:
                holiday_choices.forget(scope, of_id)
            else:
                left_out = tuple(body.left_out)
                holiday_choices.choose(scope, of_id, country=body.country, region=body.region, left_out=left_out)
            return Done(_shown(scope, sight, body.creator_id), "holidays.choose", f"holidays:{of_id}")

        return call.once(act)

    return routes


def _owner(scope: Scope, sight: Sight, creator_id: UUID | None) -> UUID:
    """Whose choice it is. Raises NotFound, and Refused for the agency's where not all of its creators are in sight."""
    if creator_id is not None:
        return sight.creator(creator_id).id
    if {one.id for one in tenant_reads.creators(scope)} - set(sight.creators):
        raise Refused("holidays.not_all")
    return scope.tenant_id


def _shown(scope: Scope, sight: Sight, creator_id: UUID | None) -> HolidaysOut:
    if creator_id is not None:
        zone = sight.creator(creator_id).zone
        of = public_holidays.in_force(scope, [creator_id]).get(creator_id)
    else:
        zone, of = tenant_reads.agency(scope).zone, public_holidays.choice(scope, scope.tenant_id)
    if of is None:
        return HolidaysOut(creator_id=creator_id, country="", region="", left_out=[], own=False, days=[])
    days = [
        HolidayOut(day=one.day, english=one.english, french=one.french, quiet=one.is_quiet(of.left_out))
        for one in public_holidays.year_ahead(of, local_day(scope.now, zone))
    ]
    about = {"country": of.country, "region": of.region, "left_out": list(of.left_out)}
    return HolidaysOut(creator_id=creator_id, own=of.of_id == (creator_id or scope.tenant_id), days=days, **about)
