"""The command line. A command says what it takes and calls the room that does it; modules load when
a command runs.

To add commands: a function below, or a `typer.Typer()` of your own in a module, named in `GROUPS`;
a function in a module of its own, named in `COMMANDS`. Names that were replaced still work:
`workers/cli/old_names.py`.
"""

import importlib
import io
import sys
from pathlib import Path
from typing import Annotated

import typer

from workers.cli.old_names import RenamedOptions, replace_old_command

app = typer.Typer(
    name="greenroom",
    help="A creator's working day: generate, check, publish once and on time, chat, sell, report.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

COMMAND_GROUPS: dict[str, str] = {
    "api-keys": "workers.cli.member_commands:api_keys_app",
    "channels": "workers.cli.platforms.commands:channels_app",
    "demo": "demo.commands:demo_app",
    "deploy": "workers.cli.deploy:deploy_app",
    "gate": "workers.cli.gate.commands:gate_app",
    "generation": "workers.cli.studio.commands:generation_app",
    "policy": "workers.cli.gate.commands:policy_app",
    "removal-requests": "workers.cli.gate.commands:removal_requests_app",
}
"""Name of a group of commands -> "module:attr" of its Typer; loaded only when the command line
names the group."""

COMMANDS: dict[str, str] = {
    "bench": "benchmarks.command:bench",
    "connectors": "workers.cli.platforms.commands:connectors",
    "create-connector": "workers.cli.platforms.commands:create_connector",
    "rate-pictures": "workers.cli.member_commands:rate_pictures",
    "set-voice": "workers.cli.studio.commands:set_voice",
    "text-to-speech": "workers.cli.studio.commands:text_to_speech",
    "voices": "workers.cli.studio.commands:voices",
    "worker": "workers.remote_worker.command:worker",
}
"""Name of a command that stands in a module of its own -> "module:function"; loaded as groups
are."""


@app.command()
def up(
    detach: Annotated[
        bool, typer.Option("--detach/--foreground", help="Run in the background.")
    ] = False,
    browser: Annotated[
        bool, typer.Option(help="Open the dashboard when there is a display.")
    ] = True,
) -> None:
    """Start everything here: database, tables, demo, processes. Ctrl-C stops it."""
    if detach:
        from workers.runtime.background_start import start_in_background

        sys.exit(start_in_background())
    from workers.runtime.startup import run_in_foreground

    run_in_foreground(browser=browser)


@app.command()
def down(
    now: Annotated[bool, typer.Option("--now", help="Do not wait for work in hand.")] = False,
) -> None:
    """Stop what `greenroom up` started, in this terminal or another."""
    from workers.cli.status import stop_installation

    stop_installation(now=now)


@app.command()
def status(as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False) -> None:
    """Say what runs, where, and whether it is ready; the exit code is 0 only if everything is."""
    from workers.cli.status import print_status

    sys.exit(print_status(as_json=as_json))


@app.command()
def logs(
    name: Annotated[
        str | None, typer.Argument(help="A process; all of them when left out.")
    ] = None,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on until Ctrl-C.")] = False,
    lines: Annotated[int, typer.Option("--lines", "-n", min=0, help="How many of each.")] = 40,
) -> None:
    """Print the end of the logs."""
    from workers.cli.status import print_logs

    print_logs(name, follow=follow, lines=lines)


@app.command()
def doctor(as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False) -> None:
    """Say of each part whether it is real, reachable and safe, and what to do about it."""
    from workers.doctor.examination import run_doctor

    sys.exit(run_doctor(as_json=as_json))


@app.command(context_settings=RenamedOptions(day="date").as_context())
def run_day(
    creator: Annotated[str, typer.Option(help="Name or address of the creator.")],
    brief: Annotated[Path, typer.Option(help="What the day is made of (YAML).")],
    photos: Annotated[Path | None, typer.Option(help="A folder of photos.")] = None,
    fast: Annotated[
        bool, typer.Option("--fast", help="Compress the waiting, not the work (demonstration).")
    ] = False,
    agency: Annotated[
        str, typer.Option(help="The agency, where two have a creator of that name.")
    ] = "",
    date: Annotated[
        str, typer.Option(help="As 2026-11-20; the next that can be planned when left out.")
    ] = "",
) -> None:
    """Run one day of a creator: generate, approve, plan, publish, chat, sell, report."""
    from workers.creator_day.runner import run_day as run

    told = run(creator, brief, photos=photos, fast=fast, agency=agency, day=date)
    sys.exit(0 if told.is_complete else 1)


@app.command(context_settings=RenamedOptions(day="date").as_context())
def report(
    creator: Annotated[str, typer.Option(help="Name or address of the creator.")],
    date: Annotated[str, typer.Option(help="As 2026-11-20; today when left out.")] = "",
    agency: Annotated[
        str, typer.Option(help="The agency, where two have a creator of that name.")
    ] = "",
) -> None:
    """Print the report of a day as it stands now, and write it as HTML, Markdown and CSV."""
    from workers.cli.reports import export_daily_report

    text, page = export_daily_report(creator, day=date, agency=agency)
    typer.echo(f"{text}\n{page}")


@app.command()
def dry_run(
    days: Annotated[int, typer.Option(help="How far render_dry_run.")] = 7,
    creator: Annotated[
        str, typer.Option(help="Name or address of the creator; everybody when left out.")
    ] = "",
    agency: Annotated[str, typer.Option(help="One agency of several.")] = "",
    as_json: Annotated[
        bool, typer.Option("--json", help="One object for each agency, for programs.")
    ] = False,
) -> None:
    """List what would be published in the days render_dry_run, what would not and why, and what
    expires. Publishes nothing."""
    from workers.cli.dry_run import render_dry_run

    typer.echo(render_dry_run(creator, days=days, agency=agency, as_json=as_json))


@app.command()
def invite(
    email: Annotated[str, typer.Argument(help="Whose link; the owner's when left out.")] = "",
) -> None:
    """Print a one-time link to the dashboard."""
    from workers.cli.invitations import create_invitation_link

    typer.echo(create_invitation_link(email))


@app.command()
def version() -> None:
    """Print the version."""
    from importlib.metadata import PackageNotFoundError
    from importlib.metadata import version as installed

    try:
        typer.echo(installed("greenroom"))
    except PackageNotFoundError:
        typer.echo("0+unknown")


def main() -> None:
    """Run the command line; errors become one sentence and an exit code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(
                errors="replace"
            )  # a terminal that knows no "→" reads "?", and the command goes on
    sys.argv[1:] = replace_old_command(sys.argv[1:])
    name = sys.argv[1] if len(sys.argv) > 1 else ""
    for known, path in (*COMMAND_GROUPS.items(), *COMMANDS.items()):
        if name in (known, "--help", "-h", ""):
            module, _, attribute = path.partition(":")
            found = getattr(importlib.import_module(module), attribute)
            app.command(known)(found) if known in COMMANDS else app.add_typer(found, name=known)
    if len(sys.argv) <= 1 or "--help" in sys.argv:
        app()  # nothing of the house is loaded to explain the house
        return
    from workers.terminal.output import exit_on_error

    with exit_on_error():
        app()


if __name__ == "__main__":
    main()
