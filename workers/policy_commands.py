"""`greenroom policy …`."""

import sys
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(help="The rules of places: what may be shown where, and how they changed.", no_args_is_help=True)


@app.callback()
def policy() -> None:
    """Rules are data, read from the platforms' own pages and dated."""


@app.command()
def explain(
    place: Annotated[str, typer.Argument(help="As bluesky.post, or a platform for all of its places.")],
    on: Annotated[str, typer.Option(help="A day, as 2027-03-01; today when left out.")] = "",
    language: Annotated[str, typer.Option(help="fr or en; the terminal's when left out.")] = "",
) -> None:
    """Say what a place allows, who looks after its readers' age, where that was read, and when it ages."""
    from workers.policy_text import explain as tell  # noqa: PLC0415  modules load when a command runs

    typer.echo(tell(place, on=on, language=language))


@app.command()
def update(
    file: Annotated[Path | None, typer.Argument(help="A signed release; what is in force when left out.")] = None,
    language: Annotated[str, typer.Option(help="fr or en; the terminal's when left out.")] = "",
) -> None:
    """Take newer rules that two who may sign have signed, or say which are in force and when they age."""
    from workers.policy_release import status, take  # noqa: PLC0415  modules load when a command runs

    typer.echo(status(language=language) if file is None else take(file, language=language))


@app.command()
def sign(
    file: Annotated[Path, typer.Argument(help="The release: signed once more, or made.")],
    key: Annotated[Path, typer.Option(help="A file with an Ed25519 private key, 32 bytes in base64.")],
    matrix: Annotated[Path | None, typer.Option(help="The rules of a release that is made.")] = None,
    lexicon: Annotated[Path | None, typer.Option(help="Its lexicon; the product's when left out.")] = None,
) -> None:
    """Sign a release of rules, for those who release them. Two keys make it one that can be taken."""
    from workers.policy_release import sign as write  # noqa: PLC0415  modules load when a command runs

    typer.echo(write(file, key, matrix=matrix, lexicon=lexicon))


@app.command()
def sign_rows(
    rows: Annotated[Path, typer.Argument(help="The rows of your platform, YAML as those of ours.")],
    file: Annotated[Path, typer.Argument(help="The file your package ships.")],
    platform: Annotated[str, typer.Option(help="The platform it speaks to.")],
    key: Annotated[Path, typer.Option(help="A file with an Ed25519 private key, 32 bytes in base64.")],
) -> None:
    """Sign the rules that a package of yours ships for its own platform: General and Suggestive alone."""
    from workers.policy_release import sign_rows as write  # noqa: PLC0415  modules load when a command runs

    typer.echo(write(rows, file, key, platform=platform))


@app.command()
def diff(
    old: Annotated[Path, typer.Argument(help="A file of rules.")],
    new: Annotated[Path, typer.Argument(help="A later one.")],
    language: Annotated[str, typer.Option(help="fr or en; the terminal's when left out.")] = "",
) -> None:
    """Say row by row what was tightened, loosened, added or dropped. The exit code is 1 if anything was loosened."""
    from workers.policy_text import diff as compare  # noqa: PLC0415  modules load when a command runs

    text, loosened = compare(old, new, language=language)
    typer.echo(text)
    sys.exit(1 if loosened else 0)
