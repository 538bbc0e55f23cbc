"""All creators in one table over any period, compared with an earlier one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import streamlit as st

from dashboard.pages.analytics import creator_detail, filters, goals, overview_tiles
from dashboard.pages.analytics.net_chart import draw_net_chart
from dashboard.shell.page_context import PageContext
from dashboard.shell.tables import (
    Table,
    TableCell,
    TableColumn,
    TableRow,
    draw_table,
    sparkline_points,
)
from dashboard.shell.widgets import draw_template
from foundation.db.database import Scope
from foundation.money import percent_change
from insights.reports.tables.table_files import FILE_TYPES, FileFormat, Sheet, render_table_file
from insights.rollups import overview
from insights.rollups.overview import CreatorOverview, SalesComparison
from insights.rollups.periods import AnalyticsPeriod

TABLE = "overview:table"
SORT = "overview:sort"
COLUMNS = (
    *("creator", "gross", "net", "change", "orders", "new_buyers", "returning_buyers"),
    *("posts", "views", "trend"),
)
TEXTS = ("creator", "trend")
"""Columns without numbers. The trend cannot be sorted."""


@dataclass(frozen=True)
class _Line:
    """A row: a creator with the sales in one currency, or None without sales. Only the first row of
    a creator shows their buyers, posts and views."""

    of: CreatorOverview
    sales: SalesComparison | None
    is_first: bool


def render_overview(page: PageContext, period: AnalyticsPeriod) -> None:
    """Render all creators in one table, or the one that is chosen in detail."""
    chosen = page.read(partial(filters.list_chosen_creators, page))
    if len(chosen) == 1:
        creator_detail.render_creator(page, chosen[0], period)
        return
    found = page.read(partial(_load, page, period))
    totals = overview.total_by_currency(found)
    overview_tiles.draw_tiles(page, period, found, totals)
    if totals:
        first = max(totals, key=lambda one: one.orders)
        draw_net_chart(page, period, first.net, first.days, first.days_before)
    sort, descending = st.session_state.get(SORT, ("net", True))
    table = Table(
        caption=page.text("overview.title"),
        columns=[
            TableColumn(
                page.text(f"overview.column.{name}"),
                "" if name == "trend" else name,
                name not in TEXTS,
            )
            for name in COLUMNS
        ],
        rows=[
            TableRow(
                [_build_cell(page, line, name) for name in COLUMNS], f"open:{line.of.creator.id}"
            )
            for line in _sort_lines(_list_lines(found), sort, descending=descending)
        ],
        sort=sort,
        descending=descending,
        totals=[_build_total(page, found, one) for one in totals],
    )
    draw_table(page, table, key=TABLE, on_press=partial(_press, found))
    with st.container(horizontal=True, gap="small"):
        for form, mime in FILE_TYPES.items():
            st.download_button(
                page.text("overview.csv" if form == "csv" else "overview.xlsx"),
                partial(_make_file, page, period, form),
                f"overview-{period.first}-{period.last}.{form}",
                mime,
                key=f"overview:{form}",
                icon=":material/download:",
                on_click="ignore",
            )
    draw_template("shell/templates/note.html", note=page.text("overview.about"))
    goals.render_goals(page, [one.currency for one in totals])


def _load(page: PageContext, period: AnalyticsPeriod, scope: Scope) -> list[CreatorOverview]:
    return overview.load_overview(scope, page.list_creators(scope), period)


def _make_file(page: PageContext, period: AnalyticsPeriod, form: FileFormat) -> bytes:
    found = page.read(partial(_load, page, period))
    rows = overview.list_overview_rows(found, period)
    return render_table_file(form, Sheet("overview", overview.FILE_COLUMNS, rows))


def _press(found: Sequence[CreatorOverview], sent: str) -> None:
    """Sort by a column, or open a creator. The ID comes from the browser."""
    kind, _, value = sent.partition(":")
    if kind == "sort" and value in COLUMNS and value != "trend":
        sort, descending = st.session_state.get(SORT, ("net", True))
        st.session_state[SORT] = (value, not descending if sort == value else value != "creator")
    elif kind == "open":
        for one in found:
            if str(one.creator.id) == value:
                filters.choose_creator(one.creator.slug)


def _list_lines(found: Sequence[CreatorOverview]) -> list[_Line]:
    lines = []
    for one in found:
        every: Sequence[SalesComparison | None] = one.sales or (None,)
        lines += [_Line(one, each, number == 0) for number, each in enumerate(every)]
    return lines


def _sort_lines(lines: Sequence[_Line], sort: str, *, descending: bool) -> list[_Line]:
    """Return the rows in the order of a column. Amounts are compared within their currency, and
    rows without a value come last."""

    def value(line: _Line) -> Any:
        money = line.sales
        counts: Mapping[str, Any] = {
            "creator": line.of.creator.name.casefold(),
            "new_buyers": line.of.buyers.new,
            "returning_buyers": line.of.buyers.returning,
            "posts": line.of.posts,
            "views": line.of.views,
        }
        if sort in counts:
            return counts[sort]
        if money is None:
            return None
        amounts: Mapping[str, Any] = {
            "gross": (money.currency, money.gross.minor),
            "net": (money.currency, money.net.minor),
            "orders": money.orders,
            "change": percent_change(money.net, money.net_before),
        }
        return amounts[sort]

    known = [line for line in lines if value(line) is not None]
    unknown = [line for line in lines if value(line) is None]
    return sorted(known, key=value, reverse=descending) + unknown


def _build_cell(page: PageContext, line: _Line, name: str) -> TableCell:
    match name:
        case "creator":
            return TableCell(line.of.creator.name)
        case "new_buyers" | "returning_buyers" | "posts" | "views":
            return _build_count(page, line, name)
        case _ if line.sales is None:
            return TableCell("–")
        case _:
            return _build_amount(page, line.sales, name)


def _build_count(page: PageContext, line: _Line, name: str) -> TableCell:
    if not line.is_first:
        return TableCell("")
    one = line.of
    now, before = {
        "new_buyers": (one.buyers.new, None),
        "returning_buyers": (one.buyers.returning, None),
        "posts": (one.posts, one.posts_before),
        "views": (one.views, one.views_before),
    }[name]
    note = "" if before is None else _before(page, page.localizer.format_number(before))
    return TableCell(page.localizer.format_number(now), note)


def _build_amount(page: PageContext, one: SalesComparison, name: str) -> TableCell:
    voice = page.localizer
    match name:
        case "gross":
            return TableCell(voice.format_money(one.gross))
        case "net":
            return TableCell(
                voice.format_money(one.net), _before(page, voice.format_money(one.net_before))
            )
        case "orders":
            number = voice.format_number
            return TableCell(number(one.orders), _before(page, number(one.orders_before)))
        case "change":
            percent = percent_change(one.net, one.net_before)
            return TableCell(
                "–" if percent is None else page.text("overview.percent", percent=f"{percent:+d}")
            )
        case _:
            chart = page.text("overview.trend_of", total=voice.format_money(one.net))
            return TableCell("", points=sparkline_points(one.days), chart=chart)


def _before(page: PageContext, amount: str) -> str:
    return page.text("overview.before", amount=amount)


def _build_total(
    page: PageContext, found: Sequence[CreatorOverview], one: SalesComparison
) -> TableRow:
    """Return the row of all creators in one currency. Buyers, posts and views are added once."""
    number = page.localizer.format_number
    counts = {
        "new_buyers": sum(each.buyers.new for each in found),
        "returning_buyers": sum(each.buyers.returning for each in found),
        "posts": sum(each.posts for each in found),
        "views": sum(each.views for each in found),
    }
    cells = [TableCell(page.text("overview.all"))]
    for name in COLUMNS[1:]:
        cells.append(
            TableCell(number(counts[name])) if name in counts else _build_amount(page, one, name)
        )
    return TableRow(cells)
