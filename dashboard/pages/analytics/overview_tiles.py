"""The main figures of all creators over a period, each with its change from the earlier one."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from dashboard.pages.analytics import filters
from dashboard.shell.page_context import PageContext
from dashboard.shell.tables import sparkline_points
from dashboard.shell.widgets import draw_template
from foundation.db.database import Scope
from foundation.money import percent_change
from insights.rollups import channel_results
from insights.rollups.overview import CreatorOverview, SalesComparison
from insights.rollups.periods import AnalyticsPeriod, DateRange


@dataclass(frozen=True)
class FigureTile:
    """A figure with the text of the earlier period, "" without one, and the change in per cent,
    None if it is not defined."""

    name: str
    value: str
    before: str = ""
    change: int | None = None
    points: str = ""


def draw_tiles(
    page: PageContext,
    period: AnalyticsPeriod,
    found: Sequence[CreatorOverview],
    totals: Sequence[SalesComparison],
) -> None:
    """Draw net sales by currency, orders, new followers and views."""
    draw_template(
        "pages/analytics/templates/tiles.html",
        tiles=[
            *(_net_tile(page, one, compares=period.before is not None) for one in totals),
            *_count_tiles(page, period, found, totals),
        ],
        voice=page.localizer,
        word=page.text,
    )


def _net_tile(page: PageContext, one: SalesComparison, *, compares: bool) -> FigureTile:
    voice = page.localizer
    return FigureTile(
        "net",
        voice.format_total(one.net),
        voice.format_money(one.net_before) if compares else "",
        percent_change(one.net, one.net_before) if compares else None,
        sparkline_points(one.days),
    )


def _count_tiles(
    page: PageContext,
    period: AnalyticsPeriod,
    found: Sequence[CreatorOverview],
    totals: Sequence[SalesComparison],
) -> list[FigureTile]:
    def read(scope: Scope) -> tuple[int | None, int | None]:
        creators = filters.list_chosen_creators(page, scope)
        days = DateRange(period.first, period.last)
        before = period.before
        return (
            channel_results.count_new_followers(scope, creators, days),
            channel_results.count_new_followers(scope, creators, before) if before else None,
        )

    followers, followers_before = page.read(read)
    counts: tuple[tuple[str, int | None, int | None], ...] = (
        ("orders", sum(one.orders for one in totals), sum(one.orders_before for one in totals)),
        ("followers_gained", followers, followers_before),
        ("views", sum(one.views for one in found), sum(one.views_before for one in found)),
    )
    return [
        _count_tile(page, name, now, before if period.before else None)
        for name, now, before in counts
    ]


def _count_tile(page: PageContext, name: str, now: int | None, before: int | None) -> FigureTile:
    number = page.localizer.format_number
    return FigureTile(
        name,
        page.text("analytics.not_available") if now is None else number(now),
        number(before) if before is not None else "",
        round(Fraction(100 * (now - before), before))
        if now is not None and before is not None and before > 0
        else None,
    )
