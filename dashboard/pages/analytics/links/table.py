"""The table of acquisition links, sorted by any column; a pressed row opens its link."""

from collections.abc import Sequence
from fractions import Fraction
from functools import partial
from typing import Any
from uuid import UUID

import streamlit as st

from dashboard.pages.analytics.links.queries import LinksView
from dashboard.shell.page_context import PageContext
from dashboard.shell.tables import Table, TableCell, TableColumn, TableRow, draw_table
from dashboard.shell.widgets import draw_template
from foundation.money import Money
from insights.attribution.link_results import WINDOWS, LinkResult

TABLE = "acquisition:table"
SORT = "acquisition:sort"
CHOSEN = "acquisition:chosen"
"""Session key with the ID of the opened link."""

NET = "net_after_fees"
WINDOW_COLUMNS = {f"{NET}_{days}": days for days in WINDOWS}
COLUMNS = ("name", "clicks", "chats", "buyers", NET, *WINDOW_COLUMNS, "roi")
DEFAULT_SORT = (NET, True)
OPEN_WINDOW = "*"
"""Mark of revenue that can still grow, explained below the table."""
MAX_SHOWN = 100
"""Maximum number of links on the page. Files contain all."""


def draw_links(page: PageContext, found: LinksView) -> None:
    """Draw the links, and below them the sales of other links, those without a link, and all."""
    sort, descending = st.session_state.get(SORT, DEFAULT_SORT)
    ordered = sort_results(found.report.results, sort, descending=descending)
    rows = [
        TableRow(
            [_build_cell(page, found, one, name) for name in COLUMNS],
            f"open:{one.link.id}",
            is_chosen=st.session_state.get(CHOSEN) == one.link.id,
        )
        for one in ordered[:MAX_SHOWN]
    ]
    table = Table(
        caption=page.text("acquisition.table"),
        columns=[TableColumn(_column_title(page, name), name, name != "name") for name in COLUMNS],
        rows=rows,
        sort=sort,
        descending=descending,
        totals=_build_totals(page, found),
    )
    draw_table(page, table, key=TABLE, on_press=partial(_press, found.report.results))
    if len(ordered) > MAX_SHOWN:
        shown, every = (page.localizer.format_number(one) for one in (MAX_SHOWN, len(ordered)))
        note = page.text("analytics.rows_shown", shown=shown, all=every)
        draw_template("shell/templates/note.html", note=note)


def _column_title(page: PageContext, name: str) -> str:
    if name == NET:
        return page.text("analytics.column.net_after_fees")
    return page.text(f"acquisition.column.{name}")


def sort_results(results: Sequence[LinkResult], sort: str, *, descending: bool) -> list[LinkResult]:
    """Return the results in the order of a column. Amounts are compared within their currency, and
    results without a value come last."""
    known = [one for one in results if _sort_value(one, sort) is not None]
    unknown = [one for one in results if _sort_value(one, sort) is None]
    return sorted(known, key=lambda one: _sort_value(one, sort), reverse=descending) + unknown


def _sort_value(one: LinkResult, sort: str) -> Any:
    match sort:
        case "name":
            return one.link.details.name.casefold()
        case "clicks":
            return one.clicks.people
        case "chats":
            return one.chats
        case "buyers":
            return one.buyers
        case "roi":
            return one.roi
        case "net_after_fees":
            return _sort_money(one.net_after_fees)
        case _:
            window = one.windows.get(WINDOW_COLUMNS.get(sort, 0))
            return _sort_money(window.amounts) if window is not None else None


def _sort_money(amounts: Sequence[Money]) -> tuple[str, int] | None:
    return max(((one.currency, one.minor) for one in amounts), default=None)


def _press(results: Sequence[LinkResult], sent: str) -> None:
    """Sort by a column, or open a link. Both come from the browser."""
    kind, _, value = sent.partition(":")
    if kind == "sort" and value in COLUMNS:
        sort, descending = st.session_state.get(SORT, DEFAULT_SORT)
        st.session_state[SORT] = (value, not descending if sort == value else value != "name")
    elif kind == "open":
        known = {str(one.link.id): one.link.id for one in results}
        chosen: UUID | None = known.get(value)
        st.session_state[CHOSEN] = None if st.session_state.get(CHOSEN) == chosen else chosen


def _build_cell(page: PageContext, found: LinksView, one: LinkResult, name: str) -> TableCell:
    voice = page.localizer
    unknown = TableCell(page.text("analytics.not_available"))
    match name:
        case "name":
            source = page.text(f"acquisition.source.{one.link.details.source}")
            several = len(found.creators) > 1
            return TableCell(
                one.link.details.name, f"{one.creator.name} · {source}" if several else source
            )
        case "clicks":
            visitors = page.text(
                "acquisition.visitors", count=voice.format_number(one.clicks.visitors)
            )
            return TableCell(voice.format_number(one.clicks.people), visitors)
        case "chats":
            return TableCell(voice.format_number(one.chats)) if one.chats is not None else unknown
        case "buyers":
            return _build_buyers(page, one) if one.buyers is not None else unknown
        case "roi":
            return _build_roi(page, one)
        case "net_after_fees":
            amounts = format_amounts(page, one.net_after_fees)
            return TableCell(amounts) if one.link.reports_chats else unknown
        case _:
            return _build_window(page, one, WINDOW_COLUMNS[name])


def _build_buyers(page: PageContext, one: LinkResult) -> TableCell:
    conversion = one.conversion
    note = page.localizer.format_percent(conversion) if conversion is not None else ""
    return TableCell(page.localizer.format_share(one.buyers or Fraction(0)), note)


def _build_window(page: PageContext, one: LinkResult, days: int) -> TableCell:
    window = one.windows.get(days)
    if window is None:
        return TableCell(page.text("analytics.not_available"))
    mark = "" if window.is_complete else OPEN_WINDOW
    return TableCell(f"{format_amounts(page, window.amounts)}{mark}")


def _build_roi(page: PageContext, one: LinkResult) -> TableCell:
    """Return the return on the cost, with the cost below it; "–" for a link without a cost."""
    cost = one.link.details.cost
    if cost is None:
        return TableCell("–")
    note = page.text("acquisition.cost", amount=page.localizer.format_money(cost))
    if one.roi is None:
        return TableCell(page.text("analytics.not_available"), note)
    return TableCell(page.localizer.format_percent(one.roi), note)


def format_amounts(page: PageContext, amounts: Sequence[Money]) -> str:
    """Return amounts in several currencies, "0" without any."""
    shown = [page.localizer.format_money(one) for one in amounts]
    return " · ".join(shown) or page.localizer.format_number(0)


def _build_totals(page: PageContext, found: LinksView) -> list[TableRow]:
    report = found.report
    totals = [_build_total(page, "no_link", report.unattributed, report.unattributed_buyers)]
    if any(one.minor for one in report.others):
        totals.insert(0, _build_total(page, "other_links", report.others, None))
    return [*totals, _build_total(page, "all_sales", report.net_after_fees, None)]


def _build_total(
    page: PageContext, name: str, amounts: Sequence[Money], buyers: Fraction | None
) -> TableRow:
    filled = {
        "name": page.text(f"acquisition.total.{name}"),
        NET: format_amounts(page, amounts),
        "buyers": page.localizer.format_share(buyers) if buyers is not None else "",
    }
    return TableRow([TableCell(filled.get(name, "")) for name in COLUMNS])
