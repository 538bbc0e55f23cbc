"""The Costs and profit view: each creator's months, and the costs that members enter."""

from functools import partial
from uuid import UUID

import streamlit as st

from dashboard.pages.analytics import filters
from dashboard.pages.analytics.data_tables import draw_view_table, format_total_cell
from dashboard.shell import actions, charts, forms
from dashboard.shell.charts import ChartLabels, ChartPoint, ChartSeries
from dashboard.shell.page_context import PageContext
from dashboard.shell.widgets import draw_template
from foundation.db.database import Scope
from foundation.errors import BadInput
from foundation.i18n.translation import Message
from foundation.money import STARS, list_currencies, parse_money
from foundation.ops.wall_time import local_day
from insights.reports.tables import analytics_tables
from insights.reports.tables.analytics_tables import COST_METRICS, AnalyticsTable
from insights.rollups import costs
from insights.rollups.costs import CostAnalysis
from insights.rollups.periods import AnalyticsPeriod
from subscribers.ledger import cost_entries
from subscribers.ledger.cost_entries import MAX_NOTE_LENGTH, CostDraft, CostEntryView, CostKind
from tenants.agencies.queries import Creator, names_by_actor
from tenants.agencies.rights import Right

FORM = "analytics:costs:form"
MAX_VOIDABLE = 20
"""Number of entries, the latest first, that have a button to void them."""

COMMON_CURRENCIES = ("EUR", "USD", "GBP", "CHF", STARS)


def render_costs(page: PageContext, period: AnalyticsPeriod) -> None:
    """Render the costs and profit of the months of the period, and the form for a cost."""
    found, names = page.read(lambda scope: (_load(page, period, scope), names_by_actor(scope)))
    draw_template("shell/templates/note.html", note=_describe_months(page, found))
    draw_template(
        "pages/analytics/templates/cost_figures.html",
        totals=costs.total_by_currency(found.months),
        cell=partial(format_total_cell, page),
        voice=page.localizer,
        word=page.text,
    )
    _draw_chart(page, found)
    st.subheader(page.text("analytics.table.profit"))
    _draw_table(page, period, found, _profit_table, "profit", sort="month")
    st.subheader(page.text("analytics.table.cost_entries"))
    build = partial(_entries_table, page, names)
    _draw_table(page, period, found, build, "entries", sort="day")
    if page.has_right(Right.BOOKS):
        _draw_void_buttons(page, found)
        _draw_form(page)


def _describe_months(page: PageContext, found: CostAnalysis) -> str:
    """Return which whole months are shown, and how profit is calculated."""
    first, last = (page.localizer.format_month(day) for day in (found.first, found.last))
    months = (
        page.text("analytics.costs.month", month=first)
        if first == last
        else page.text("analytics.costs.months", first=first, last=last)
    )
    return f"{months} {page.text('analytics.costs.about')}"


def _load(page: PageContext, period: AnalyticsPeriod, scope: Scope) -> CostAnalysis:
    chosen = filters.list_chosen_creators(page, scope)
    return costs.load_costs(scope, chosen, period.first, period.last)


def _reload(page: PageContext, period: AnalyticsPeriod) -> CostAnalysis:
    return page.read(partial(_load, page, period))


_draw_table = partial(draw_view_table, view="costs", load=_reload)


def _profit_table(found: CostAnalysis) -> AnalyticsTable:
    return analytics_tables.profit_table(found.months)


def _entries_table(page: PageContext, names: dict[str, str], found: CostAnalysis) -> AnalyticsTable:
    return analytics_tables.cost_entries_table(
        found,
        lambda actor: names.get(actor, page.text("system.house")),
        page.localizer.language,
    )


def _draw_chart(page: PageContext, found: CostAnalysis) -> None:
    """Draw the profit of each creator by month, in the currency with most months."""
    codes = [one.currency for one in found.months]
    if not codes:
        return
    code = max(sorted(set(codes)), key=codes.count)
    rows = sorted((one for one in found.months if one.currency == code), key=lambda m: m.first_day)
    months = sorted({one.first_day for one in rows})
    series = []
    for creator in sorted({one.creator.name for one in rows}):
        by_month = {one.first_day: one for one in rows if one.creator.name == creator}
        points = []
        for month in months:
            one = by_month.get(month)
            value = float(one.profit.decimal) if one is not None else None
            text = page.localizer.format_money(one.profit) if one is not None else ""
            points.append(ChartPoint(page.localizer.format_month(month), value, text))
        series.append(ChartSeries(creator, points))
    (profit,) = (one[3] for one in costs.total_by_currency(rows))
    labels = ChartLabels(
        "",
        page.text("analytics.profit_in", currency=code),
        page.text("analytics.costs.summary", profit=page.localizer.format_money(profit)),
    )
    charts.draw_bar_chart(page, labels, series, key="analytics:costs:chart")


def _draw_void_buttons(page: PageContext, found: CostAnalysis) -> None:
    counted = [one for one in found.entries if one.voided_at is None][:MAX_VOIDABLE]
    if not counted:
        return
    with st.expander(page.text("analytics.cost.void_some")):
        for one in counted:
            with st.container(horizontal=True, vertical_alignment="center"):
                st.text(_entry_label(page, one), width="stretch")
                actions.action_button(
                    page,
                    "analytics.cost.void",
                    partial(_void_cost, page, one.id),
                    right=Right.BOOKS,
                    key=f"cost:void:{one.id}",
                )


def _entry_label(page: PageContext, one: CostEntryView) -> str:
    parts = [
        page.localizer.format_date(one.spent_on),
        page.text(f"metric.{COST_METRICS[one.kind]}"),
        page.localizer.format_money(one.money),
        one.note,
    ]
    return " · ".join(part for part in parts if part)


def _void_cost(page: PageContext, entry_id: UUID, scope: Scope, _press_id: UUID) -> Message:
    mine = {one.id for one in page.list_all_creators(scope)}
    cost_entries.void_cost_entry(scope, mine, entry_id)
    return Message("analytics.cost.was_voided")


def _draw_form(page: PageContext) -> None:
    creators, today = page.read(
        lambda scope: (
            filters.list_chosen_creators(page, scope),
            local_day(scope.now, filters.list_chosen_creators(page, scope)[0].zone),
        )
    )
    others = [one for one in list_currencies() if one not in COMMON_CURRENCIES]
    with forms.open_form(page, FORM, border=True), st.container(gap="small"):
        st.write(page.text("analytics.cost.add"))
        left, middle, right = st.columns(3)
        left.selectbox(
            page.text("analytics.column.creator"),
            creators,
            format_func=lambda one: one.name,
            key=f"{FORM}:creator",
        )
        middle.selectbox(
            page.text("analytics.column.kind"),
            list(CostKind),
            index=list(CostKind).index(CostKind.ADS),
            format_func=lambda one: page.text(f"metric.{COST_METRICS[one]}"),
            key=f"{FORM}:kind",
        )
        right.date_input(
            page.text("analytics.column.day"),
            today,
            max_value=today,
            format="DD/MM/YYYY",
            key=f"{FORM}:day",
        )
        forms.show_field_error("day", right)
        left, middle, right = st.columns(3)
        left.text_input(page.text("analytics.column.amount"), key=f"{FORM}:amount", max_chars=20)
        forms.show_field_error("amount", left)
        middle.selectbox(
            page.text("analytics.column.currency"),
            [*COMMON_CURRENCIES, *others],
            format_func=page.localizer.format_currency,
            key=f"{FORM}:currency",
        )
        right.text_input(
            page.text("analytics.column.note"), key=f"{FORM}:note", max_chars=MAX_NOTE_LENGTH
        )
        forms.show_field_error("note", right)
        actions.submit_button(
            page,
            "analytics.cost.save",
            partial(_add_cost, page),
            right=Right.BOOKS,
            key=f"{FORM}:save",
        )


def _add_cost(page: PageContext, scope: Scope, press_id: UUID) -> Message:
    creator: Creator = actions.typed_value(f"{FORM}:creator")
    mine = page.get_creator(scope, creator.id)
    typed = str(actions.typed_value(f"{FORM}:amount") or "").strip()
    try:
        money = parse_money(typed, str(actions.typed_value(f"{FORM}:currency")))
    except ValueError as error:
        raise BadInput("cost.bad_amount", said=typed[:20] or "…").about("amount") from error
    draft = CostDraft(
        CostKind(actions.typed_value(f"{FORM}:kind")),
        money,
        actions.typed_value(f"{FORM}:day") or local_day(scope.now, mine.zone),
        str(actions.typed_value(f"{FORM}:note") or ""),
    )
    cost_entries.add_cost_entry(scope, mine.id, draft, entry_id=press_id)
    forms.set_on_success(f"{FORM}:amount", "")  # so that a second press does not enter it again
    return Message("analytics.cost.was_added", {"amount": str(money)})
