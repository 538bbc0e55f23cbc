"""The charts of a report as SVG: sales and views of each day, with axes and values.

A chart is a Vega-Lite specification. The library that renders it embeds a JavaScript engine, so it
runs in a child process that ends afterwards; the data of a chart are numbers and dates only.
"""

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from foundation.i18n.translation import mark_first_day
from foundation.money import currency_exponent
from foundation.ops import telemetry
from insights.reports import fact_texts
from insights.reports.facts import DaySeries, ReportFacts

CHART_SECONDS = 30.0
"""Maximum time for all charts of a report in seconds."""

WIDTH = 640
HEIGHT = 170
DEFAULT_ACCENT = "#6a3fb5"
_INK = "#57526a"
_NAMESPACE = ' xmlns="http://www.w3.org/2000/svg"'
_UNUSED = frozenset(
    {"aria-hidden", "aria-label", "aria-roledescription", "role", "class", "pointer-events"}
)

_CHILD = """
import json, sys
import vl_convert
asked = json.load(sys.stdin)
options = {"format_locale": asked["format"], "allowed_base_urls": []}
json.dump([vl_convert.vegalite_to_svg(one, **options) for one in asked["specs"]], sys.stdout)
"""

_FORMAT: Mapping[str, Mapping[str, Any]] = {
    "en": {"decimal": ".", "thousands": ",", "grouping": [3], "currency": ["", ""]},
    "fr": {"decimal": ",", "thousands": "\u202f", "grouping": [3], "currency": ["", ""]},
}
log = telemetry.get_logger("insights.reports.charts")


def chart_key(series: DaySeries) -> str:
    """Return the name under which the chart of a series is stored."""
    return f"{series.metric}:{series.currency}"


def chart_title(series: DaySeries, language: str) -> str:
    """Return the title of a chart, with the unit of its values."""
    name = fact_texts.render_text(fact_texts.metric_code(series.metric), language)
    return fact_texts.qualify_currency(name, series.currency, language)


def render_charts(facts: ReportFacts, language: str, accent: str = "") -> dict[str, str]:
    """Return the charts of a report as SVG by `chart_key`, or none if they cannot be rendered: a
    report without charts still contains every number."""
    if not facts.series:
        return {}
    specs = [build_chart(one, language, accent or DEFAULT_ACCENT) for one in facts.series]
    asked = {
        "specs": specs,
        "format": _FORMAT[language],
    }
    try:
        done = subprocess.run(  # noqa: S603  our own program; the data is passed as its input
            [sys.executable, "-I", "-c", _CHILD],
            input=json.dumps(asked).encode(),
            capture_output=True,
            timeout=CHART_SECONDS,
            env={},
            check=True,
        )
        found = json.loads(done.stdout)
    except (subprocess.SubprocessError, OSError, ValueError) as error:
        log.warning("charts.failed", error=telemetry.describe_error(error))
        return {}
    keys = [chart_key(one) for one in facts.series]
    return {key: clean_svg(svg) for key, svg in zip(keys, found, strict=True)}


def clean_svg(svg: str) -> str:
    """Return an SVG without empty paths and with all coordinates of lines, which fpdf2 requires,
    and without attributes that an image does not use."""
    # Loaded late: only this function parses XML.
    from defusedxml import ElementTree  # noqa: PLC0415  see above

    root = ElementTree.fromstring(svg.replace(_NAMESPACE, "", 1))
    for parent in list(root.iter()):
        for child in list(parent):
            if child.tag == "path" and not child.get("d", "").strip():
                parent.remove(child)
            elif child.tag == "line":
                for end in ("x1", "y1", "x2", "y2"):
                    child.set(end, child.get(end, "0"))
            for name in _UNUSED & child.attrib.keys():
                del child.attrib[name]
    root.set("xmlns", "http://www.w3.org/2000/svg")
    return str(ElementTree.tostring(root, encoding="unicode"))


def build_chart(series: DaySeries, language: str, accent: str) -> dict[str, Any]:
    """Return the Vega-Lite specification of a series: one bar for each day."""
    first = date.fromisoformat(series.first)
    scale = 10 ** currency_exponent(series.currency) if series.currency else 1
    values = [
        {"day": _short_day(first + timedelta(days=number), language), "value": value / scale}
        for number, value in enumerate(series.values)
    ]
    axis = {"labelColor": _INK, "labelFontSize": 11, "domainColor": "#c9c3d6", "title": None}
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v5.json",
        "width": WIDTH,
        "height": HEIGHT,
        "background": "white",
        "config": {"view": {"stroke": None}, "font": "Helvetica"},
        "data": {"values": values},
        "mark": {"type": "bar", "color": accent, "cornerRadiusEnd": 2},
        "encoding": {
            "x": {
                "field": "day",
                "type": "ordinal",
                "sort": None,
                "axis": {**axis, "labelAngle": 0, "values": _axis_days(values)},
                "scale": {"paddingInner": 0.25},
            },
            "y": {
                "field": "value",
                "type": "quantitative",
                "axis": {
                    **axis,
                    "format": ",~f",
                    "tickCount": 4,
                    "tickMinStep": 1 / scale,
                    "gridColor": "#eeebf3",
                },
            },
        },
    }


def _short_day(day: date, language: str) -> str:
    # Loaded late: most processes render no charts.
    from babel.dates import format_skeleton  # noqa: PLC0415  see above

    return mark_first_day(str(format_skeleton("MMMd", day, locale=language)), day, language)


def _axis_days(values: Sequence[Mapping[str, Any]]) -> list[Any]:
    """Return the days with a label, at most eight."""
    step = -(-len(values) // 8)
    return [one["day"] for one in values[::step]]
