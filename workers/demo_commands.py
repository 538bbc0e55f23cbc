"""`greenroom demo …`."""

import sys
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(help="The demo agencies that came with the first start.", no_args_is_help=True)


@app.callback()
def demo() -> None:
    """Two agencies that show what the house does; none of it is real."""


@app.command()
def remove() -> None:
    """Delete both demo agencies: rows, files, sandbox accounts. Your own agencies stay as they are."""
    from foundation import settings as house  # noqa: PLC0415  modules load when a command runs
    from workers.demo import remove as run  # noqa: PLC0415  modules load when a command runs

    run(house.load())


@app.command()
def restore() -> None:
    """Let the next start bring the demo back."""
    from foundation import settings as house  # noqa: PLC0415  modules load when a command runs
    from workers.demo import restore as run  # noqa: PLC0415  modules load when a command runs

    run(house.load())


@app.command()
def tour(
    headless: Annotated[bool, typer.Option("--headless", help="In a browser without a window.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One object, for programs.")] = False,
    fast: Annotated[bool, typer.Option("--fast", help="In a minute and a half: several steps at once.")] = False,
    pictures: Annotated[Path | None, typer.Option(help="Keep pictures of the pages in this folder.")] = None,
) -> None:
    """Take the tour as a visitor would and judge it: by the page, by the database, by the sandbox's record."""
    if not headless:
        from foundation.words import Message  # noqa: PLC0415  modules load when a command runs
        from workers.terminal import tell  # noqa: PLC0415  modules load when a command runs

        tell(Message("tour.in_dashboard"))
        return
    from workers.tour import run  # noqa: PLC0415  modules load when a command runs

    sys.exit(run(as_json=as_json, fast=fast, pictures=pictures))
