"""One creator's numbers over a period: money by day and currency, work by day, posts with what they brought."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from fractions import Fraction
from uuid import UUID

from channels import charging, links
from channels import reads as channel_reads
from channels.reads import Channel
from foundation.database import Scope
from foundation.money import Money
from insights import following, labelled, reads, reports
from insights.labelled import Labelled
from insights.reads import Sales, Work
from insights.reports import Report
from schedules import costs
from schedules import reads as schedule_reads
from schedules.calendar import bounds, local_day
from schedules.composing import subject
from schedules.costs import MonthCost
from schedules.reads import Entry
from schedules.states import DeliveryState
from studio import spending
from tenants.reads import Creator

PERIODS = (1, 7, 28, 90)
"""Days a page shows."""

MOST_POSTS = 20


@dataclass(frozen=True)
class Purse:
    """The period's money in one currency, against the period of the same length before (None where nothing was)."""

    gross: Money
    refunds: Money
    net: Money
    orders: int
    before: Money | None
    days: tuple[int, ...]
    """Net of each day, the oldest first."""

    @property
    def change(self) -> int | None:
        """Per cent against the period before; None when there is nothing to compare with."""
        if self.before is None or self.before.minor <= 0:
            return None
        return round(Fraction(100 * (self.net.minor - self.before.minor), self.before.minor))


@dataclass(frozen=True)
class Post:
    """A post that stands outside, with the latest numbers that were read; absent ones were not had."""

    entry: Entry
    numbers: Mapping[str, int]


@dataclass(frozen=True)
class Crowd:
    """Who follows an account. `days` are the period's, the oldest first; None where nobody told."""

    account: str
    platform: str
    days: tuple[int | None, ...]

    @property
    def told(self) -> tuple[int, ...]:
        """The numbers of the days on which somebody told, the oldest first; never empty."""
        return tuple(one for one in self.days if one is not None)

    @property
    def latest(self) -> int:
        """The newest number."""
        return self.told[-1]

    @property
    def change(self) -> int | None:
        """How many more follow it than when the period's first number was told; None with one number alone."""
        return self.told[-1] - self.told[0] if len(self.told) > 1 else None


@dataclass(frozen=True)
class Insights:
    """The page's values. `days` are the period's, the oldest first; `known` tells how many of them were counted."""

    creator: Creator
    days: Sequence[date]
    purses: Sequence[Purse]
    work: Mapping[date, Work]
    sales: Mapping[date, Sequence[Sales]]
    posts: Sequence[Post]
    labels: Sequence[Labelled]
    crowds: Sequence[Crowd]
    spent: MonthCost
    """What was spent to make content this month, by the clocks of the agency's zone."""
    requests: Sequence[tuple[Channel, charging.Bill]]
    """What platforms asked this month for requests, by account."""
    now: datetime

    @property
    def known(self) -> int:
        """Days of the period that were counted."""
        return len(self.work)

    def sum(self, name: str) -> int:
        """A number of the days' work, added up."""
        return sum(int(getattr(one, name)) for one in self.work.values())


def insights(scope: Scope, creator: Creator, length: int) -> Insights:
    """The last `length` local days of a creator, today in."""
    last = local_day(scope.now, creator.zone)
    days = [last - timedelta(days=back) for back in range(length - 1, -1, -1)]
    before = days[0] - timedelta(days=length)
    sales = reads.sales(scope, creator.id, before, last)
    start, end = bounds(days[0], creator.zone)[0], bounds(last, creator.zone)[1]
    entries = schedule_reads.between(scope, creator.id, start, end)
    out = [entry for entry in entries if entry.state is DeliveryState.PUBLISHED]
    numbers = reads.numbers(scope, [entry.delivery_id for entry in out])
    return Insights(
        creator=creator,
        days=days,
        purses=[purse(sales, days, currency) for currency in _currencies(sales)],
        work=reads.work(scope, creator.id, days[0], last),
        sales={day: rows for day, rows in sales.items() if day >= days[0]},
        posts=_posts(scope, out, numbers),
        labels=labelled.by_label(scope, out, numbers),
        crowds=_crowds(scope, creator.id, days),
        spent=costs.of_month(scope, creator.id, spending.month(scope)),
        requests=charging.of_creator(scope, creator.id),
        now=scope.now,
    )


def _crowds(scope: Scope, creator_id: UUID, days: Sequence[date]) -> list[Crowd]:
    """Those of whose followers somebody told in the period, the most followed first."""
    found = following.by_day(scope, creator_id, days[0], days[-1])
    accounts = {one.id: one for one in channel_reads.channels_of(scope, creator_id)} if found else {}
    crowds = [
        Crowd(accounts[channel].name, accounts[channel].platform, tuple(told.get(day) for day in days))
        for channel, told in found.items()
    ]
    return sorted(crowds, key=lambda one: one.latest, reverse=True)


def report(scope: Scope, creator: Creator, day: date) -> Report:
    """A day's report as it stands, for reading or downloading."""
    return reports.daily(scope, creator.id, day)


def _currencies(sales: Mapping[date, Sequence[Sales]]) -> list[str]:
    return sorted({row.net.currency for rows in sales.values() for row in rows})


def purse(sales: Mapping[date, Sequence[Sales]], days: Sequence[date], currency: str) -> Purse:
    """One currency's money out of the sales by day, of twice the period; pure."""
    inside = [row for day in days for row in sales.get(day, ()) if row.net.currency == currency]
    earlier = [row for day, rows in sales.items() if day < days[0] for row in rows if row.net.currency == currency]
    nets = [sum(row.net.minor for row in sales.get(day, ()) if row.net.currency == currency) for day in days]
    return Purse(
        gross=Money(sum(row.gross.minor for row in inside), currency),
        refunds=Money(sum(row.refunds.minor for row in inside), currency),
        net=Money(sum(nets), currency),
        orders=sum(row.orders for row in inside),
        before=Money(sum(row.net.minor for row in earlier), currency) if earlier else None,
        days=tuple(nets),
    )


def _posts(scope: Scope, out: Sequence[Entry], found: Mapping[UUID, Mapping[str, int]]) -> list[Post]:
    """The period's posts that stand outside, those most seen first, then the newest."""
    clicked = links.clicks(scope, (subject(entry.delivery_id) for entry in out))
    ours = {one.id: {"short_clicks": said.people} for one, said in clicked.items()}
    posts = [Post(entry, {**found.get(entry.delivery_id, {}), **ours.get(entry.delivery_id, {})}) for entry in out]
    posts.sort(key=lambda one: (one.numbers.get("views", -1), one.entry.due_at), reverse=True)
    return posts[:MOST_POSTS]
