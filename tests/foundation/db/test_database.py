"""Database scopes: one transaction with its role, and recovery from lost connections."""

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlmodel import col, select

from foundation.db.connection_pool import IdleClosingPool
from foundation.db.database import Database, OpenScope, Scope
from foundation.ids import uuid7
from foundation.outbox import outbox
from foundation.outbox.outbox import OutboxRow
from tests.conftest import Cluster, wait_until
from tests.foundation.events import PostDue

WHO = "system:test"


@pytest.fixture
def own(cluster: Cluster) -> Iterator[Database]:
    database = Database(cluster.url("greenroom_work", "house"), pool_size=2, application="own")
    yield database
    database.close()


def _end_connections(cluster: Cluster) -> None:
    """End every connection of the pool, as a restart of the server does."""
    engine = create_engine(cluster.url("postgres", "house"))
    with engine.connect() as connection:
        connection.execute(
            text(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = "
                "'own'"
            )
        )
    engine.dispose()


def _backend(scope: Scope) -> int:
    return int(scope.run("SELECT pg_backend_pid()").scalar_one())


def test_dead_pooled_connection_is_replaced_before_use(own: Database, cluster: Cluster) -> None:
    tenant_id = uuid7()
    with own.scope(tenant_id, WHO) as one, own.scope(tenant_id, WHO) as two:
        before = {_backend(one), _backend(two)}
    _end_connections(cluster)
    with own.scope(tenant_id, WHO) as one, own.scope(tenant_id, WHO) as two:
        assert not before & {_backend(one), _backend(two)}
        assert one.run("SELECT current_user, current_setting('app.tenant')").one() == (
            "app",
            str(tenant_id),
        )
        assert (
            one.run("SHOW idle_session_timeout").scalar_one() == "5min"
        )  # The server ends idle sessions.


def test_single_statement_sets_and_resets_role_and_tenant(own: Database) -> None:
    tenant_id = uuid7()
    alone = own.single_statements(tenant_id, WHO, role="relay")
    done = alone.run("SELECT current_user AS who, current_setting(:name) AS its", name="app.tenant")
    found = done.one_or_none()
    assert (found.who, found.its, done.rowcount) == ("relay", str(tenant_id), 1)
    assert alone.run("SELECT 1 WHERE :no", no=False).one_or_none() is None
    with own.engine.connect() as connection:  # The connection keeps no role.
        who, login = connection.execute(text("SELECT current_user, session_user")).one()
    assert who == login


def test_single_statement_replaces_dead_connection_and_reports_error(
    own: Database, cluster: Cluster
) -> None:
    tenant_id = uuid7()
    with own.scope(tenant_id, WHO) as one, own.scope(tenant_id, WHO) as two:
        before = {_backend(one), _backend(two)}
    _end_connections(cluster)
    alone = own.single_statements(tenant_id, WHO)
    assert alone.run("SELECT pg_backend_pid() AS pid").one_or_none().pid not in before
    with pytest.raises(DBAPIError, match="division"):
        alone.run("SELECT 1 / :none", none=0)
    assert alone.run("SELECT 1 AS one").one_or_none().one == 1


def test_idle_connections_close_while_used_ones_remain(own: Database, cluster: Cluster) -> None:
    pool = own.engine.pool
    assert isinstance(pool, IdleClosingPool)
    pool.idle_seconds = 0.5
    tenant_id = uuid7()
    with own.scope(tenant_id, WHO) as one, own.scope(tenant_id, WHO) as two:
        used, spare = _backend(one), _backend(two)
    engine = create_engine(cluster.url("postgres", "house"))

    def backends() -> set[int]:
        with engine.connect() as looks:
            return set(
                looks.execute(
                    text("SELECT pid FROM pg_stat_activity WHERE application_name = 'own'")
                ).scalars()
            )

    def spare_ended() -> bool:
        with own.scope(tenant_id, WHO) as scope:
            _backend(scope)
        return spare not in backends()

    wait_until(spare_ended)
    assert len(backends()) == 1  # The connection in use is not closed.
    wait_until(lambda: not backends())
    engine.dispose()
    with own.scope(tenant_id, WHO) as one, own.scope(tenant_id, WHO) as two:
        assert not {used, spare} & {_backend(one), _backend(two)}


def test_lost_connection_rolls_back_its_transaction(own: Database, cluster: Cluster) -> None:
    def dies() -> None:
        with own.scope(uuid7(), WHO) as scope:
            _end_connections(cluster)
            scope.run("SELECT 1")

    with pytest.raises(DBAPIError):
        dies()
    with own.scope(uuid7(), WHO) as scope:
        assert scope.run("SELECT 1").scalar_one() == 1


def test_statements_of_web_processes_time_out(pages: Database, own: Database) -> None:
    """A statement with a bad plan occupied a core for minutes after its page was closed."""
    for login, limit in ((pages, "30s"), (own, "0")):
        with login.scope(uuid7(), "t") as scope:
            assert scope.run("SHOW statement_timeout").scalar_one() == limit
    with pages.scope(uuid7(), "t") as scope:
        scope.run("SET LOCAL statement_timeout = '50ms'")
        with pytest.raises(
            OperationalError, match="statement timeout"
        ):  # Raised as if the database were unavailable.
            scope.run("SELECT pg_sleep(30)")
        scope.session.rollback()


def test_functions_that_read_tables_are_not_written_in_sql(
    tenant: OpenScope, tenant_id: UUID
) -> None:
    """PostgreSQL plans an SQL function again in each statement, here forty times per post for the
    current time. It caches the plans of PL/pgSQL functions."""
    with tenant(tenant_id, WHO) as scope:
        found = scope.run(
            "SELECT proname, prosrc FROM pg_proc JOIN pg_language l ON l.oid = prolang"
            " WHERE pronamespace = 'public'::regnamespace AND lanname = 'sql'"
        ).all()
    assert found, "functions that only compute stay in SQL, where they are inlined"
    tables = re.compile(r"\bfrom\s+(?!regexp_split_to_table\()", re.IGNORECASE)
    assert [row.proname for row in found if tables.search(row.prosrc)] == []


def test_before_commit_callbacks_run_in_order_with_one_role_change(own: Database) -> None:
    seen: list[str] = []

    def note(scope: Scope) -> None:
        seen.append(scope.run("SELECT current_user").scalar_one())

    with own.scope(uuid7(), WHO) as scope:
        scope.before_commit(note)
        scope.before_commit(note, role="gate")
        scope.before_commit(note)
        assert scope.run("SELECT current_user").scalar_one() == "app"
    assert seen == ["app", "gate", "gate"]
    with own.scope(uuid7(), WHO) as scope:
        assert scope.run("SELECT current_user").scalar_one() == "app"


def test_concurrent_threads_share_one_pool(own: Database) -> None:
    with ThreadPoolExecutor(16) as threads:
        assert len({id(engine) for engine in threads.map(lambda _: own.engine, range(64))}) == 1


@pytest.mark.parametrize("how", ["get", "select", "both"])
def test_locked_row_is_read_with_current_values(own: Database, how: str) -> None:
    """A row that was read earlier in the scope and changed by another transaction must be current
    once it is locked."""
    tenant_id = uuid7()
    with own.scope(tenant_id, WHO) as scope:
        row_id = outbox.put(scope, PostDue(tenant_id, uuid7()), at=scope.now + timedelta(days=1))
    key = (tenant_id, row_id)
    with own.scope(tenant_id, WHO) as scope:
        before = scope.session.get(OutboxRow, key)
        with own.scope(tenant_id, WHO) as other:
            other.run("UPDATE outbox SET priority = 1 WHERE id = :id", id=row_id)
        assert before is not None
        assert before.priority == 5, "a read without a lock may be stale"
        if how == "get":
            locked = scope.session.get(OutboxRow, key, with_for_update=True)
        else:
            query = select(OutboxRow).where(col(OutboxRow.id) == row_id)
            before.tries += 1  # Changes of this scope are preserved.
            locked = scope.session.exec(query.with_for_update(key_share=how == "both")).one()
            assert locked.tries == 1
        assert locked is before
        assert locked.priority == 1
