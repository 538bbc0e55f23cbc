"""What the sandbox keeps: accounts, files, posts, chats, updates; in SQLite, so that kill -9 loses
nothing accepted.

Taking an account off the sandbox with all that it holds.
"""

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
    """The network says no: an HTTP status and a word for it."""

    def __init__(self, status: int, error: str, **more: object) -> None:
        super().__init__(error)
        self.status = status
        self.body = {"error": error, **more}


@dataclass(frozen=True)
class SandboxAccount:
    """One account of the network. `native_key`: idempotency keys are honoured for ever, and posts
    are found by them."""

    name: str
    title: str
    token: str
    native_key: bool
    chat_lookup: bool
    state: str

    @property
    def keeps_first_labels(self) -> bool:
        """Whether a post stays for adults, or made by a model, once it was said."""
        return not self.name.endswith("-nomarks")


class SandboxStore:
    """The one connection of the process; every write is committed and on disk before it is
    answered."""

    def __init__(self, database: Path, clock: Callable[[], datetime] = wall_now) -> None:
        self._lock = threading.RLock()
        self.clock = clock
        self._db = sqlite3.connect(database, isolation_level=None, check_same_thread=False)
        self._db.row_factory = sqlite3.Row
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=FULL")
        self._db.execute("PRAGMA busy_timeout=5000")
        self._db.executescript(_SCHEMA)

    def close(self) -> None:
        """Give the file back."""
        self._db.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """One transaction; nested ones join it."""
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
        """Change something; returns the new row's id."""
        with self._lock:
            return self._db.execute(sql, params).lastrowid or 0

    def fetch_all(self, sql: str, *params: object) -> list[sqlite3.Row]:
        """All rows of a query."""
        with self._lock:
            return self._db.execute(sql, params).fetchall()

    def fetch_one(self, sql: str, *params: object) -> sqlite3.Row | None:
        """The first row, if there is one."""
        return next(iter(self.fetch_all(sql, *params)), None)

    def now(self) -> str:
        """The sandbox's own time, ISO 8601 with offset."""
        return self.clock().isoformat()


def create_account(
    store: SandboxStore, name: str, *, title: str = "", token: str = "", state: str = "active"
) -> SandboxAccount:
    """Create the account, or change its title, token or state; what it can do follows from its
    name."""
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
                # two constants
                store.execute(f"UPDATE accounts SET {column} = ? WHERE name = ?", value, name)  # noqa: S608  see above
    return get_account(store, name)


def get_account(store: SandboxStore, name: str) -> SandboxAccount:
    """The account. Raises Refusal 404."""
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
    """All accounts by name."""
    return [
        get_account(store, row["name"])
        for row in store.fetch_all("SELECT name FROM accounts ORDER BY name")
    ]


def set_followers(store: SandboxStore, name: str, many: int) -> int:
    """Let so many follow the account from now on; how many do. Raises Refusal."""
    if not 0 <= many <= MAX_FOLLOWERS:
        raise SandboxRefusal(422, "bad_request", where="followers")
    store.execute(
        "INSERT OR REPLACE INTO followers VALUES (?,?)", get_account(store, name).name, many
    )
    return count_followers(store, name)


def count_followers(store: SandboxStore, name: str) -> int:
    """How many follow the account: as many as was said, else whoever acted there."""
    said = store.fetch_one("SELECT many FROM followers WHERE account = ?", name)
    row = said or store.fetch_one("SELECT count(*) AS many FROM fans WHERE account = ?", name)
    return int(row["many"]) if row else 0


def rotate_token(store: SandboxStore, name: str, *, revoke: bool) -> str:
    """A new token for the account; `revoke` gives none, so that nothing is let in until the next
    rotation."""
    get_account(store, name)
    token = "" if revoke else secrets.token_urlsafe(24)
    store.execute("UPDATE accounts SET token = ? WHERE name = ?", token, name)
    return token


def authenticate_account(store: SandboxStore, name: str, shown: str) -> SandboxAccount:
    """The account behind a request's token. Raises Refusal 404, 401, or 403 when it is
    suspended."""
    found = get_account(store, name)
    if not found.token or not secrets.compare_digest(found.token, shown):
        raise SandboxRefusal(401, "bad_token")
    if found.state != "active":
        raise SandboxRefusal(403, "account_suspended")
    return found


def store_file(
    store: SandboxStore, owner: SandboxAccount, sha256: str, mime: str, body: bytes
) -> None:
    """Keep a file under its digest; again is the same."""
    store.execute(
        "INSERT OR IGNORE INTO files VALUES (?,?,?,?,?)", owner.name, sha256, mime, len(body), body
    )


def get_file(store: SandboxStore, owner: str, sha256: str) -> tuple[str, bytes] | None:
    """Mime and bytes of a file."""
    row = store.fetch_one(
        "SELECT mime, body FROM files WHERE account = ? AND sha256 = ?", owner, sha256
    )
    return (row["mime"], row["body"]) if row else None


def add_post(
    store: SandboxStore, owner: SandboxAccount, content: Mapping[str, Any]
) -> tuple[dict[str, Any], bool]:
    """Keep a post; the post and whether it is new. The same key gives the first post where keys are
    honoured."""
    with store.transaction():
        key = str(content.get("key") or "")
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
    """A post as the API tells it."""
    return {
        "id": f"p{row['id']}",
        "account": row["account"],
        "key": row["key"],
        "surface": row["surface"],
        "title": row["title"],
        "views": row["views"],
        "created_at": row["created_at"],
        "deleted_at": row["deleted_at"],
        "reply_to": "",  # of posts kept before there were replies
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
    """Posts that stand, newest first."""
    rows = store.fetch_all(
        "SELECT * FROM posts WHERE account = ? AND deleted_at IS NULL AND (? IS NULL OR key = ?)"
        " AND (? IS NULL OR id < ?) AND created_at >= ? ORDER BY id DESC LIMIT ?",
        *(owner, key, key, before, before, since, limit),
    )
    return [post_as_json(row) for row in rows]


def parse_native_id(native_id: str, prefix: str) -> int:
    """The row behind an id as the API tells it; 0, which no row has, for anything else."""
    digits = native_id.removeprefix(prefix)
    return (
        int(digits) if native_id.startswith(prefix) and digits.isascii() and digits.isdigit() else 0
    )


def get_post(store: SandboxStore, owner: str, native_id: str) -> dict[str, Any]:
    """One post that stands. Raises Refusal 404."""
    row = store.fetch_one(
        "SELECT * FROM posts WHERE account = ? AND id = ? AND deleted_at IS NULL",
        owner,
        parse_native_id(native_id, "p"),
    )
    if row is None:
        raise SandboxRefusal(404, "no_such_post")
    return post_as_json(row)


def post_account(store: SandboxStore, native_id: str) -> str | None:
    """The account of a post that stands, whosever it is; None for none."""
    row = store.fetch_one(
        "SELECT account FROM posts WHERE id = ? AND deleted_at IS NULL",
        parse_native_id(native_id, "p"),
    )
    return str(row["account"]) if row is not None else None


def delete_item(
    store: SandboxStore, owner: str, native_id: str, *, table: str, prefix: str
) -> None:
    """Take a post or message away. Raises Refusal 404 when it does not stand."""
    with store.transaction():
        found = store.fetch_one(
            # a constant
            f"SELECT id FROM {table} WHERE account = ? AND id = ? AND deleted_at IS NULL",  # noqa: S608  see above
            *(owner, parse_native_id(native_id, prefix)),
        )
        if found is None:
            raise SandboxRefusal(404, "no_such_post")
        # a constant
        store.execute(f"UPDATE {table} SET deleted_at = ? WHERE id = ?", store.now(), found["id"])  # noqa: S608  see above


def ensure_fan(
    store: SandboxStore, owner: str, name: str, *, handle: str = "", language: str = ""
) -> sqlite3.Row:
    """The fan's row in this account; made at first sight. A name is an id: one word."""
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
                    f"UPDATE fans SET {column} = ? WHERE account = ? AND name = ?",  # noqa: S608  our own names
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
    """Keep a chat message of the `creator` or the `fan`."""
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
    """A message as the API tells it."""
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
    """Messages of a chat that stand, newest first."""
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
    """Tell the creator's side of something a fan did; it is told again until the reader moves its
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
    """What happened after the cursor, oldest first."""
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
    """Delete accounts and everything of theirs; returns how many rows of each table went. Safe to
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
    # names of its own schema
    before = store.fetch_all(f"SELECT count(*) AS n FROM {table} WHERE {key} = ?", account)[0]["n"]  # noqa: S608  see above
    # names of its own schema
    store.execute(f"DELETE FROM {table} WHERE {key} = ?", account)  # noqa: S608  see above
    return int(before)
