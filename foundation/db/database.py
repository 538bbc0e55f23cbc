"""Database sessions: a scope is one transaction of one tenant, with one role and one clock.

Only this module commits.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from threading import Lock
from typing import Any, Literal, Protocol
from uuid import UUID

import psycopg
from psycopg.rows import namedtuple_row
from sqlalchemy import Engine, create_engine, event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.orm import ORMExecuteState
from sqlmodel import Session, SQLModel

from foundation.db import statements
from foundation.db.connection_pool import IdleClosingPool
from foundation.db.statements import driver_connection, parse_statement
from foundation.ids import INSTALLATION_ID

DatabaseRole = Literal["app", "gate", "relay", "door", "auditor"]
"""Database roles of a transaction; the login itself has no rights (NOINHERIT)."""

CONNECT_SECONDS = 5
FORGOTTEN_SECONDS = 300
"""Idle time after which the server ends a session of a frozen or dead process.

The pool closes its own idle connections earlier.
"""


GENERIC_PLAN_SQL = "set_config('plan_cache_mode', 'force_generic_plan', true)"
"""SQL expression that makes the rest of its transaction use generic plans, planned once per
connection.

It suits transactions that repeat look-ups by key, whose plans do not depend on the values. It does
not suit statements that select few rows for some values and most of a table for others.
https://www.postgresql.org/docs/16/runtime-config-query.html#GUC-PLAN-CACHE-MODE
"""

_OPENING = (
    "SELECT set_config('role', :role, true), set_config('app.tenant', :tenant, true), house_now(),"
    " set_config('app.actor', :actor, true)"
)


@dataclass(frozen=True)
class Scope:
    """An open transaction of one tenant.

    `actor` identifies the acting party: `member:<id>`, `guest:<id>`, `fan:<id>` or `system:<what>`.
    `now` is the database's `house_now()` at the start of the transaction, UTC-aware. Decisions use
    no other clock.
    """

    tenant_id: UUID
    actor: str
    now: datetime
    session: Session

    def add(self, *rows: SQLModel) -> None:
        """Insert rows immediately, in this order, since the mapper does not know keys between
        packages."""
        self.session.add_all(rows)
        self.session.flush()

    def run(self, statement: str, **params: Any) -> Any:
        """Execute one SQL statement after flushing pending changes."""
        self.session.flush()
        return statements.run_statement(self.session.info["connection"], statement, params)

    def lock(self, name: str) -> None:
        """Acquire the advisory lock `name` across all tenants until the end of the transaction."""
        self.run("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))", name=name)

    def try_lock(self, name: str) -> bool:
        """Acquire the advisory lock `name` as `lock` does, or return False at once if another
        transaction holds it."""
        statement = "SELECT pg_try_advisory_xact_lock(hashtextextended(:name, 0))"
        return bool(self.run(statement, name=name).scalar_one())

    def lock_shared(self, name: str) -> None:
        """Acquire the advisory lock `name` in shared mode until the end of the transaction."""
        self.run("SELECT pg_advisory_xact_lock_shared(hashtextextended(:name, 0))", name=name)

    @contextmanager
    def acting_as(self, role: DatabaseRole) -> Iterator[None]:
        """Run a block of this transaction under another role, for example the gate's."""
        before: DatabaseRole = self.session.info["role"]
        if role == before:
            yield
            return
        self.session.flush()
        self._set_role(role)
        yield  # An exception aborts the transaction, which also resets the role.
        self.session.flush()
        self._set_role(before)

    def _set_role(self, role: DatabaseRole) -> None:
        statements.run_statement(
            self.session.info["connection"],
            "SELECT set_config('role', :role, true)",
            {"role": role},
        )
        self.session.info["role"] = role

    def before_commit(
        self, hook: Callable[["Scope"], None], *, role: DatabaseRole | None = None
    ) -> None:
        """Run `hook` as the last step before the commit, where the head of the decision log is
        locked.

        Hooks run in the order of registration. A hook with a role runs under it, and the role is
        not reset afterwards, so consecutive hooks with the same role change it once. A hook without
        a role must work under any role.
        """
        self.session.info.setdefault("at_commit", []).append((hook, role))

    def after_commit(self, count: Callable[[], object]) -> None:
        """Call `count` after the commit, for metrics, which must not include rolled-back work."""
        self.session.info.setdefault("once_committed", []).append(count)

    def _last_acts(self) -> None:
        self.session.flush()
        for hook, role in self.session.info.pop("at_commit", []):
            if role is not None and role != self.session.info["role"]:
                self._set_role(role)
            hook(self)


class StatementRunner(Protocol):
    """An object that can run one statement: an open scope, or one transaction per statement."""

    @property
    def now(self) -> datetime | None:
        """Return the scope's time, or None if the statement must use the database's clock."""
        ...

    def run(self, statement: str, **params: Any) -> Any:
        """Run a statement. The result has `one_or_none()` and `rowcount`."""
        ...


@dataclass(frozen=True)
class StatementResult:
    """The result of a statement whose transaction has ended."""

    rows: Sequence[Any]
    rowcount: int

    def one_or_none(self) -> Any:
        """Return the only row, with its columns as attributes, or None."""
        return self.rows[0] if self.rows else None


@dataclass(frozen=True)
class SingleStatementScope:
    """Runs each statement in a separate transaction; `at_once`, if given, is a faster path."""

    open: Callable[[], AbstractContextManager[Scope]]
    at_once: Callable[[str, Mapping[str, Any]], StatementResult] | None = None
    now: None = None

    def run(self, statement: str, **params: Any) -> StatementResult:
        """Open a scope, run the statement and commit."""
        if self.at_once is not None:
            with suppress(psycopg.Error):
                return self.at_once(statement, params)
        with self.open() as scope:
            found = scope.run(statement, **params)
            return StatementResult(found.all() if found.returns_rows else (), found.rowcount)


class OpenScope(Protocol):
    """A function that opens a scope: `with tenant(tenant_id, actor) as scope:`.

    The scope commits at the end of the block and rolls back on any exception.
    """

    def __call__(
        self, tenant_id: UUID, actor: str, *, role: DatabaseRole = "app"
    ) -> AbstractContextManager[Scope]: ...


class _Session(Session):
    """A session with the listener below."""


@event.listens_for(_Session, "do_orm_execute")
def _refresh_locked_rows(asked: ORMExecuteState) -> None:
    """Reload rows that are read with a lock.

    SQLAlchemy otherwise returns the attributes it loaded before, and a decision under the lock
    would be based on values that another transaction has changed since.
    https://docs.sqlalchemy.org/en/21/orm/queryguide/query.html#sqlalchemy.orm.Query.with_for_update
    """
    if getattr(asked.statement, "_for_update_arg", None) is not None:
        asked.update_execution_options(populate_existing=True)


class Database:
    """A lazy connection pool of one login.

    Create it in each process: a pool inherited over a fork mixes up responses.
    """

    def __init__(self, url: str, *, pool_size: int = 2, application: str = "greenroom") -> None:
        self._url = url
        self._pool_size = pool_size
        self._application = application
        self._engine: Engine | None = None
        self._making = Lock()

    @property
    def engine(self) -> Engine:
        """Return the engine, created at first use. The lock prevents a second pool."""
        with self._making:
            return self._engine or self._create_engine()

    def _create_engine(self) -> Engine:
        engine = create_engine(
            self._url,
            poolclass=IdleClosingPool,
            pool_size=self._pool_size,
            max_overflow=0,
            hide_parameters=True,
            pool_timeout=30,
            pool_recycle=1800,
            pool_use_lifo=True,  # idle connections at the bottom expire
            connect_args={
                "connect_timeout": CONNECT_SECONDS,
                "application_name": self._application,
            },
        )
        event.listen(engine, "connect", _end_when_forgotten)
        self._engine = engine
        return engine

    @contextmanager
    def scope(self, tenant_id: UUID, actor: str, *, role: DatabaseRole = "app") -> Iterator[Scope]:
        """Open a transaction of one tenant under `role`.

        Without a scope, PostgreSQL refuses a query instead of returning no rows.
        """
        with _Session(self.engine, expire_on_commit=False) as session:
            now = self._open_transaction(session, tenant_id, actor, role)
            scope = Scope(tenant_id, actor, now, session)
            yield scope
            scope._last_acts()
            session.commit()
            for count in session.info.pop("once_committed", ()):
                count()

    def single_statements(
        self, tenant_id: UUID, actor: str, *, role: DatabaseRole = "app"
    ) -> StatementRunner:
        """Return a runner of one-statement transactions, each in one round trip instead of four.

        It takes half the processor time (measured). If the connection is dead or a statement fails,
        the statement is repeated in an ordinary scope. It must therefore be safe to repeat, as
        after a commit whose response was lost.
        """

        def at_once(statement: str, params: Mapping[str, Any]) -> StatementResult:
            return self._run_in_pipeline(
                {"role": role, "tenant": str(tenant_id), "actor": actor}, statement, params
            )

        return SingleStatementScope(partial(self.scope, tenant_id, actor, role=role), at_once)

    def _run_in_pipeline(
        self, settings: Mapping[str, str], statement: str, params: Mapping[str, Any]
    ) -> StatementResult:
        pooled = self.engine.raw_connection()
        try:
            raw = driver_connection(pooled.driver_connection)
            with raw.pipeline():
                raw.execute(parse_statement(_OPENING), settings)
                found = raw.cursor(row_factory=namedtuple_row).execute(
                    parse_statement(statement), params
                )
                raw.commit()
            return StatementResult(found.fetchall() if found.description else (), found.rowcount)
        except BaseException:
            pooled.invalidate()
            raise
        finally:
            pooled.close()

    def _open_transaction(
        self, session: Session, tenant_id: UUID, actor: str, role: DatabaseRole
    ) -> datetime:
        """Set role, tenant, actor and clock in one statement, which also detects a dead connection.

        A pooled connection may have died with a restarted server. Nothing ran on it yet, so the
        statement is repeated on a new connection. This saves a separate ping (one round trip) per
        transaction.
        """
        settings = {"role": role, "tenant": str(tenant_id), "actor": actor}
        try:
            return _begin_pipelined(session, settings)
        except psycopg.Error:
            session.connection().invalidate()
            session.rollback()
        try:
            return _begin_slowly(session, settings)
        except DBAPIError as error:
            if not error.connection_invalidated:
                raise
            session.rollback()
            return _begin_slowly(session, settings)

    def close(self) -> None:
        """Close every connection."""
        if self._engine is not None:
            self._engine.dispose()


def _end_when_forgotten(raw: DBAPIConnection, _: object) -> None:
    cursor = raw.cursor()
    cursor.execute(f"SET idle_session_timeout = '{FORGOTTEN_SECONDS}s'")
    cursor.close()
    raw.commit()


def _begin_pipelined(session: Session, settings: Mapping[str, str]) -> datetime:
    """Send BEGIN together with the first statement, to save waiting for its response."""
    raw = _attach_connection(session, settings)
    with raw.pipeline():
        opened = raw.execute(parse_statement(_OPENING), settings)
    return _transaction_time(opened.fetchone())


def _begin_slowly(session: Session, settings: Mapping[str, str]) -> datetime:
    """Begin through SQLAlchemy, which raises its own errors and drops dead pooled connections."""
    _attach_connection(session, settings)
    return _transaction_time(
        statements.run_statement(session.info["connection"], _OPENING, dict(settings)).one()
    )


def _attach_connection(session: Session, settings: Mapping[str, str]) -> "psycopg.Connection[Any]":
    connection = session.connection()
    session.info["connection"], session.info["role"] = connection, settings["role"]
    return driver_connection(connection.connection.driver_connection)


def _transaction_time(opened: Any) -> datetime:
    now: datetime = opened[2]
    return now


def is_reachable(tenant: OpenScope) -> bool:
    """Return True if the database accepts this login now; the readiness of a web process depends on
    it."""
    try:
        with tenant(INSTALLATION_ID, "system:probe"):
            return True
    except SQLAlchemyError:
        return False
