"""API routes of public holidays that are quiet days."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends
from fastapi.responses import Response

from foundation.db.database import OpenScope, Scope
from foundation.errors import Refused
from foundation.ops.wall_time import local_day
from schedules.availability import holiday_settings, public_holidays
from tenants.agencies import queries
from tenants.api_keys.keys import ApiKeyScope
from web.api.common.calls import ApiCall, Caller, ChangeResult, create_dependency, read_dependency
from web.api.planning.request_schemas import HolidaysIn
from web.api.planning.response_schemas import HolidayOut, HolidaysOut


def router(tenant: OpenScope) -> APIRouter:
    """Create the routes under `/holidays`."""
    routes = APIRouter(tags=["quiet"])

    @routes.get("/holidays", response_model=HolidaysOut)
    def get_holidays(
        call: Annotated[ApiCall, Depends(read_dependency(tenant, ApiKeyScope.POSTS_READ))],
        creator: UUID | None = None,
    ) -> HolidaysOut:
        """Return the public holidays of the next year for a creator, or those the agency chose.
        Requires the `posts:read` scope."""
        return call.read(lambda scope, sight: _build_holidays_out(scope, sight, creator))

    @routes.post("/holidays", response_model=HolidaysOut)
    def choose_holidays(
        body: HolidaysIn,
        call: Annotated[ApiCall, Depends(create_dependency(tenant, ApiKeyScope.CALENDAR_WRITE))],
    ) -> Response:
        """Set the country or region whose public holidays are quiet days, for a creator or for the
        agency. The agency's setting applies to creators without one. Scheduled posts do not change.
        Requires the `calendar:write` scope."""

        def act(scope: Scope, sight: Caller) -> ChangeResult:
            of_id = _resolve_settings_owner(scope, sight, body.creator_id)
            if body.country is None:
                holiday_settings.clear_holiday_country(scope, of_id)
            else:
                left_out = tuple(body.left_out)
                holiday_settings.set_holiday_country(
                    scope, of_id, country=body.country, region=body.region, left_out=left_out
                )
            return ChangeResult(
                _build_holidays_out(scope, sight, body.creator_id),
                "holidays.choose",
                f"holidays:{of_id}",
            )

        return call.apply_once(act)

    return routes


def _resolve_settings_owner(scope: Scope, sight: Caller, creator_id: UUID | None) -> UUID:
    """Return the ID of the creator or agency. Raises NotFound, and Refused for the agency if the
    key may not access all of its creators."""
    if creator_id is not None:
        return sight.get_creator(creator_id).id
    if {one.id for one in queries.list_creators(scope)} - set(sight.creators):
        raise Refused("holidays.not_all")
    return scope.tenant_id


def _build_holidays_out(scope: Scope, sight: Caller, creator_id: UUID | None) -> HolidaysOut:
    if creator_id is not None:
        zone = sight.get_creator(creator_id).zone
        of = public_holidays.effective_holiday_settings(scope, [creator_id]).get(creator_id)
    else:
        zone = queries.get_agency(scope).zone
        of = public_holidays.get_holiday_setting(scope, scope.tenant_id)
    if of is None:
        return HolidaysOut(
            creator_id=creator_id, country="", region="", left_out=[], own=False, days=[]
        )
    days = [
        HolidayOut(
            day=one.day, english=one.english, french=one.french, quiet=one.is_quiet(of.left_out)
        )
        for one in public_holidays.list_coming_holidays(of, local_day(scope.now, zone))
    ]
    about = {"country": of.country, "region": of.region, "left_out": list(of.left_out)}
    return HolidaysOut(
        creator_id=creator_id, own=of.of_id == (creator_id or scope.tenant_id), days=days, **about
    )
