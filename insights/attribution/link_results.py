"""Results of acquisition links: clicks, chats, first purchases, revenue and return on their cost.

Clicks, chats, first purchases and net amounts are those of a period. Revenue after 7, 30 and 90
days, the return and the cost per buyer cover the whole life of a link. Net is after refunds and
platform fees. Days of a period are local days of
each creator; clicks are counted by UTC day. Amounts of different currencies are never added.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from fractions import Fraction
from typing import Literal
from uuid import UUID

from channels.links import short_links
from channels.links.short_links import LinkClicks
from foundation.db.database import Scope
from foundation.money import Money
from foundation.ops.wall_time import day_bounds
from insights.attribution import credits
from insights.attribution.credits import AttributionModel, Credit
from subscribers.acquisition import fan_movements, invites, links, touches
from subscribers.acquisition.links import LINK_SUBJECT, AcquisitionLink, LinkDestination
from subscribers.acquisition.touches import Touch
from subscribers.orders import sales
from subscribers.orders.sales import SaleFilter
from tenants.agencies.queries import Creator

WINDOWS = (7, 30, 90)
"""Days after a chat began in which revenue is counted."""

NO_CLICKS = LinkClicks()
RoiGap = Literal["", "no_cost", "currency", "not_measured"]
"""Why there is no return: no cost, revenue in another currency than the cost, or a destination that
does not report who came."""


@dataclass(frozen=True)
class WindowRevenue:
    """The credited sales, net after fees, that were paid within days after the chat began, by
    currency. `is_complete` is False while the window of a fan is still open."""

    amounts: tuple[Money, ...]
    is_complete: bool


@dataclass(frozen=True)
class LinkResult:
    """The results of a link. `chats`, `buyers` and amounts are None and empty for a link whose
    destination does not report who came. `joins` are users who joined a community by its invite,
    None for other links and before the first reading of the invites."""

    link: AcquisitionLink
    creator: Creator
    clicks: LinkClicks
    joins: int | None
    chats: int | None
    buyers: Fraction | None
    net_after_fees: tuple[Money, ...]
    windows: Mapping[int, WindowRevenue]
    net_after_fees_to_date: tuple[Money, ...]
    buyers_to_date: Fraction | None
    roi: Fraction | None
    roi_gap: RoiGap
    cost_per_buyer: Money | None

    @property
    def conversion(self) -> Fraction | None:
        """Return first purchases per visitor of the period, None without visitors."""
        if self.buyers is None or not self.clicks.visitors:
            return None
        return self.buyers / self.clicks.visitors


@dataclass(frozen=True)
class LinkReport:
    """The results of all links of some creators in a period, and what no link is credited with.

    In each currency, the amounts of `results`, of `others`, which are the links that are not
    listed, and the unattributed ones sum to `net_after_fees`, that of the ledger.
    """

    model: AttributionModel
    results: Sequence[LinkResult]
    others: tuple[Money, ...]
    unattributed: tuple[Money, ...]
    unattributed_buyers: Fraction
    net_after_fees: tuple[Money, ...]


def load_link_report(
    scope: Scope,
    creators: Sequence[Creator],
    first: date,
    last: date,
    model: AttributionModel,
    *,
    archived: bool = False,
) -> LinkReport:
    """Return the results of the links of these creators, newest link first; both days are included.
    With `archived`, the results are those of archived links.

    Raises BadInput for an invalid period.
    """
    asked = SaleFilter(tuple(creators), first, last)
    sales.check_period(first, last)
    whose = {one.id: one for one in creators}
    every = links.list_links(scope, list(whose), archived=archived)
    tally = _Tally(scope, creators, first, last, model)
    shown = {one.id for one in every}
    total = {one.currency: one.net for one in sales.sum_sales(scope, asked).currencies}
    given = _sum_amounts(tally.inside)
    buyers = sales.count_buyers(scope, creators, first, last)
    return LinkReport(
        model,
        [tally.result_of(one, whose[one.creator_id]) for one in every],
        others=_sorted_amounts(
            _sum_amounts(one for one in tally.inside if one.link_id not in shown)
        ),
        unattributed=_subtract(total, given),
        unattributed_buyers=sum(one.new for one in buyers.values())
        - sum(tally.buyers.values(), Fraction(0)),
        net_after_fees=_sorted_amounts({code: money.minor for code, money in total.items()}),
    )


class _Tally:
    """The counts and credits of all links of some creators, by link."""

    def __init__(
        self,
        scope: Scope,
        creators: Sequence[Creator],
        first: date,
        last: date,
        model: AttributionModel,
    ) -> None:
        ids = [one.id for one in creators]
        bounds = {
            one.id: (day_bounds(first, one.zone)[0], day_bounds(last, one.zone)[1])
            for one in creators
        }
        touched = touches.list_touches(scope, ids)
        moved = fan_movements.list_fan_movements(scope, ids)
        every = credits.credit_movements(touched, moved, model)
        firsts = credits.credit_first_purchases(touched, moved, model)
        self.now = scope.now
        self.clicks = short_links.clicks_by_subject(scope, LINK_SUBJECT, first, last)
        self._joins = invites.count_joins(scope, bounds)
        self._read = invites.list_read_channels(scope, ids)
        self.inside = [one for one in every if _contains(bounds[one.creator_id], one.at)]
        self.buyers = _sum_shares(
            one for one in firsts if _contains(bounds[one.creator_id], one.at)
        )
        self._buyers_to_date = _sum_shares(firsts)
        self._net = _sum_by_link(self.inside)
        self._to_date = _sum_by_link(every)
        self._windows = {days: _sum_by_link(_paid_within(every, days)) for days in WINDOWS}
        self._bounds = bounds
        self._begun = _first_touches(touched)

    def result_of(self, link: AcquisitionLink, creator: Creator) -> LinkResult:
        """Return the results of a link."""
        begun = self._begun.get(link.id, {})
        measured = link.reports_chats
        to_date = _sorted_amounts(self._to_date.get(link.id, {}))
        buyers = self._buyers_to_date.get(link.id, Fraction(0)) if measured else None
        roi, gap = (
            return_on_cost(link.details.cost, to_date) if measured else (None, "not_measured")
        )
        return LinkResult(
            link=link,
            creator=creator,
            clicks=self.clicks.get(link.id, NO_CLICKS),
            joins=self._joins.get(link.id, 0) if self._reads_invites(link) else None,
            chats=sum(_contains(self._bounds[creator.id], at) for at in begun.values())
            if measured
            else None,
            buyers=self.buyers.get(link.id, Fraction(0)) if measured else None,
            net_after_fees=_sorted_amounts(self._net.get(link.id, {})),
            windows=self._windows_of(link.id, begun.values()) if measured else {},
            net_after_fees_to_date=to_date,
            buyers_to_date=buyers,
            roi=roi,
            roi_gap=gap,
            cost_per_buyer=cost_per_buyer(link.details.cost, buyers),
        )

    def _reads_invites(self, link: AcquisitionLink) -> bool:
        return link.destination is LinkDestination.DISCORD and link.channel_id in self._read

    def _windows_of(
        self, link_id: UUID, begun: Collection[datetime]
    ) -> Mapping[int, WindowRevenue]:
        latest = max(begun, default=None)
        return {
            days: WindowRevenue(
                _sorted_amounts(self._windows[days].get(link_id, {})),
                latest is None or latest + timedelta(days=days) <= self.now,
            )
            for days in WINDOWS
        }


def return_on_cost(cost: Money | None, net: Sequence[Money]) -> tuple[Fraction | None, RoiGap]:
    """Return (net - cost) / cost, or None and the reason why it cannot be computed."""
    if cost is None or cost.minor == 0:
        return None, "no_cost"
    earned = [one for one in net if one.minor]
    if any(one.currency != cost.currency for one in earned):
        return None, "currency"
    total = sum(one.minor for one in earned)
    return Fraction(total - cost.minor, cost.minor), ""


def cost_per_buyer(cost: Money | None, buyers: Fraction | None) -> Money | None:
    """Return the cost of a first purchase, rounded to minor units, or None without a cost or a
    purchase."""
    if cost is None or cost.minor == 0 or not buyers:
        return None
    return Money(round(Fraction(cost.minor) / buyers), cost.currency)


def _contains(bounds: tuple[datetime, datetime], at: datetime) -> bool:
    return bounds[0] <= at < bounds[1]


def _paid_within(every: Iterable[Credit], days: int) -> list[Credit]:
    """Return the credits of sales that were paid within days of the chat's begin. Their refunds and
    fees count whenever they are booked."""
    length = timedelta(days=days)
    return [one for one in every if one.sold_at < one.touched_at + length]


def _first_touches(touched: Sequence[Touch]) -> Mapping[UUID, Mapping[UUID, datetime]]:
    """Return when each fan first came through each link, by link and fan."""
    found: defaultdict[UUID, dict[UUID, datetime]] = defaultdict(dict)
    for one in touched:
        known = found[one.link_id].get(one.fan_id, one.at)
        found[one.link_id][one.fan_id] = min(known, one.at)
    return found


def _sum_by_link(every: Iterable[Credit]) -> Mapping[UUID, Mapping[str, int]]:
    found: defaultdict[UUID, defaultdict[str, int]] = defaultdict(lambda: defaultdict(int))
    for one in every:
        found[one.link_id][one.currency] += one.minor
    return found


def _sum_amounts(every: Iterable[Credit]) -> Mapping[str, int]:
    found: defaultdict[str, int] = defaultdict(int)
    for one in every:
        found[one.currency] += one.minor
    return found


def _sum_shares(every: Iterable[credits.FirstPurchase]) -> Mapping[UUID, Fraction]:
    found: defaultdict[UUID, Fraction] = defaultdict(Fraction)
    for one in every:
        found[one.link_id] += one.share
    return found


def _sorted_amounts(amounts: Mapping[str, int]) -> tuple[Money, ...]:
    return tuple(Money(minor, code) for code, minor in sorted(amounts.items()))


def _subtract(total: Mapping[str, Money], given: Mapping[str, int]) -> tuple[Money, ...]:
    codes = total.keys() | given.keys()
    rest = {
        code: (total[code].minor if code in total else 0) - given.get(code, 0) for code in codes
    }
    return _sorted_amounts(rest)
