"""`greenroom bench NAME`: the list of benchmarks, their goals, and the output of their figures."""

import importlib
import json
import os
import platform
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import psutil

from benchmarks.publishing import growth_chart
from foundation.errors import BadInput
from foundation.ops.clock import wall_now
from workers.terminal.tables import format_table

BENCHMARKS: Mapping[str, str] = {
    "publishing": "benchmarks.publishing.comparison:measure_publishing",
    "scale": "benchmarks.publishing.load_growth:measure_load_growth",
    "agencies": "benchmarks.publishing.idle_agencies:measure_idle_agencies",
    "files": "benchmarks.publishing.bulk_import:measure_bulk_import",
    "outbox": "benchmarks.outbox_throughput:measure_outbox",
    "stack": "benchmarks.startup_cost:measure_startup",
    "dashboard": "benchmarks.page_speed:measure_pages",
    "analytics": "benchmarks.analytics_speed:measure_analytics",
    "chat": "benchmarks.chat_latency:measure_chat",
    "gate": "benchmarks.decision_speed:measure_gate",
    "connectors": "benchmarks.connector_overhead:measure_connectors",
    "generation": "benchmarks.gpu_queue:measure_gpu_queue",
    "media": "benchmarks.media_preparation:measure_media",
    "diffusion": "benchmarks.diffusion_overhead:measure_diffusion",
    "texts": "benchmarks.text_overhead:measure_texts",
    "captions": "benchmarks.caption_usability:measure_captions",
}
QUICK_BENCHMARKS = ("publishing", "scale", "agencies", "analytics")
"""Benchmarks with a quick mode, which tests that they run."""

GOALS: Mapping[str, str] = {
    "light_p95_s": "≤ 0.3",
    "burst120_p95_s": "≤ 1.5",
    "posts_of_plain": "≥ 0.7",
    "cpu_of_plain": "≤ 5",
    "fair_most_s": "≤ 2",
    "fair_most_s_10k": "≤ 2",
    "db_connections": "≤ 16",
    "file_look_s": "≤ 30",
    "file_write_s": "≤ 30",
    "late_growth": "≤ 1.2",
    "machines_ratio_2": "≥ 1.8",
    "devices_ratio_2": "≥ 1.8",
    "failover_s": "≤ 5",
    "light_p95_s_1000": "≤ 0.3",
    "slow_of_lanes": "≥ 0.77",
    "up_first_s": "≤ 300",
    "up_again_s": "≤ 15",
    "rss_mib": "≤ 1300",
    "help_s": "≤ 0.5",
    "page_p95_ms": "≤ 200",
    **{f"analytics_read_p95_ms_{size}": "≤ 200" for size in ("10k", "1m", "10m")},
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
    "captions_p95_s": "≤ 10",
    "captions_usable": "≥ 0.95",
    "registry_import_ms": "≤ 100",
    "sdks_loaded": "0",
    **{f"{platform}_sdk_mib": "≤ 50" for platform in ("telegram", "x", "reddit")},
}
"""Goals on 2 cores; figures without a goal are for comparison."""

ZERO_SUFFIXES = ("_doubled", "_lost")
"""Suffixes of figures whose goal is 0 under every fault."""

FAULT_SUFFIXES = (*ZERO_SUFFIXES, "_delayed")
"""Suffixes of figures that are shown in the table of faults."""

BENCHMARK_SEED = 20261120
CHART_FOLDER = "pictures"
"""Folder of the growth charts, relative to the page."""


@dataclass(frozen=True)
class Measurement:
    """The figures of one benchmark and the machine that they were measured on."""

    name: str
    figures: Mapping[str, float]
    machine: str
    seed: int

    def as_json(self) -> str:
        """Return the measurement as one JSON object."""
        figures = {key: round(value, 4) for key, value in self.figures.items()}
        return json.dumps(
            {"name": self.name, "figures": figures, "machine": self.machine, "seed": self.seed}
        )


def describe_machine() -> str:
    """Return the processor, memory and system of this machine."""
    memory = psutil.virtual_memory().total / 2**30
    system = f"{platform.system()} {platform.machine()}"
    return f"{system}, {os.cpu_count()} cores, {memory:.0f} GiB, Python {platform.python_version()}"


def goal_for(key: str) -> str:
    """Return the goal of a figure, or an empty text if it has none."""
    return (
        "0" if key.endswith(ZERO_SUFFIXES) and not key.startswith("plain_") else GOALS.get(key, "")
    )


def run_benchmark(name: str, *, quick: bool = False) -> Measurement:
    """Run one benchmark. Raises BadInput for an unknown name, and for `quick` with a benchmark that
    has no quick mode."""
    if name not in BENCHMARKS:
        raise BadInput("bench.unknown", name=name, names=", ".join(BENCHMARKS))
    if quick and name not in QUICK_BENCHMARKS:
        raise BadInput("bench.not_quick", name=name, names=", ".join(QUICK_BENCHMARKS))
    module, _, attribute = BENCHMARKS[name].partition(":")
    figures: Callable[..., dict[str, float]] = getattr(importlib.import_module(module), attribute)
    return Measurement(
        name, figures(quick=True) if quick else figures(), describe_machine(), BENCHMARK_SEED
    )


def run_benchmarks(
    name: str,
    *,
    as_json: bool,
    markdown: Path | None,
    quick: bool = False,
    plot: Path | None = None,
) -> None:
    """Run one benchmark or all, print the figures, and write the page and the growth charts
    if requested."""
    names = list(BENCHMARKS) if name == "all" else [name]
    found = []
    for each in names:
        measured = run_benchmark(each, quick=quick)
        found.append(measured)
        print(measured.as_json() if as_json else _format_plain(measured), flush=True)
    if markdown is not None:
        markdown.write_text(render_benchmark_page(found), encoding="utf-8")
        plot = plot or markdown.parent / CHART_FOLDER / growth_chart.LATENESS.file
    for measured in found:
        for number, chart in enumerate(growth_chart.charts_of(measured.figures)):
            if plot is None:
                break
            lines = growth_chart.growth_lines(measured.figures, chart)
            target = plot if markdown is None and not number else plot.with_name(chart.file)
            target.write_text(growth_chart.render_chart(lines, chart), encoding="utf-8")


def _format_plain(measured: Measurement) -> str:
    rows = [(key, f"{value:.4g}", goal_for(key)) for key, value in measured.figures.items()]
    return f"{measured.name}\n{format_table(('figure', 'measured', 'goal'), rows)}\n"


def render_benchmark_page(found: list[Measurement]) -> str:
    """Return the page `docs/benchmarks.md`."""
    lines = [
        "# Benchmarks",
        "",
        f"Generated by `make bench` on {wall_now():%Y-%m-%d}: "
        f"{found[0].machine if found else '-'}. Other work may have",
        "shared the machine: compare figures of one run only. `greenroom bench NAME` runs one "
        "benchmark. `up_first_s`",
        "excludes the virtual environment. Lateness is the time from a post's due time to its "
        "arrival at the test network,",
        "which responds after 150 ms. For mutation tests of the gate, see `docs/mutation.md`.",
    ]
    for measured in found:
        lines += ["", f"## {measured.name}", "", "| figure | measured | goal |", "|---|---|---|"]
        plain = {
            key: value
            for key, value in measured.figures.items()
            if not key.endswith(FAULT_SUFFIXES)
        }
        lines += [
            f"| `{key}` | {value:.4g} | {goal_for(key) or '–'} |" for key, value in plain.items()
        ]
        lines += _format_faults(measured.figures)
        for chart in growth_chart.charts_of(measured.figures):
            lines += ["", f"![{chart.title}]({CHART_FOLDER}/{chart.file})"]
    return "\n".join([*lines, ""])


def _format_faults(figures: Mapping[str, float]) -> list[str]:
    """Return the table of faults with the results of both sides; empty for a benchmark without
    faults."""
    ours = [
        key.removesuffix("_doubled")
        for key in figures
        if key.endswith("_doubled") and not key.startswith("plain_")
    ]
    if not ours:
        return []
    columns = ("{}_doubled", "{}_lost", "{}_delayed", "plain_{}_doubled", "plain_{}_lost")
    rows = [[f"{figures.get(column.format(name), 0):g}" for column in columns] for name in ours]
    head = [
        "",
        "| fault | doubled (goal 0) | lost (goal 0) | delayed | plain doubled | plain lost |",
        "|---" * 6 + "|",
    ]
    return [
        *head,
        *(f"| `{name}` | {' | '.join(row)} |" for name, row in zip(ours, rows, strict=True)),
    ]
