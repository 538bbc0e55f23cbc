"""Tables of pages whose headings sort and whose rows open. Presses come from the browser and are
validated by the caller."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import streamlit as st

from dashboard.shell.browser_components import browser_component
from dashboard.shell.page_context import PageContext
from dashboard.shell.widgets import render_template

TEMPLATE = "shell/templates/table.html"
MAX_PRESS = 100
"""Maximum number of characters that a press sends."""

_CHART_WIDTH = 100
_CHART_HEIGHT = 24


@dataclass(frozen=True)
class TableColumn:
    """A column. `sort` is sent as `sort:<sort>` when its heading is pressed, if it is not empty."""

    label: str
    sort: str = ""
    is_number: bool = False


@dataclass(frozen=True)
class TableCell:
    """A cell: a text, a second line, the state that colors it, and a sparkline with its
    description."""

    text: str
    note: str = ""
    tone: str = ""
    points: str = ""
    chart: str = ""


@dataclass(frozen=True)
class TableRow:
    """A row. `press` is sent when the row is pressed; "" is a row that does not open."""

    cells: Sequence[TableCell]
    press: str = ""
    is_chosen: bool = False


@dataclass(frozen=True)
class Table:
    """A table with its caption, columns and rows, sorted by a column. `opens` is the number of the
    cell that shows as a button, and `totals` are rows below the others."""

    caption: str
    columns: Sequence[TableColumn]
    rows: Sequence[TableRow]
    sort: str = ""
    descending: bool = True
    opens: int = 0
    totals: Sequence[TableRow] = ()


def draw_table(
    page: PageContext, table: Table, *, key: str, on_press: Callable[[str], None]
) -> None:
    """Draw a table. `on_press` receives what a press sends, before the page is drawn again."""
    html = render_template(TEMPLATE, table=table, language=page.localizer.language)
    browser_component("table")(
        key=key,
        data={"html": html},
        on_pressed_change=partial(_handle_press, key, on_press),
        height="content",
    )


def _handle_press(key: str, on_press: Callable[[str], None]) -> None:
    value = st.session_state.get(key)
    sent = value.get("pressed") if isinstance(value, Mapping) else None
    if isinstance(sent, str) and 0 < len(sent) <= MAX_PRESS:
        on_press(sent)


def sparkline_points(values: Sequence[int]) -> str:
    """Return the values as points of an SVG polyline, scaled to their highest and lowest value and
    zero. Empty for fewer than two values."""
    if len(values) < 2:
        return ""
    top = max(*values, 0)
    bottom = min(*values, 0)
    step = _CHART_WIDTH / (len(values) - 1)
    scale = (_CHART_HEIGHT - 2) / max(top - bottom, 1)
    return " ".join(
        f"{number * step:.1f},{1 + (top - value) * scale:.1f}"
        for number, value in enumerate(values)
    )
