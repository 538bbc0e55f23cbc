"""Rows go when the time is over that their table says they are kept: each room lists its tables,
this deletes.

The period is read from the table's own `keep`, so it stands in one place. A rule says what begins
it, and what holds a row for longer. Nothing is deleted of which that moment is not known.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from foundation.db.database import DatabaseRole, Scope
from foundation.db.tables import TenantRow

PURGE_BATCH = 500
"""Rows that one transaction deletes."""

_PERIOD = re.compile(r"(\d+) (day|month|year)s?")


@dataclass(frozen=True)
class RetentionRule:
    """How a table's rows end. `since` and `unless` are SQL about a row `o`; `role` may delete them.

    `clock` is people_now for what follows the real day whatever the house's clock says: who signed
    in, and where.
    """

    model: type[TenantRow]
    since: str
    unless: str = "false"
    role: DatabaseRole = "app"
    clock: Literal["house_now", "people_now"] = "house_now"

    @property
    def table(self) -> str:
        """The table's name."""
        return str(self.model.__tablename__)

    @property
    def period(self) -> str:
        """The period of its `keep`, e.g. "18 months". Raises ValueError where it names none."""
        # every table has one
        keep = str(self.model.__table__.info["keep"])  # type: ignore[attr-defined]  # see above
        found = _PERIOD.search(keep)
        if found is None:
            raise ValueError(f"{self.table} is kept {keep}: that is no period")
        return found[0]

    def _expired_rows_query(self) -> str:
        return (
            # names of our own tables
            f"SELECT o.id FROM {self.table} o WHERE o.tenant_id = :tenant"  # noqa: S608  see above
            f" AND ({self.since}) < {self.clock}() - CAST(:period AS interval) AND NOT "
            f"({self.unless})"
            " ORDER BY o.id LIMIT :most"
        )


def count_expired(scope: Scope, rule: RetentionRule, *, most: int = 10_000) -> int:
    """How many rows of a table are over, `most` at most; nothing is changed."""
    # names of our own tables
    statement = f"SELECT count(*) FROM ({rule._expired_rows_query()}) over"  # noqa: S608  see above
    return int(
        scope.run(statement, tenant=scope.tenant_id, period=rule.period, most=most).scalar_one()
    )


def purge_expired(scope: Scope, rule: RetentionRule, *, batch: int = PURGE_BATCH) -> int:
    """Delete a batch of what is over; how many."""
    # names of our own tables
    statement = (
        f"DELETE FROM {rule.table} WHERE tenant_id = :tenant AND id IN "  # noqa: S608  our own names
        f"({rule._expired_rows_query()})"
    )
    with scope.acting_as(rule.role):
        done = scope.run(statement, tenant=scope.tenant_id, period=rule.period, most=batch)
    return int(done.rowcount)


def count_expired_by_table(scope: Scope, rules: Sequence[RetentionRule]) -> dict[str, int]:
    """The tables with rows that are over, and how many; nothing is changed."""
    found = {rule.table: count_expired(scope, rule) for rule in rules}
    return {table: count for table, count in found.items() if count}
