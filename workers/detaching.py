"""`greenroom up --detach`: a supervisor without a terminal; we watch and repeat its first steps."""

import sys

from foundation import settings as house
from foundation.clock import pause
from workers import greeting
from workers.embedded import spawn
from workers.home import Home, holder
from workers.processes import CODE
from workers.report import read
from workers.status import NOT_READY
from workers.terminal import errors_as_exit_codes

MAIN = "workers.stack:in_background"


def start_in_background(main: str = MAIN) -> int:
    """Start the house, print its steps until it is up, and leave it. Returns 0, or the exit code it ended with.

    `main` is the supervisor's, "module:attr".
    """
    home = Home(house.home())
    log = home.log("supervisor")
    home.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    start = log.stat().st_size if log.exists() else 0
    process = spawn(
        [sys.executable, "-m", "workers.run", "supervisor", main, "--probes", "0"],  # its children are given theirs
        log,
        before=_outlive,
        environment=house.child_environment(home.folder, code=CODE),
    )
    with log.open(encoding="utf-8", errors="replace") as said:
        said.seek(start)
        while process.poll() is None and not (holder(home) == process.pid and read(home).phase == "up"):
            sys.stdout.write(said.read())
            sys.stdout.flush()
            pause(0.1)
        sys.stdout.write(said.read())
    if process.returncode is not None:
        return process.returncode or NOT_READY
    with errors_as_exit_codes():
        settings = house.load()
        greeting.greet(settings, greeting.ask_welcome(home, settings), waiting=lambda: None, detached=True)
    return 0


def _outlive() -> None:
    """Ask Linux for nothing: this child goes on when we end."""
