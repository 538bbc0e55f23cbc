"""The order in which a transaction takes its locks, derived from the SQL statements it sends."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Engine, event

ORDER = ("epochs", "channel and budget", "subject", "permit", "head of the log")
"""The order in which a transaction takes locks. A lease is claimed earlier, in a separate
transaction."""

RANK_OF_TABLE = {
    "epochs": 0,
    "channels": 1,
    "tokens": 1,
    "rate_buckets": 1,
    "deliveries": 2,
    "drafts": 2,
    "fulfilments": 2,
    "orders": 2,
    "conversations": 2,
    "permits": 3,
    "log_heads": 4,
}
ROWS = re.compile(
    r"\bUPDATE\s+(?:ONLY\s+)?([a-z_]+)\s+SET\b"
    r"|\bDELETE\s+FROM\s+([a-z_]+)"
    r"|\bINSERT\s+INTO\s+([a-z_]+)\b.*?\bDO\s+UPDATE\b"
    r"|\bFROM\s+([a-z_]+)\b.*?\bFOR\s+(?:NO\s+KEY\s+)?(?:UPDATE|SHARE|KEY\s+SHARE)\b",
    re.DOTALL,
)


@dataclass
class Trace:
    """The locks of one transaction in the order in which it first took them, and a hook that runs
    before each."""

    taken: list[tuple[int, str]] = field(default_factory=list)
    before: Callable[[str], None] = lambda name: None

    def note(self, statement: str, parameters: Any) -> None:
        """Record the locks that a statement takes. A table counts as one lock; an epoch is
        identified by its key."""
        for rank, name in list_locks(statement, parameters):
            if (rank, name) not in self.taken:
                self.before(name)
                self.taken.append((rank, name))

    def disorder(self) -> list[str]:
        """Return every lock that was taken after a lock of a higher rank."""
        found, highest = [], (-1, "")
        for rank, name in self.taken:
            if rank < highest[0]:
                found.append(f"{name} ({ORDER[rank]}) after {highest[1]} ({ORDER[highest[0]]})")
            highest = max(highest, (rank, name))
        return found


def list_locks(statement: str, parameters: Any) -> Iterator[tuple[int, str]]:
    """Yield rank and name of each lock that a statement takes on rows other transactions may lock."""
    if (
        "pg_advisory_xact_lock" in statement
        and isinstance(parameters, dict)
        and "keys" in parameters
    ):
        yield from ((0, f"epoch {key}") for key in parameters["keys"])
        return
    for match in ROWS.finditer(statement):
        table = next(filter(None, match.groups()))
        if table == "epochs":
            continue  # counted under the advisory lock of its key
        if table in RANK_OF_TABLE:
            yield RANK_OF_TABLE[table], table


@contextmanager
def traced(engine: Engine, trace: Trace) -> Iterator[Trace]:
    """Record every statement of the engine's connections. Supports one transaction at a time."""

    def listen(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        trace.note(statement, parameters)

    event.listen(engine, "before_cursor_execute", listen)
    try:
        yield trace
    finally:
        event.remove(engine, "before_cursor_execute", listen)
