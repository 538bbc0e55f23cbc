"""`greenroom new …`."""

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(help="Begin something of your own.", no_args_is_help=True)


@app.callback()
def new() -> None:
    """What is written is yours: a package beside Greenroom."""


@app.command()
def connector(
    name: Annotated[str, typer.Argument(help="The platform, as my_platform.")],
    folder: Annotated[Path | None, typer.Option(help="Where; connector-NAME here when left out.")] = None,
) -> None:
    """Write a package that brings a connector: its file, a fake of the platform, rules, and a suite that fails."""
    from workers.new_connector import write  # noqa: PLC0415  modules load when a command runs

    typer.echo(write(name, folder))
