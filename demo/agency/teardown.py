"""Removal of the demo: the rows of both agencies, their files and their accounts on the test
network, counted by table."""

import shutil
from collections.abc import Callable, Mapping, Sequence
from graphlib import TopologicalSorter
from pathlib import Path
from uuid import UUID

from sqlalchemy import Connection, create_engine, text

from demo.agency import accounting
from demo.agency.cast import DEMO_AGENCIES
from demo.agency.people import DEMO_ACTOR
from foundation.db.database import Database
from foundation.ops.settings import Settings
from foundation.storage.archive import open_archive
from foundation.storage.object_store import open_library_store, open_page_store
from gate.log import anchors
from gate.log.signed_checkpoints import LogKey
from sandbox.store import SandboxStore, delete_accounts
from tenants.auth import sessions
from tenants.scope import list_tenant_ids, scope_opener
from tenants.vault import envelope

_TABLES = """
SELECT c.relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname =
'tenant_id'
WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace AND pg_get_userbyid(c.relowner)
= current_user
  AND c.relrowsecurity ORDER BY c.relname
"""
_KEYS = """
SELECT conrelid::regclass::text AS child, confrelid::regclass::text AS parent FROM pg_constraint
WHERE contype = 'f' AND connamespace = 'public'::regnamespace AND conrelid <> confrelid
"""
CLOCK = "house_clock"
"""The one table whose rows belong to no tenant."""


def delete_rows(settings: Settings, tenants: Sequence[UUID]) -> dict[str, int]:
    """Delete every row of these tenants as the owner of the tables, under the row level security of
    each tenant.

    The roles of the processes cannot do it: ledger, log and reviews are append-only for them. Child
    tables come first.
    """
    engine = create_engine(settings.database.owner_url.get_secret_value())
    try:
        with engine.begin() as connection:
            ordered = _children_first(connection)
            counted = [_of_tenant(connection, tenant, ordered) for tenant in tenants]
    finally:
        engine.dispose()
    return _sum_counts(counted)


def _children_first(connection: Connection) -> list[str]:
    tables = [name for name in connection.execute(text(_TABLES)).scalars() if name != CLOCK]
    graph: dict[str, set[str]] = {name: set() for name in tables}
    for child, parent in connection.execute(text(_KEYS)):
        if parent in graph:
            graph[parent].add(child)
    return list(TopologicalSorter(graph).static_order())


def _of_tenant(connection: Connection, tenant: UUID, tables: Sequence[str]) -> Mapping[str, int]:
    connection.execute(
        text("SELECT set_config('app.tenant', :tenant, true)"), {"tenant": str(tenant)}
    )
    gone = {}
    for table in tables:
        # names from the catalogue
        statement = f"DELETE FROM {table} WHERE tenant_id = :tenant"  # noqa: S608  see above
        gone[table] = connection.execute(text(statement), {"tenant": tenant}).rowcount
    return gone


def sign_log_ends(settings: Settings, tenants: Sequence[UUID]) -> None:
    """Record a signed end of these tenants' logs; without it a verification would report them as
    missing."""
    master_key = envelope.parse_master_key(settings.tenants.master_key.get_secret_value())
    database = Database(settings.database.work_url.get_secret_value(), application="demo")
    try:
        for each in tenants:
            anchors.close_log(
                each,
                tenant=scope_opener(database),
                archive=open_archive(settings),
                key=LogKey.derive(master_key),
            )
    finally:
        database.close()


def delete_cross_agency_links(settings: Settings, tenants: Sequence[UUID]) -> dict[str, int]:
    """Delete the links from members of other agencies to logins of the demo; returns
    their number."""
    database = Database(settings.database.work_url.get_secret_value(), application="demo")
    tenant = scope_opener(database)
    count = 0
    try:
        for staying in set(list_tenant_ids(tenant)) - set(tenants):
            with tenant(staying, DEMO_ACTOR) as scope:
                count += sessions.unlink_logins(scope, tenants)
    finally:
        database.close()
    return {"login_ties.elsewhere": count} if count else {}


def delete_files(settings: Settings, tenants: Sequence[UUID]) -> dict[str, int]:
    """Delete the objects, published page files and reports of these tenants; returns the number of
    files by kind."""
    gone: dict[str, Callable[[UUID], int]] = {
        "objects": open_library_store(settings).delete_all,
        "page_files": open_page_store(settings).delete_all,
        "reports": lambda tenant: _delete_tree(settings.home / "reports" / str(tenant)),
    }
    counted = {name: sum(map(clear, tenants)) for name, clear in gone.items()}
    counted["statements_to_import"] = _delete_tree(accounting.demo_files_folder(settings))
    return {name: count for name, count in counted.items() if count}


def _delete_tree(folder: Path) -> int:
    count = sum(path.is_file() for path in folder.rglob("*"))
    shutil.rmtree(folder, ignore_errors=True)
    return count


def delete_sandbox_accounts(settings: Settings) -> dict[str, int]:
    """Delete the demo's accounts on the test network, with their posts, chats and test money."""
    file = settings.home / "sandbox.sqlite"
    if not file.exists():
        return {}
    store = SandboxStore(file)
    try:
        names = [
            account.account
            for company in DEMO_AGENCIES
            for part in company.creators
            for account in part.accounts
        ]
        return {f"sandbox.{table}": count for table, count in delete_accounts(store, names).items()}
    finally:
        store.close()


def _sum_counts(counted: Sequence[Mapping[str, int]]) -> dict[str, int]:
    sums: dict[str, int] = {}
    for one in counted:
        for table, count in one.items():
            if count:
                sums[table] = sums.get(table, 0) + count
    return dict(sorted(sums.items()))
