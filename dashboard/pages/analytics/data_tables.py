"""Tables of a view: sorted by a heading, with all rows as CSV and Excel files."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, TypeVar

import streamlit as st

from dashboard.shell.page_context import PageContext
from dashboard.shell.tables import Table, TableCell, TableColumn, TableRow, draw_table
from dashboard.shell.widgets import draw_template
from foundation.money import Money
from insights.reports.tables.analytics_tables import AnalyticsTable, column_name
from insights.reports.tables.table_files import (
    FILE_TYPES,
    FileFormat,
    TableValue,
    render_table_file,
)
from insights.reports.value_text import format_value
from insights.rollups.periods import AnalyticsPeriod

MAX_SHOWN = 100
"""Maximum number of rows on the page. Files contain all."""

_TEXTS = frozenset(
    (
        *("creator", "item", "channel", "fan", "step", "weekday", "language", "kind", "note"),
        *("entered_by", "state", "currency", "form", "label", "recipe", "platform"),
        *("post", "metric", "read_after", "basis", "rank", "raises", "lowers"),
        *("method", "evidence", "prediction", "unit", "split"),
    )
)

LoadTable = Callable[[], AnalyticsTable]
Found = TypeVar("Found")
"""Data that a view has read."""


def draw_view_table(
    page: PageContext,
    period: AnalyticsPeriod,
    found: Found,
    build: Callable[[Found], AnalyticsTable],
    name: str,
    *,
    view: str,
    load: Callable[[PageContext, AnalyticsPeriod], Found],
    sort: str = "",
) -> None:
    """Draw one of the tables that are built from what a view has read. A file is built from what
    `load` returns then."""
    draw_data_table(
        page,
        build(found),
        key=f"analytics:{view}:{name}",
        period=period,
        reload=lambda: build(load(page, period)),
        sort=sort,
    )


def draw_data_table(
    page: PageContext,
    table: AnalyticsTable,
    *,
    key: str,
    period: AnalyticsPeriod,
    reload: LoadTable,
    sort: str = "",
    on_open: Callable[[int], None] | None = None,
) -> None:
    """Draw a table and its downloads. `reload` reads it again for a file, with the rights that the
    member has then. `sort` is the column that is sorted first, from its highest value. `on_open`
    receives the place of a row in `table` when it is pressed, before the page is drawn again."""
    if not table.rows:
        draw_template("shell/templates/note.html", note=page.text("analytics.no_rows"))
        return
    column, descending = st.session_state.get(f"{key}:sort", (sort, True))
    rows = _sort_rows(table, column, descending=descending)
    places = {id(row): place for place, row in enumerate(table.rows)} if on_open else {}
    drawn = Table(
        caption=page.text(f"analytics.table.{table.code}"),
        columns=[
            TableColumn(page.localizer.message_text(column_name(one)), one, one not in _TEXTS)
            for one in table.columns
        ],
        rows=[
            TableRow(
                [
                    TableCell(format_cell(page, name, value))
                    for name, value in zip(table.columns, row, strict=True)
                ],
                f"open:{places[id(row)]}" if on_open else "",
            )
            for row in rows[:MAX_SHOWN]
        ],
        sort=column,
        descending=descending,
    )
    press = partial(_press, key, sort, table, on_open)
    draw_table(page, drawn, key=key, on_press=press)
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        draw_downloads(page, table.code, key=key, period=period, reload=reload)
        if len(rows) > MAX_SHOWN:
            shown, every = (page.localizer.format_number(one) for one in (MAX_SHOWN, len(rows)))
            draw_template(
                "shell/templates/note.html",
                note=page.text("analytics.rows_shown", shown=shown, all=every),
            )


def draw_downloads(
    page: PageContext, code: str, *, key: str, period: AnalyticsPeriod, reload: LoadTable
) -> None:
    """Draw the downloads of a table as a CSV and an Excel file."""
    for form, mime in FILE_TYPES.items():
        st.download_button(
            page.text(f"analytics.download.{form}"),
            partial(_make_file, page.localizer.language, form, reload),
            f"{code.replace('_', '-')}-{period.first}-{period.last}.{form}",
            mime,
            key=f"{key}:{form}",
            icon=":material/download:",
            type="tertiary",
            on_click="ignore",
        )


def _make_file(language: str, form: FileFormat, reload: LoadTable) -> bytes:
    return render_table_file(form, reload().to_sheet(language))


def _press(
    key: str,
    first: str,
    table: AnalyticsTable,
    on_open: Callable[[int], None] | None,
    sent: str,
) -> None:
    """Sort by a column, or open a row. What is sent comes from the browser."""
    kind, _, column = sent.partition(":")
    if kind == "open" and on_open is not None and column in map(str, range(len(table.rows))):
        on_open(int(column))
    if kind == "sort" and column in table.columns:
        before, descending = st.session_state.get(f"{key}:sort", (first, True))
        st.session_state[f"{key}:sort"] = (
            column,
            not descending if before == column else column not in _TEXTS,
        )


def _sort_rows(
    table: AnalyticsTable, column: str, *, descending: bool
) -> Sequence[tuple[TableValue, ...]]:
    """Return the rows in the order of a column, unknown values last. Amounts are compared within
    their currency."""
    if column not in table.columns:
        return table.rows
    place = table.columns.index(column)

    def value(row: tuple[TableValue, ...]) -> Any:
        cell = row[place]
        if isinstance(cell, Money):
            return cell.currency, cell.minor
        return cell.casefold() if isinstance(cell, str) else cell

    known = [row for row in table.rows if row[place] is not None]
    unknown = [row for row in table.rows if row[place] is None]
    return sorted(known, key=value, reverse=descending) + unknown


def format_cell(page: PageContext, column: str, value: TableValue) -> str:
    """Return a value as text in the member's language; an unknown value is "n/a"."""
    return format_value(column, value, page.localizer.language)


def format_total_cell(page: PageContext, column: str, value: TableValue) -> str:
    """Return a total as text: `format_cell`, with the estimate of Stars."""
    if isinstance(value, Money):
        return page.localizer.format_total(value)
    return format_cell(page, column, value)
