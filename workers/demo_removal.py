"""Removing the demo: every row of both agencies, their files, their sandbox accounts; counted table by table."""

import shutil
from collections.abc import Callable, Mapping, Sequence
from graphlib import TopologicalSorter
from pathlib import Path
from uuid import UUID

from sqlalchemy import Connection, create_engine, text

from foundation.archive import archive
from foundation.database import Database
from foundation.settings import Settings
from foundation.storage import library, page_copies
from gate import anchoring
from gate.checkpoints import LogKey
from tenants import login, vault
from tenants.scope import all_tenants, opener
from workers import demo_books, sandbox_forgetting
from workers.demo_cast import COMPANIES
from workers.demo_people import SEEDING
from workers.sandbox_store import Store

_TABLES = """
SELECT c.relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'tenant_id'
WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace AND pg_get_userbyid(c.relowner) = current_user
  AND c.relrowsecurity ORDER BY c.relname
"""
_KEYS = """
SELECT conrelid::regclass::text AS child, confrelid::regclass::text AS parent FROM pg_constraint
WHERE contype = 'f' AND connamespace = 'public'::regnamespace AND conrelid <> confrelid
"""
CLOCK = "house_clock"
"""The one table of the house whose rows are no tenant's."""


def rows(settings: Settings, tenants: Sequence[UUID]) -> dict[str, int]:
    """Delete every row of these tenants as the owner of the tables, the policy of each tenant in force.

    The rooms' own roles may not: ledger, log and reviews are append-only for them. Children go before parents.
    """
    engine = create_engine(settings.database.owner_url.get_secret_value())
    try:
        with engine.begin() as connection:
            ordered = _children_first(connection)
            counted = [_of_tenant(connection, tenant, ordered) for tenant in tenants]
    finally:
        engine.dispose()
    return _summed(counted)


def _children_first(connection: Connection) -> list[str]:
    tables = [name for name in connection.execute(text(_TABLES)).scalars() if name != CLOCK]
    graph: dict[str, set[str]] = {name: set() for name in tables}
    for child, parent in connection.execute(text(_KEYS)):
        if parent in graph:
            graph[parent].add(child)
    return list(TopologicalSorter(graph).static_order())


def _of_tenant(connection: Connection, tenant: UUID, tables: Sequence[str]) -> Mapping[str, int]:
    connection.execute(text("SELECT set_config('app.tenant', :tenant, true)"), {"tenant": str(tenant)})
    gone = {}
    for table in tables:
        statement = f"DELETE FROM {table} WHERE tenant_id = :tenant"  # noqa: S608  names from the catalogue
        gone[table] = connection.execute(text(statement), {"tenant": tenant}).rowcount
    return gone


def logs(settings: Settings, tenants: Sequence[UUID]) -> None:
    """Keep a signed word that the logs of these tenants end here: else they would be missed by whoever verifies."""
    master_key = vault.master(settings.tenants.master_key.get_secret_value())
    database = Database(settings.database.work_url.get_secret_value(), application="demo")
    try:
        for each in tenants:
            anchoring.close_log(
                each, tenant=opener(database), archive=archive(settings), key=LogKey.derived(master_key)
            )
    finally:
        database.close()


def ties(settings: Settings, tenants: Sequence[UUID]) -> dict[str, int]:
    """Forget, in the agencies that stay, that somebody of theirs also had a login of the demo; returns how many."""
    database = Database(settings.database.work_url.get_secret_value(), application="demo")
    tenant, count = opener(database), 0
    try:
        for staying in set(all_tenants(tenant)) - set(tenants):
            with tenant(staying, SEEDING) as scope:
                count += login.untie(scope, tenants)
    finally:
        database.close()
    return {"login_ties.elsewhere": count} if count else {}


def files(settings: Settings, tenants: Sequence[UUID]) -> dict[str, int]:
    """Delete the objects of these tenants, their pages' copies and their reports; returns how many files went."""
    gone: dict[str, Callable[[UUID], int]] = {
        "objects": library(settings).clear,
        "page_files": page_copies(settings).clear,
        "reports": lambda tenant: _tree(settings.home / "reports" / str(tenant)),
    }
    counted = {name: sum(map(clear, tenants)) for name, clear in gone.items()}
    counted["statements_to_import"] = _tree(demo_books.folder(settings))
    return {name: count for name, count in counted.items() if count}


def _tree(folder: Path) -> int:
    count = sum(path.is_file() for path in folder.rglob("*"))
    shutil.rmtree(folder, ignore_errors=True)
    return count


def accounts(settings: Settings) -> dict[str, int]:
    """Delete the demo's accounts on the sandbox, with their posts, chats and test money."""
    file = settings.home / "sandbox.sqlite"
    if not file.exists():
        return {}
    store = Store(file)
    try:
        names = [account.account for company in COMPANIES for part in company.parts for account in part.accounts]
        return {f"sandbox.{table}": count for table, count in sandbox_forgetting.forget(store, names).items()}
    finally:
        store.close()


def _summed(counted: Sequence[Mapping[str, int]]) -> dict[str, int]:
    sums: dict[str, int] = {}
    for one in counted:
        for table, count in one.items():
            if count:
                sums[table] = sums.get(table, 0) + count
    return dict(sorted(sums.items()))
