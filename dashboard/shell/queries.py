"""What stands on every page: whose it is, and what is stopped."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from dashboard.pages.system.queries import StopBanner, list_stop_banners
from dashboard.shell.page_context import PageContext
from foundation.db.database import Scope
from tenants.agencies import queries as tenant_reads
from tenants.agencies.queries import Agency
from tenants.agencies.rights import Right


@dataclass(frozen=True)
class PageHeader:
    """The agency, and the stops that keep this member's work back."""

    agency: Agency
    stops: Sequence[StopBanner]
    now: datetime


def load_page_header(scope: Scope, page: PageContext) -> PageHeader:
    """All of it; who only reviews is told of no stop."""
    works = page.has_right(*(right for right in Right if right is not Right.REVIEW))
    return PageHeader(
        tenant_reads.get_agency(scope), list_stop_banners(scope, page.list_creators) if works else [], scope.now
    )
