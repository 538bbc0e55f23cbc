"""The installation as `greenroom up` runs it, without unused web processes and with unlimited
restarts.

Two relays share its outbox, each with a scheduler; every message arrives three times, and three
senders process them.
"""

from dataclasses import replace

from workers.runtime.process_table import PROCESS_TABLE, ProcessDefinition, StopStage
from workers.runtime.startup import run_in_foreground
from workers.runtime.supervisor import RestartPolicy
from workers.terminal.output import exit_on_error

LEFT_OUT = ("dashboard", "llm")
"""No dashboard page is opened, and chats use template sentences: a third of the memory and of the
start."""

PACE = RestartPolicy(first_delay=0.2, longest_delay=0.5, limit=1_000_000)
"""A storm kills more often than normal operation: no process is given up, and restarts are quick.
"""

RELAYS = {"relay": "tests.chaos.relay_pair:first"}
SECOND = ProcessDefinition("second", "tests.chaos.relay_pair:second", StopStage.RELAY)


def process_table() -> tuple[ProcessDefinition, ...]:
    """Return the process table."""
    rows = (row for row in PROCESS_TABLE if row.name not in LEFT_OUT)
    return (*(replace(row, main=RELAYS.get(row.name, row.main)) for row in rows), SECOND)


if __name__ == "__main__":
    with exit_on_error():
        run_in_foreground(table=process_table(), pace=PACE, greet=False)
