"""`greenroom routine`: show, set, pause and resume the routine of a creator."""

from pathlib import Path
from typing import Annotated

import typer

from workers.cli.options import Agency, JsonOutput

routine_app = typer.Typer(
    help="Show, set, pause and resume a creator’s routine.", no_args_is_help=True
)

CreatorName = Annotated[str, typer.Argument(help="Creator’s name or short name.")]


@routine_app.command("show")
def show_routine(creator: CreatorName, agency: Agency = "", as_json: JsonOutput = False) -> None:
    """Show a creator’s routine and today’s steps."""
    from workers.cli.routine_requests import render_routine
    from workers.terminal.session import connect_installation

    with connect_installation("routine") as services:
        typer.echo(render_routine(services, creator, agency=agency, as_json=as_json))


@routine_app.command("set")
def set_routine(
    creator: CreatorName,
    file: Annotated[Path, typer.Option(help="YAML file that describes the routine.")],
    agency: Agency = "",
) -> None:
    """Create or replace a creator’s routine from a file."""
    from workers.cli.routine_requests import render_routine, save_routine_file
    from workers.terminal.session import connect_installation

    with connect_installation("routine") as services:
        save_routine_file(services, creator, file, agency=agency)
        typer.echo(render_routine(services, creator, agency=agency, as_json=False))


@routine_app.command("pause")
def pause_routine(creator: CreatorName, agency: Agency = "") -> None:
    """Pause a creator’s routine."""
    from workers.cli.routine_requests import change_routine_state
    from workers.terminal.session import connect_installation

    with connect_installation("routine") as services:
        change_routine_state(services, creator, agency=agency, active=False)


@routine_app.command("resume")
def resume_routine(creator: CreatorName, agency: Agency = "") -> None:
    """Resume a creator’s routine with today’s remaining steps."""
    from workers.cli.routine_requests import change_routine_state
    from workers.terminal.session import connect_installation

    with connect_installation("routine") as services:
        change_routine_state(services, creator, agency=agency, active=True)
