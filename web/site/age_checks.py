"""The page of an age check: its steps, the link to the provider and the status.

It contains no content of a creator and is never cached. The evidence that the provider collects
remains with the provider.
"""

from zoneinfo import ZoneInfo

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response
from starlette.concurrency import run_in_threadpool

from channels.age_verification import age_checks
from channels.age_verification.age_checks import AgeCheckView
from channels.age_verification.states import AgeCheckState
from foundation.db.database import OpenScope
from foundation.errors import GreenroomError
from foundation.i18n.translation import LANGUAGES
from web.http import responses
from web.http.localization import VisitorLocalizer
from web.site.pages import missing_page, render_template

AGE_CHECK_ACTOR = "system:web-age"
PRIVATE_HEADERS = {"cache-control": "private, no-store", "vary": "*"}
"""Response headers that prevent every cache from storing personal pages."""

ACTIVE_CHECK_STATES = (AgeCheckState.BEGINNING, AgeCheckState.OPEN)
REFRESH_SECONDS = {AgeCheckState.BEGINNING: "1", AgeCheckState.OPEN: "10"}
"""Seconds after which the page reloads, by state of the check."""


class AgeCheckPages:
    """Pages of all age checks."""

    def __init__(self, tenant: OpenScope, *, public_url: str) -> None:
        self._tenant = tenant
        self._base = public_url

    def show_check(self, request: Request, token: str) -> Response:
        """Show the status of the check that belongs to a link."""
        found = age_checks.find_check(self._tenant, token)
        if found is None:
            return missing_page(request)
        with self._tenant(found[0], AGE_CHECK_ACTOR) as scope:
            check = age_checks.get_check(scope, found[1])
        return _render_check_page(request, check, token)

    def begin_check(self, request: Request, token: str) -> Response:
        """Start the check with the provider. Repeated requests start it once."""
        found = age_checks.find_check(self._tenant, token)
        if found is None:
            return missing_page(request)
        if not responses.is_cross_site(request):
            try:
                with self._tenant(found[0], AGE_CHECK_ACTOR) as scope:
                    age_checks.begin_check(
                        scope, found[1], page=f"{self._base}{age_checks.AGE_PATH}{token}"
                    )
            except (
                GreenroomError
            ):  # the link is expired or the check is decided: the page says which
                pass
        return RedirectResponse(
            f"{age_checks.AGE_PATH}{token}", status_code=303, headers=PRIVATE_HEADERS
        )


def _render_check_page(request: Request, check: AgeCheckView, token: str) -> Response:
    voice = VisitorLocalizer(
        check.language if check.language in LANGUAGES else "en", ZoneInfo("UTC")
    )
    may_begin = check.alive and check.state in age_checks.RETRYABLE_CHECK_STATES
    body = render_template(
        "site/templates/age_check.html",
        voice,
        check=check,
        token=token,
        provider=voice.text(f"age.name.{check.provider}"),
        said=voice.text(
            f"age.stands.{check.state}"
            if may_begin or check.state not in age_checks.RETRYABLE_CHECK_STATES
            else "age.link_over"
        ),
        may_begin=may_begin,
    )
    again = {"refresh": REFRESH_SECONDS[check.state]} if check.state in ACTIVE_CHECK_STATES else {}
    return responses.html_response(request, body, headers=PRIVATE_HEADERS | again, fresh=False)


def router(tenant: OpenScope, *, public_url: str) -> APIRouter:
    """Create the routes of age checks."""
    checks = AgeCheckPages(tenant, public_url=public_url)
    routes = APIRouter()

    @routes.get("/age/{token}")
    def show(request: Request, token: str) -> Response:
        return checks.show_check(request, token)

    @routes.post("/age/{token}")
    async def begin(request: Request, token: str) -> Response:
        return await run_in_threadpool(checks.begin_check, request, token)

    return routes
