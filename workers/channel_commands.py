"""`greenroom channels …`."""

import sys
from typing import Annotated

import typer

app = typer.Typer(help="Accounts on platforms.", no_args_is_help=True)


@app.callback()
def channels() -> None:
    """Accounts are connected in the dashboard, on the page Accounts, or by `greenroom connect`."""


@app.command(name="test")
def try_accounts(
    name: Annotated[str, typer.Argument(help="Name of an account; all of them when left out.")] = "",
    agency: Annotated[str, typer.Option(help="Of one agency of several.")] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be asked, and ask nothing.")] = False,
) -> None:
    """Ask each platform something harmless: does the account answer, must somebody connect it again. Posts nothing."""
    from workers.channel_check import show  # noqa: PLC0415  modules load when a command runs

    said, well = show(name, agency=agency, dry=dry_run)
    typer.echo(said)
    sys.exit(0 if well else 1)


@app.command()
def disconnect(
    name: Annotated[str, typer.Argument(help="Name of one account.")],
    agency: Annotated[str, typer.Option(help="Of one agency of several.")] = "",
    yes: Annotated[bool, typer.Option("--yes", help="Do it; without, it is only told.")] = False,
) -> None:
    """Take an account off: its platform is told, its credentials are forgotten, its history stays."""
    from workers.channel_leave import disconnect as take_off  # noqa: PLC0415  modules load when a command runs

    typer.echo(take_off(name, agency=agency, sure=yes))
