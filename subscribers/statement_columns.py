"""How an agency reads statements with headings that are not ours: a member says it once, each file after it is read so.

What was said may be corrected; a file that was brought in is not read another way (`statements.bring_in`).
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import UniqueConstraint

from foundation.database import Scope, TenantRow, jsonb, table
from foundation.ids import uuid7
from foundation.words import canonical
from subscribers.rails import columns, statement
from subscribers.rails.columns import Columns
from subscribers.rails.statement import Sheet
from tenants import audit


class StatementColumns(TenantRow, table=True):
    """What the columns under one heading are, and who said so."""

    __tablename__ = "statement_columns"
    __table_args__ = table(
        UniqueConstraint("tenant_id", "fingerprint", name="statement_columns_heading"),
        about="tenant",
        keep="while the tenant is here",
    )
    fingerprint: str
    heading: list[str] = jsonb(list)
    columns: dict[str, Any] = jsonb()
    by: str


def known(scope: Scope, heading: Sequence[str]) -> Columns | None:
    """How files with this heading are read: as a member said, or as our own template; None where nobody knows."""
    kept = scope.run(
        "SELECT columns FROM statement_columns WHERE tenant_id = :tenant AND fingerprint = :fingerprint",
        tenant=scope.tenant_id,
        fingerprint=columns.fingerprint(heading),
    ).scalar()
    return columns.from_json(kept) if kept is not None else columns.ours(heading)


def keep(scope: Scope, heading: Sequence[str], said: Columns) -> None:
    """Read files with this heading so from now on. Raises BadInput for what no file could be read with."""
    checked, fingerprint = columns.checked(said, heading), columns.fingerprint(heading)
    scope.run(
        "INSERT INTO statement_columns (tenant_id, id, fingerprint, heading, columns, by) VALUES (:tenant, :id,"
        " :fingerprint, CAST(:heading AS jsonb), CAST(:columns AS jsonb), :by) ON CONFLICT (tenant_id, fingerprint)"
        " DO UPDATE SET columns = excluded.columns, by = excluded.by, updated_at = house_now()",
        tenant=scope.tenant_id,
        id=uuid7(),
        fingerprint=fingerprint,
        heading=canonical(list(heading)).decode(),
        columns=canonical(checked.to_json()).decode(),
        by=scope.actor,
    )
    audit.note(scope, "statement.columns", f"heading:{fingerprint[:12]}")


def read(scope: Scope, data: bytes, source: str) -> Sheet:
    """Read a file as its heading is read here. Raises BadInput for a heading nobody knows."""
    return statement.read(data, source, known(scope, statement.table(data).heading))
