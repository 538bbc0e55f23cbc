"""Calendar subscriptions in iCalendar format, each under a secret URL."""

from datetime import timedelta

from fastapi import APIRouter, Request
from fastapi.responses import PlainTextResponse, Response

from foundation.db.database import OpenScope
from foundation.errors import NotFound, Refused
from schedules.calendar import calendar_subscriptions
from tenants.auth import failed_attempts
from web.api.common import rate_limits
from web.api.common.errors import ApiError
from web.api.common.rate_limits import ApiRateLimit

READ = ["GET", "HEAD"]
READ_RATE = ApiRateLimit(60, timedelta(hours=1))
"""Request limit of one URL. Calendar apps refresh every five minutes at most."""

ALONE = {"cache-control": "private, no-cache", "x-robots-tag": "noindex, nofollow"}
"""Cache policy of calendars: clients may store them but must revalidate before each use."""

UNKEPT = {**ALONE, "cache-control": "no-store"}


def router(tenant: OpenScope) -> APIRouter:
    """Create the route of calendar subscriptions."""
    routes = APIRouter()

    @routes.api_route("/ics/{secret}.ics", methods=READ, include_in_schema=False)
    def calendar(request: Request, secret: str) -> Response:
        return _serve_calendar(tenant, request, secret)

    return routes


def _serve_calendar(tenant: OpenScope, request: Request, secret: str) -> Response:
    """Return the calendar, or 304 if the client's copy is current. Return 404 for an unknown or
    expired URL, and 429 for too many requests."""
    try:
        entered = calendar_subscriptions.resolve_calendar_secret(
            tenant, secret, address=request.client.host if request.client else ""
        )
        if entered is None:
            return PlainTextResponse("", 404, UNKEPT)
        who = f"ics:{entered.address_id}"
        rate_limits.count_request(tenant, READ_RATE, tenant_id=entered.tenant_id, who=who)
        with tenant(entered.tenant_id, f"member:{entered.member_id}") as scope:
            found = calendar_subscriptions.render_ics_calendar(scope, entered)
    except Refused:
        return PlainTextResponse(
            "",
            429,
            {**UNKEPT, "retry-after": str(int(failed_attempts.FAILURE_WINDOW.total_seconds()))},
        )
    except ApiError as fast:
        return PlainTextResponse(
            "", fast.status, {**UNKEPT, "retry-after": fast.headers["retry-after"]}
        )
    except NotFound:
        return PlainTextResponse("", 404, UNKEPT)
    tag = f'W/"{found.tag}"'
    headers = {**ALONE, "etag": tag}
    known = {
        one.strip().removeprefix("W/")
        for one in request.headers.get("if-none-match", "").split(",")
    }
    if known & {"*", tag.removeprefix("W/")}:
        return Response(status_code=304, headers=headers)
    headers["content-disposition"] = 'inline; filename="greenroom.ics"'
    return Response(found.data, media_type="text/calendar", headers=headers)
