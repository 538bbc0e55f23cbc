"""The table of orders and sales: filters, sums, chart, pages and CSV."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import TypeVar
from uuid import UUID

import streamlit as st

from dashboard.pages.shop import sales_chart
from dashboard.pages.shop.queries import SalesChoices, load_sales_choices
from dashboard.shell.fan_labels import FAN_NAME_RIGHTS, fan_label
from dashboard.shell.page_context import PageContext
from dashboard.shell.periods import select_period
from dashboard.shell.tables import Table, TableCell, TableColumn, TableRow, draw_table
from dashboard.shell.widgets import draw_template
from foundation.db.database import Scope
from foundation.errors import BadInput
from foundation.money import Money, percent_change
from subscribers.orders import sales
from subscribers.orders.sales import (
    SaleFilter,
    SaleRow,
    SaleSort,
    SalesPage,
    SalesSummary,
    SaleState,
)
from tenants.agencies.queries import Creator

T = TypeVar("T")

TABLE = "sales:table"
SORT = "sales:sort"
PLACES = "sales:places"
"""The filter that the table shows, and the positions of the pages before the current one."""
CHANNEL = "sales:channel"
PACK = "sales:pack"
STATE = "sales:state"
SEARCH = "sales:search"

NUMBERS = (SaleSort.GROSS, SaleSort.FEE, SaleSort.NET)
TONES = {
    SaleState.PAID: "good",
    SaleState.DELIVERED: "good",
    SaleState.REFUND_PENDING: "open",
    SaleState.AWAITING: "open",
    SaleState.REFUND: "bad",
    SaleState.REFUNDED: "bad",
    SaleState.DISPUTED: "bad",
}


@dataclass(frozen=True)
class SalesView:
    """A page of the table with its sums. `now` is the time of the read."""

    found: SalesPage
    summary: SalesSummary
    now: datetime


@dataclass(frozen=True)
class _Order:
    column: SaleSort = SaleSort.AT
    descending: bool = True


def render_sales(
    page: PageContext,
    mine: Sequence[Creator],
    chosen: UUID | None,
    render_order: Callable[[], None],
) -> None:
    """Render the filters, sums, chart and table, and beside the table the order that is open."""
    choices = page.read(lambda scope: load_sales_choices(scope, mine))
    asked = _render_filters(page, mine, choices)
    order: _Order = st.session_state.get(SORT, _Order())
    if order.column is SaleSort.FAN and not asked.sees_fans:  # The order would reveal hidden names.
        order = _Order()
    places = _current_places(asked, order)
    try:
        view = page.read(partial(_load, asked, order, places[-1] if places else None))
    except BadInput as refused:
        st.error(page.localizer.message_text(refused.message))
        return
    if not view.summary.rows and not view.summary.currencies:
        draw_template(
            "shell/templates/empty_note.html",
            note=page.text("sales.none_found" if asked.is_filtered else "shop.no_orders"),
        )
        if chosen is not None:
            render_order()
        return
    draw_template(
        "pages/shop/templates/sales_totals.html",
        currencies=view.summary.currencies,
        change=percent_change,
        voice=page.localizer,
        word=page.text,
    )
    sales_chart.render_sales_chart(page, asked, view.summary)
    table = _build_table(page, asked, order, view, chosen)
    if chosen is None:
        draw_table(page, table, key=TABLE, on_press=_press)
        _render_pages(page, asked, order, places, view)
        return
    with st.container(key="gr_sales"):
        left, right = st.columns([1.7, 1], gap="medium")
    with left:
        draw_table(page, table, key=TABLE, on_press=_press)
        _render_pages(page, asked, order, places, view)
    with right:
        render_order()


def _load(
    asked: SaleFilter, order: _Order, after: sales.SaleCursor | None, scope: Scope
) -> SalesView:
    found = sales.list_sales(
        scope, asked, sort=order.column, descending=order.descending, after=after
    )
    return SalesView(found, sales.sum_sales(scope, asked), scope.now)


def _render_filters(
    page: PageContext, mine: Sequence[Creator], choices: SalesChoices
) -> SaleFilter:
    with st.container(horizontal=True, gap="small", vertical_alignment="bottom"):
        period = select_period(page, choices.today, key="sales:period")
        channel = _select(page, "channel", CHANNEL, choices.channels)
        pack = _select(page, "pack", PACK, choices.packs)
        states = {state: page.text(f"sales.state.{state}") for state in SaleState}
        state = _select(page, "state", STATE, states)
        search = st.text_input(
            page.text("sales.search"),
            key=SEARCH,
            max_chars=sales.MAX_SEARCH,
            placeholder=page.text("sales.search"),
            icon=":material/search:",
            width=200,
        )
    return SaleFilter(
        creators=tuple(mine),
        first=period.first,
        last=period.last,
        channel=channel or "",
        pack_id=pack,
        state=state,
        search=search or "",
        sees_fans=page.has_right(*FAN_NAME_RIGHTS),
    )


def _select(page: PageContext, name: str, key: str, options: Mapping[T, str]) -> T | None:
    """Draw a filter and return its choice, or None for all. An empty text stands for all, because
    Streamlit would draw None as a field that can be cleared."""
    every = page.text(f"sales.every_{name}")
    chosen = st.selectbox(
        page.text(f"sales.column.{name}"),
        ["", *options],
        format_func=lambda one: options.get(one, every) if one else every,
        key=key,
        width=170,
    )
    return next((one for one in options if one == chosen), None)


def _current_places(asked: SaleFilter, order: _Order) -> list[sales.SaleCursor]:
    """Return the positions of the pages up to the current one. Another filter or order starts at
    the first page."""
    known = st.session_state.get(PLACES)
    if known is None or known[0] != (asked, order):
        known = ((asked, order), [])
        st.session_state[PLACES] = known
    places: list[sales.SaleCursor] = known[1]
    return places


def _press(sent: str) -> None:
    """Sort by a column, or open an order. The page checks whether the order may be opened."""
    kind, _, value = sent.partition(":")
    if kind == "open":
        st.query_params["order"] = value[:40]
    elif kind == "sort" and value in set(SaleSort):
        column = SaleSort(value)
        before: _Order = st.session_state.get(SORT, _Order())
        descending = not before.descending if before.column is column else column in _DESCENDING
        st.session_state[SORT] = _Order(column, descending)


_DESCENDING = frozenset({SaleSort.AT, *NUMBERS})
"""Columns that are sorted from the highest value at first."""


def _build_table(
    page: PageContext, asked: SaleFilter, order: _Order, view: SalesView, chosen: UUID | None
) -> Table:
    columns = [one for one in SaleSort if one is not SaleSort.CREATOR or len(asked.creators) > 1]
    sortable = [one for one in columns if one is not SaleSort.FAN or asked.sees_fans]
    return Table(
        caption=page.text("shop.view.orders"),
        columns=[
            TableColumn(
                page.text(f"sales.column.{one}"), one if one in sortable else "", one in NUMBERS
            )
            for one in columns
        ],
        rows=[
            TableRow(
                [_build_cell(page, asked, view, row, one) for one in columns],
                f"open:{row.order_id}" if row.order_id is not None else "",
                row.order_id is not None and row.order_id == chosen,
            )
            for row in view.found.rows
        ],
        sort=order.column,
        descending=order.descending,
        opens=columns.index(SaleSort.PACK),
    )


def _build_cell(
    page: PageContext, asked: SaleFilter, view: SalesView, row: SaleRow, column: SaleSort
) -> TableCell:
    match column:
        case SaleSort.AT:
            voice = page.localizer.in_zone(row.zone)
            return TableCell(voice.format_moment(row.at, view.now))
        case SaleSort.CREATOR:
            return TableCell(row.creator)
        case SaleSort.FAN:
            return TableCell(fan_label(page, row.fan_id, row.fan))
        case SaleSort.PACK:
            return TableCell(row.title or page.text(f"sales.untitled.{_kind(row)}"))
        case SaleSort.CHANNEL:
            return TableCell(row.channel or "–")
        case SaleSort.STATE:
            return TableCell(
                page.text(f"sales.state.{row.state}"), tone=TONES.get(row.state, "none")
            )
        case _:
            return _build_amount(
                page, row, {"gross": row.gross, "fee": row.fee, "net": row.net}[column]
            )


def _build_amount(page: PageContext, row: SaleRow, amount: Money) -> TableCell:
    if row.state in (SaleState.AWAITING, SaleState.LAPSED):
        return TableCell("–")
    return TableCell(page.localizer.format_money(amount))


def _kind(row: SaleRow) -> str:
    return str(row.state) if row.state in (SaleState.REFUND, SaleState.FEE) else "sale"


def _render_pages(
    page: PageContext,
    asked: SaleFilter,
    order: _Order,
    places: list[sales.SaleCursor],
    view: SalesView,
) -> None:
    """Render the position in the table, the buttons of its pages, and the download."""
    start = len(places) * sales.SALES_PER_PAGE
    number = page.localizer.format_number
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        if places or view.found.following is not None:
            st.button(
                page.text("sales.previous"),
                key="sales:previous",
                icon=":material/chevron_left:",
                disabled=not places,
                on_click=_show_previous,
                args=(places,),
            )
            st.button(
                page.text("sales.next"),
                key="sales:next",
                icon=":material/chevron_right:",
                disabled=view.found.following is None,
                on_click=places.append,
                args=(view.found.following,),
            )
        st.download_button(
            page.text("sales.csv"),
            partial(_make_csv, page, asked, order),
            _file_name(asked),
            "text/csv",
            key="sales:csv",
            icon=":material/download:",
            on_click="ignore",
        )
        draw_template(
            "shell/templates/note.html",
            note=page.text(
                "sales.shown",
                first=number(start + 1 if view.found.rows else 0),
                last=number(start + len(view.found.rows)),
                all=number(view.summary.rows),
            ),
        )


def _show_previous(places: list[sales.SaleCursor]) -> None:
    places.pop()


def _make_csv(page: PageContext, asked: SaleFilter, order: _Order) -> str:
    """Return all rows of the table as CSV, in its order, for creators that the member may still
    access."""

    def read(scope: Scope) -> Sequence[SaleRow]:
        for one in asked.creators:
            page.get_creator(scope, one.id)
        return sales.list_sales(
            scope, asked, sort=order.column, descending=order.descending, limit=None
        ).rows

    rows = page.read(read)
    labels = {
        row.fan_id: fan_label(page, row.fan_id, row.fan) for row in rows if row.fan_id is not None
    }
    return sales.render_sales_csv(rows, labels)


def _file_name(asked: SaleFilter) -> str:
    whose = f"-{asked.creators[0].slug}" if len(asked.creators) == 1 else ""
    return f"sales{whose}-{asked.first}-{asked.last}.csv"
