"""The Sales view: sums, days, the way to a purchase, groups, hours and cohorts."""

from collections.abc import Sequence
from datetime import date
from functools import partial

import streamlit as st

from dashboard.pages.analytics import filters
from dashboard.pages.analytics.data_tables import draw_view_table, format_total_cell
from dashboard.shell import charts
from dashboard.shell.charts import (
    ChartLabels,
    ChartPoint,
    ChartSeries,
    HeatCell,
)
from dashboard.shell.fan_labels import fan_label
from dashboard.shell.page_context import PageContext
from dashboard.shell.widgets import draw_template
from foundation.db.database import Scope
from foundation.money import Money, percent_change
from insights.reports.tables import analytics_tables
from insights.rollups.periods import AnalyticsPeriod
from insights.rollups.sales_analysis import SalesAnalysis, load_sales_analysis
from subscribers.orders.sales import DayOfSales
from subscribers.orders.sales_breakdowns import SalesDimension, SalesGroup

CURRENCY = "analytics:sales:currency"
DIMENSION = "analytics:sales:by"
TOP = 10
"""Number of groups in the chart."""

HOURS_HEIGHT = 330
"""Height of a heat map of the hours of the week in pixels."""


def render_sales(page: PageContext, period: AnalyticsPeriod) -> None:
    """Render the sales of the chosen creators."""
    found = load_sales(page, period)
    codes = _list_currencies(found)
    if not codes:
        draw_template("shell/templates/empty_note.html", note=page.text("analytics.no_sales"))
        return
    _draw_totals(page, found)
    _draw_funnel(page, found, period)
    code = _select_currency(page, codes)
    _draw_days(page, found, code)
    _draw_table(page, period, found, analytics_tables.sales_days_table, "days", sort="day")
    _draw_groups(page, found, period, code)
    st.subheader(page.text("analytics.table.sales_hours"))
    _draw_hours(page, found, code)
    hours = partial(analytics_tables.sales_hours_table, language=page.localizer.language)
    _draw_table(page, period, found, hours, "hours", sort="net")
    st.subheader(page.text("analytics.table.cohorts"))
    _draw_cohorts(page, found)
    _draw_table(page, period, found, analytics_tables.cohorts_table, "cohorts")


def load_sales(page: PageContext, period: AnalyticsPeriod) -> SalesAnalysis:
    """Return the sales of the creators that are chosen and that the member may access now."""

    def read(scope: Scope) -> SalesAnalysis:
        return load_sales_analysis(scope, filters.list_chosen_creators(page, scope), period)

    return page.read(read)


_draw_table = partial(draw_view_table, view="sales", load=load_sales)


def _draw_totals(page: PageContext, found: SalesAnalysis) -> None:
    draw_template(
        "pages/analytics/templates/sales_figures.html",
        totals=list(found.breakdown.totals.values()),
        found=found,
        change=_format_change,
        cell=partial(format_total_cell, page),
        voice=page.localizer,
        word=page.text,
    )


def _format_change(found: SalesAnalysis, one: SalesGroup) -> int | None:
    before = found.net_before(one.currency)
    return percent_change(one.net, before) if before is not None else None


def _list_currencies(found: SalesAnalysis) -> list[str]:
    """Return the currencies with days to draw, the one with most orders first."""
    drawn = {one.currency for one in found.currencies}
    codes = [code for code in found.breakdown.totals if code in drawn]
    return sorted(codes, key=lambda code: -found.breakdown.totals[code].orders)


def _select_currency(page: PageContext, codes: Sequence[str]) -> str:
    if len(codes) == 1:
        return codes[0]
    chosen = st.segmented_control(
        page.text("sales.currency"),
        codes,
        default=codes[0],
        required=True,
        format_func=page.localizer.currency_name,
        key=CURRENCY,
        label_visibility="collapsed",
    )
    return chosen if chosen in codes else codes[0]


def _draw_funnel(page: PageContext, found: SalesAnalysis, period: AnalyticsPeriod) -> None:
    st.subheader(page.text("analytics.table.funnel"))
    names = {one.name: page.text(f"analytics.funnel.{one.name}") for one in found.funnel}
    known = [one for one in found.funnel if one.count is not None]
    points = [
        ChartPoint(
            names[one.name],
            one.count,
            page.localizer.format_number(one.count or 0)
            + (f" ({page.localizer.format_percent(one.rate)})" if one.rate is not None else ""),
        )
        for one in known
    ]
    summary = page.text(
        "analytics.funnel.summary",
        steps=", ".join(f"{one.at}: {one.text}" for one in points),
    )
    labels = ChartLabels("", page.text("analytics.column.number"), summary)
    charts.draw_ranking_chart(page, labels, points, key="analytics:sales:funnel:chart")
    build = partial(analytics_tables.funnel_table, language=page.localizer.language)
    _draw_table(page, period, found, build, "funnel")
    draw_template("shell/templates/note.html", note=page.text("analytics.funnel.about"))


def _draw_days(page: PageContext, found: SalesAnalysis, code: str) -> None:
    one = next(one for one in found.currencies if one.currency == code)
    days = found.period.days
    now = [_day_point(page, one.days.get(day), code, day, at=day) for day in days]
    series = [ChartSeries(page.text("analytics.this_period"), now)]
    earlier = found.before.get(code) if found.before is not None else None
    if found.period.before is not None and earlier is not None:
        pairs = zip(days, found.period.before.days, strict=False)
        points = [
            _day_point(page, earlier.get(before), code, before, at=day) for day, before in pairs
        ]
        name = page.text("analytics.period_before")
        series.append(ChartSeries(name, points, is_before=True))
    total = found.breakdown.totals[code]
    labels = ChartLabels(
        "",
        page.text("analytics.net_in", currency=code),
        page.text(
            "analytics.days.summary",
            net=page.localizer.format_money(total.net),
            orders=page.localizer.format_number(total.orders),
            days=len(days),
        ),
    )
    st.subheader(page.text("analytics.table.sales_days"))
    charts.draw_bar_chart(page, labels, series, key=f"analytics:sales:days:{code}")


def _day_point(
    page: PageContext, sums: DayOfSales | None, currency: str, day: date, *, at: date
) -> ChartPoint:
    """Return the net amount of a day, drawn at the place of a day of the period."""
    minor = sums.gross_minor - sums.refunds_minor if sums is not None else 0
    money = Money(minor, currency)
    text = page.localizer.format_money(money)
    if day != at:
        text = f"{text} ({page.localizer.format_date(day)})"
    return ChartPoint(page.localizer.format_short_day(at), float(money.decimal), text)


def _draw_groups(
    page: PageContext, found: SalesAnalysis, period: AnalyticsPeriod, code: str
) -> None:
    st.subheader(page.text("analytics.sales_by"))
    chosen = st.segmented_control(
        page.text("analytics.sales_by"),
        list(SalesDimension),
        default=SalesDimension.ITEM,
        required=True,
        format_func=lambda one: page.text(f"analytics.column.{one}"),
        key=DIMENSION,
        label_visibility="collapsed",
    )
    by = chosen if chosen in set(SalesDimension) else SalesDimension.ITEM
    build = partial(
        analytics_tables.sales_groups_table,
        dimension=by,
        language=page.localizer.language,
        fan_label=partial(fan_label, page),
    )
    table = build(found)
    rows = [row for row in table.rows if row[1] == code][:TOP]
    net = table.columns.index("net")
    points = [
        ChartPoint(str(row[0])[:40], float(money.decimal), page.localizer.format_money(money))
        for row in rows
        if isinstance(money := row[net], Money)
    ]
    if points:
        summary = page.text("analytics.groups.summary", name=points[0].at, net=points[0].text)
        unit = page.text("analytics.net_in", currency=code)
        labels = ChartLabels("", unit, summary)
        charts.draw_ranking_chart(page, labels, points, key=f"analytics:sales:{by}:chart:{code}")
    _draw_table(page, period, found, build, f"by:{by}")


def _draw_hours(page: PageContext, found: SalesAnalysis, code: str) -> None:
    known = {
        (one.weekday, one.hour): one for one in found.breakdown.hours if one.net.currency == code
    }
    cells = []
    for weekday in range(7):
        for hour in range(24):
            one = known.get((weekday, hour))
            money = one.net if one is not None else Money(0, code)
            orders = one.orders if one is not None else 0
            text = page.text(
                "analytics.hours.cell",
                net=page.localizer.format_money(money),
                orders=page.localizer.format_number(orders),
            )
            day = page.text(f"analytics.weekday.{weekday}")
            cells.append(HeatCell(f"{hour:02}", day, float(money.decimal), text))
    best = max(known.values(), key=lambda one: one.net.minor)
    summary = page.text(
        "analytics.hours.summary",
        day=page.text(f"analytics.weekday.{best.weekday}"),
        hour=f"{best.hour:02}:00",
        net=page.localizer.format_money(best.net),
    )
    unit = page.text("analytics.net_in", currency=code)
    labels = ChartLabels(page.text("analytics.column.hour"), unit, summary)
    key = f"analytics:sales:hours:chart:{code}"
    down = page.text("analytics.column.weekday")
    charts.draw_heat_map(page, labels, cells, key=key, down=down, height=HOURS_HEIGHT)


def _draw_cohorts(page: PageContext, found: SalesAnalysis) -> None:
    """Draw the retention of cohorts with at least one month that has ended."""
    ended = [one for one in found.cohorts.cohorts if one.months]
    if not ended:
        draw_template("shell/templates/note.html", note=page.text("analytics.cohorts.none"))
        return
    most = max(len(one.months) for one in ended)
    cells = []
    for one in ended:
        name = f"{page.localizer.format_month(one.first_day)} ({one.size})"
        for number in range(most):
            share = one.retention(number)
            money = one.months[number].net if number < len(one.months) else ()
            text = page.text("analytics.not_available")
            if share is not None:
                sums = ", ".join(page.localizer.format_money(each) for each in money)
                text = f"{page.localizer.format_percent(share)} · {sums}".strip(" ·")
            value = float(share * 100) if share is not None else None
            cells.append(HeatCell(str(number), name, value, text))
    labels = ChartLabels(
        page.text("analytics.column.month_number"),
        page.text("analytics.cohorts.unit"),
        page.text("analytics.cohorts.about"),
    )
    charts.draw_heat_map(
        page,
        labels,
        cells,
        key="analytics:sales:cohorts:chart",
        down=page.text("analytics.column.cohort"),
        height=150 + 28 * len(ended),
    )
