"""The database session: one transaction, one tenant, one role, one clock. The only file that
commits."""

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
"""Database roles of a transaction; the login itself may do nothing (NOINHERIT)."""

CONNECT_SECONDS = 5
FORGOTTEN_SECONDS = 300
"""The server ends a session that rests so long: its process is frozen, or gone; the pool ends its
own before."""


GENERIC_PLAN_SQL = "set_config('plan_cache_mode', 'force_generic_plan', true)"
"""A column that makes the rest of its transaction plan each statement once a connection instead of
at every execution: for those who run the same look-ups by key all day, whose plans do not depend on
the values. Statements with few rows for some values and most of a table for others do not belong
into such a transaction.
https://www.postgresql.org/docs/16/runtime-config-query.html#GUC-PLAN-CACHE-MODE"""

_OPENING = (
    "SELECT set_config('role', :role, true), set_config('app.tenant', :tenant, true), house_now()"
)


@dataclass(frozen=True)
class Scope:
    """An open transaction of one tenant. `actor` is who acts: `member:<id>`, `guest:<id>`,
    `fan:<id>`, `system:<what>`.

    `now` is the database's `house_now()` at opening, UTC-aware, and the only clock decisions
    take.
    """

    tenant_id: UUID
    actor: str
    now: datetime
    session: Session

    def add(self, *rows: SQLModel) -> None:
        """Insert rows now, in this order: keys between rooms are unknown to the mapper."""
        self.session.add_all(rows)
        self.session.flush()

    def run(self, statement: str, **params: Any) -> Any:
        """Execute one SQL statement of the calling room; pending changes are written first."""
        self.session.flush()
        return statements.run_statement(self.session.info["connection"], statement, params)

    def lock(self, name: str) -> None:
        """Wait until no other transaction holds `name`, of any tenant, then hold it until this one
        ends."""
        self.run("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))", name=name)

    def lock_shared(self, name: str) -> None:
        """Wait until no other transaction holds `name`, then keep it from being held until this one
        ends."""
        self.run("SELECT pg_advisory_xact_lock_shared(hashtextextended(:name, 0))", name=name)

    @contextmanager
    def acting_as(self, role: DatabaseRole) -> Iterator[None]:
        """Run a block of this transaction under another role (a room's own writes, say the
        gate's)."""
        before: DatabaseRole = self.session.info["role"]
        if role == before:
            yield
            return
        self.session.flush()
        self._set_role(role)
        yield  # an exception aborts the transaction, and the role with it
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
        """Run `hook` as the very last act before the commit: the head of the decision log is locked
        there.

        Hooks run in the order they were asked for. One with a role finds it taken on, and it is not
        given back: hooks of one role in a row change it once. Without a role, a hook must not care
        which one it is.
        """
        self.session.info.setdefault("at_commit", []).append((hook, role))

    def after_commit(self, count: Callable[[], object]) -> None:
        """Call `count` when this transaction stands: for figures, which must not tell of what was
        undone. No work."""
        self.session.info.setdefault("once_committed", []).append(count)

    def _last_acts(self) -> None:
        self.session.flush()
        for hook, role in self.session.info.pop("at_commit", []):
            if role is not None and role != self.session.info["role"]:
                self._set_role(role)
            hook(self)


class StatementRunner(Protocol):
    """Where one statement can be run: an open scope, or a transaction that is this statement
    alone."""

    @property
    def now(self) -> datetime | None:
        """The clock of the scope; None where the statement has to ask for it."""
        ...

    def run(self, statement: str, **params: Any) -> Any:
        """What came of it has `one_or_none()` and `rowcount`."""
        ...


@dataclass(frozen=True)
class StatementResult:
    """What came of a statement whose transaction is over."""

    rows: Sequence[Any]
    rowcount: int

    def one_or_none(self) -> Any:
        """Its only row, by the names of its columns; None without one."""
        return self.rows[0] if self.rows else None


@dataclass(frozen=True)
class SingleStatementScope:
    """Each statement in a scope of its own; `at_once`, where there is one, knows a shorter way."""

    open: Callable[[], AbstractContextManager[Scope]]
    at_once: Callable[[str, Mapping[str, Any]], StatementResult] | None = None
    now: None = None

    def run(self, statement: str, **params: Any) -> StatementResult:
        """Open, run, commit."""
        if self.at_once is not None:
            with suppress(psycopg.Error):
                return self.at_once(statement, params)
        with self.open() as scope:
            found = scope.run(statement, **params)
            return StatementResult(found.all() if found.returns_rows else (), found.rowcount)


class OpenScope(Protocol):
    """Opens a scope: `with tenant(tenant_id, actor) as scope:`. Commits at the end, rolls back on
    any exception."""

    def __call__(
        self, tenant_id: UUID, actor: str, *, role: DatabaseRole = "app"
    ) -> AbstractContextManager[Scope]: ...


class _Session(Session):
    """A session of ours."""


@event.listens_for(_Session, "do_orm_execute")
def _refresh_locked_rows(asked: ORMExecuteState) -> None:
    """A row that is read under a lock is read anew, though it was read before: SQLAlchemy keeps
    what it knew, and who decides under the lock would decide by what somebody else has changed
    since (ADR 0165).
    https://docs.sqlalchemy.org/en/21/orm/queryguide/query.html#sqlalchemy.orm.Query.with_for_update
    """
    if getattr(asked.statement, "_for_update_arg", None) is not None:
        asked.update_execution_options(populate_existing=True)


class Database:
    """A lazy pool of connections of one login. Made per process: a pool taken over a fork leaks
    answers."""

    def __init__(self, url: str, *, pool_size: int = 2, application: str = "greenroom") -> None:
        self._url = url
        self._pool_size = pool_size
        self._application = application
        self._engine: Engine | None = None
        self._making = Lock()

    @property
    def engine(self) -> Engine:
        """The engine, made at first use; once, whichever threads come first: a second one is a
        second pool."""
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
            pool_use_lifo=True,  # those that are not needed rest, and end
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
        """One transaction of one tenant under `role`. Outside of it, a query is refused by
        PostgreSQL, not empty."""
        with _Session(self.engine, expire_on_commit=False) as session:
            now = self._open_transaction(session, tenant_id, role)
            scope = Scope(tenant_id, actor, now, session)
            yield scope
            scope._last_acts()
            session.commit()
            for count in session.info.pop("once_committed", ()):
                count()

    def single_statements(
        self, tenant_id: UUID, actor: str, *, role: DatabaseRole = "app"
    ) -> StatementRunner:
        """Transactions of one statement, each in one round trip instead of four: half the processor
        time, measured.

        Where the connection is found dead, or a statement fails, all of it is said once more in an
        ordinary scope. So they must be such as may be repeated, as one whose commit went unheard
        may have to be.
        """

        def at_once(statement: str, params: Mapping[str, Any]) -> StatementResult:
            return self._run_in_pipeline(
                {"role": role, "tenant": str(tenant_id)}, statement, params
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

    def _open_transaction(self, session: Session, tenant_id: UUID, role: DatabaseRole) -> datetime:
        """Begin: role, tenant and clock in one statement, which also finds out whether the
        connection still lives.

        A pooled connection may have died with a restarted server. Nothing was done on it yet, so
        the statement is said once more on a new one, and asking before each transaction (a round
        trip each) is spared.
        """
        settings = {"role": role, "tenant": str(tenant_id)}
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
        """Drop every connection."""
        if self._engine is not None:
            self._engine.dispose()


def _end_when_forgotten(raw: DBAPIConnection, _: object) -> None:
    cursor = raw.cursor()
    cursor.execute(f"SET idle_session_timeout = '{FORGOTTEN_SECONDS}s'")
    cursor.close()
    raw.commit()


def _begin_pipelined(session: Session, settings: Mapping[str, str]) -> datetime:
    """BEGIN leaves together with the first statement: the driver alone would wait for each."""
    raw = _attach_connection(session, settings)
    with raw.pipeline():
        opened = raw.execute(parse_statement(_OPENING), settings)
    return _transaction_time(opened.fetchone())


def _begin_slowly(session: Session, settings: Mapping[str, str]) -> datetime:
    """The same by SQLAlchemy, whose errors our callers know, and which drops all of a pool that
    died together."""
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
    """Whether the database answers this login now: what a door's readiness is."""
    try:
        with tenant(INSTALLATION_ID, "system:probe"):
            return True
    except SQLAlchemyError:
        return False
