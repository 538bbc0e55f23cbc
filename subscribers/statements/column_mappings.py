"""Column mappings of unknown statement formats: a member defines one per heading, and later files
are read with it.

A mapping can be corrected, but a file that was imported cannot be imported again with another
mapping (`bookings.import_statement`).
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import UniqueConstraint

from foundation.canonical_json import canonical_json
from foundation.db.database import Scope
from foundation.db.tables import TenantRow, jsonb_column, table_arguments
from foundation.ids import uuid7
from subscribers.statements import columns, file_reader
from subscribers.statements.columns import StatementFormat
from subscribers.statements.file_reader import StatementFile
from tenants import audit


class StatementColumns(TenantRow, table=True):
    """The column mapping of a heading, and the member who defined it."""

    __tablename__ = "statement_columns"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "fingerprint", name="statement_columns_heading"),
        about="tenant",
        keep="while the tenant exists",
    )
    fingerprint: str
    heading: list[str] = jsonb_column(list)
    columns: dict[str, Any] = jsonb_column()
    by: str


def known_format(scope: Scope, heading: Sequence[str]) -> StatementFormat | None:
    """Return the format of files with this heading: as a member defined it, or our own template.
    Return None if it is unknown."""
    kept = scope.run(
        "SELECT columns FROM statement_columns WHERE tenant_id = :tenant AND fingerprint = "
        ":fingerprint",
        tenant=scope.tenant_id,
        fingerprint=columns.heading_fingerprint(heading),
    ).scalar()
    return columns.load_format(kept) if kept is not None else columns.own_format(heading)


def store_format(scope: Scope, heading: Sequence[str], said: StatementFormat) -> None:
    """Store the format of files with this heading. Raises BadInput for an unusable format."""
    checked = columns.check_format(said, heading)
    fingerprint = columns.heading_fingerprint(heading)
    scope.run(
        "INSERT INTO statement_columns (tenant_id, id, fingerprint, heading, columns, by) VALUES "
        "(:tenant, :id,"
        " :fingerprint, CAST(:heading AS jsonb), CAST(:columns AS jsonb), :by) ON CONFLICT "
        "(tenant_id, fingerprint)"
        " DO UPDATE SET columns = excluded.columns, by = excluded.by, updated_at = house_now()",
        tenant=scope.tenant_id,
        id=uuid7(),
        fingerprint=fingerprint,
        heading=canonical_json(list(heading)).decode(),
        columns=canonical_json(checked.to_json()).decode(),
        by=scope.actor,
    )
    audit.record(scope, "statement.columns", f"heading:{fingerprint[:12]}")


def read_known_statement(scope: Scope, data: bytes, source: str) -> StatementFile:
    """Read a file in the format of its heading. Raises BadInput for an unknown heading."""
    return file_reader.read_statement(
        data, source, known_format(scope, file_reader.parse_table(data).heading)
    )
