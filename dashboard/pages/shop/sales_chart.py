"""The chart of sales: the net amount of each day beside the day of the period before."""

from datetime import date, timedelta
from typing import Any

import altair as alt
import streamlit as st

from dashboard.shell import charts
from dashboard.shell.page_context import PageContext
from foundation.money import Money
from subscribers.orders.sales import PeriodSales, SaleFilter, SalesSummary

HEIGHT = 220
CURRENCY = "sales:currency"


def render_sales_chart(page: PageContext, asked: SaleFilter, summary: SalesSummary) -> None:
    """Render the chart of one currency, with a choice if there are several. A single day has no
    chart."""
    if len(asked.days) < 2 or not summary.currencies:
        return
    by_code = {one.currency: one for one in summary.currencies}
    code = next(iter(by_code))
    if len(by_code) > 1:
        chosen = st.segmented_control(
            page.text("sales.currency"),
            list(by_code),
            default=code,
            required=True,
            format_func=page.localizer.currency_name,
            key=CURRENCY,
            label_visibility="collapsed",
        )
        code = chosen if chosen in by_code else code
    one = by_code[code]
    st.altair_chart(_build_chart(page, asked, one), key=f"sales:chart:{code}", width="stretch")


def _build_chart(page: PageContext, asked: SaleFilter, one: PeriodSales) -> alt.LayerChart:
    voice = page.localizer
    rows = [_build_day(page, asked, one, day) for day in asked.days]
    labels = {"now": page.text("sales.this_period"), "before": page.text("sales.period_before")}
    every = -(-len(rows) // charts.MAX_LABELS)
    days = alt.X(
        "day:O",
        sort=[row["day"] for row in rows],
        title=None,
        axis=alt.Axis(
            values=[row["day"] for row in rows[::every]], labelAngle=0, labelOverlap=True
        ),
    )
    amounts = page.text("sales.axis", unit=page.localizer.currency_name(one.currency))
    tooltip = [
        alt.Tooltip("day:N", title=page.text("sales.column.at")),
        *(
            alt.Tooltip(f"{name}_text:N", title=page.text(f"sales.total.{name}"))
            for name in ("gross", "refunds", "fees", "net")
        ),
        alt.Tooltip("orders:Q", title=page.text("sales.total.orders")),
        alt.Tooltip("day_before:N", title=page.text("sales.day_before")),
        alt.Tooltip("before_text:N", title=labels["before"]),
    ]
    table = alt.Data(values=rows)  # type: ignore[no-untyped-call]  # generated without hints
    base = alt.Chart(table).encode(x=days, tooltip=tooltip)
    color = alt.Color(
        "series:N",
        title=None,
        scale=alt.Scale(domain=list(labels.values()), range=["#8a5be0", "#8a8598"]),
        legend=alt.Legend(orient="top"),
    )
    bars = (
        base.mark_bar()
        .encode(y=alt.Y("net:Q", title=amounts))
        .transform_calculate(series=f"'{charts.quote_vega(labels['now'])}'")
    )
    line = (
        base.mark_line(strokeDash=[4, 3], point=alt.OverlayMarkDef(size=18))
        .encode(y=alt.Y("before:Q", title=amounts))
        .transform_calculate(series=f"'{charts.quote_vega(labels['before'])}'")
    )
    total = voice.format_money(one.net)
    said = page.text(
        "sales.chart",
        first=voice.format_date(asked.first),
        last=voice.format_date(asked.last),
        total=total,
        before=voice.format_money(one.before),
    )
    chart: alt.LayerChart = (
        alt.layer(bars.encode(color=color), line.encode(color=color))
        .properties(height=HEIGHT, description=said)
        .configure(locale=charts.number_locale(voice.language))
    )
    return chart


def _build_day(page: PageContext, asked: SaleFilter, one: PeriodSales, day: date) -> dict[str, Any]:
    earlier = day - timedelta(days=len(asked.days))
    now = one.days.get(day)
    before = one.days_before.get(earlier)
    minor = {
        "gross": now.gross_minor if now else 0,
        "refunds": now.refunds_minor if now else 0,
        "fees": now.fees_minor if now else 0,
        "net": now.net_minor if now else 0,
        "before": before.net_minor if before else 0,
    }
    amounts = {name: Money(value, one.currency) for name, value in minor.items()}
    texts = {f"{name}_text": page.localizer.format_money(each) for name, each in amounts.items()}
    return {
        "day": page.localizer.format_short_day(day),
        "day_before": page.localizer.format_short_day(earlier),
        "orders": now.orders if now else 0,
        # The browser draws numbers of the chart in floating point; the texts are exact.
        "net": float(amounts["net"].decimal),
        "before": float(amounts["before"].decimal),
        **texts,
    }
