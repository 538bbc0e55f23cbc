"""`greenroom gate …`."""

import sys
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(help="The safety check: what it decided, and proof that nobody changed it.", no_args_is_help=True)


@app.callback()
def gate() -> None:
    """What was decided, why, and that the record of it is whole."""


@app.command()
def key() -> None:
    """Print the public key of the log. Keep it elsewhere: with it, an export is checked without this house."""
    from workers.gate_log import key as read  # noqa: PLC0415  modules load when a command runs

    typer.echo(read())


@app.command()
def export(
    file: Annotated[Path, typer.Argument(help="Where to; JSON, one object a line.")],
    agency: Annotated[str, typer.Option(help="Of one agency; of all when left out.")] = "",
) -> None:
    """Write the log with its checkpoints and its public key, for whoever wants to verify it."""
    from foundation.words import Message  # noqa: PLC0415  modules load when a command runs
    from workers.gate_log import export as write  # noqa: PLC0415  modules load when a command runs
    from workers.terminal import tell  # noqa: PLC0415  modules load when a command runs

    count = write(file, agency=agency)
    tell(Message("cli.log.exported", {"count": count, "file": str(file)}))


@app.command()
def verify(
    file: Annotated[Path | None, typer.Argument(help="An export; this house's own log when left out.")] = None,
    agency: Annotated[str, typer.Option(help="Of one agency, of this house's own log.")] = "",
    key: Annotated[str, typer.Option(help="The public key the file must be signed with.")] = "",
) -> None:
    """Say whether the log is whole, from when to when, and what is not signed yet. The exit code is 0 if it is."""
    from workers.gate_log import show  # noqa: PLC0415  modules load when a command runs
    from workers.gate_log import verify as check  # noqa: PLC0415  modules load when a command runs

    sys.exit(show(check(file, agency=agency, key=key)))


@app.command()
def explain(
    post: Annotated[str, typer.Argument(help="Id of a post, a delivery, a message or a pack, or how it begins.")],
    language: Annotated[str, typer.Option(help="fr or en; the terminal's when left out.")] = "",
) -> None:
    """Tell why something was, or was not, allowed to leave; and decide again from what was stored."""
    from workers.gate_story import explain as tell  # noqa: PLC0415  modules load when a command runs

    typer.echo(tell(post, language=language))


@app.command()
def report(
    month: Annotated[str, typer.Argument(help="As 2026-11; the running one when left out.")] = "",
    agency: Annotated[str, typer.Option(help="Of which agency, where there are several.")] = "",
    csv: Annotated[bool, typer.Option("--csv", help="A line a figure, for spreadsheets.")] = False,
) -> None:
    """Print a month in numbers that name nobody: what left, was kept back, asked for and taken away; as Markdown."""
    from workers.gate_report import report as make  # noqa: PLC0415  modules load when a command runs

    typer.echo(make(month, agency=agency, as_csv=csv))


@app.command("check-texts")
def check_texts(
    file: Annotated[Path | None, typer.Argument(help="JSON lines; standard input when left out.")] = None,
) -> None:
    """Judge texts: {"id", "text", "lang", "surface"} a line in, {"id", "rating", "verdict", "reasons"} a line out.

    A surface is a place (x.post, telegram/bot_dm) or a kind of text (caption, message); left out, it is x.post.
    """
    from workers.gate_texts import check  # noqa: PLC0415  modules load when a command runs

    sys.exit(check(file))


@app.command()
def stop(
    why: Annotated[str, typer.Option(help="Kept with the stop, for those who end it.")] = "",
) -> None:
    """Emergency stop of the whole installation: within two seconds nothing leaves any more, of no agency."""
    from foundation.words import Message  # noqa: PLC0415  modules load when a command runs
    from workers.gate_stop import stop as press  # noqa: PLC0415  modules load when a command runs
    from workers.terminal import tell  # noqa: PLC0415  modules load when a command runs

    press(why)
    tell(Message("cli.stop.holds"))


@app.command()
def reopen(
    why: Annotated[str, typer.Option(help="What was found and done.")],
) -> None:
    """End the stop of the whole installation; those of single agencies stay."""
    from foundation.words import Message  # noqa: PLC0415  modules load when a command runs
    from workers.gate_stop import reopen as press  # noqa: PLC0415  modules load when a command runs
    from workers.terminal import tell  # noqa: PLC0415  modules load when a command runs

    press(why)
    tell(Message("cli.stop.over"))
