"""Deletion of rows whose retention period has ended, by rules that each package defines for its
tables.

The period comes from the table's `keep` declaration. A rule defines the start of the period and the
reasons to retain a row longer. A row with an unknown start is never deleted.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from foundation.db.database import DatabaseRole, Scope
from foundation.db.tables import TenantRow

PURGE_BATCH = 500
"""Rows deleted per transaction."""

_PERIOD = re.compile(r"(\d+) (day|month|year)s?")


@dataclass(frozen=True)
class RetentionRule:
    """A retention rule of a table.

    `since` and `unless` are SQL expressions about a row `o`; `role` may delete the rows. `clock` is
    people_now for rows that follow real time even if the database clock is shifted, such as
    sign-ins.
    """

    model: type[TenantRow]
    since: str
    unless: str = "false"
    role: DatabaseRole = "app"
    clock: Literal["house_now", "people_now"] = "house_now"

    @property
    def table(self) -> str:
        """Return the table's name."""
        return str(self.model.__tablename__)

    @property
    def period(self) -> str:
        """Return the period of the table's `keep`, for example "18 months".

        Raises ValueError if it contains none.
        """
        # Every table has one.
        keep = str(self.model.__table__.info["keep"])  # type: ignore[attr-defined]  # see above
        found = _PERIOD.search(keep)
        if found is None:
            raise ValueError(f"{self.table} is kept {keep}: that is no period")
        return found[0]

    def _expired_rows_query(self) -> str:
        return (
            # The table names are fixed.
            f"SELECT o.id FROM {self.table} o WHERE o.tenant_id = :tenant"  # noqa: S608  see above
            f" AND ({self.since}) < {self.clock}() - CAST(:period AS interval) AND NOT "
            f"({self.unless})"
            " ORDER BY o.id LIMIT :most"
        )


def count_expired(scope: Scope, rule: RetentionRule, *, most: int = 10_000) -> int:
    """Return the number of expired rows, at most `most`. Nothing is changed."""
    # The table names are fixed.
    statement = f"SELECT count(*) FROM ({rule._expired_rows_query()}) over"  # noqa: S608  see above
    return int(
        scope.run(statement, tenant=scope.tenant_id, period=rule.period, most=most).scalar_one()
    )


def purge_expired(scope: Scope, rule: RetentionRule, *, batch: int = PURGE_BATCH) -> int:
    """Delete a batch of expired rows and return their number."""
    statement = (
        f"DELETE FROM {rule.table} WHERE tenant_id = :tenant"  # noqa: S608 fixed table names
        f" AND id IN ({rule._expired_rows_query()})"
    )
    with scope.acting_as(rule.role):
        done = scope.run(statement, tenant=scope.tenant_id, period=rule.period, most=batch)
    return int(done.rowcount)


def count_expired_by_table(scope: Scope, rules: Sequence[RetentionRule]) -> dict[str, int]:
    """Return the number of expired rows of each table that has any. Nothing is changed."""
    found = {rule.table: count_expired(scope, rule) for rule in rules}
    return {table: count for table, count in found.items() if count}
