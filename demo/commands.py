"""`greenroom demo`: remove, restore and tour the demo agencies."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from workers.cli.old_names import RenamedOptions
from workers.cli.options import JsonOutput

demo_app = typer.Typer(help="Remove, restore and tour the demo agencies.", no_args_is_help=True)


@demo_app.command()
def remove() -> None:
    """Delete the demo agencies; your own agencies stay."""
    from demo.agency.lifecycle import remove_demo
    from foundation.ops import settings

    remove_demo(settings.load_settings())


@demo_app.command()
def restore() -> None:
    """Restore the demo agencies at the next start."""
    from demo.agency.lifecycle import allow_demo
    from foundation.ops import settings

    allow_demo(settings.load_settings())


@demo_app.command(context_settings=RenamedOptions(pictures="screenshots").as_context())
def tour(
    headless: Annotated[
        bool, typer.Option("--headless", help="Run every step in a headless browser and check it.")
    ] = False,
    as_json: JsonOutput = False,
    fast: Annotated[
        bool, typer.Option("--fast", help="Run several steps at once (about 90 seconds).")
    ] = False,
    screenshots: Annotated[
        Path | None, typer.Option(help="Save screenshots of the pages to this folder.")
    ] = None,
) -> None:
    """Run the guided tour and check each step."""
    if not headless:
        from foundation.i18n.translation import Message
        from workers.terminal.output import print_message

        print_message(Message("tour.in_dashboard"))
        return
    from demo.tour.walkthrough import run_tour

    sys.exit(run_tour(as_json=as_json, fast=fast, pictures=screenshots))
