"""Helpers of migrations: columns, and tables with tenant, row-level security and grants."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB, UUID

TENANT = "tenant_id = nullif(current_setting('app.tenant', true), '')::uuid"


def uuid_column(name: str, *, nullable: bool = False) -> sa.Column:
    """A UUID column."""
    return sa.Column(name, UUID(as_uuid=True), nullable=nullable)


def instant(name: str, *, nullable: bool = False) -> sa.Column:
    """A `timestamptz` column."""
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def jsonb(name: str, *, nullable: bool = False) -> sa.Column:
    """A `jsonb` column."""
    return sa.Column(name, JSONB(none_as_null=True), nullable=nullable)


def text(name: str, *, nullable: bool = False) -> sa.Column:
    """A text column, like SQLModel's for `str`."""
    return sa.Column(name, sa.String(), nullable=nullable)


def number(name: str, *, nullable: bool = False, big: bool = False) -> sa.Column:
    """An integer column."""
    return sa.Column(name, sa.BigInteger() if big else sa.Integer(), nullable=nullable)


def flag(name: str, *, nullable: bool = False) -> sa.Column:
    """A boolean column."""
    return sa.Column(name, sa.Boolean(), nullable=nullable)


def inside(column: str, table: str) -> sa.ForeignKeyConstraint:
    """A foreign key to another table of the same tenant: `(tenant_id, column) → table (tenant_id,
    id)`."""
    return sa.ForeignKeyConstraint(["tenant_id", column], [f"{table}.tenant_id", f"{table}.id"])


def unique(name: str, *columns: str) -> sa.UniqueConstraint:
    """A unique constraint that starts with the tenant."""
    return sa.UniqueConstraint("tenant_id", *columns, name=name)


def tenant_table(
    name: str,
    *parts: sa.schema.SchemaItem,
    write: Sequence[str] = ("app",),
    append_only: bool = False,
) -> None:
    """Create a table with tenant, ID and timestamps, force its row-level security, and grant
    privileges.

    `write` are the roles that may insert, update and delete; every role of a tenant's transaction
    may read. With `append_only` the writers may only insert.
    """
    op.create_table(
        name,
        uuid_column("tenant_id"),
        uuid_column("id"),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.func.house_now(),
            nullable=True,
        ),
        sa.Column(
            "updated_at",
            sa.DateTime(timezone=True),
            server_default=sa.func.house_now(),
            nullable=True,
        ),
        *parts,
        sa.PrimaryKeyConstraint("tenant_id", "id"),
    )
    isolate(name, write=write, append_only=append_only)


def isolate(name: str, *, write: Sequence[str], append_only: bool = False) -> None:
    """Force row-level security on a table and grant privileges to its roles."""
    op.execute(f"ALTER TABLE {name} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {name} FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY tenant ON {name} USING ({TENANT}) WITH CHECK ({TENANT})")
    op.execute(f"GRANT SELECT ON {name} TO app, gate, relay, auditor")
    rights = "INSERT" if append_only else "INSERT, UPDATE, DELETE"
    for role in write:
        op.execute(f"GRANT SELECT, {rights} ON {name} TO {role}")


def may_end(
    table: str, period: str, *, since: str = "created_at", clock: str = "house_now"
) -> None:
    """Allow the gate to delete rows of an append-only table after `period` has passed since the
    column `since`."""
    op.execute(f"GRANT DELETE ON {table} TO gate")
    op.execute(
        f"CREATE POLICY kept_for_so_long ON {table} AS RESTRICTIVE FOR DELETE TO gate"
        f" USING ({since} < {clock}() - interval '{period}')"
    )


def may_not_end(table: str) -> None:
    """Undo `may_end`."""
    op.execute(f"DROP POLICY kept_for_so_long ON {table}")
    op.execute(f"REVOKE DELETE ON {table} FROM gate")


def audit_table(table: str, values: str = "") -> None:
    """Record changes of a table by members in `audit_changes`, in the transaction of the change.

    `values` are the columns whose values are stored before and after, separated by spaces. Of all
    other columns only the fact that one has changed is stored, so list no secrets, no texts of
    messages and no personal data of fans.
    """
    rows = {"insert": "NEW TABLE AS new_rows", "delete": "OLD TABLE AS old_rows"}
    rows["update"] = f"{rows['delete']} {rows['insert']}"
    arguments = ", ".join(f"'{column}'" for column in values.split())
    for change, transition in rows.items():
        op.execute(
            f"CREATE TRIGGER audit_{change} AFTER {change} ON {table} REFERENCING {transition}"
            " FOR EACH STATEMENT"
            " WHEN (current_setting('app.actor', true) ~ '^(member|guest):|^system:terminal$')"
            f" EXECUTE FUNCTION record_changes({arguments})"
        )


def stop_auditing(table: str) -> None:
    """Undo `audit_table`."""
    for change in ("insert", "update", "delete"):
        op.execute(f"DROP TRIGGER audit_{change} ON {table}")
