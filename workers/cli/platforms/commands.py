"""`greenroom channels`, `greenroom connectors` and `greenroom create-connector`."""

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from workers.cli.options import JsonOutput, OneAgency
from workers.terminal.exit_codes import ExitCode

if TYPE_CHECKING:
    from connectors.contract.account_setup import FormField

channels_app = typer.Typer(
    help="Connect, check and disconnect platform accounts.", no_args_is_help=True
)


@channels_app.command()
def check(
    name: Annotated[str, typer.Argument(help="Channel or account name. Default: all.")] = "",
    agency: OneAgency = "",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show the requests without sending them.")
    ] = False,
    as_json: JsonOutput = False,
) -> None:
    """Check the connection of each channel."""
    from workers.cli.platforms.access_check import print_access_checks

    sys.exit(print_access_checks(name, agency=agency, dry=dry_run, as_json=as_json))


@channels_app.command()
def disconnect(
    name: Annotated[str, typer.Argument(help="Channel or account name.")],
    agency: OneAgency = "",
    yes: Annotated[
        bool, typer.Option("--yes", help="Disconnect. Without it, only show the effect.")
    ] = False,
) -> None:
    """Disconnect a channel and delete its credentials."""
    from workers.cli.platforms.disconnection import disconnect_from_terminal

    typer.echo(disconnect_from_terminal(name, agency=agency, sure=yes))


@channels_app.command()
def connect(
    platform: Annotated[str, typer.Argument(help="Platform name from `connectors`.")],
    creator: Annotated[
        str, typer.Option(help="Creator’s short name. Default: the only creator.")
    ] = "",
    as_: Annotated[
        str, typer.Option("--as", help="Member’s email address. Default: the owner.")
    ] = "",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show the first request without sending it.")
    ] = False,
) -> None:
    """Connect a platform account."""
    from workers.cli.platforms.account_setup import connect_from_terminal

    failed = False
    for line, is_ok in connect_from_terminal(
        platform, creator=creator, email=as_, dry=dry_run, ask=_prompt_field
    ):
        typer.echo(line, err=not is_ok)
        failed |= not is_ok
    sys.exit(ExitCode.FAILED if failed else ExitCode.OK)


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
    """Return a check that accepts one of these values; typer prompts again after any other."""
    from foundation.i18n.translation import Message
    from workers.terminal.output import translate

    def check_choice(typed: str) -> str:
        if typed.strip() not in choices:
            message = Message("cli.connect.choices", {"choices": ", ".join(choices)})
            raise typer.BadParameter(translate(message))
        return typed.strip()

    return check_choice


def connectors(
    platform: Annotated[
        str, typer.Argument(help="Platform name, for details and setup steps. Default: all.")
    ] = "",
    as_json: JsonOutput = False,
    markdown: Annotated[
        bool, typer.Option("--markdown", help="Print the page docs/connectors.md.")
    ] = False,
) -> None:
    """List platforms and their capabilities."""
    from connectors.registry import loader
    from workers.cli.platforms import capability_table
    from workers.terminal.output import print_progress, terminal_language

    brought = loader.load_plugin_connectors()
    for one in brought.left_out:
        print_progress(one.why)
    if platform:
        # Raises NotFound for an unknown platform, also with --json.
        guide = capability_table.platform_guide(
            loader.load_connectors(), platform, brought.packages
        )
        if not as_json:
            typer.echo(guide)
            return
    is_for_docs = as_json or markdown
    found = [
        one
        for one in capability_table.capability_rows(
            loader.load_connectors(),
            brought.packages,
            capability_table.DOCS_LANGUAGE if is_for_docs else terminal_language(),
        )
        if platform in ("", one.platform)
    ]
    if as_json:
        output = capability_table.render_json(found)
    elif markdown:
        output = capability_table.render_markdown(found)
    else:
        output = capability_table.render_list(found)
    typer.echo(output, nl=not markdown)


def create_connector(
    name: Annotated[str, typer.Argument(help="Platform name such as my_platform.")],
    folder: Annotated[
        Path | None, typer.Option(help="Output folder. Default: connector-NAME.")
    ] = None,
) -> None:
    """Create a package for a new connector."""
    from workers.cli.platforms.connector_scaffold import write_scaffold

    typer.echo(write_scaffold(name, folder))
