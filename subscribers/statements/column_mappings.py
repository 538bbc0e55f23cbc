"""How an agency reads statements with headings that are not ours: a member says it once, each file
after it is read so.

What was said may be corrected; a file that was brought in is not read another way
(`statements.bring_in`).
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
    """What the columns under one heading are, and who said so."""

    __tablename__ = "statement_columns"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "fingerprint", name="statement_columns_heading"),
        about="tenant",
        keep="while the tenant is here",
    )
    fingerprint: str
    heading: list[str] = jsonb_column(list)
    columns: dict[str, Any] = jsonb_column()
    by: str


def known_format(scope: Scope, heading: Sequence[str]) -> StatementFormat | None:
    """How files with this heading are read: as a member said, or as our own template; None where
    nobody knows."""
    kept = scope.run(
        "SELECT columns FROM statement_columns WHERE tenant_id = :tenant AND fingerprint = "
        ":fingerprint",
        tenant=scope.tenant_id,
        fingerprint=columns.heading_fingerprint(heading),
    ).scalar()
    return columns.load_format(kept) if kept is not None else columns.own_format(heading)


def store_format(scope: Scope, heading: Sequence[str], said: StatementFormat) -> None:
    """Read files with this heading so from now on. Raises BadInput for what no file could be read
    with."""
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
    """Read a file as its heading is read here. Raises BadInput for a heading nobody knows."""
    return file_reader.read_statement(
        data, source, known_format(scope, file_reader.parse_table(data).heading)
    )
