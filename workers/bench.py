"""`greenroom bench NAME`: figures of the house, each on real processes of an installation of its own."""

import importlib
import json
import os
import platform
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import psutil

from foundation.clock import wall_now
from foundation.errors import BadInput

BENCHES: Mapping[str, str] = {
    "publishing": "workers.bench_beside:figures",
    "scale": "workers.bench_scale:figures",
    "files": "workers.bench_files:figures",
    "outbox": "workers.bench_outbox:figures",
    "stack": "workers.bench_stack:figures",
    "dashboard": "workers.bench_dashboard:figures",
    "chat": "workers.bench_chat:figures",
    "gate": "workers.bench_gate:figures",
    "connectors": "workers.bench_connectors:figures",
    "generation": "workers.bench_generation:figures",
    "media": "workers.bench_media:figures",
    "diffusion": "workers.bench_diffusion:figures",
    "texts": "workers.bench_texts:figures",
}
GOALS: Mapping[str, str] = {
    "light_p95_s": "≤ 0.5",
    "burst120_p95_s": "≤ 2",
    "posts_per_s": "≥ 60",
    "fair_most_s": "≤ 2",
    "fair_most_s_10k": "≤ 2",
    "db_connections": "≤ 16",
    "file_look_s": "≤ 30",
    "file_write_s": "≤ 30",
    "late_growth": "≤ 1.2",
    "slow_of_lanes": "≥ 0.77",
    "reset_doubled": "0",
    "reset_lost": "0",
    "hang_doubled": "0",
    "hang_lost": "0",
    "error_doubled": "0",
    "error_lost": "0",
    "refused_doubled": "0",
    "refused_lost": "0",
    "up_first_s": "≤ 300",
    "up_again_s": "≤ 15",
    "rss_mib": "≤ 1300",
    "help_s": "≤ 0.5",
    "page_p95_ms": "≤ 200",
    "calendar_p95_ms": "≤ 300",
    "first_paint_s": "≤ 1.5",
    "session_mib": "≤ 40",
    "first_answer_p95_s": "≤ 1",
    "order_breaks": "0",
    "decision_p95_ms": "≤ 20",
    "mint_consume_p95_ms": "≤ 15",
    "permit_verify_p95_ms": "≤ 1",
    "recall_five_s": "≤ 10",
    "overhead_ratio": "≤ 1.15",
    "log_verify_per_s": "≥ 50000",
    "holds_per_1000_messages": "≤ 10",
    "holds_per_100_captions": "≤ 3",
    "benign_block_ppm": "≤ 500",
    "desk_items_per_day": "≤ 60",
    "picture_ratio": "≤ 1.03",
    "registry_import_ms": "≤ 100",
    "sdks_loaded": "0",
}
"""What was promised, on 2 cores; figures without a line are told for comparison."""

SEED = 20261120
LATE = "late_p95_s_"
"""Figures that are drawn: lateness by planned posts and workers."""


@dataclass(frozen=True)
class Measured:
    """The figures of one benchmark, and where they were taken."""

    name: str
    figures: Mapping[str, float]
    machine: str
    seed: int

    def as_json(self) -> str:
        """One object."""
        figures = {key: round(value, 4) for key, value in self.figures.items()}
        return json.dumps({"name": self.name, "figures": figures, "machine": self.machine, "seed": self.seed})


def machine() -> str:
    """What the figures were taken on."""
    memory = psutil.virtual_memory().total / 2**30
    system = f"{platform.system()} {platform.machine()}"
    return f"{system}, {os.cpu_count()} cores, {memory:.0f} GiB, Python {platform.python_version()}"


def measure(name: str) -> Measured:
    """Run one benchmark. Raises BadInput for a name there is none of."""
    if name not in BENCHES:
        raise BadInput("bench.unknown", name=name, names=", ".join(BENCHES))
    module, _, attribute = BENCHES[name].partition(":")
    figures: Callable[[], dict[str, float]] = getattr(importlib.import_module(module), attribute)
    return Measured(name, figures(), machine(), SEED)


def run(name: str, *, as_json: bool, markdown: Path | None) -> None:
    """Measure one or all, print, and write the page when asked."""
    names = list(BENCHES) if name == "all" else [name]
    found = []
    for each in names:
        measured = measure(each)
        found.append(measured)
        print(measured.as_json() if as_json else _plain(measured), flush=True)
    if markdown is not None:
        markdown.write_text(page(found), encoding="utf-8")


def _plain(measured: Measured) -> str:
    rows = [f"  {key:<22} {value:>12.4g}   {GOALS.get(key, '')}" for key, value in measured.figures.items()]
    return "\n".join([measured.name, *rows])


def page(found: list[Measured]) -> str:
    """`docs/benchmarks.md`."""
    lines = [
        "# Benchmarks",
        "",
        f"Written by `make bench` on {wall_now():%Y-%m-%d}: {found[0].machine if found else '-'}. Other work may have",
        "shared the machine: compare within one run. Each is `greenroom bench NAME --json`. `up_first_s` begins with",
        "the virtual environment in place; lateness is from a post's time to its arrival at the sandbox, which answers",
        "after 150 ms. How many small changes of the gate its tests find: `docs/mutation.md`.",
    ]
    for measured in found:
        lines += ["", f"## {measured.name}", "", "| figure | measured | goal |", "|---|---|---|"]
        lines += [f"| `{key}` | {value:.4g} | {GOALS.get(key, '–')} |" for key, value in measured.figures.items()]
        lines += _plot(measured.figures)
    return "\n".join([*lines, ""])


def _plot(figures: Mapping[str, float]) -> list[str]:
    """Lateness over planned posts, a line for each number of workers; nothing for benchmarks without such figures."""
    lines: dict[str, dict[str, float]] = {}
    for key, value in figures.items():
        if key.startswith(LATE):
            rows, _, workers = key.removeprefix(LATE).partition("_")
            lines.setdefault(workers, {})[rows] = value
    if not lines:
        return []
    axis = ", ".join(next(iter(lines.values())))
    drawn = [f"    line [{', '.join(f'{value:.3f}' for value in line.values())}]" for line in lines.values()]
    title = f"lateness p95 in seconds over planned posts, {', '.join(lines)} workers"
    return ["", "```mermaid", "xychart-beta", f'    title "{title}"', f"    x-axis [{axis}]", *drawn, "```"]
