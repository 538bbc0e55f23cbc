"""`greenroom up` with one of the fake process tables: `python -m tests.stack.start_command TABLE`."""

import sys

from foundation.ops.settings import Settings
from tests.stack.fakes import TABLES
from workers.runtime.startup import run_in_foreground
from workers.runtime.supervisor import RestartPolicy
from workers.terminal.output import exit_on_error

QUICK = RestartPolicy(first_delay=0.1, longest_delay=0.4, limit=2, window=60.0, degraded_delay=60.0)
REAL_TABLE = "production"
"""The table of the real processes, which restart as they do in an installation."""


def calm(_settings: Settings) -> None:
    """Run as the main function of a detached supervisor."""
    with exit_on_error():
        run_in_foreground(table=TABLES["calm"], pace=QUICK, greet=False)


if __name__ == "__main__":
    with exit_on_error():
        pace = RestartPolicy() if sys.argv[1] == REAL_TABLE else QUICK
        run_in_foreground(table=TABLES[sys.argv[1]], pace=pace)
