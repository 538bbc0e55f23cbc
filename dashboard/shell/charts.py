"""Charts of pages: one function for each kind, with axes, values in tooltips, and a sentence that
says what the chart shows.

Callers format the values, because the browser draws numbers in floating point and knows neither the
currency nor the language. A missing value is None and leaves a gap.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import altair as alt
import streamlit as st

from dashboard.shell.page_context import PageContext
from dashboard.shell.widgets import draw_template

HEIGHT = 240
"""Height of a chart in pixels."""
FAINT = 0.35
"""Opacity of a cell with little evidence."""
MAX_LABELS = 12
"""Maximum number of labels on a horizontal axis."""

COLORS = ("#8a5be0", "#0f8a9d", "#c2571a", "#2f7d4f", "#b8326a", "#4464c8", "#8f7300", "#7a6f8f")
"""Colors of series. Each has a contrast of at least 3 with both backgrounds."""
BEFORE_COLOR = "#8a8598"
"""Color of the earlier period."""


@dataclass(frozen=True)
class ChartPoint:
    """A value at a place of the horizontal axis, with the text of its tooltip. `low` and `high` are
    the bounds of an interval."""

    at: str
    value: float | None
    text: str = ""
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class ChartSeries:
    """A line or a group of bars. `is_before` draws the earlier period: gray and dashed. `color` is
    empty for the next one of `COLORS`."""

    name: str
    points: Sequence[ChartPoint]
    is_before: bool = False
    color: str = ""


@dataclass(frozen=True)
class ChartNote:
    """An annotation: a vertical rule with its text in a tooltip."""

    at: str
    text: str


@dataclass(frozen=True)
class ChartLabels:
    """The texts of a chart: titles of both axes, and the sentence that describes it."""

    across: str
    up: str
    summary: str


def draw_line_chart(
    page: PageContext,
    labels: ChartLabels,
    series: Sequence[ChartSeries],
    *,
    key: str,
    notes: Sequence[ChartNote] = (),
    height: int = HEIGHT,
) -> None:
    """Draw lines. Points with bounds also draw their interval as a band."""
    places, rows = _list_rows(series)
    base = alt.Chart(_table(rows)).encode(
        x=_axis_across(places, labels), color=_color(series), tooltip=_tooltip(labels)
    )
    lines = base.mark_line(point=alt.OverlayMarkDef(size=20), strokeWidth=2).encode(
        y=alt.Y("value:Q", title=labels.up),
        strokeDash=alt.StrokeDash("dash:N", legend=None, scale=_DASHES),
    )
    parts: list[Any] = [lines]
    if any(row["low"] is not None for row in rows):
        band = base.mark_area(opacity=0.2).encode(
            y=alt.Y("low:Q", title=labels.up), y2=alt.Y2("high:Q")
        )
        parts.insert(0, band)
    _draw(page, labels, [*parts, *_rules(notes, places, labels)], key=key, height=height)


def draw_bar_chart(
    page: PageContext,
    labels: ChartLabels,
    series: Sequence[ChartSeries],
    *,
    key: str,
    notes: Sequence[ChartNote] = (),
    is_stacked: bool = False,
    height: int = HEIGHT,
) -> None:
    """Draw bars side by side or stacked. Series of an earlier period are dashed lines."""
    places, rows = _list_rows(series)
    earlier = {one.name for one in series if one.is_before}
    parts: list[Any] = []
    for is_line in (False, True):
        mine = [row for row in rows if (row["series"] in earlier) is is_line]
        if not mine:
            continue
        base = alt.Chart(_table(mine)).encode(
            x=_axis_across(places, labels),
            y=alt.Y("value:Q", title=labels.up, stack="zero" if is_stacked else None),
            color=_color(series),
            tooltip=_tooltip(labels),
        )
        if is_line:
            parts.append(base.mark_line(strokeDash=[4, 3], point=alt.OverlayMarkDef(size=18)))
        elif len(series) - len(earlier) > 1 and not is_stacked:
            parts.append(base.mark_bar().encode(xOffset="series:N"))
        else:
            parts.append(base.mark_bar())
    _draw(page, labels, [*parts, *_rules(notes, places, labels)], key=key, height=height)


def draw_ranking_chart(
    page: PageContext, labels: ChartLabels, points: Sequence[ChartPoint], *, key: str
) -> None:
    """Draw horizontal bars, the first at the top. `at` is the name of a bar."""
    rows = [_row("", one) for one in points]
    base = alt.Chart(_table(rows)).encode(
        y=alt.Y(
            "at:N",
            sort=[one.at for one in points],
            title=None,
            axis=alt.Axis(labelOverlap=False, labelLimit=180),
        ),
        x=alt.X("value:Q", title=labels.up),
        tooltip=_tooltip(labels, has_series=False),
    )
    bars = base.mark_bar(color=COLORS[0])
    texts = base.mark_text(align="left", dx=4, fontSize=12, color=BEFORE_COLOR).encode(
        text="text:N"
    )
    _draw(page, labels, [bars, texts], key=key, height=90 + 30 * max(len(points), 1))


@dataclass(frozen=True)
class HeatCell:
    """A cell of a heat map with the text of its tooltip. None is a cell without evidence;
    `is_faint` fades one with little. `is_marked` outlines a recommended cell."""

    across: str
    down: str
    value: float | None
    text: str
    is_faint: bool = False
    is_marked: bool = False


def draw_heat_map(
    page: PageContext,
    labels: ChartLabels,
    cells: Sequence[HeatCell],
    *,
    key: str,
    down: str,
    height: int = HEIGHT,
) -> None:
    """Draw a heat map. `down` is the title of the vertical axis, and `labels.up` that of the color.
    Rows and columns are in the order of the cells; a cell without a value is empty."""
    columns = list(dict.fromkeys(one.across for one in cells))
    lines = list(dict.fromkeys(one.down for one in cells))
    base = alt.Chart(_table([_heat_row(one) for one in cells])).encode(
        x=alt.X("across:O", sort=columns, title=labels.across or None, axis=_ticks(columns)),
        y=alt.Y(
            "down:O", sort=lines, title=down or None, axis=alt.Axis(labelOverlap=False, ticks=False)
        ),
        tooltip=[
            alt.Tooltip("down:N", title=down or " "),
            alt.Tooltip("across:N", title=labels.across or " "),
            alt.Tooltip("text:N", title=labels.up or " "),
        ],
    )
    grid = base.mark_rect(fill="#8a859812", stroke="#8a859840", strokeWidth=1)
    known = (
        base.transform_filter("isValid(datum.value)")
        .mark_rect(stroke="#8a859840", strokeWidth=1)
        .encode(
            color=alt.Color(
                "value:Q",
                title=labels.up,
                scale=alt.Scale(scheme="purples"),
                legend=alt.Legend(orient="top", gradientLength=160),
            ),
            opacity=alt.Opacity("weight:Q", scale=None, legend=None),
        )
    )
    parts = [grid, known]
    if any(one.is_marked for one in cells):
        marked = base.transform_filter("datum.marked")
        parts.append(marked.mark_rect(fillOpacity=0, stroke="#c2571a", strokeWidth=3))
    _draw(page, labels, parts, key=key, height=height)


def _heat_row(one: HeatCell) -> dict[str, Any]:
    return {
        "across": one.across,
        "down": one.down,
        "value": one.value,
        "text": one.text,
        "weight": FAINT if one.is_faint else 1.0,
        "marked": one.is_marked,
    }


def quote_vega(text: str) -> str:
    """Return a text for a Vega expression in single quotes."""
    return text.replace("\\", "\\\\").replace("'", "\\'")


def number_locale(language: str) -> dict[str, Any]:
    """Return the separators of numbers on the axes."""
    signs = {"fr": (",", "\u202f"), "en": (".", ",")}
    decimal, thousands = signs.get(language, signs["en"])
    return {
        "number": {
            "decimal": decimal,
            "thousands": thousands,
            "grouping": [3],
            "currency": ["", ""],
        }
    }


_DASHES = alt.Scale(domain=["now", "before"], range=[[1, 0], [4, 3]])


def _table(rows: Sequence[dict[str, Any]]) -> alt.Data:
    return alt.Data(values=list(rows))  # type: ignore[no-untyped-call]  # generated without hints


def _row(series: str, one: ChartPoint, *, is_before: bool = False) -> dict[str, Any]:
    return {
        "series": series,
        "dash": "before" if is_before else "now",
        "at": one.at,
        "value": one.value,
        "text": one.text,
        "low": one.low,
        "high": one.high,
    }


def _list_rows(series: Sequence[ChartSeries]) -> tuple[list[str], list[dict[str, Any]]]:
    places = list(dict.fromkeys(point.at for one in series for point in one.points))
    rows = [
        _row(one.name, point, is_before=one.is_before) for one in series for point in one.points
    ]
    return places, rows


def _ticks(places: Sequence[str]) -> alt.Axis:
    every = max(-(-len(places) // MAX_LABELS), 1)
    return alt.Axis(values=list(places[::every]), labelAngle=0, labelOverlap=True)


def _axis_across(places: Sequence[str], labels: ChartLabels) -> alt.X:
    return alt.X("at:O", sort=list(places), title=labels.across or None, axis=_ticks(places))


def _color(series: Sequence[ChartSeries]) -> alt.Color:
    names = [one.name for one in series]
    numbers = iter(range(len(series)))
    colors = [
        one.color or (BEFORE_COLOR if one.is_before else COLORS[next(numbers) % len(COLORS)])
        for one in series
    ]
    return alt.Color(
        "series:N",
        title=None,
        scale=alt.Scale(domain=names, range=colors),
        legend=alt.Legend(orient="top", columns=2, labelLimit=130) if len(names) > 1 else None,
    )


def _tooltip(labels: ChartLabels, *, has_series: bool = True) -> list[alt.Tooltip]:
    place = alt.Tooltip("at:N", title=labels.across or " ")
    value = alt.Tooltip("text:N", title=labels.up or " ")
    return [place, alt.Tooltip("series:N", title=" "), value] if has_series else [place, value]


def _rules(notes: Sequence[ChartNote], places: Sequence[str], labels: ChartLabels) -> list[Any]:
    """Return the rules of annotations; those outside the chart are left out."""
    shown = [{"at": one.at, "note": one.text} for one in notes if one.at in set(places)]
    if not shown:
        return []
    base = alt.Chart(_table(shown)).encode(
        x=_axis_across(places, labels),
        tooltip=[alt.Tooltip("at:N", title=labels.across or " "), alt.Tooltip("note:N", title=" ")],
    )
    return [
        base.mark_rule(strokeDash=[2, 2], strokeWidth=2, color="#c2571a"),
        base.mark_point(shape="triangle-down", size=70, filled=True, color="#c2571a").encode(
            y=alt.value(4)
        ),
    ]


def _draw(
    page: PageContext, labels: ChartLabels, parts: Sequence[Any], *, key: str, height: int
) -> None:
    chart = (
        alt.layer(*parts)
        .properties(height=height)
        .configure(locale=number_locale(page.localizer.language))
    )
    st.altair_chart(chart, key=key, width="stretch", alt=labels.summary)
    draw_template("shell/templates/note.html", note=labels.summary)
