"""`greenroom complaints …`: requests about those who run an agency, which the house decides."""

from typing import Annotated

import typer

app = typer.Typer(help="Removal requests that no agency may decide itself.", no_args_is_help=True)

Number = Annotated[str, typer.Argument(help="The number of the request.")]
Name = Annotated[str, typer.Option("--as", help="Your name: it stands beside what you do.")]


@app.callback()
def complaints() -> None:
    """What was asked of the house itself, who may be reached, and the house's word."""


@app.command("list")
def listed() -> None:
    """Print what waits for the house, and reports that nothing was found for."""
    from workers.complaints_desk import listed as lines  # noqa: PLC0415  modules load when a command runs

    for line in lines():
        typer.echo(line)


@app.command()
def contact(number: Number, name: Name) -> None:
    """Open how who asked may be reached; that you did is written down."""
    from workers.complaints_desk import contact as read  # noqa: PLC0415  modules load when a command runs

    typer.echo(read(number, name=name))


@app.command("take-away")
def take_away(number: Number, name: Name) -> None:
    """It goes from everywhere and does not return."""
    from workers.complaints_desk import decide  # noqa: PLC0415  modules load when a command runs

    decide(number, name=name, because="")


@app.command()
def leave(
    number: Number,
    name: Name,
    because: Annotated[str, typer.Option(help="agreed, mistaken or unfounded; who asked reads it.")],
) -> None:
    """It may stay, with a reason."""
    from workers.complaints_desk import decide  # noqa: PLC0415  modules load when a command runs

    decide(number, name=name, because=because)
