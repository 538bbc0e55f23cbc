"""The command line `greenroom`: its commands and how they are loaded.

Commands are functions of this module, functions of other modules that `COMMANDS` names, and groups
(`typer.Typer`) that `COMMAND_GROUPS` names. A command imports its package when it runs, so that
`greenroom --help` stays fast. Former names of commands still work: `workers/cli/old_names.py`.
"""

import importlib
import io
import sys
from pathlib import Path
from typing import Annotated

import typer

from workers.cli.old_names import RenamedOptions, replace_old_command
from workers.cli.options import Agency, Creator, JsonOutput, Language
from workers.terminal.exit_codes import ExitCode, exit_codes_help

app = typer.Typer(
    name="greenroom",
    help="Generate, approve, publish and sell content for creators’ agencies.",
    epilog=exit_codes_help(),
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

COMMAND_GROUPS: dict[str, str] = {
    "alerts": "workers.cli.alerts:alerts_app",
    "api-keys": "workers.cli.member_commands:api_keys_app",
    "channels": "workers.cli.platforms.commands:channels_app",
    "creators": "workers.cli.creators.commands:creators_app",
    "demo": "demo.commands:demo_app",
    "deploy": "workers.cli.deploy:deploy_app",
    "gate": "workers.cli.gate.commands:gate_app",
    "generation": "workers.cli.studio.commands:generation_app",
    "links": "workers.cli.acquisition:links_app",
    "persona": "workers.cli.personas:persona_app",
    "policy": "workers.cli.gate.commands:policy_app",
    "removal-requests": "workers.cli.gate.commands:removal_requests_app",
    "routine": "workers.cli.routines:routine_app",
}
"""Name of a group of commands -> "module:attribute" of its Typer, loaded when the command line
names the group."""

COMMANDS: dict[str, str] = {
    "bench": "benchmarks.command:bench",
    "connectors": "workers.cli.platforms.commands:connectors",
    "create-connector": "workers.cli.platforms.commands:create_connector",
    "evaluate": "workers.cli.evaluate:evaluate_task",
    "rate-pictures": "workers.cli.member_commands:rate_pictures",
    "set-voice": "workers.cli.studio.commands:set_voice",
    "text-to-speech": "workers.cli.studio.commands:text_to_speech",
    "voices": "workers.cli.studio.commands:voices",
    "worker": "workers.remote_worker.command:worker",
}
"""Name of a command in another module -> "module:function", loaded when the command line names it.
"""


EPILOGS: dict[str, str] = {
    "worker": "The machine’s key is created on the System page of the dashboard. It is read from "
    "GREENROOM_WORKERS__JOIN_KEY, or prompted for.",
}
"""Command of `COMMANDS` -> text at the end of its help."""


@app.command()
def up(
    detach: Annotated[
        bool, typer.Option("--detach/--foreground", help="Run in the background.")
    ] = False,
    browser: Annotated[bool, typer.Option(help="Open the dashboard in a browser.")] = True,
    only_workers: Annotated[
        bool,
        typer.Option("--workers", help="Add this machine's workers to a running installation."),
    ] = False,
) -> None:
    """Start Greenroom; press Ctrl-C to stop."""
    from foundation.ops.settings import load_settings
    from workers.installation.container_status import require_supervisor

    require_supervisor(load_settings())
    if detach and only_workers:
        from foundation.errors import BadInput

        raise BadInput("cli.workers_foreground")
    if detach:
        from workers.runtime.background_start import start_in_background

        sys.exit(start_in_background())
    from workers.runtime.startup import run_in_foreground

    run_in_foreground(browser=browser, only_workers=only_workers)


@app.command()
def down(
    now: Annotated[
        bool, typer.Option("--now", help="Stop without waiting for current work.")
    ] = False,
) -> None:
    """Stop Greenroom."""
    from workers.cli.status import stop_installation

    stop_installation(now=now)


@app.command()
def status(as_json: JsonOutput = False) -> None:
    """Show process status, addresses and queues."""
    from workers.cli.status import print_status

    sys.exit(print_status(as_json=as_json))


@app.command()
def logs(
    name: Annotated[str | None, typer.Argument(help="Process name. Default: all.")] = None,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Follow new lines until Ctrl-C.")
    ] = False,
    lines: Annotated[
        int,
        typer.Option("--lines", "-n", min=0, help="Last lines to show of each log; 0 for none."),
    ] = 40,
) -> None:
    """Show process logs."""
    from workers.cli.status import print_logs

    print_logs(name, follow=follow, lines=lines)


@app.command()
def doctor(as_json: JsonOutput = False) -> None:
    """Check the installation and suggest fixes."""
    from workers.doctor.examination import run_doctor

    sys.exit(run_doctor(as_json=as_json))


@app.command(context_settings=RenamedOptions(day="date").as_context())
def run_day(
    creator: Creator,
    brief: Annotated[Path, typer.Option(help="YAML file that describes the day.")],
    photos: Annotated[Path | None, typer.Option(help="Folder of photos.")] = None,
    fast: Annotated[
        bool, typer.Option("--fast", help="Move the clock instead of waiting (demo and test only).")
    ] = False,
    agency: Agency = "",
    date: Annotated[
        str, typer.Option(help="Date such as 2026-11-20. Default: the next possible day.")
    ] = "",
    language: Language = "",
) -> None:
    """Run a creator’s day from a brief."""
    from workers.creator_day.runner import run_day as run
    from workers.terminal.output import use_language

    use_language(language)
    summary = run(creator, brief, photos=photos, fast=fast, agency=agency, day=date)
    sys.exit(ExitCode.OK if summary.is_complete else ExitCode.FAILED)


@app.command(context_settings=RenamedOptions(day="date").as_context())
def report(
    creator: Creator,
    date: Annotated[str, typer.Option(help="Date such as 2026-11-20. Default: today.")] = "",
    kind: Annotated[
        str,
        typer.Option(help="daily, weekly or monthly: report with charts as PDF and Excel."),
    ] = "",
    client: Annotated[
        bool, typer.Option("--client", help="With --kind: no fees, costs or team figures.")
    ] = False,
    agency: Agency = "",
    language: Language = "",
    as_json: JsonOutput = False,
) -> None:
    """Show and save a creator’s report."""
    from workers.cli.reports import export_daily_report, export_period_report
    from workers.terminal.output import use_language

    use_language(language)
    if kind:
        text = export_period_report(
            creator, kind=kind, day=date, agency=agency, client=client, as_json=as_json
        )
        typer.echo(text)
        return
    typer.echo(export_daily_report(creator, day=date, agency=agency, as_json=as_json))


@app.command()
def payout_statement(
    creator: Creator,
    month: Annotated[
        str, typer.Option(help="Month such as 2026-11. Default: the last complete month.")
    ] = "",
    agency: Agency = "",
    language: Language = "",
    as_json: JsonOutput = False,
) -> None:
    """Show and save a creator’s payout statement."""
    from workers.cli.payout_statements import export_payout_statement
    from workers.terminal.output import use_language

    use_language(language)
    typer.echo(export_payout_statement(creator, month=month, agency=agency, as_json=as_json))


@app.command()
def dry_run(
    days: Annotated[int, typer.Option(help="Number of days ahead.")] = 7,
    creator: Annotated[str, typer.Option(help="Name or short name. Default: all creators.")] = "",
    agency: Annotated[str, typer.Option(help="Agency name. Default: all agencies.")] = "",
    as_json: JsonOutput = False,
) -> None:
    """List upcoming posts and problems; publishes nothing."""
    from workers.cli.dry_run import render_dry_run

    typer.echo(render_dry_run(creator, days=days, agency=agency, as_json=as_json))


@app.command()
def invite(
    email: Annotated[str, typer.Argument(help="Member’s email address. Default: the owner.")] = "",
    owner: Annotated[
        bool, typer.Option("--owner", help="Add an owner, or set up the first one.")
    ] = False,
    agency: Annotated[
        str, typer.Option(help="Agency of a new owner, needed if there are several.")
    ] = "",
) -> None:
    """Create a one-time sign-in link."""
    from workers.cli.invitations import invite_member, invite_owner

    typer.echo(invite_owner(email, agency) if owner else invite_member(email))


@app.command()
def version() -> None:
    """Show the version."""
    from importlib.metadata import PackageNotFoundError
    from importlib.metadata import version as installed

    try:
        typer.echo(installed("greenroom"))
    except PackageNotFoundError:
        typer.echo("0+unknown")


def load_commands(wanted: str = "") -> None:
    """Register the command or group of this name from its module; all of them for an empty name."""
    for name, path in (*COMMAND_GROUPS.items(), *COMMANDS.items()):
        if wanted in (name, ""):
            module, _, attribute = path.partition(":")
            found = getattr(importlib.import_module(module), attribute)
            if name in COMMANDS:
                app.command(name, epilog=EPILOGS.get(name))(found)
            else:
                app.add_typer(found, name=name)


def main() -> None:
    """Run the command line. An error becomes one sentence on stderr and an exit code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A terminal without Unicode shows "?" for a sign like "→" instead of failing.
            stream.reconfigure(errors="replace")
    sys.argv[1:] = replace_old_command(sys.argv[1:])
    name = sys.argv[1] if len(sys.argv) > 1 else ""
    load_commands("" if name in ("--help", "-h") else name)
    if len(sys.argv) <= 1 or "--help" in sys.argv:
        # Help needs no catalogue and no settings: it stays fast, and works with invalid settings.
        app()
        return
    from workers.terminal.output import exit_on_error

    with exit_on_error():
        app()


if __name__ == "__main__":
    main()
