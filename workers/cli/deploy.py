"""`greenroom deploy …`."""

from typing import Annotated

import typer

deploy_app = typer.Typer(
    help="Run Greenroom in containers (docker-compose.yml).", no_args_is_help=True
)


@deploy_app.callback()
def deploy() -> None:
    """Addresses and secrets of an installation in containers."""


@deploy_app.command()
def env(
    dashboard: Annotated[str, typer.Option(help="What members call the dashboard.")] = "",
    public: Annotated[
        str, typer.Option(help="What everybody else calls the pages; another host name.")
    ] = "",
    demo: Annotated[
        bool, typer.Option("--demo", help="With the demo agencies and the test network.")
    ] = False,
) -> None:
    """Print a whole `.env` with fresh secrets. Keep it: without its keys the data cannot be
    read."""
    # modules load when a command runs
    from workers.installation.container_env import compose_variables  # noqa: PLC0415  see above

    found = compose_variables(dashboard=dashboard, public=public, demo=demo)
    typer.echo(
        "# Made by `greenroom deploy env`. Keep it secret, and keep a copy: without its keys the "
        "data is lost."
    )
    for name, value in found.items():
        typer.echo(f"{name}={value}")
