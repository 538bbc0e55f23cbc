"""The house as `greenroom up` runs it, without the doors nobody opens here; its supervisor never gives up."""

from workers.processes import TABLE
from workers.stack import up
from workers.supervisor import Pace
from workers.terminal import errors_as_exit_codes

LEFT_OUT = ("dashboard", "llm")
"""No page of members is looked at, and our own sentences answer: a third of the memory and of the start."""

PACE = Pace(first=0.2, most=0.5, limit=1_000_000)
"""One storm kills more often than a bad day does: nothing is given up, and nobody waits half a minute."""

if __name__ == "__main__":
    with errors_as_exit_codes():
        up(table=tuple(row for row in TABLE if row.name not in LEFT_OUT), pace=PACE, greet=False)
