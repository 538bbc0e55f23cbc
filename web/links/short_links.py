"""Short links: redirect visitors and count clicks without storing data that identifies them.

The redirect is a 302 with `no-store` (RFC 9110, 15.4.3). Browsers cache a 301 permanently, so later
clicks would not be counted and the link could not be disabled. The target is read from the database
only, never from the request, and is judged at each click: a registered address can change, close or
become adult after the post was published.
"""

import re

from fastapi import APIRouter, Request
from fastapi.responses import Response

from channels.links import short_links
from foundation.db.database import OpenScope
from gate.surfaces.decisions import judge_contents
from gate.surfaces.redirects import redirect_content
from web.http.responses import READ_METHODS
from web.links.user_agents import MAX_AGENT_LENGTH, is_machine_agent
from web.site.pages import missing_page

REDIRECT_HEADERS = {"cache-control": "no-store", "x-robots-tag": "noindex"}
GONE = 410
_AHEAD = ("purpose", "sec-purpose", "x-purpose", "x-moz")
"""Headers with which browsers mark prefetch requests."""


def is_bot(request: Request) -> bool:
    """Return True if a request identifies itself as automated: a bot, a link preview or a
    prefetch."""
    headers = request.headers
    agent = headers.get("user-agent", "")
    if request.method == "HEAD" or is_machine_agent(agent):
        return True
    if headers.get("sec-fetch-dest", "document") not in ("document", "iframe", "empty"):
        return True
    return any(
        re.search("prefetch|preview|prerender", headers.get(name, ""), re.IGNORECASE)
        for name in _AHEAD
    )


class ShortLinks:
    """Redirects of all short links."""

    def __init__(self, tenant: OpenScope) -> None:
        self._tenant = tenant

    def redirect(self, request: Request, slug: str) -> Response:
        """Redirect to the target and count the click. Return 404 for an unknown link, and 410 for
        one that is closed or whose target is not allowed now."""
        found = short_links.find_link(self._tenant, slug)
        if found is None:
            return missing_page(request)
        tenant_id, lead = found
        if lead.target is None:
            return missing_page(request, status=GONE)
        with self._tenant(tenant_id, short_links.LINK_ACTOR) as scope:
            content = redirect_content(
                lead.creator_id,
                lead.address,
                shown=f"{short_links.LINK_PATH}{slug}",
                opens=lead.target,
                place=lead.place,
            )
            (decision,) = judge_contents(scope, [content])
            if not decision.is_allowed:
                return missing_page(request, status=GONE)
            if is_bot(request):
                short_links.count_click(scope, lead.id, machines=1)
            else:
                short_links.count_person(
                    scope,
                    lead.id,
                    address=request.client.host if request.client else "",
                    agent=request.headers.get("user-agent", "")[:MAX_AGENT_LENGTH],
                )
        return Response(status_code=302, headers={"location": lead.target, **REDIRECT_HEADERS})


def router(tenant: OpenScope) -> APIRouter:
    """Create the route of short links."""
    pages = ShortLinks(tenant)
    routes = APIRouter()

    @routes.api_route(f"{short_links.LINK_PATH}{{slug}}", methods=READ_METHODS)
    def follow(request: Request, slug: str) -> Response:
        return pages.redirect(request, slug)

    return routes
