"""`greenroom bench`: measure on real processes of an installation of its own."""

from pathlib import Path
from typing import Annotated

import typer


def bench(
    name: Annotated[str, typer.Argument(help="publishing, scale, outbox, stack, …, or all.")],
    as_json: Annotated[bool, typer.Option("--json", help="One object, for programs.")] = False,
    markdown: Annotated[Path | None, typer.Option(help="Write all figures to this page.")] = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="A small run, that proves only that it runs.")
    ] = False,
    plot: Annotated[Path | None, typer.Option(help="Draw growth (scale) into this SVG.")] = None,
) -> None:
    """Measure, on real processes of an installation of its own."""
    from benchmarks.measurement import run_benchmarks

    run_benchmarks(name, as_json=as_json, markdown=markdown, quick=quick, plot=plot)
