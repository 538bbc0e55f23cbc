"""`greenroom worker`: generate images for a remote installation."""

from typing import Annotated

import typer


def worker(
    join: Annotated[str, typer.Option(help="Address of the installation (https://…).")],
    once: Annotated[bool, typer.Option("--once", help="Stop when no jobs are pending.")] = False,
) -> None:
    """Generate images for a remote installation."""
    from workers.remote_worker.launch import run_remote_worker

    run_remote_worker(join, once=once)
