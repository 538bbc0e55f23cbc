"""A viewer's page of their check of age: what happens there, the way to the provider, and how it stands.

Nothing of anybody's content is on it, and no cache keeps it. What the provider sees stays with the provider.
"""

from zoneinfo import ZoneInfo

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response
from starlette.concurrency import run_in_threadpool

from channels import ages
from channels.ages import Check
from channels.states import CheckState
from foundation.database import OpenScope
from foundation.errors import GreenroomError
from foundation.words import LANGUAGES
from web import answers
from web.page import missing, rendered
from web.wording import Wording

PROVING = "system:web-age"
PRIVATE = {"cache-control": "private, no-store", "vary": "*"}
"""A link's page is its holder's alone."""

MOVING = (CheckState.BEGINNING, CheckState.OPEN)
SECONDS = {CheckState.BEGINNING: "1", CheckState.OPEN: "10"}
"""After how long the page looks again by itself."""


class Checks:
    """The pages of all checks."""

    def __init__(self, tenant: OpenScope, *, public_url: str) -> None:
        self._tenant, self._base = tenant, public_url

    def show(self, request: Request, token: str) -> Response:
        """How the check of this link stands, and what its viewer may do."""
        found = ages.find(self._tenant, token)
        if found is None:
            return missing(request)
        with self._tenant(found[0], PROVING) as scope:
            check = ages.check(scope, found[1])
        return _page(request, check, token)

    def begin(self, request: Request, token: str) -> Response:
        """The viewer wants to begin; pressed twice, it begins once."""
        found = ages.find(self._tenant, token)
        if found is None:
            return missing(request)
        if not answers.foreign(request):
            try:
                with self._tenant(found[0], PROVING) as scope:
                    ages.begin(scope, found[1], page=f"{self._base}{ages.PATH}{token}")
            except GreenroomError:  # the link is too old, or the check has its answer: the page says which
                pass
        return RedirectResponse(f"{ages.PATH}{token}", status_code=303, headers=PRIVATE)


def _page(request: Request, check: Check, token: str) -> Response:
    voice = Wording(check.language if check.language in LANGUAGES else "en", ZoneInfo("UTC"))
    may_begin = check.alive and check.state in ages.AGAIN
    body = rendered(
        "age.html",
        voice,
        check=check,
        token=token,
        provider=voice.word(f"age.name.{check.provider}"),
        said=voice.word(f"age.stands.{check.state}" if may_begin or check.state not in ages.AGAIN else "age.link_over"),
        may_begin=may_begin,
    )
    again = {"refresh": SECONDS[check.state]} if check.state in MOVING else {}
    return answers.page(request, body, headers=PRIVATE | again, fresh=False)


def router(tenant: OpenScope, *, public_url: str) -> APIRouter:
    """The routes of checks of age."""
    checks, routes = Checks(tenant, public_url=public_url), APIRouter()

    @routes.get("/age/{token}")
    def show(request: Request, token: str) -> Response:
        return checks.show(request, token)

    @routes.post("/age/{token}")
    async def begin(request: Request, token: str) -> Response:
        return await run_in_threadpool(checks.begin, request, token)

    return routes
