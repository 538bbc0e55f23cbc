"""Daily rollups of the demo's history, computed in memory as `daily_rollups.rebuild_day` computes
them from rows. Views and interactions follow from the imported readings."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date, timedelta

from demo.agency.history import DemoHistory, HistoryInput
from foundation.money import Money
from foundation.ops.wall_time import local_day
from insights.rollups.history_import import PastDay
from insights.rollups.queries import DaySales, DayWork
from schedules.imports.history_import import PastPost
from subscribers.history.history_import import PastFan, PastPayment, past_payment_entries
from subscribers.ledger.entries import (
    AGENCY_DUE_ACCOUNT,
    CHATTER_DUE_ACCOUNT,
    CREATOR_DUE_ACCOUNT,
    PARTY_DUE_ACCOUNT,
    REFUNDS_ACCOUNT,
    SALES_ACCOUNT,
    SplitShares,
)

DayTotals = dict[str, int]
"""Amounts of one day by ledger account, and the number of sales."""

ORDERS = "orders"


def daily_rollups(stage: HistoryInput, history: DemoHistory, shares: SplitShares) -> list[PastDay]:
    """Return the rollups of every day of the history, including days without a sale."""
    lateness = _lateness_by_day(history.posts)
    talk = _messages_by_day(stage, history.fans)
    money = _sales_by_day(stage, history.payments, shares)
    return [
        PastDay(
            stage.creator_id,
            day,
            DayWork(
                published=len(lateness[day]),
                lateness_p95_ms=_percentile_95(lateness[day]),
                messages_in=talk[day]["in"],
                messages_out=talk[day]["out"],
                new_fans=talk[day]["new"],
            ),
            tuple(
                _build_day_sales(currency, sums) for currency, sums in sorted(money[day].items())
            ),
        )
        for day in stage.days()
    ]


def _lateness_by_day(published: Sequence[PastPost]) -> Mapping[date, list[int]]:
    found: defaultdict[date, list[int]] = defaultdict(list)
    for post in published:
        late = (post.published_at - post.due_at) // timedelta(milliseconds=1)
        found[date.fromisoformat(post.wall_time[:10])].append(late)
    return found


def _percentile_95(late: Sequence[int]) -> int | None:
    return sorted(late)[-(-len(late) * 95 // 100) - 1] if late else None


def _messages_by_day(
    stage: HistoryInput, fans: Sequence[PastFan]
) -> Mapping[date, Mapping[str, int]]:
    found: defaultdict[date, defaultdict[str, int]] = defaultdict(lambda: defaultdict(int))
    for fan in fans:
        found[local_day(fan.since, stage.zone)]["new"] += 1
        for line in fan.lines:
            found[local_day(line.at, stage.zone)]["in" if line.author == "fan" else "out"] += 1
    return found


def _sales_by_day(
    stage: HistoryInput, sales: Sequence[PastPayment], shares: SplitShares
) -> Mapping[date, Mapping[str, DayTotals]]:
    found: defaultdict[date, defaultdict[str, DayTotals]] = defaultdict(
        lambda: defaultdict(lambda: defaultdict(int))
    )
    for sale in sales:
        for kind, _, at, entries in past_payment_entries(sale, shares):
            sums = found[local_day(at, stage.zone)][sale.money.currency]
            sums[ORDERS] += kind == "sale"
            for entry in entries:
                sums[entry.account] += entry.money.minor
    return found


def _build_day_sales(currency: str, sums: DayTotals) -> DaySales:
    return DaySales(
        sums[ORDERS],
        gross=Money(-sums[SALES_ACCOUNT], currency),
        refunds=Money(sums[REFUNDS_ACCOUNT], currency),
        creator=Money(-sums[CREATOR_DUE_ACCOUNT], currency),
        agency=Money(-sums[AGENCY_DUE_ACCOUNT], currency),
        staff=Money(-sums[CHATTER_DUE_ACCOUNT], currency),
        others_minor=-sum(
            minor for account, minor in sums.items() if account.startswith(PARTY_DUE_ACCOUNT)
        ),
    )
