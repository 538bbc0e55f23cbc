"""The demo's days rolled up while they are made: what `rollups.refresh` would find in their rows."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from uuid import UUID

from foundation.money import Money
from insights.loading import PastDay, PastReading
from insights.reads import Sales, Work
from insights.rollups import INTERACTIONS
from schedules.calendar import local_day
from schedules.loading import PastPost
from subscribers import ledger
from subscribers.ledger import SplitShares
from subscribers.loading import PastFan, PastSale
from subscribers.loading_sales import bookings
from workers.demo_history import History, Stage

Sums = dict[str, int]
"""Amounts of one day by ledger account, and how many sales there were."""

ORDERS = "orders"


def days(stage: Stage, history: History, shares: SplitShares) -> list[PastDay]:
    """Every day of the history, also those without a sale."""
    lateness, looks = _lateness(history.posts), _looks(stage, history.readings)
    talk, money = _talk(stage, history.fans), _money(stage, history.sales, shares)
    return [
        PastDay(
            stage.creator_id,
            day,
            Work(
                published=len(lateness[day]),
                lateness_p95_ms=_p95(lateness[day]),
                views=looks[day]["views"],
                interactions=sum(looks[day][name] for name in INTERACTIONS),
                messages_in=talk[day]["in"],
                messages_out=talk[day]["out"],
                new_fans=talk[day]["new"],
            ),
            tuple(_sales(currency, sums) for currency, sums in sorted(money[day].items())),
        )
        for day in stage.days()
    ]


def _lateness(published: Sequence[PastPost]) -> Mapping[date, list[int]]:
    found: defaultdict[date, list[int]] = defaultdict(list)
    for post in published:
        late = (post.published_at - post.due_at) // timedelta(milliseconds=1)
        found[date.fromisoformat(post.wall_time[:10])].append(late)
    return found


def _p95(late: Sequence[int]) -> int | None:
    return sorted(late)[-(-len(late) * 95 // 100) - 1] if late else None


def _looks(stage: Stage, read: Sequence[PastReading]) -> Mapping[date, Mapping[str, int]]:
    """Of one post what came since the reading before counts."""
    found: defaultdict[date, defaultdict[str, int]] = defaultdict(lambda: defaultdict(int))
    before: dict[tuple[UUID, str], int] = {}
    for reading in sorted(read, key=lambda one: one.age_hours):
        number = reading.delivery_id, reading.metric
        found[local_day(reading.observed_at, stage.zone)][reading.metric] += reading.value - before.get(number, 0)
        before[number] = reading.value
    return found


def _talk(stage: Stage, fans: Sequence[PastFan]) -> Mapping[date, Mapping[str, int]]:
    found: defaultdict[date, defaultdict[str, int]] = defaultdict(lambda: defaultdict(int))
    for fan in fans:
        found[local_day(fan.since, stage.zone)]["new"] += 1
        for line in fan.lines:
            found[local_day(line.at, stage.zone)]["in" if line.author == "fan" else "out"] += 1
    return found


def _money(stage: Stage, sales: Sequence[PastSale], shares: SplitShares) -> Mapping[date, Mapping[str, Sums]]:
    found: defaultdict[date, defaultdict[str, Sums]] = defaultdict(lambda: defaultdict(lambda: defaultdict(int)))
    for sale in sales:
        for kind, _, at, entries in bookings(sale, shares):
            sums = found[local_day(at, stage.zone)][sale.money.currency]
            sums[ORDERS] += kind == "sale"
            for entry in entries:
                sums[entry.account] += entry.money.minor
    return found


def _sales(currency: str, sums: Sums) -> Sales:
    return Sales(
        sums[ORDERS],
        gross=Money(-sums[ledger.SALES], currency),
        refunds=Money(sums[ledger.REFUNDS], currency),
        creator=Money(-sums[ledger.CREATOR_DUE], currency),
        agency=Money(-sums[ledger.AGENCY_DUE], currency),
        staff=Money(-sums[ledger.CHATTER_DUE], currency),
    )
