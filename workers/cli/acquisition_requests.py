"""Acquisition links at the terminal: listed, created, and their results."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import timedelta
from uuid import UUID

from channels.accounts.queries import list_creator_channels
from channels.links import domains
from foundation.db.database import Scope
from foundation.errors import BadInput, NotFound
from foundation.i18n.translation import Message, format_money, format_share
from foundation.ids import uuid7
from foundation.money import Money
from foundation.ops.wall_time import local_day
from insights.attribution.credits import AttributionModel
from insights.attribution.link_results import LinkResult, load_link_report
from subscribers.acquisition import links
from subscribers.acquisition.links import (
    AcquisitionLink,
    LinkDestination,
    LinkDetails,
    LinkDraft,
    LinkSource,
    UtmParameters,
)
from tenants.agencies.queries import Creator
from workers.terminal.lookup import TERMINAL_ACTOR, find_creator, parse_day_argument
from workers.terminal.output import terminal_language, translate
from workers.terminal.tables import format_json, format_table
from workers.wiring import Services

DEFAULT_DAYS = 28


@dataclass(frozen=True)
class LinkRequest:
    """A link as typed: `channel` is a name, `cost` an amount in units of `currency`, `utm` has
    items such as `campaign=spring`. An empty `destination` follows from the other fields."""

    name: str
    source: str
    destination: str
    channel: str
    url: str
    cost: str
    currency: str
    first: str
    last: str
    utm: tuple[str, ...]


def create_named_link(
    services: Services, creator: str, request: LinkRequest, *, agency: str
) -> str:
    """Create a link and return its short URL.

    Raises BadInput as `links.create_link` does and for an unreadable day or UTM parameter, and
    NotFound for an unknown creator or channel.
    """
    tenant_id, found = find_creator(services, creator, agency)
    details = LinkDetails(
        request.name,
        LinkSource(request.source),
        links.parse_cost(request.cost, request.currency),
        first_day=parse_day_argument(request.first),
        last_day=parse_day_argument(request.last),
    )
    with services.tenant(tenant_id, TERMINAL_ACTOR) as scope:
        channel_id = _find_channel(scope, found, request.channel) if request.channel else None
        draft = LinkDraft(
            found.id,
            details,
            _choose_destination(request),
            channel_id,
            request.url,
            _parse_utm(request.utm),
        )
        made = links.create_link(scope, draft, connectors=services.connectors, key=uuid7())
        return made.short_url(domains.link_base(scope, services.settings.web.public_url))


def _choose_destination(request: LinkRequest) -> LinkDestination:
    if request.destination:
        return LinkDestination(request.destination)
    if links.is_discord_invite(request.url):
        return LinkDestination.DISCORD
    return LinkDestination.WEB if request.url else LinkDestination.CHAT


def _find_channel(scope: Scope, creator: Creator, name: str) -> UUID:
    known = {one.name: one.id for one in list_creator_channels(scope, creator.id)}
    if name not in known:
        names = ", ".join(sorted(known)) or "–"
        raise NotFound("cli.routine.channel_unknown", name=name, known=names)
    return known[name]


def _parse_utm(typed: Sequence[str]) -> UtmParameters:
    """Return the parameters of `name=value` items. Raises BadInput."""
    names = [one.name for one in fields(UtmParameters)]
    found = {}
    for one in typed:
        name, _, value = one.partition("=")
        name = name.strip().removeprefix("utm_")
        if name not in names or not value:
            raise BadInput("cli.links.utm_unreadable", typed=one[:80], known=", ".join(names))
        found[name] = value
    return UtmParameters(**found)


def render_links(
    services: Services, creator: str, *, agency: str, archived: bool, as_json: bool
) -> str:
    """Return the links of a creator as a table or as JSON. Raises NotFound."""
    tenant_id, found = find_creator(services, creator, agency)
    with services.tenant(tenant_id, TERMINAL_ACTOR) as scope:
        every = links.list_links(scope, [found.id], archived=archived)
        base = domains.link_base(scope, services.settings.web.public_url)
    if as_json:
        return format_json([_link_fields(one, base) for one in every])
    if not every:
        return translate(Message("cli.links.none"))
    rows = [
        (
            one.details.name,
            translate(Message(f"acquisition.source.{one.details.source}")),
            translate(Message(f"acquisition.destination.{one.destination}")),
            _format_amount(one.details.cost),
            one.short_url(base),
        )
        for one in every
    ]
    return format_table(("name", "source", "destination", "cost", "address"), rows)


def _link_fields(one: AcquisitionLink, base: str) -> dict[str, object]:
    return {
        "id": one.id,
        "name": one.details.name,
        "source": one.details.source,
        "destination": one.destination,
        "cost": one.details.cost,
        "first_day": one.details.first_day,
        "last_day": one.details.last_day,
        "target": one.target,
        "short_url": one.short_url(base),
        "archived_at": one.archived_at,
    }


def render_figures(
    services: Services,
    creator: str,
    *,
    first: str,
    last: str,
    model: str,
    agency: str,
    as_json: bool,
) -> str:
    """Return the results of a creator's links in a period: by default the last 28 days until today
    in the creator's time zone. Raises NotFound, and BadInput for an invalid period."""
    tenant_id, found = find_creator(services, creator, agency)
    with services.tenant(tenant_id, TERMINAL_ACTOR) as scope:
        end = parse_day_argument(last) or local_day(scope.now, found.zone)
        start = parse_day_argument(first) or end - timedelta(days=DEFAULT_DAYS - 1)
        report = load_link_report(scope, [found], start, end, AttributionModel(model))
    if as_json:
        return format_json(
            {
                "first": start,
                "last": end,
                "model": report.model,
                "links": [_result_fields(one) for one in report.results],
                "other_links": report.others,
                "unattributed": report.unattributed,
                "net_after_fees": report.net_after_fees,
            }
        )
    if not report.results:
        return translate(Message("cli.links.none"))
    columns = ("name", "clicks", "chats", "buyers", "net_after_fees", "roi")
    return format_table(columns, [_result_row(one) for one in report.results])


def _result_row(one: LinkResult) -> tuple[str | int, ...]:
    language = terminal_language()
    measured = one.link.reports_chats
    return (
        one.link.details.name,
        one.clicks.people,
        str(one.chats) if one.chats is not None else "",
        str(round(float(one.buyers), 1)) if one.buyers is not None else "",
        _format_amounts(one.net_after_fees) if measured else "",
        format_share(one.roi, language) if one.roi is not None else "",
    )


def _result_fields(one: LinkResult) -> dict[str, object]:
    return {
        "id": one.link.id,
        "name": one.link.details.name,
        "clicks": one.clicks.people,
        "visitors": one.clicks.visitors,
        "joins": one.joins,
        "chats": one.chats,
        "buyers": float(one.buyers) if one.buyers is not None else None,
        "net_after_fees": one.net_after_fees,
        "windows": {days: window.amounts for days, window in one.windows.items()},
        "roi": float(one.roi) if one.roi is not None else None,
        "roi_gap": one.roi_gap,
        "cost_per_buyer": one.cost_per_buyer,
    }


def _format_amounts(amounts: Sequence[Money]) -> str:
    return ", ".join(_format_amount(one) for one in amounts)


def _format_amount(amount: Money | None) -> str:
    return format_money(amount, terminal_language()) if amount is not None else ""
