"""`greenroom connectors`."""

from typing import Annotated

import typer


def connectors(
    platform: Annotated[str, typer.Argument(help="One of them, and how to connect it; all when left out.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
    markdown: Annotated[bool, typer.Option("--markdown", help="As the page docs/connectors.md.")] = False,
) -> None:
    """Say of each platform what it takes and tells, as its connector says it of itself."""
    from connectors import registry  # noqa: PLC0415  modules load when a command runs
    from workers import connector_table  # noqa: PLC0415  modules load when a command runs
    from workers.terminal import sentence  # noqa: PLC0415  modules load when a command runs

    brought = registry.brought()
    for one in brought.left_out:
        typer.echo(sentence(one.why), err=True)
    if platform:
        guide = connector_table.guide(registry.load(), platform, brought.packages)  # raises for one that nobody knows
        if not as_json:
            typer.echo(guide)
            return
    found = [one for one in connector_table.lines(registry.load(), brought.packages) if platform in ("", one.platform)]
    said = connector_table.as_json if as_json else connector_table.markdown if markdown else connector_table.text
    typer.echo(said(found), nl=not markdown)
