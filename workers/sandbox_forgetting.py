"""Taking an account off the sandbox with all that it holds."""

from collections.abc import Sequence

from workers.sandbox_store import Store


def forget(store: Store, accounts: Sequence[str]) -> dict[str, int]:
    """Delete accounts and everything of theirs; returns how many rows of each table went. Safe to repeat."""
    tables = [row["name"] for row in store.rows("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")]
    gone: dict[str, int] = {}
    with store.writing():
        for table in tables:
            columns = {row["name"] for row in store.rows(f"PRAGMA table_info({table})")}
            key = "account" if "account" in columns else "name" if table == "accounts" else ""
            if key:
                gone[table] = sum(_delete(store, table, key, account) for account in accounts)
    return {table: count for table, count in gone.items() if count}


def _delete(store: Store, table: str, key: str, account: str) -> int:
    before = store.rows(f"SELECT count(*) AS n FROM {table} WHERE {key} = ?", account)[0]["n"]  # noqa: S608  names of its own schema
    store.run(f"DELETE FROM {table} WHERE {key} = ?", account)  # noqa: S608  names of its own schema
    return int(before)
