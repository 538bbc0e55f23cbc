"""The values of the view Links: results of links, and the choices of its forms."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from channels.accounts.queries import Channel, list_channels
from channels.links import domains
from connectors.contract.connector import Connector
from dashboard.pages.analytics import filters
from dashboard.shell.page_context import PageContext
from foundation.db.database import Scope
from foundation.money import STARS, list_currencies
from insights.attribution import link_results
from insights.attribution.credits import AttributionModel
from insights.attribution.link_results import LinkReport
from insights.rollups.periods import AnalyticsPeriod
from subscribers.acquisition import links
from tenants.agencies.queries import Creator, get_agency, list_members


@dataclass(frozen=True)
class LinksView:
    """The results of the chosen creators' links.

    `channels` are the accounts, by creator, whose chat a link can open, and `servers` those that
    read the uses of invites; `members` are names by ID. `start_urls` are the addresses, by link,
    for the chat button of a web page. `base` is the address of short links and `domain` the
    agency's own host name for them, or "". `currencies` are those of costs.
    """

    report: LinkReport
    creators: Sequence[Creator]
    channels: Mapping[UUID, Sequence[Channel]]
    servers: Mapping[UUID, Sequence[Channel]]
    members: Mapping[UUID, str]
    start_urls: Mapping[UUID, str]
    base: str
    domain: str
    currencies: Sequence[str]


def load_links(
    scope: Scope,
    page: PageContext,
    period: AnalyticsPeriod,
    model: AttributionModel,
    *,
    archived: bool,
    public_url: str,
    connectors: Mapping[str, Connector],
) -> LinksView:
    """Return the view of the chosen creators. Raises BadInput for an invalid period."""
    creators = filters.list_chosen_creators(page, scope)
    report = link_results.load_link_report(
        scope, creators, period.first, period.last, model, archived=archived
    )
    channels: dict[UUID, list[Channel]] = {one.id: [] for one in creators}
    for one in list_channels(scope):
        if one.creator_id in channels:
            channels[one.creator_id].append(one)
    return LinksView(
        report=report,
        creators=creators,
        channels={
            one: links.list_start_channels(found, connectors) for one, found in channels.items()
        },
        servers={
            one: links.list_invite_channels(found, connectors) for one, found in channels.items()
        },
        start_urls=links.load_start_urls(scope, [one.link for one in report.results], connectors),
        members={one.id: one.name for one in list_members(scope)},
        base=domains.link_base(scope, public_url),
        domain=domains.find_link_domain(scope),
        currencies=_list_currencies(get_agency(scope).currency, report),
    )


def _list_currencies(usual: str, report: LinkReport) -> list[str]:
    """Return the currencies of costs: those of the agency and of its sales first."""
    known = [usual, *(one.currency for one in report.net_after_fees), STARS, *list_currencies()]
    return list(dict.fromkeys(known))
