"""`greenroom deploy`: settings of an installation in containers."""

from typing import Annotated

import typer

deploy_app = typer.Typer(no_args_is_help=True)


@deploy_app.callback()
def deploy() -> None:
    """Deploy in containers (docker-compose.yml)."""


@deploy_app.command()
def env(
    dashboard: Annotated[
        str, typer.Option(help="Dashboard address, such as https://app.example.com.")
    ] = "",
    public: Annotated[
        str, typer.Option(help="Address of the public pages, on another host name.")
    ] = "",
    demo: Annotated[
        bool, typer.Option("--demo", help="Include the demo agencies and the test network.")
    ] = False,
    port_offset: Annotated[
        int,
        typer.Option(min=0, max=50_000, help="Number added to each published port, such as 10000."),
    ] = 0,
) -> None:
    """Print a new .env file with fresh secrets and the published ports."""
    from workers.installation.container_env import compose_variables

    found = compose_variables(
        dashboard=dashboard, public=public, demo=demo, port_offset=port_offset
    )
    typer.echo(
        "# Created by the command `deploy env`. Keep it secret and back it up: without its keys "
        "the data can’t be decrypted."
    )
    for name, value in found.items():
        typer.echo(f"{name}={value}")
