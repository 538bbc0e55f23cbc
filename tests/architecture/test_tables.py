"""Tenancy of every table: declarations of the models, schema of the migrations, and isolation from
a second tenant."""

import importlib
from collections.abc import Callable, Iterator

import grimp
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, Engine, Table, create_engine, text
from sqlalchemy.exc import DBAPIError, IntegrityError, ProgrammingError
from sqlmodel import SQLModel

from foundation.db.tables import CreatorOwnedRow, TenantRow
from tests.architecture import schema
from tests.architecture.tree import PACKAGES, ROOT, product
from tests.conftest import Cluster

A = "0198c0de-0000-7000-8000-00000000000a"
B = "0198c0de-0000-7000-8000-00000000000b"
ROW = "0198c0de-0000-7000-8000-000000000001"
OTHER_ROW = "0198c0de-0000-7000-8000-000000000002"
ABOUT = {"fan", "creator", "member", "person", "tenant", "none"}


def package_of_tables() -> dict[str, str]:
    """Map each table to the package that declares it; import every module with a table."""
    found = {}
    for source in product():
        if "table=True" in source.text:
            name = source.path.removesuffix(".py").replace("/", ".")
            for value in vars(importlib.import_module(name)).values():
                declared = getattr(value, "__table__", None)
                if isinstance(declared, Table) and value.__module__ == name:
                    found[declared.name] = source.package
    return found


PACKAGE_OF = package_of_tables()
MODULE_OF = {
    mapper.local_table.name: mapper.class_.__module__
    for mapper in SQLModel._sa_registry.mappers
    if isinstance(mapper.local_table, Table)
}
MODELS = [pytest.param(table, id=name) for name, table in sorted(SQLModel.metadata.tables.items())]


def test_module_of_a_table_imports_the_tables_of_its_foreign_keys() -> None:
    """A process may import one module and write its rows, so the referenced tables must be imported
    too."""
    graph = grimp.build_graph(*PACKAGES, cache_dir=None)
    keys = [
        (MODULE_OF[table.name], MODULE_OF[key.column.table.name])
        for table in SQLModel.metadata.tables.values()
        for key in table.foreign_keys
    ]
    assert keys
    apart = {
        (by, to) for by, to in keys if by != to and not graph.chain_exists(importer=by, imported=to)
    }
    assert not apart


@pytest.fixture(scope="module")
def superuser(cluster: Cluster) -> Iterator[Engine]:
    engine = create_engine(cluster.url("postgres", "house"))
    yield engine
    engine.dispose()


@pytest.fixture
def connection(superuser: Engine) -> Iterator[Connection]:
    """Connect to the migrated database as superuser. Changes of a test are rolled back."""
    with superuser.connect() as opened:
        yield opened
        opened.rollback()


@pytest.fixture
def strangers(connection: Connection) -> Connection:
    """Insert one row of tenant A into every table, with checks dropped and triggers disabled so
    that any row is valid."""
    checks = connection.execute(
        text(
            "SELECT conrelid::regclass::text, conname FROM pg_constraint"
            " WHERE contype = 'c' AND connamespace = 'public'::regnamespace"
        )
    ).all()
    for table, name in checks:
        connection.exec_driver_sql(f'ALTER TABLE {table} DROP CONSTRAINT "{name}"')
    connection.exec_driver_sql("SET LOCAL session_replication_role = replica")
    for table in schema.tables(connection):
        schema.fill(connection, table, tenant_id=A, id=ROW)
    return connection


def as_tenant(connection: Connection, role: str, tenant: str) -> None:
    connection.execute(
        text("SELECT set_config('role', :role, true), set_config('app.tenant', :tenant, true)"),
        {"role": role, "tenant": tenant},
    )


@pytest.mark.parametrize("table", MODELS)
def test_model_declares_its_subject_and_retention(table: Table) -> None:
    assert table.info.get("about") in ABOUT
    assert table.info.get("keep")
    assert PACKAGE_OF[table.name] in PACKAGES


@pytest.mark.parametrize("table", MODELS)
def test_model_is_a_tenant_row(table: Table) -> None:
    model = next(
        mapper.class_ for mapper in SQLModel._sa_registry.mappers if mapper.local_table is table
    )
    assert issubclass(model, TenantRow)
    assert (
        issubclass(model, CreatorOwnedRow)
        or "creator_id" not in table.c
        or table.c.creator_id.nullable
        or PACKAGE_OF[table.name] in {"tenants", "gate"}
    ), "a model with a creator_id must be a CreatorOwnedRow"


@pytest.mark.parametrize("check", schema.CHECKS, ids=lambda check: check.__name__)
def test_database_keeps_tenants_apart(
    connection: Connection, check: Callable[[Connection], list[str]]
) -> None:
    assert schema.tables(connection), "no table to check"
    found = check(connection)
    assert not found, "\n".join(found)


PLANTED = {
    "without_forced_policy": "CREATE TABLE planted (tenant_id uuid, id uuid, PRIMARY KEY "
    "(tenant_id, id))",
    "open_policies": "CREATE TABLE planted (tenant_id uuid); CREATE POLICY open ON planted TO app "
    "USING (true)",
    "other_primary_keys": "CREATE TABLE planted (tenant_id uuid, id uuid PRIMARY KEY)",
    "loose_uniques": "CREATE TABLE planted (tenant_id uuid, slug text UNIQUE)",
    "loose_foreign_keys": "CREATE TABLE planted (id uuid PRIMARY KEY, other uuid REFERENCES "
    "planted (id))",
}


@pytest.mark.parametrize("check", schema.CHECKS, ids=lambda check: check.__name__)
def test_planted_table_is_found(
    connection: Connection, check: Callable[[Connection], list[str]]
) -> None:
    connection.exec_driver_sql(PLANTED[check.__name__])
    assert any("planted" in finding for finding in check(connection))


def test_models_and_migrations_agree(connection: Connection) -> None:
    context = MigrationContext.configure(
        connection, opts={"include_name": lambda name, *_: name not in schema.EXEMPT}
    )
    found = []
    for difference in compare_metadata(context, SQLModel.metadata):
        change = difference[0] if isinstance(difference[0], tuple) else difference
        if change[0] in {"remove_index", "add_index", "remove_constraint"}:
            continue  # indexes for speed exist only in migrations; uniques are compared below
        if change[0] == "remove_fk" and _crosses_packages(change[1]):
            continue
        found.append(str(change))
    assert not found, "\n".join(found)


def _crosses_packages(key: object) -> bool:
    # `key` is a ForeignKeyConstraint
    child, parent = key.parent.name, key.referred_table.name  # type: ignore[attr-defined]  # see above
    return PACKAGE_OF.get(child) != PACKAGE_OF.get(parent)


def test_uniques_of_the_models_are_in_the_database(connection: Connection) -> None:
    inside = {
        (table, frozenset(columns))
        for table, columns in connection.execute(
            text(
                "SELECT indrelid::regclass::text, array_agg(attname::text) FROM pg_index JOIN "
                "pg_attribute"
                " ON attrelid = indrelid AND attnum = ANY (indkey) WHERE indisunique GROUP BY "
                "indexrelid, indrelid"
            )
        )
    }
    declared = {
        (table.name, frozenset(column.name for column in constraint.columns))
        for table in SQLModel.metadata.tables.values()
        for constraint in table.constraints
        if type(constraint).__name__ == "UniqueConstraint"
    }
    assert not declared - inside, declared - inside


def test_keys_between_packages_point_downwards(connection: Connection) -> None:
    wrong = [
        f"{key.name}: {key.child} → {key.parent}"
        for key in schema.foreign_keys(connection)
        if PACKAGES.index(PACKAGE_OF.get(key.child, PACKAGES[0]))
        < PACKAGES.index(PACKAGE_OF.get(key.parent, PACKAGES[0]))
    ]
    assert not wrong, wrong


@pytest.mark.parametrize("role", ["app", "gate"])
def test_second_tenant_cannot_read_change_or_add_rows(strangers: Connection, role: str) -> None:
    names = schema.tables(strangers)
    as_tenant(strangers, role, B)
    breaches = []
    for table in names:
        for statement in (
            f"SELECT 1 FROM {table} WHERE tenant_id = '{A}'",
            f"UPDATE {table} SET tenant_id = '{B}' WHERE tenant_id = '{A}'",
            f"DELETE FROM {table} WHERE tenant_id = '{A}'",
            f"INSERT INTO {table} (tenant_id, id) VALUES ('{A}', '{B}')",
        ):
            if not _refused_or_empty(strangers, statement):
                breaches.append(statement)
    assert not breaches, "\n".join(breaches)


def _refused_or_empty(connection: Connection, statement: str) -> bool:
    """Return True if a statement affects no row: no row is visible, the role lacks the privilege,
    or the policy refuses."""
    savepoint = connection.begin_nested()
    try:
        return connection.exec_driver_sql(statement).rowcount == 0
    except ProgrammingError as error:  # 42501: no privilege, or row-level security
        return getattr(error.orig, "sqlstate", "") == "42501"
    except IntegrityError:
        return False  # a constraint was reached, so the policy had allowed the row
    finally:
        savepoint.rollback()


def test_owning_tenant_reads_its_rows(strangers: Connection) -> None:
    """The twin of the test above, which would pass on empty tables without it."""
    names = schema.tables(strangers)
    as_tenant(strangers, "app", A)
    unseen = []
    for table in names:
        savepoint = strangers.begin_nested()
        try:
            if not strangers.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar():
                unseen.append(table)
        except ProgrammingError:
            pass  # a table that `app` may not read
        finally:
            savepoint.rollback()
    assert not unseen


def test_planted_table_without_policy_is_read_by_another_tenant(strangers: Connection) -> None:
    strangers.exec_driver_sql(
        "CREATE TABLE planted (tenant_id uuid, id uuid); GRANT ALL ON planted TO app"
    )
    schema.fill(strangers, "planted", tenant_id=A, id=ROW)
    as_tenant(strangers, "app", B)
    assert not _refused_or_empty(strangers, f"SELECT 1 FROM planted WHERE tenant_id = '{A}'")


def keys_to_strangers(connection: Connection) -> list[str]:
    """Return the foreign keys that let a row of tenant B refer to a row of tenant A. Each is tried
    with the other foreign keys of its table dropped."""
    keys = schema.foreign_keys(connection)
    connection.exec_driver_sql("SET LOCAL session_replication_role = origin")
    passed = []
    for key in keys:
        savepoint = connection.begin_nested()
        reference = {column: ROW for column in key.columns} | {"tenant_id": B, "id": OTHER_ROW}
        try:
            for other in keys:
                if other.child == key.child and other != key:
                    connection.exec_driver_sql(
                        f'ALTER TABLE {key.child} DROP CONSTRAINT "{other.name}"'
                    )
            schema.fill(connection, key.child, **reference)
            connection.exec_driver_sql("SET CONSTRAINTS ALL IMMEDIATE")
            passed.append(key.name)
        except DBAPIError as error:
            if getattr(error.orig, "sqlstate", "") != "23503":
                passed.append(f"{key.name}: {error.orig}")
        finally:
            savepoint.rollback()
    return passed


def test_no_key_reaches_another_tenants_row(strangers: Connection) -> None:
    assert len(schema.foreign_keys(strangers)) > 20
    passed = keys_to_strangers(strangers)
    assert not passed, "\n".join(passed)


def test_planted_key_on_a_bare_id_reaches_another_tenant(strangers: Connection) -> None:
    strangers.exec_driver_sql(
        "CREATE TABLE planted (tenant_id uuid, id uuid PRIMARY KEY);"
        "CREATE TABLE child (tenant_id uuid, id uuid, planted_id uuid CONSTRAINT loose REFERENCES "
        "planted (id))"
    )
    schema.fill(strangers, "planted", tenant_id=A, id=ROW)
    assert keys_to_strangers(strangers) == ["loose"]


@pytest.mark.parametrize("login", ["greenroom_work", "greenroom_pages"])
def test_query_outside_a_scope_is_refused(
    cluster: Cluster, connection: Connection, login: str
) -> None:
    engine = create_engine(cluster.url(login, "house"))
    with engine.connect() as own:
        for table in schema.tables(connection):
            with pytest.raises(ProgrammingError, match="permission denied"):
                own.exec_driver_sql(f"SELECT 1 FROM {table}")
            own.rollback()
    engine.dispose()


def test_logins_have_only_the_roles_they_need(connection: Connection) -> None:
    rows = connection.execute(
        text(
            "SELECT l.rolname, l.rolsuper OR l.rolbypassrls OR l.rolinherit, "
            "array_agg(r.rolname::text)"
            " FROM pg_auth_members JOIN pg_roles l ON l.oid = member JOIN pg_roles r ON r.oid = "
            "roleid"
            " WHERE l.rolname LIKE 'greenroom%' GROUP BY 1, 2"
        )
    ).all()
    held = {login: set(roles) for login, _, roles in rows}
    assert not any(too_much for _, too_much, _ in rows)
    assert held["greenroom_pages"] == {"app", "door"}, (
        "web processes are not members of gate or relay"
    )


def test_every_migration_is_in_one_chain() -> None:
    files = sorted(path.stem for path in (ROOT / "migrations/versions").glob("0*.py"))
    modules = [importlib.import_module(f"migrations.versions.{name}") for name in files]
    assert [module.down_revision for module in modules] == [
        None,
        *(module.revision for module in modules[:-1]),
    ]
