"""`greenroom connect …`."""

import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from connectors.enrolment import Field  # nothing of the house is loaded to explain the house


def connect(
    platform: Annotated[str, typer.Argument(help="Where the account is: one of `greenroom connectors`.")],
    creator: Annotated[str, typer.Option(help="Whose account, by short name; the only one's when left out.")] = "",
    as_: Annotated[str, typer.Option("--as", help="E-mail of who connects it; the owner when left out.")] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be sent, and send nothing.")] = False,
) -> None:
    """Connect an account: ask for what it takes, say what came of it. A yes on a page is said in a browser."""
    from workers.connect_account import connect as run  # noqa: PLC0415  modules load when a command runs

    failed = False
    for line, well in run(platform, creator=creator, email=as_, dry=dry_run, ask=_ask):
        typer.echo(line)
        failed |= not well
    sys.exit(int(failed))


def _ask(label: str, field: "Field") -> str:
    if field.choices:
        found: str = typer.prompt(f"{label}\n", default=field.choices[0], value_proc=_one_of(field.choices))
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
