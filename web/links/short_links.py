"""Short addresses: whoever follows one is sent on, and counted without a trace of who it was.

302 and never kept (RFC 9110, 15.4.3): a browser keeps a 301 for good, so that no later visit would
be counted and none could be ended. A visitor is sent only where the house wrote down; nothing of
the request is in it.
"""

import re

from fastapi import APIRouter, Request
from fastapi.responses import Response

from channels.links import short_links
from foundation.db.database import OpenScope
from web.http.responses import READ_METHODS
from web.site.pages import missing_page

REDIRECT_HEADERS = {"cache-control": "no-store", "x-robots-tag": "noindex"}
GONE = 410

_MACHINES = re.compile(
    r"bot|crawl|spider|slurp|preview|facebookexternalhit|facebookcatalog|^whatsapp|embedly|skype|quora link|vkshare"
    r"|pinterest/0|redditbot|flipboard|tumblr/|snapchat|mastodon/|misskey|pleroma|akkoma|lemmy|curl|wget|python|httpx"
    r"|aiohttp|go-http|java/|okhttp|node-fetch|axios|undici|libwww|ruby|headless|phantom|lighthouse|monitor|uptime"
    r"|scan|validator|google-read-aloud|feed",
    re.IGNORECASE,
)
"""What programs call themselves that look at an address without anybody reading it."""

_AHEAD = ("purpose", "sec-purpose", "x-purpose", "x-moz")
"""Headers by which a browser says that it only looks ahead."""


def is_bot(request: Request) -> bool:
    """Whether a request says by itself that nobody reads what it asks for: a preview, a search, a
    look ahead."""
    headers = request.headers
    agent = headers.get("user-agent", "")
    if request.method == "HEAD" or not agent.strip() or _MACHINES.search(agent):
        return True
    if headers.get("sec-fetch-dest", "document") not in ("document", "iframe", "empty"):
        return True
    return any(
        re.search("prefetch|preview|prerender", headers.get(name, ""), re.IGNORECASE)
        for name in _AHEAD
    )


class ShortLinks:
    """Answers for every short address."""

    def __init__(self, tenant: OpenScope) -> None:
        self._tenant = tenant

    def redirect(self, request: Request, slug: str) -> Response:
        """Send on; 404 for what never was, 410 for what is over."""
        found = short_links.find_link(self._tenant, slug)
        if found is None:
            return missing_page(request)
        tenant_id, lead = found
        if lead.target is None:
            return missing_page(request, status=GONE)
        machine = is_bot(request)
        with self._tenant(tenant_id, short_links.LINK_ACTOR) as scope:
            short_links.count_click(
                scope, lead.id, people=0 if machine else 1, machines=1 if machine else 0
            )
        return Response(status_code=302, headers={"location": lead.target, **REDIRECT_HEADERS})


def router(tenant: OpenScope) -> APIRouter:
    """The one route of short addresses."""
    pages = ShortLinks(tenant)
    routes = APIRouter()

    @routes.api_route(f"{short_links.LINK_PATH}{{slug}}", methods=READ_METHODS)
    def follow(request: Request, slug: str) -> Response:
        return pages.redirect(request, slug)

    return routes
