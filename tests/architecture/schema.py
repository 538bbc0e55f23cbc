"""Checks of every table against PostgreSQL's catalogue. Each check returns its findings."""

from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import Connection, text

EXEMPT = {
    "alembic_version": "the migrations that ran; written only by the owner",
    "house_clock": "one row for all tenants: the shift of the installation's clock",
}
"""Tables that belong to no tenant, each with its reason."""

ALL_ROWS = {"relay", "door", "auditor", "greenroom_owner"}
"""Roles that work across tenants. Only they may have a policy without a condition."""


@dataclass(frozen=True)
class ForeignKey:
    """A foreign key from `child` to `parent`, with its columns in order."""

    name: str
    child: str
    columns: tuple[str, ...]
    parent: str
    referenced: tuple[str, ...]


def tables(connection: Connection) -> list[str]:
    """Return the names of all tables except the exempt ones, sorted."""
    names = connection.execute(
        text(
            "SELECT relname FROM pg_class WHERE relkind IN ('r', 'p') AND relnamespace = "
            "'public'::regnamespace"
        )
    ).scalars()
    return sorted(set(names) - set(EXEMPT))


def foreign_keys(connection: Connection) -> list[ForeignKey]:
    """Return every foreign key, ordered by name and table."""
    columns = (
        "(SELECT array_agg(attname::text ORDER BY place) FROM unnest({numbers}) WITH ORDINALITY "
        "AS n (number, place)"
        " JOIN pg_attribute ON attrelid = {table} AND attnum = number)"
    )
    rows = connection.execute(
        text(
            "SELECT conname, conrelid::regclass::text, "
            f"{columns.format(numbers='conkey', table='conrelid')},"
            f" confrelid::regclass::text, {columns.format(numbers='confkey', table='confrelid')}"
            " FROM pg_constraint WHERE contype = 'f' AND connamespace = 'public'::regnamespace "
            "ORDER BY 1, 2"
        )
    )
    return [
        ForeignKey(name, child, tuple(own), parent, tuple(other))
        for name, child, own, parent, other in rows
    ]


def without_forced_policy(connection: Connection) -> list[str]:
    """Return the tables without row-level security by tenant that is forced for every role, the
    owner included."""
    rows = connection.execute(
        text(
            "SELECT relname, relrowsecurity, relforcerowsecurity, EXISTS (SELECT FROM pg_policy "
            "WHERE polrelid = c.oid"
            " AND pg_get_expr(polqual, polrelid) LIKE '%app.tenant%') FROM pg_class c"
            " WHERE relkind IN ('r', 'p') AND relnamespace = 'public'::regnamespace"
        )
    )
    return [
        f"{name}: enabled={enabled} forced={forced} policy={policy}"
        for name, enabled, forced, policy in rows
        if name not in EXEMPT and not (enabled and forced and policy)
    ]


def open_policies(connection: Connection) -> list[str]:
    """Return the policies that let a tenant's role read or write rows regardless of their tenant."""
    rows = connection.execute(
        text(
            "SELECT tablename, policyname, roles::text[], qual, with_check FROM pg_policies WHERE "
            "schemaname = 'public'"
        )
    )
    return [
        f"{table}.{policy} for {roles}: {qual} / {check}"
        for table, policy, roles, qual, check in rows
        if table not in EXEMPT and "true" in (qual, check) and not set(roles) <= ALL_ROWS
    ]


def other_primary_keys(connection: Connection) -> list[str]:
    """Return the tables whose primary key is not exactly (tenant_id, ID), both uuid."""
    found = []
    for table in tables(connection):
        key = connection.execute(
            text(
                "SELECT attname::text, format_type(atttypid, atttypmod) FROM pg_index JOIN "
                "pg_attribute"
                " ON attrelid = indrelid AND attnum = ANY (indkey) WHERE indrelid = CAST(:table "
                "AS regclass)"
                " AND indisprimary ORDER BY array_position(indkey::int2[], attnum)"
            ),
            {"table": table},
        ).all()
        if [tuple(column) for column in key] != [("tenant_id", "uuid"), ("id", "uuid")]:
            found.append(f"{table}: {key}")
    return found


ACROSS_TENANTS = frozenset({"channels_held"})
"""Unique indexes that deliberately span tenants: `channels_held` reserves a platform account for
the tenant that proved ownership by signing in."""


def loose_uniques(connection: Connection) -> list[str]:
    """Return the unique indexes that do not start with the tenant. They would refuse a value
    because another tenant uses it."""
    rows = connection.execute(
        text(
            "SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid, 1, true), "
            "indrelid::regclass::text"
            " FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid"
            " WHERE indisunique AND relnamespace = 'public'::regnamespace"
        )
    )
    return [
        f"{name} on {table}: {first}"
        for name, first, table in rows
        if table not in EXEMPT and name not in ACROSS_TENANTS and first != "tenant_id"
    ]


def loose_foreign_keys(connection: Connection) -> list[str]:
    """Return the foreign keys by which a row could refer to a row of another tenant."""
    return [
        f"{key.name}: {key.child}{key.columns} → {key.parent}{key.referenced}"
        for key in foreign_keys(connection)
        if key.columns[0] != "tenant_id" or key.referenced[0] != "tenant_id"
    ]


CHECKS: tuple[Callable[[Connection], list[str]], ...] = (
    without_forced_policy,
    open_policies,
    other_primary_keys,
    loose_uniques,
    loose_foreign_keys,
)


def fill(connection: Connection, table: str, **given: str) -> None:
    """Insert a row of made-up values, except for those `given`. Drop the checks and disable the
    triggers first."""
    columns = connection.execute(
        text(
            "SELECT attname::text, format_type(atttypid, NULL) FROM pg_attribute"
            " WHERE attrelid = CAST(:table AS regclass) AND attnum > 0 AND NOT attisdropped AND "
            "attgenerated = ''"
        ),
        {"table": table},
    )
    made = {name: _literal(kind) for name, kind in columns}
    made |= {name: f"'{value}'" for name, value in given.items()}
    connection.exec_driver_sql(
        f"INSERT INTO {table} ({', '.join(made)}) VALUES ({', '.join(made.values())})"
    )


def _literal(kind: str) -> str:
    """Return an SQL literal of a type, always the same."""
    if kind.endswith("[]"):
        return f"'{{}}'::{kind}"
    values = {
        "uuid": "'00000000-0000-7000-8000-0000000000ff'",
        "timestamp with time zone": "house_now()",
        "date": "house_now()::date",
        "time without time zone": "'10:00'",
        "interval": "interval '1 hour'",
        "jsonb": "'{}'",
        "boolean": "false",
        "bytea": "'\\x00'",
        "text": "'x'",
        "character varying": "'x'",
        "double precision": "0",
        "real": "0",
    }
    return values.get(kind, "1")
