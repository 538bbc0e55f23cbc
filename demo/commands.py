"""`greenroom demo …`."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from workers.cli.old_names import RenamedOptions

demo_app = typer.Typer(
    help="The demo agencies that came with the first start.", no_args_is_help=True
)


@demo_app.callback()
def demo() -> None:
    """Two agencies that show what the house does; none of it is real."""


@demo_app.command()
def remove() -> None:
    """Delete both demo agencies: rows, files, sandbox accounts. Your own agencies stay as they
    are."""
    from demo.agency.lifecycle import remove_demo  # noqa: PLC0415  modules load when a command runs
    from foundation.ops import settings  # noqa: PLC0415  modules load when a command runs

    remove_demo(settings.load_settings())


@demo_app.command()
def restore() -> None:
    """Let the next start bring the demo back."""
    from demo.agency.lifecycle import allow_demo  # noqa: PLC0415  modules load when a command runs
    from foundation.ops import settings  # noqa: PLC0415  modules load when a command runs

    allow_demo(settings.load_settings())


@demo_app.command(context_settings=RenamedOptions(pictures="screenshots").as_context())
def tour(
    headless: Annotated[
        bool, typer.Option("--headless", help="In a browser without a window.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One object, for programs.")] = False,
    fast: Annotated[
        bool, typer.Option("--fast", help="In a minute and a half: several steps at once.")
    ] = False,
    screenshots: Annotated[
        Path | None, typer.Option(help="Save screenshots of the pages in this folder.")
    ] = None,
) -> None:
    """Take the tour as a visitor would and judge it: by the page, by the database, by the sandbox's
    record."""
    if not headless:
        # modules load when a command runs
        from foundation.i18n.translation import Message  # noqa: PLC0415  see above

        # modules load when a command runs
        from workers.terminal.output import print_message  # noqa: PLC0415  see above

        print_message(Message("tour.in_dashboard"))
        return
    from demo.tour.walkthrough import run_tour  # noqa: PLC0415  modules load when a command runs

    sys.exit(run_tour(as_json=as_json, fast=fast, pictures=screenshots))
