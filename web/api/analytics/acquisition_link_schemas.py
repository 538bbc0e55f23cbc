"""Requests and responses about acquisition links. Amounts are in minor units of their currency; a
value that is not measured is null, never 0."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import date, datetime
from typing import Annotated, Self
from uuid import UUID

from pydantic import BaseModel, Field, model_validator

from channels.links.short_links import MAX_LINK_TARGET_LENGTH
from foundation.money import Money
from insights.attribution.credits import AttributionModel
from insights.attribution.link_results import LinkReport, LinkResult, RoiGap
from subscribers.acquisition.links import (
    MAX_COST,
    MAX_NAME,
    MAX_UTM_LENGTH,
    AcquisitionLink,
    LinkDestination,
    LinkDetails,
    LinkDraft,
    LinkSource,
    UtmParameters,
)
from web.api.analytics.schemas import AmountOut, CreatorQuery, PeriodQuery
from web.api.common.schemas import (
    EXAMPLE_CREATOR_ID,
    Day,
    PageQuery,
    RequestModel,
    StorableText,
    example_config,
)

UtmText = Annotated[StorableText, Field(max_length=MAX_UTM_LENGTH)]


class UtmIn(RequestModel):
    """UTM parameters that are added to a web page; empty ones are left out."""

    source: UtmText = ""
    medium: UtmText = ""
    campaign: UtmText = ""
    term: UtmText = ""
    content: UtmText = ""


class LinkDetailsIn(RequestModel):
    """The details of a link that can be changed. A cost needs its currency."""

    model_config = example_config(
        {"name": "Instagram bio", "source": "bio", "cost_minor": 9900, "cost_currency": "EUR"}
    )

    name: Annotated[StorableText, Field(min_length=1, max_length=MAX_NAME)]
    source: LinkSource
    cost_minor: Annotated[int | None, Field(ge=0, le=MAX_COST, strict=True)] = None
    cost_currency: Annotated[StorableText, Field(pattern=r"^([A-Z]{3})?$")] = ""
    owner_id: UUID | None = None
    first_day: Day | None = None
    last_day: Day | None = None

    @model_validator(mode="after")
    def _check_currency(self) -> Self:
        if (self.cost_minor is None) != (self.cost_currency == ""):
            raise ValueError("cost_minor and cost_currency belong together")
        return self

    def to_details(self) -> LinkDetails:
        """Return the value that `subscribers` expects."""
        cost = Money(self.cost_minor, self.cost_currency) if self.cost_minor is not None else None
        return LinkDetails(
            self.name, self.source, cost, self.owner_id, self.first_day, self.last_day
        )


class LinkIn(LinkDetailsIn):
    """A new link. A chat needs `channel_id`, the account whose bot it opens; a Discord invite and a
    web page need `url`. A web page with `channel_id` hands its visitors over to that bot. The
    destination cannot be changed later."""

    model_config = example_config(
        {
            "creator_id": EXAMPLE_CREATOR_ID,
            "name": "Instagram bio",
            "source": "bio",
            "destination": "web",
            "url": "https://shop.example.com/",
        }
    )

    creator_id: UUID
    destination: LinkDestination
    channel_id: UUID | None = None
    url: Annotated[StorableText, Field(max_length=MAX_LINK_TARGET_LENGTH)] = ""
    utm: Annotated[UtmIn, Field(default_factory=UtmIn)]

    def to_draft(self) -> LinkDraft:
        """Return the value that `subscribers` expects."""
        return LinkDraft(
            self.creator_id,
            self.to_details(),
            self.destination,
            self.channel_id,
            self.url,
            UtmParameters(**self.utm.model_dump()),
        )


class LinksQuery(PageQuery, CreatorQuery):
    """A page of the links of one or all creators, active or archived."""

    archived: bool = False


class LinkResultsQuery(PeriodQuery):
    """A period, and the model of attribution: `first` or `last` touch, or `linear`."""

    model: AttributionModel = AttributionModel.LAST
    archived: bool = False


class LinkOut(BaseModel):
    """A link. `short_url` is the URL to share, `target` the one that it redirects to. `start_url`
    is the URL for the chat button of a web page with a `channel_id`, or "". `cost` is null without
    a cost, or for a key without `money:read`. Send `version` in `If-Match` to change it."""

    id: UUID
    creator_id: UUID
    name: str
    source: LinkSource
    destination: LinkDestination
    channel_id: UUID | None
    short_url: str
    target: str
    start_url: str
    utm: dict[str, str]
    cost: AmountOut | None
    owner_id: UUID | None
    first_day: date | None
    last_day: date | None
    archived_at: datetime | None
    version: int

    @classmethod
    def of(
        cls, link: AcquisitionLink, base: str, start_url: str, *, with_cost: bool = True
    ) -> "LinkOut":
        """Convert a link, with or without its cost; `base` is the address of short links."""
        details = link.details
        return cls(
            id=link.id,
            creator_id=link.creator_id,
            name=details.name,
            source=details.source,
            destination=link.destination,
            channel_id=link.channel_id,
            short_url=link.short_url(base),
            target=link.target,
            start_url=start_url,
            utm={name: value for name, value in asdict(link.utm).items() if value},
            cost=_amount(details.cost) if with_cost else None,
            owner_id=details.owner_id,
            first_day=details.first_day,
            last_day=details.last_day,
            archived_at=link.archived_at,
            version=link.version,
        )


class LinksOut(BaseModel):
    """A page of links."""

    items: list[LinkOut]
    next: str | None


class WindowOut(BaseModel):
    """Sales, net after fees, that were paid within days after the chat began. `complete` is false
    while the days of a fan are not over."""

    days: int
    amounts: list[AmountOut]
    complete: bool


class LinkResultOut(BaseModel):
    """The results of a link. Clicks, chats, first purchases and `net_after_fees` are those of the
    period; `windows`, `net_after_fees_to_date`, `roi` and `cost_per_buyer` cover the life of the
    link. Without `roi`, `roi_gap` says why. `joins` are
    users who joined a Discord server by the invite, null if its uses are not read."""

    id: UUID
    name: str
    clicks: int
    visitors: int
    bots: int
    joins: int | None
    chats: int | None
    first_purchases: float | None
    net_after_fees: list[AmountOut] | None
    windows: list[WindowOut] | None
    net_after_fees_to_date: list[AmountOut] | None
    first_purchases_to_date: float | None
    roi: float | None
    roi_gap: RoiGap
    cost_per_buyer: AmountOut | None

    @classmethod
    def of(cls, one: LinkResult) -> "LinkResultOut":
        """Convert the results of a link."""
        measured = one.link.reports_chats
        windows = [
            WindowOut(days=days, amounts=_amounts(each.amounts), complete=each.is_complete)
            for days, each in one.windows.items()
        ]
        return cls(
            id=one.link.id,
            name=one.link.details.name,
            clicks=one.clicks.people,
            visitors=one.clicks.visitors,
            bots=one.clicks.machines,
            joins=one.joins,
            chats=one.chats,
            first_purchases=float(one.buyers) if one.buyers is not None else None,
            net_after_fees=_amounts(one.net_after_fees) if measured else None,
            windows=windows if measured else None,
            net_after_fees_to_date=_amounts(one.net_after_fees_to_date) if measured else None,
            first_purchases_to_date=float(one.buyers_to_date)
            if one.buyers_to_date is not None
            else None,
            roi=float(one.roi) if one.roi is not None else None,
            roi_gap=one.roi_gap,
            cost_per_buyer=_amount(one.cost_per_buyer),
        )


class LinkResultsOut(BaseModel):
    """The results of all links. In each currency, `net_after_fees` of the items, `others` (links
    that are not listed) and `unattributed` sum to `net_after_fees`, that of the ledger: sales minus
    refunds and platform fees. They are observed, not causal."""

    model: AttributionModel
    items: list[LinkResultOut]
    others: list[AmountOut]
    unattributed: list[AmountOut]
    unattributed_first_purchases: float
    net_after_fees: list[AmountOut]

    @classmethod
    def of(cls, report: LinkReport) -> "LinkResultsOut":
        """Convert a report."""
        return cls(
            model=report.model,
            items=[LinkResultOut.of(one) for one in report.results],
            others=_amounts(report.others),
            unattributed=_amounts(report.unattributed),
            unattributed_first_purchases=float(report.unattributed_buyers),
            net_after_fees=_amounts(report.net_after_fees),
        )


def _amount(money: Money | None) -> AmountOut | None:
    return AmountOut.of(money) if money is not None else None


def _amounts(amounts: Sequence[Money]) -> list[AmountOut]:
    return [AmountOut.of(one) for one in amounts]
