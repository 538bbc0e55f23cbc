"""`greenroom worker`."""

from typing import Annotated

import typer


def worker(
    join: Annotated[
        str, typer.Option(help="Address of the house this machine makes pictures for (https://…).")
    ],
    once: Annotated[bool, typer.Option("--once", help="End when there is nothing to do.")] = False,
) -> None:
    """Make pictures for a house elsewhere, with the engine of this machine's settings; Ctrl-C ends
    it.

    The key of this machine is made on the System page. It is read from GREENROOM_WORKERS__JOIN_KEY,
    or asked for.
    """
    # modules load when a command runs
    from workers.remote_worker.launch import run_remote_worker  # noqa: PLC0415  see above

    run_remote_worker(join, once=once)
