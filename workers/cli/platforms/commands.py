"""`greenroom channels …`.

`greenroom connectors`.

`greenroom create-connector`.
"""

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from connectors.contract.account_setup import (
        FormField,
    )  # nothing of the house is loaded to explain the house

channels_app = typer.Typer(help="Accounts on platforms.", no_args_is_help=True)


@channels_app.callback()
def channels() -> None:
    """Accounts are connected in the dashboard, on the page Accounts, or by `greenroom channels
    connect`."""


@channels_app.command()
def check(
    name: Annotated[
        str, typer.Argument(help="Name of an account; all of them when left out.")
    ] = "",
    agency: Annotated[str, typer.Option(help="Of one agency of several.")] = "",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would be asked, and ask nothing.")
    ] = False,
) -> None:
    """Check that each account answers and need not be connected again. Posts nothing."""
    # modules load when a command runs
    from workers.cli.platforms.access_check import print_access_checks  # noqa: PLC0415  see above

    said, well = print_access_checks(name, agency=agency, dry=dry_run)
    typer.echo(said)
    sys.exit(0 if well else 1)


@channels_app.command()
def disconnect(
    name: Annotated[str, typer.Argument(help="Name of one account.")],
    agency: Annotated[str, typer.Option(help="Of one agency of several.")] = "",
    yes: Annotated[bool, typer.Option("--yes", help="Do it; without, it is only told.")] = False,
) -> None:
    """Take an account off: its platform is told, its credentials are forgotten, its history
    stays."""
    # modules load when a command runs
    from workers.cli.platforms.disconnection import disconnect_from_terminal  # noqa: PLC0415  see above

    typer.echo(disconnect_from_terminal(name, agency=agency, sure=yes))


@channels_app.command()
def connect(
    platform: Annotated[
        str, typer.Argument(help="Where the account is: one of `greenroom connectors`.")
    ],
    creator: Annotated[
        str, typer.Option(help="Whose account, by short name; the only one's when left out.")
    ] = "",
    as_: Annotated[
        str, typer.Option("--as", help="E-mail of who connects it; the owner when left out.")
    ] = "",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would be sent, and send nothing.")
    ] = False,
) -> None:
    """Connect an account: prompt for what the platform needs and report the result. OAuth continues
    in a browser."""
    # modules load when a command runs
    from workers.cli.platforms.account_setup import connect_from_terminal  # noqa: PLC0415  see above

    failed = False
    for line, well in connect_from_terminal(
        platform, creator=creator, email=as_, dry=dry_run, ask=_prompt_field
    ):
        typer.echo(line)
        failed |= not well
    sys.exit(int(failed))


def _prompt_field(label: str, field: "FormField") -> str:
    if field.choices:
        found: str = typer.prompt(
            f"{label}\n", default=field.choices[0], value_proc=_one_of(field.choices)
        )
        return found
    default = "" if field.optional else None
    typed: str = typer.prompt(label, default=default, hide_input=field.secret, show_default=False)
    return typed


def _one_of(choices: Sequence[str]) -> Callable[[str], str]:
    """Takes what is typed only when it is one of these; else it is asked for again."""

    def taken(typed: str) -> str:
        if typed.strip() not in choices:
            raise typer.BadParameter(f"type one of: {', '.join(choices)}.")
        return typed.strip()

    return taken


def connectors(
    platform: Annotated[
        str, typer.Argument(help="One of them, and how to connect it; all when left out.")
    ] = "",
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
    markdown: Annotated[
        bool, typer.Option("--markdown", help="As the page docs/connectors.md.")
    ] = False,
) -> None:
    """Say of each platform what it takes and tells, as its connector says it of itself."""
    from connectors.registry import loader  # noqa: PLC0415  modules load when a command runs

    # modules load when a command runs
    from workers.cli.platforms import capability_table  # noqa: PLC0415  see above
    from workers.terminal.output import translate  # noqa: PLC0415  modules load when a command runs

    brought = loader.load_plugin_connectors()
    for one in brought.left_out:
        typer.echo(translate(one.why), err=True)
    if platform:
        guide = capability_table.platform_guide(
            loader.load_connectors(), platform, brought.packages
        )  # raises for one that nobody knows
        if not as_json:
            typer.echo(guide)
            return
    found = [
        one
        for one in capability_table.capability_rows(loader.load_connectors(), brought.packages)
        if platform in ("", one.platform)
    ]
    if as_json:
        output = capability_table.render_json(found)
    elif markdown:
        output = capability_table.render_markdown(found)
    else:
        output = capability_table.render_text(found)
    typer.echo(output, nl=not markdown)


def create_connector(
    name: Annotated[str, typer.Argument(help="The platform, as my_platform.")],
    folder: Annotated[
        Path | None, typer.Option(help="Where; connector-NAME here when left out.")
    ] = None,
) -> None:
    """Write a package that brings a connector: its file, a fake of the platform, rules, and a suite
    that fails."""
    # modules load when a command runs
    from workers.cli.platforms.connector_scaffold import write_scaffold  # noqa: PLC0415  see above

    typer.echo(write_scaffold(name, folder))
