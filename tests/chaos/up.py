"""The house as `greenroom up` runs it, without the doors nobody opens here; its supervisor never gives up.

Two relays share its outbox, each with a beat, every message comes three times, and three senders take them.
"""

from dataclasses import replace

from workers.processes import TABLE, Row, Stage
from workers.stack import up
from workers.supervisor import Pace
from workers.terminal import errors_as_exit_codes

LEFT_OUT = ("dashboard", "llm")
"""No page of members is looked at, and our own sentences answer: a third of the memory and of the start."""

PACE = Pace(first=0.2, most=0.5, limit=1_000_000)
"""One storm kills more often than a bad day does: nothing is given up, and nobody waits half a minute."""

RELAYS = {"relay": "tests.chaos.twice:first"}
SECOND = Row("second", "tests.chaos.twice:second", Stage.RELAY)


def table() -> tuple[Row, ...]:
    """Who runs."""
    rows = (row for row in TABLE if row.name not in LEFT_OUT)
    return (*(replace(row, main=RELAYS.get(row.name, row.main)) for row in rows), SECOND)


if __name__ == "__main__":
    with errors_as_exit_codes():
        up(table=table(), pace=PACE, greet=False)
