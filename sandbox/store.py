"""The store of the sandbox in SQLite: accounts, files, posts, chats and updates. Accepted data
survive a killed process."""

import json
import secrets
import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from foundation.ops.clock import wall_now

_SCHEMA = """
CREATE TABLE IF NOT EXISTS accounts (
    name TEXT PRIMARY KEY, title TEXT NOT NULL, token TEXT NOT NULL, native_key INTEGER NOT NULL,
    chat_lookup INTEGER NOT NULL, state TEXT NOT NULL, created_at TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS files (
    account TEXT NOT NULL, sha256 TEXT NOT NULL, mime TEXT NOT NULL, size INTEGER NOT NULL, body \
BLOB NOT NULL,
    PRIMARY KEY (account, sha256));
CREATE TABLE IF NOT EXISTS posts (
    id INTEGER PRIMARY KEY AUTOINCREMENT, account TEXT NOT NULL, key TEXT NOT NULL, surface TEXT \
NOT NULL,
    title TEXT NOT NULL, content TEXT NOT NULL, views INTEGER NOT NULL DEFAULT 0,
    created_at TEXT NOT NULL, deleted_at TEXT);
CREATE INDEX IF NOT EXISTS posts_by_key ON posts (account, key);
CREATE TABLE IF NOT EXISTS fans (
    account TEXT NOT NULL, name TEXT NOT NULL, handle TEXT NOT NULL, language TEXT NOT NULL,
    age TEXT NOT NULL DEFAULT '', PRIMARY KEY (account, name));
CREATE TABLE IF NOT EXISTS followers (account TEXT PRIMARY KEY, many INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS remarks (
    id INTEGER PRIMARY KEY AUTOINCREMENT, account TEXT NOT NULL, post TEXT NOT NULL, fan TEXT NOT \
NULL,
    text TEXT NOT NULL, state TEXT NOT NULL, reported INTEGER NOT NULL DEFAULT 0, at TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS remarks_by_account ON remarks (account, id);
CREATE TABLE IF NOT EXISTS likes (account TEXT NOT NULL, remark INTEGER NOT NULL, PRIMARY KEY \
(account, remark));
CREATE TABLE IF NOT EXISTS kept_away (account TEXT NOT NULL, fan TEXT NOT NULL, PRIMARY KEY \
(account, fan));
CREATE TABLE IF NOT EXISTS messages (
    id INTEGER PRIMARY KEY AUTOINCREMENT, account TEXT NOT NULL, fan TEXT NOT NULL, author TEXT \
NOT NULL,
    key TEXT NOT NULL, content TEXT NOT NULL, created_at TEXT NOT NULL, deleted_at TEXT);
CREATE INDEX IF NOT EXISTS messages_by_chat ON messages (account, fan, id);
CREATE TABLE IF NOT EXISTS updates (
    id INTEGER PRIMARY KEY AUTOINCREMENT, account TEXT NOT NULL, type TEXT NOT NULL, fan TEXT NOT \
NULL,
    body TEXT NOT NULL, at TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS updates_by_account ON updates (account, id);
CREATE TABLE IF NOT EXISTS checkouts (
    id TEXT PRIMARY KEY, account TEXT NOT NULL, fan TEXT NOT NULL, message_id INTEGER NOT NULL, \
payload TEXT NOT NULL,
    amount INTEGER NOT NULL, currency TEXT NOT NULL, state TEXT NOT NULL, text TEXT NOT NULL \
DEFAULT '',
    charge_id TEXT NOT NULL DEFAULT '', at TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS transactions (
    id INTEGER PRIMARY KEY AUTOINCREMENT, account TEXT NOT NULL, fan TEXT NOT NULL, charge_id \
TEXT NOT NULL,
    direction TEXT NOT NULL, amount INTEGER NOT NULL, currency TEXT NOT NULL, payload TEXT NOT \
NULL, at TEXT NOT NULL,
    UNIQUE (account, charge_id, direction));
CREATE TABLE IF NOT EXISTS scripts (
    id INTEGER PRIMARY KEY AUTOINCREMENT, account TEXT NOT NULL, fan TEXT NOT NULL, steps TEXT \
NOT NULL,
    position INTEGER NOT NULL DEFAULT 0, seen INTEGER NOT NULL DEFAULT 0, ready_at TEXT NOT NULL);
"""


MAX_FOLLOWERS = 10**9
_PLAIN_MESSAGE: Mapping[str, Any] = {
    "media": (),
    "buttons": (),
    "invoice": None,
    "adult": False,
    "ai": False,
    "service": "",
}


class SandboxRefusal(Exception):
    """A refused request: an HTTP status and an error code."""

    def __init__(self, status: int, error: str, **more: object) -> None:
        super().__init__(error)
        self.status = status
        self.body = {"error": error, **more}


@dataclass(frozen=True)
class SandboxAccount:
    """An account of the network. With `native_key`, idempotency keys are valid forever and posts
    are found by them."""

    name: str
    title: str
    token: str
    native_key: bool
    chat_lookup: bool
    state: str

    @property
    def keeps_first_labels(self) -> bool:
        """Return True if a post retains its adult and AI labels."""
        return not self.name.endswith("-nomarks")


class SandboxStore:
    """The only database connection of the process. Every write is committed to disk before the
    response is sent."""

    def __init__(self, database: Path, clock: Callable[[], datetime] = wall_now) -> None:
        self._lock = threading.RLock()
        self.clock = clock
        self._db = sqlite3.connect(database, isolation_level=None, check_same_thread=False)
        self._db.row_factory = sqlite3.Row
        self._db.execute("PRAGMA journal_mode=WAL")
        # Accepted data must survive kill -9, so each commit waits for the disk.
        self._db.execute("PRAGMA synchronous=FULL")
        self._db.execute("PRAGMA busy_timeout=5000")
        self._db.executescript(_SCHEMA)

    def close(self) -> None:
        """Close the database file."""
        self._db.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Open a transaction; nested ones join it."""
        with self._lock:
            if self._db.in_transaction:
                yield
                return
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")

    def execute(self, sql: str, *params: object) -> int:
        """Execute a statement and return the ID of the new row."""
        with self._lock:
            return self._db.execute(sql, params).lastrowid or 0

    def fetch_all(self, sql: str, *params: object) -> list[sqlite3.Row]:
        """Return all rows of a query."""
        with self._lock:
            return self._db.execute(sql, params).fetchall()

    def fetch_one(self, sql: str, *params: object) -> sqlite3.Row | None:
        """Return the first row of a query, or None."""
        return next(iter(self.fetch_all(sql, *params)), None)

    def now(self) -> str:
        """Return the sandbox's time in ISO 8601 with offset."""
        return self.clock().isoformat()


def create_account(
    store: SandboxStore, name: str, *, title: str = "", token: str = "", state: str = "active"
) -> SandboxAccount:
    """Create an account, or change its title, token or state. Its name determines its
    capabilities."""
    if not name or any(sign in name for sign in "/?#%\\ ") or name in {".", ".."} or len(name) > 64:
        raise SandboxRefusal(422, "bad_name")
    with store.transaction():
        native_key = name.removesuffix("-nolook").removesuffix("-nomarks").endswith("+key")
        chat_lookup = not name.endswith("-nolook")
        store.execute(
            "INSERT OR IGNORE INTO accounts VALUES (?,?,?,?,?,?,?)",
            *(
                name,
                title or name,
                token or secrets.token_urlsafe(24),
                native_key,
                chat_lookup,
                state,
                store.now(),
            ),
        )
        store.execute("UPDATE accounts SET state = ? WHERE name = ?", state, name)
        for column, value in (("title", title), ("token", token)):
            if value:
                store.execute(
                    f"UPDATE accounts SET {column} = ? WHERE name = ?",  # noqa: S608  two constants
                    value,
                    name,
                )
    return get_account(store, name)


def get_account(store: SandboxStore, name: str) -> SandboxAccount:
    """Return the account. Raises SandboxRefusal with status 404."""
    row = store.fetch_one("SELECT * FROM accounts WHERE name = ?", name)
    if row is None:
        raise SandboxRefusal(404, "no_such_account")
    return SandboxAccount(
        row["name"],
        row["title"],
        row["token"],
        bool(row["native_key"]),
        bool(row["chat_lookup"]),
        row["state"],
    )


def list_accounts(store: SandboxStore) -> list[SandboxAccount]:
    """Return all accounts, sorted by name."""
    return [
        get_account(store, row["name"])
        for row in store.fetch_all("SELECT name FROM accounts ORDER BY name")
    ]


def set_followers(store: SandboxStore, name: str, many: int) -> int:
    """Set the number of an account's followers and return it. Raises SandboxRefusal."""
    if not 0 <= many <= MAX_FOLLOWERS:
        raise SandboxRefusal(422, "bad_request", where="followers")
    store.execute(
        "INSERT OR REPLACE INTO followers VALUES (?,?)", get_account(store, name).name, many
    )
    return count_followers(store, name)


def count_followers(store: SandboxStore, name: str) -> int:
    """Return the number of followers that was set, or that of fans who acted on the account."""
    said = store.fetch_one("SELECT many FROM followers WHERE account = ?", name)
    row = said or store.fetch_one("SELECT count(*) AS many FROM fans WHERE account = ?", name)
    return int(row["many"]) if row else 0


def rotate_token(store: SandboxStore, name: str, *, revoke: bool) -> str:
    """Create a new token for the account. With `revoke`, the account has none until the next
    rotation."""
    get_account(store, name)
    token = "" if revoke else secrets.token_urlsafe(24)
    store.execute("UPDATE accounts SET token = ? WHERE name = ?", token, name)
    return token


def authenticate_account(store: SandboxStore, name: str, shown: str) -> SandboxAccount:
    """Return the account of a request's token. Raises SandboxRefusal with status 404, 401, or 403
    if the account is suspended."""
    found = get_account(store, name)
    if not found.token or not secrets.compare_digest(found.token, shown):
        raise SandboxRefusal(401, "bad_token")
    if found.state != "active":
        raise SandboxRefusal(403, "account_suspended")
    return found


def store_file(
    store: SandboxStore, owner: SandboxAccount, sha256: str, mime: str, body: bytes
) -> None:
    """Store a file under its digest. A repeat is harmless."""
    store.execute(
        "INSERT OR IGNORE INTO files VALUES (?,?,?,?,?)", owner.name, sha256, mime, len(body), body
    )


def get_file(store: SandboxStore, owner: str, sha256: str) -> tuple[str, bytes] | None:
    """Return the MIME type and the content of a file, or None."""
    row = store.fetch_one(
        "SELECT mime, body FROM files WHERE account = ? AND sha256 = ?", owner, sha256
    )
    return (row["mime"], row["body"]) if row else None


def add_post(
    store: SandboxStore, owner: SandboxAccount, content: Mapping[str, Any]
) -> tuple[dict[str, Any], bool]:
    """Store a post. Return it, and True if it is new. A repeated key returns the first post if the
    account supports keys."""
    with store.transaction():
        key = str(content.get("key") or "")
        # accounts without `+key` create a second post for a repeat, as many platforms do
        if owner.native_key and key:
            first = store.fetch_one(
                "SELECT * FROM posts WHERE account = ? AND key = ?", owner.name, key
            )
            if first is not None:
                return post_as_json(first), False
        shown = {
            name: content[name]
            for name in ("text", "media", "adult", "ai", "flags", "quote", "reply_to")
        }
        shown["quoted_from"] = post_account(store, content["quote"]) or ""
        number = store.execute(
            "INSERT INTO posts (account, key, surface, title, content, created_at) VALUES "
            "(?,?,?,?,?,?)",
            *(
                owner.name,
                key,
                content["surface"],
                content["title"],
                json.dumps(shown),
                store.now(),
            ),
        )
        row = store.fetch_one("SELECT * FROM posts WHERE id = ?", number)
    assert row is not None  # noqa: S101  just written
    return post_as_json(row), True


def post_as_json(row: sqlite3.Row) -> dict[str, Any]:
    """Return a post in the form of the API."""
    return {
        "id": f"p{row['id']}",
        "account": row["account"],
        "key": row["key"],
        "surface": row["surface"],
        "title": row["title"],
        "views": row["views"],
        "created_at": row["created_at"],
        "deleted_at": row["deleted_at"],
        "reply_to": "",  # default for posts stored before replies existed
        **json.loads(row["content"]),
    }


def list_posts(
    store: SandboxStore,
    owner: str,
    *,
    key: str | None = None,
    before: int | None = None,
    since: str = "",
    limit: int = 50,
) -> list[dict[str, Any]]:
    """Return posts that are not deleted, newest first."""
    rows = store.fetch_all(
        "SELECT * FROM posts WHERE account = ? AND deleted_at IS NULL AND (? IS NULL OR key = ?)"
        " AND (? IS NULL OR id < ?) AND created_at >= ? ORDER BY id DESC LIMIT ?",
        *(owner, key, key, before, before, since, limit),
    )
    return [post_as_json(row) for row in rows]


def parse_native_id(native_id: str, prefix: str) -> int:
    """Return the row ID in an ID of the API; 0, which no row has, if it is invalid."""
    digits = native_id.removeprefix(prefix)
    return (
        int(digits) if native_id.startswith(prefix) and digits.isascii() and digits.isdigit() else 0
    )


def get_post(store: SandboxStore, owner: str, native_id: str) -> dict[str, Any]:
    """Return a post that is not deleted. Raises SandboxRefusal with status 404."""
    row = store.fetch_one(
        "SELECT * FROM posts WHERE account = ? AND id = ? AND deleted_at IS NULL",
        owner,
        parse_native_id(native_id, "p"),
    )
    if row is None:
        raise SandboxRefusal(404, "no_such_post")
    return post_as_json(row)


def post_account(store: SandboxStore, native_id: str) -> str | None:
    """Return the account of an existing post of any account, or None."""
    row = store.fetch_one(
        "SELECT account FROM posts WHERE id = ? AND deleted_at IS NULL",
        parse_native_id(native_id, "p"),
    )
    return str(row["account"]) if row is not None else None


def delete_item(
    store: SandboxStore, owner: str, native_id: str, *, table: str, prefix: str
) -> None:
    """Delete a post or message. Raises SandboxRefusal with status 404 if it does not exist."""
    with store.transaction():
        found = store.fetch_one(
            f"SELECT id FROM {table} WHERE account = ? AND id = ?"  # noqa: S608  a constant
            " AND deleted_at IS NULL",
            *(owner, parse_native_id(native_id, prefix)),
        )
        if found is None:
            raise SandboxRefusal(404, "no_such_post")
        statement = f"UPDATE {table} SET deleted_at = ? WHERE id = ?"  # noqa: S608  a constant
        store.execute(statement, store.now(), found["id"])


def ensure_fan(
    store: SandboxStore, owner: str, name: str, *, handle: str = "", language: str = ""
) -> sqlite3.Row:
    """Return the fan's row in this account, creating it if needed. A name is an ID without
    spaces."""
    if not name or len(name) > 64 or name.split() != [name]:
        raise SandboxRefusal(422, "bad_name")
    with store.transaction():
        store.execute(
            "INSERT OR IGNORE INTO fans (account, name, handle, language) VALUES (?,?,?,?)",
            *(owner, name, handle or name, language or "fr"),
        )
        for column, value in (("handle", handle), ("language", language)):
            if value:
                store.execute(
                    f"UPDATE fans SET {column} = ?"  # noqa: S608  two constants
                    " WHERE account = ? AND name = ?",
                    value,
                    owner,
                    name,
                )
    row = store.fetch_one("SELECT * FROM fans WHERE account = ? AND name = ?", owner, name)
    assert row is not None  # noqa: S101  just written
    return row


def add_message(
    store: SandboxStore,
    owner: str,
    fan_name: str,
    author: str,
    content: Mapping[str, Any],
    *,
    key: str = "",
) -> dict[str, Any]:
    """Store a chat message; `author` is `creator` or `fan`."""
    with store.transaction():
        kept = store.execute(
            "INSERT INTO messages (account, fan, author, key, content, created_at) VALUES "
            "(?,?,?,?,?,?)",
            *(owner, fan_name, author, key, json.dumps(dict(content)), store.now()),
        )
        row = store.fetch_one("SELECT * FROM messages WHERE id = ?", kept)
    assert row is not None  # noqa: S101  just written
    return message_as_json(row)


def message_as_json(row: sqlite3.Row) -> dict[str, Any]:
    """Return a message in the form of the API."""
    return {
        "id": f"m{row['id']}",
        "key": row["key"],
        "fan": row["fan"],
        "author": row["author"],
        "created_at": row["created_at"],
        "deleted_at": row["deleted_at"],
        **_PLAIN_MESSAGE,
        **json.loads(row["content"]),
    }


def list_messages(
    store: SandboxStore,
    owner: str,
    fan_name: str,
    *,
    key: str | None = None,
    author: str = "",
    limit: int = 200,
) -> list[dict[str, Any]]:
    """Return messages of a chat that are not deleted, newest first."""
    rows = store.fetch_all(
        "SELECT * FROM messages WHERE account = ? AND fan = ? AND deleted_at IS NULL AND (? IS "
        "NULL OR key = ?)"
        " AND (? = '' OR author = ?) ORDER BY id DESC LIMIT ?",
        *(owner, fan_name, key, key, author, author, limit),
    )
    return [message_as_json(row) for row in rows]


def add_update(
    store: SandboxStore, owner: str, kind: str, fan_row: sqlite3.Row, **body: object
) -> str:
    """Add an update about a fan's action for the account. It is returned until the client moves its
    cursor."""
    told = {"handle": fan_row["handle"], "language": fan_row["language"], **body}
    return str(
        store.execute(
            "INSERT INTO updates (account, type, fan, body, at) VALUES (?,?,?,?,?)",
            *(owner, kind, fan_row["name"], json.dumps(told), store.now()),
        )
    )


def list_updates(
    store: SandboxStore, owner: str, after: int, limit: int = 100
) -> list[dict[str, Any]]:
    """Return the updates after the cursor, oldest first."""
    rows = store.fetch_all(
        "SELECT * FROM updates WHERE account = ? AND id > ? ORDER BY id LIMIT ?",
        owner,
        after,
        limit,
    )
    return [
        {
            "id": str(row["id"]),
            "type": row["type"],
            "fan": row["fan"],
            "at": row["at"],
            **json.loads(row["body"]),
        }
        for row in rows
    ]


def delete_accounts(store: SandboxStore, accounts: Sequence[str]) -> dict[str, int]:
    """Delete accounts with all their data and return the number of deleted rows by table. Safe to
    repeat."""
    tables = [
        row["name"]
        for row in store.fetch_all(
            "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name"
        )
    ]
    gone: dict[str, int] = {}
    with store.transaction():
        for table in tables:
            columns = {row["name"] for row in store.fetch_all(f"PRAGMA table_info({table})")}
            if "account" in columns:
                key = "account"
            elif table == "accounts":
                key = "name"
            else:
                key = ""
            if key:
                gone[table] = sum(_delete_rows(store, table, key, account) for account in accounts)
    return {table: count for table, count in gone.items() if count}


def _delete_rows(store: SandboxStore, table: str, key: str, account: str) -> int:
    rows_of_account = f"FROM {table} WHERE {key} = ?"  # names from this module's schema
    before = store.fetch_all(f"SELECT count(*) AS n {rows_of_account}", account)[0]["n"]
    store.execute(f"DELETE {rows_of_account}", account)
    return int(before)
