"""`greenroom up` with one of the tables of fakes: `python -m tests.stack.up TABLE`."""

import sys

from foundation.settings import Settings
from tests.stack.fakes import TABLES
from workers.stack import up
from workers.supervisor import Pace
from workers.terminal import errors_as_exit_codes

QUICK = Pace(first=0.1, most=0.4, limit=2, window=60.0, rest=60.0)


def calm(_settings: Settings) -> None:
    """The main of a detached supervisor."""
    with errors_as_exit_codes():
        up(table=TABLES["calm"], pace=QUICK, greet=False)


if __name__ == "__main__":
    with errors_as_exit_codes():
        up(table=TABLES[sys.argv[1]], pace=QUICK)
