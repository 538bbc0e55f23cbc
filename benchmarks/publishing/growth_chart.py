"""The growth chart as SVG: lateness over scheduled posts, a line for each number of sending
processes."""

from collections.abc import Mapping
from math import log10

LATENESS_PREFIX = "late_p95_s_"
"""Prefix of the figures in the chart: `late_p95_s_<rows>_<workers>`."""

TITLE = "Lateness (p95) beside ever more planned posts"
GOAL_S = 0.3
WIDTH = 640
HEIGHT = 360
LEFT = 64
RIGHT = 150
TOP = 48
BOTTOM = 48
COLOURS = ("#3b5bdb", "#c2255c", "#2b8a3e", "#e67700")

GrowthLines = Mapping[str, Mapping[str, float]]
"""Lateness in seconds by number of workers, then by scheduled posts, such as `10k`."""


def growth_lines(figures: Mapping[str, float]) -> GrowthLines:
    """Return the lines among a benchmark's figures; empty without figures of growth."""
    lines: dict[str, dict[str, float]] = {}
    for key, value in figures.items():
        if key.startswith(LATENESS_PREFIX):
            rows, _, workers = key.removeprefix(LATENESS_PREFIX).partition("_")
            lines.setdefault(workers, {})[rows] = value
    return lines


def render_chart(lines: GrowthLines) -> str:
    """Return the whole chart. The axis of scheduled posts is logarithmic, that of seconds linear
    from zero."""
    top = _round_up(max(GOAL_S, *(value for line in lines.values() for value in line.values())))
    rows = list(next(iter(lines.values())))
    body = [*_render_grid_lines(top), *_render_axis_labels(rows)]
    for number, (workers, line) in enumerate(lines.items()):
        body += _render_line(workers, line, rows, top, number)
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
            'font-size="12"'
            ' font-family="system-ui, sans-serif">',
            f"<title>{TITLE}</title>",
            f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>',
            f'<text x="{LEFT}" y="24" font-size="15" fill="#212529">{TITLE}</text>',
            *body,
            "</svg>\n",
        ]
    )


def _round_up(value: float) -> float:
    step = 0.1 if value < 1 else 0.5
    return (int(value / step) + 1) * step


def _x_position(rows: list[str], row: str) -> float:
    first = parse_post_count(rows[0])
    last = parse_post_count(rows[-1])
    part = log10(parse_post_count(row) / first) / log10(last / first) if last > first else 0.5
    return LEFT + part * (WIDTH - LEFT - RIGHT)


def _y_position(value: float, top: float) -> float:
    return TOP + (1 - value / top) * (HEIGHT - TOP - BOTTOM)


def parse_post_count(row: str) -> int:
    """Return the number of posts: `1m` is 1,000,000."""
    return int(row[:-1]) * {"k": 1_000, "m": 1_000_000}[row[-1]]


def _render_grid_lines(top: float) -> list[str]:
    """Return lines of equal seconds, and the goal."""
    found = []
    for step in range(6):
        value = top * step / 5
        y = _y_position(value, top)
        found.append(
            f'<line x1="{LEFT}" y1="{y:.1f}" x2="{WIDTH - RIGHT}" y2="{y:.1f}" stroke="#dee2e6"/>'
        )
        found.append(
            f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end" fill="#495057">{value:.2f} '
            "s</text>"
        )
    y = _y_position(GOAL_S, top)
    found.append(
        f'<line x1="{LEFT}" y1="{y:.1f}" x2="{WIDTH - RIGHT}" y2="{y:.1f}" stroke="#868e96" '
        'stroke-dasharray="6 4"/>'
    )
    found.append(
        f'<text x="{WIDTH - RIGHT + 8}" y="{y + 4:.1f}" fill="#495057">goal {GOAL_S:g} s</text>'
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
    workers: str, line: Mapping[str, float], rows: list[str], top: float, number: int
) -> list[str]:
    colour = COLOURS[number % len(COLOURS)]
    points = [(_x_position(rows, row), _y_position(value, top)) for row, value in line.items()]
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    dots = [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5" fill="{colour}"/>' for x, y in points]
    x = WIDTH - RIGHT + 8
    y = TOP + 16 + 18 * number
    what = f"{workers} sending" if workers != "1" else "1 process sending"
    name = f'<text x="{x + 18}" y="{y + 4}" fill="#212529">{what}</text>'
    key = f'<line x1="{x}" y1="{y}" x2="{x + 12}" y2="{y}" stroke="{colour}" stroke-width="2.5"/>'
    return [
        f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2.5"/>',
        *dots,
        key,
        name,
    ]
