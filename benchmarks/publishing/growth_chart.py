"""Growth charts as SVG: seconds over a growing number of rows, or a rate over a growing number of
machines, with several lines."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import inf, log10

LATENESS_PREFIX = "late_p95_s_"
"""Prefix of the figures in the chart: `late_p95_s_<rows>_<workers>`."""

MACHINES_PREFIX = "machines_posts_per_s_"
"""Prefix of the figures in the chart: `machines_posts_per_s_<machines>`."""

ANALYTICS_PREFIX = "analytics_s_"
"""Prefix of the figures in the chart: `analytics_s_<readings>_<line>`."""


@dataclass(frozen=True)
class ChartLabels:
    """Title, goal and names of the lines of a chart; `file` is its name in the documents."""

    prefix: str
    title: str
    goal: float | None
    file: str
    names: Mapping[str, str]
    unit: str = "s"

    def name_of(self, line: str) -> str:
        """Return the name of a line: without an entry, its number of sending processes."""
        return self.names.get(line, f"{line} sending")


LATENESS = ChartLabels(
    LATENESS_PREFIX,
    "Lateness (p95) beside ever more planned posts",
    0.3,
    "growth.svg",
    {"1": "1 process sending"},
)
ANALYTICS = ChartLabels(
    ANALYTICS_PREFIX,
    "Analytics beside ever more readings",
    0.2,
    "analytics.svg",
    {
        "ingest": "storing 1,000 readings",
        "rollup": "rollup of 100 posts",
        "overview": "Overview (p95)",
        "content": "Content (p95)",
        "channels": "Channels (p95)",
        "sales": "Sales (p95)",
        "audience": "Audience (p95)",
        "costs": "Costs (p95)",
        "year": "slowest of a year (p95)",
    },
)
MACHINES = ChartLabels(
    MACHINES_PREFIX,
    "Posts a second with more machines, at two seconds a call",
    None,
    "machines.svg",
    {"": "measured"},
    "/s",
)
CHARTS = (LATENESS, MACHINES, ANALYTICS)
WIDTH = 640
HEIGHT = 360
LEFT = 64
RIGHT = 190
TOP = 48
BOTTOM = 48
COLOURS = (
    *("#3b5bdb", "#c2255c", "#2b8a3e", "#e67700", "#5f3dc4"),
    *("#0c8599", "#862e9c", "#5c940d", "#495057"),
)

GrowthLines = Mapping[str, Mapping[str, float]]
"""Seconds by line, for example the number of workers, then by number of rows, such as `10k`."""


def charts_of(figures: Mapping[str, float]) -> list[ChartLabels]:
    """Return the charts of a benchmark's figures; empty without figures of growth."""
    return [chart for chart in CHARTS if any(key.startswith(chart.prefix) for key in figures)]


def growth_lines(figures: Mapping[str, float], chart: ChartLabels = LATENESS) -> GrowthLines:
    """Return the lines of a chart among a benchmark's figures; empty without any."""
    lines: dict[str, dict[str, float]] = {}
    for key, value in figures.items():
        if key.startswith(chart.prefix):
            rows, _, name = key.removeprefix(chart.prefix).partition("_")
            lines.setdefault(name, {})[rows] = value
    return lines


def render_chart(lines: GrowthLines, chart: ChartLabels = LATENESS) -> str:
    """Return the whole chart. The horizontal axis is logarithmic, the vertical one linear from
    zero."""
    values = [value for line in lines.values() for value in line.values()]
    top = _round_up(max([*values, chart.goal or 0.0]))
    rows = list(next(iter(lines.values())))
    body = [*_render_grid_lines(top, chart), *_render_axis_labels(rows)]
    for number, (name, line) in enumerate(lines.items()):
        body += _render_line(chart.name_of(name), line, rows, top, number)
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
            'font-size="12"'
            ' font-family="system-ui, sans-serif">',
            f"<title>{chart.title}</title>",
            f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>',
            f'<text x="{LEFT}" y="24" font-size="15" fill="#212529">{chart.title}</text>',
            *body,
            "</svg>\n",
        ]
    )


def _round_up(value: float) -> float:
    step = next(step for limit, step in ((1, 0.1), (10, 0.5), (inf, 10)) if value < limit)
    return (int(value / step) + 1) * step


def _x_position(rows: list[str], row: str) -> float:
    first = parse_post_count(rows[0])
    last = parse_post_count(rows[-1])
    part = log10(parse_post_count(row) / first) / log10(last / first) if last > first else 0.5
    return LEFT + part * (WIDTH - LEFT - RIGHT)


def _y_position(value: float, top: float) -> float:
    return TOP + (1 - value / top) * (HEIGHT - TOP - BOTTOM)


def parse_post_count(row: str) -> int:
    """Return a number of rows or machines: `1m` is 1,000,000."""
    scale = {"k": 1_000, "m": 1_000_000}.get(row[-1], 1)
    return int(row if scale == 1 else row[:-1]) * scale


def _render_grid_lines(top: float, chart: ChartLabels) -> list[str]:
    """Return lines of equal values, and the goal."""
    found = []
    for step in range(6):
        value = top * step / 5
        y = _y_position(value, top)
        found.append(
            f'<line x1="{LEFT}" y1="{y:.1f}" x2="{WIDTH - RIGHT}" y2="{y:.1f}" stroke="#dee2e6"/>'
        )
        found.append(
            f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end" fill="#495057">{value:.2f} '
            f"{chart.unit}</text>"
        )
    if chart.goal is None:
        return found
    y = _y_position(chart.goal, top)
    found.append(
        f'<line x1="{LEFT}" y1="{y:.1f}" x2="{WIDTH - RIGHT}" y2="{y:.1f}" stroke="#868e96" '
        'stroke-dasharray="6 4"/>'
    )
    found.append(
        f'<text x="{WIDTH - RIGHT + 8}" y="{y + 4:.1f}" fill="#495057">'
        f"goal {chart.goal:g} {chart.unit}</text>"
    )
    return found


def _render_axis_labels(rows: list[str]) -> list[str]:
    y = HEIGHT - BOTTOM + 20
    return [
        f'<text x="{_x_position(rows, row):.1f}" y="{y}" text-anchor="middle" '
        f'fill="#495057">{row}</text>'
        for row in rows
    ]


def _render_line(
    label: str, line: Mapping[str, float], rows: list[str], top: float, number: int
) -> list[str]:
    colour = COLOURS[number % len(COLOURS)]
    points = [(_x_position(rows, row), _y_position(value, top)) for row, value in line.items()]
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    dots = [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5" fill="{colour}"/>' for x, y in points]
    x = WIDTH - RIGHT + 8
    y = TOP + 16 + 18 * number
    name = f'<text x="{x + 18}" y="{y + 4}" fill="#212529">{label}</text>'
    key = f'<line x1="{x}" y1="{y}" x2="{x + 12}" y2="{y}" stroke="{colour}" stroke-width="2.5"/>'
    return [
        f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2.5"/>',
        *dots,
        key,
        name,
    ]
