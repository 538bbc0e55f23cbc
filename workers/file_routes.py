"""Files of posts and feeds, wired."""

from functools import partial

from foundation import addresses
from foundation.addresses import PublicOnly, Reach
from foundation.http import HttpClient
from schedules import feeds_fetching, feeds_handling, imports_handling
from schedules.events import FeedRead, ImportApply, ImportCheck
from schedules.feeds_fetching import Answer, Fetch
from workers.dispatch import Route
from workers.wiring import Services, once, reach_of

IMPORT_SECONDS = 120
"""Ten thousand lines take a quarter of it; a beating heart makes it longer."""

FEED_SECONDS = 90
"""Four requests at most, and what is written after them."""


def fetching(reach: Reach) -> Fetch:
    """Asks for feeds where people may send us: in production to public addresses, and to none of our own."""
    outside = PublicOnly(()) if isinstance(reach, PublicOnly) else reach
    client = once(partial(HttpClient, max_connections=8, reach=outside))
    may_reach = partial(addresses.may_reach, reach=outside)

    def fetch(address: str, etag: str, modified: str) -> Answer:
        return feeds_fetching.fetch(address, etag, modified, http=client(), may_reach=may_reach)

    return fetch


def routes(s: Services) -> tuple[Route, ...]:
    """The routes of files."""
    tenant, connectors = s.tenant, s.connectors
    gave_up = partial(imports_handling.gave_up, tenant=tenant)
    check = partial(imports_handling.check, tenant=tenant, connectors=connectors)
    apply = partial(imports_handling.apply, tenant=tenant, connectors=connectors)
    feed = partial(feeds_handling.read, tenant=tenant, fetch=fetching(reach_of(s.settings)))
    return (
        Route(ImportCheck, check, deadline_seconds=IMPORT_SECONDS, on_dead=gave_up),
        Route(FeedRead, feed, deadline_seconds=FEED_SECONDS, on_dead=partial(feeds_handling.gave_up, tenant=tenant)),
        Route(ImportApply, apply, deadline_seconds=IMPORT_SECONDS, on_dead=gave_up),
    )
