"""`greenroom bench`: run benchmarks in a temporary installation."""

from pathlib import Path
from typing import Annotated

import typer

from workers.cli.options import JsonOutput


def bench(
    name: Annotated[str, typer.Argument(help="Name such as publishing or stack, or all.")],
    as_json: JsonOutput = False,
    markdown: Annotated[Path | None, typer.Option(help="Write the results to this page.")] = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="Run briefly, to test the benchmark itself.")
    ] = False,
    plot: Annotated[
        Path | None,
        typer.Option(help="Write the growth chart (scale, analytics) to this SVG file."),
    ] = None,
) -> None:
    """Run benchmarks in a temporary installation."""
    from benchmarks.measurement import run_benchmarks

    run_benchmarks(name, as_json=as_json, markdown=markdown, quick=quick, plot=plot)
