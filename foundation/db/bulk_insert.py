"""Many rows at once: a history that moves in. In pages, inside the open scope: its transaction,
role and policy."""

import json
from collections.abc import Mapping, Sequence

from foundation.db.database import Scope
from foundation.db.tables import TenantRow

PAGE = 2000
"""Rows to a statement: beyond this a larger page is no faster, and the machine holds it twice."""


def insert_rows(scope: Scope, model: type[TenantRow], rows: Sequence[Mapping[str, object]]) -> int:
    """Insert plain rows of one table, all with the same columns; one that is there already stays as
    it is.

    COPY knows no row-level security (it refuses such tables), so pages travel as JSON. Returns how
    many were new.
    """
    if not rows:
        return 0
    columns = ", ".join(rows[0])
    table = model.__tablename__
    statement = (
        # names of our own models
        f"INSERT INTO {table} (tenant_id, {columns}) SELECT :tenant, {columns}"  # noqa: S608  see above
        f" FROM jsonb_populate_recordset(CAST(NULL AS {table}), CAST(:page AS jsonb)) ON CONFLICT "
        "DO NOTHING"
    )
    new = 0
    for start in range(0, len(rows), PAGE):
        page = json.dumps(rows[start : start + PAGE], default=str)
        new += scope.run(statement, tenant=scope.tenant_id, page=page).rowcount
    return new


def discard_plans(scope: Scope) -> None:
    """Let the database plan anew on this connection: to be called before many rows of related
    tables.

    The look-ups behind foreign keys keep the plan they were given first. Where that was on a table
    of a few rows it reads the table from end to end, for each new row: ten thousand posts took 143
    s instead of 13.
    """
    scope.run("DISCARD PLANS")
