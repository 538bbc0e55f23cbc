"""Bulk inserts, for example of an imported history, in pages within the transaction of the open
scope."""

import json
from collections.abc import Mapping, Sequence

from foundation.db.database import Scope
from foundation.db.tables import TenantRow

PAGE = 2000
"""Rows per statement. Larger pages are not faster, and each page is held in memory twice."""


def insert_rows(scope: Scope, model: type[TenantRow], rows: Sequence[Mapping[str, object]]) -> int:
    """Insert plain rows into one table, all with the same columns, and return the number of new
    rows.

    Existing rows are not changed. COPY does not support row-level security and refuses such tables,
    so the pages are sent as JSON.
    """
    if not rows:
        return 0
    columns = ", ".join(rows[0])
    table = model.__tablename__
    statement = (
        f"INSERT INTO {table} (tenant_id, {columns})"  # noqa: S608 names of our own models
        f" SELECT :tenant, {columns}"
        f" FROM jsonb_populate_recordset(CAST(NULL AS {table}), CAST(:page AS jsonb)) ON CONFLICT "
        "DO NOTHING"
    )
    new = 0
    for start in range(0, len(rows), PAGE):
        page = json.dumps(rows[start : start + PAGE], default=str)
        new += scope.run(statement, tenant=scope.tenant_id, page=page).rowcount
    return new


def discard_plans(scope: Scope) -> None:
    """Discard the query plans of this connection; call it before inserting many rows of related
    tables.

    Foreign key checks keep their first plan. If it was made for a nearly empty table, it scans the
    whole table for each new row: ten thousand posts took 143 s instead of 13.
    """
    scope.run("DISCARD PLANS")
