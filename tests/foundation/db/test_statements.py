"""Statements of a scope behave as SQLAlchemy's do: rows, counts, errors, listeners and dead
connections."""

import signal

import pytest
from sqlalchemy import event
from sqlalchemy.exc import DBAPIError, IntegrityError, MultipleResultsFound, NoResultFound

from foundation.canonical_json import canonical_json
from foundation.db.database import Database, Scope
from foundation.ids import uuid7
from tests.conftest import Cluster
from tests.foundation.db.test_database import WHO, _end_connections, own

__all__ = ["own"]

THREE = (
    "SELECT n, 'no. ' || n AS said, CAST('{\"a\": [1]}' AS jsonb) AS kept FROM generate_series(1, "
    "3) n ORDER BY n"
)


@pytest.fixture
def scope(database: Database):
    with database.scope(uuid7(), WHO) as opened:
        yield opened


def test_rows_are_accessible_by_name_index_and_mapping(scope: Scope) -> None:
    rows = scope.run(THREE).all()
    assert [(row.n, row.said, row[2]) for row in rows] == [
        (n, f"no. {n}", {"a": [1]}) for n in (1, 2, 3)
    ]
    assert rows[0] == (1, "no. 1", {"a": [1]})
    assert scope.run(THREE).mappings().first() == {"n": 1, "said": "no. 1", "kept": {"a": [1]}}
    assert scope.run(THREE).scalars().all() == [1, 2, 3]
    assert [n for n, *_ in scope.run(THREE)] == [1, 2, 3]
    assert scope.run("SELECT 7 AS x, 8 AS x").one() == (7, 8)
    assert scope.run("SELECT FROM generate_series(1, 2)").all() == [(), ()]
    assert scope.run("SELECT WHERE :no", no=False).first() is None


def test_one_raises_unless_exactly_one_row(scope: Scope) -> None:
    assert scope.run("SELECT 1 WHERE :no", no=False).one_or_none() is None
    assert scope.run("SELECT 1 WHERE :no", no=False).scalar() is None
    with pytest.raises(NoResultFound):
        scope.run("SELECT 1 WHERE :no", no=False).one()
    with pytest.raises(MultipleResultsFound):
        scope.run(THREE).one_or_none()


def test_statement_without_rows_returns_row_count(scope: Scope) -> None:
    scope.run("CREATE TEMPORARY TABLE kept (n int PRIMARY KEY) ON COMMIT DROP")
    done = scope.run("INSERT INTO kept SELECT generate_series(1, :many)", many=5)
    assert (done.rowcount, done.returns_rows, done.all()) == (5, False, [])
    gone = scope.run("DELETE FROM kept WHERE n > 2 RETURNING n")
    assert (gone.rowcount, gone.returns_rows, sorted(gone.scalars())) == (3, True, [3, 4, 5])


def test_server_error_is_raised_as_sqlalchemy_error_without_values(database: Database) -> None:
    twice = "INSERT INTO kept VALUES (:n), (:n)"
    # Both statements run in one scope.
    with pytest.raises(IntegrityError) as refused, database.scope(uuid7(), WHO) as scope:  # noqa: PT012  see above
        scope.run("CREATE TEMPORARY TABLE kept (n int PRIMARY KEY) ON COMMIT DROP")
        scope.run(twice, n=9_876_543)
    assert refused.value.orig.sqlstate == "23505"
    assert "parameters hidden" in str(refused.value)


def test_lost_connection_is_invalidated(own: Database, cluster: Cluster) -> None:
    # Both statements run in one scope.
    with pytest.raises(DBAPIError) as died, own.scope(uuid7(), WHO) as scope:  # noqa: PT012  see above
        before = scope.run("SELECT pg_backend_pid()").scalar_one()
        _end_connections(cluster)
        scope.run("SELECT 1")
    assert died.value.connection_invalidated
    with own.scope(uuid7(), WHO) as scope:
        assert scope.run("SELECT pg_backend_pid()").scalar_one() != before


def test_interrupted_connection_is_discarded(own: Database) -> None:
    """SIGTERM interrupts in the same way: the response is still pending, and the next statement on
    the connection would receive it."""

    def interrupt(*_: object) -> None:
        raise SystemExit(0)

    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        # Both statements run in one scope.
        with pytest.raises(SystemExit), own.scope(uuid7(), WHO) as scope:  # noqa: PT012  see above
            pid = scope.run("SELECT pg_backend_pid()").scalar_one()
            signal.setitimer(signal.ITIMER_REAL, 0.5)
            scope.run("SELECT pg_sleep(30)")
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    with own.scope(uuid7(), WHO) as scope:
        assert scope.run("SELECT pg_backend_pid()").scalar_one() != pid


def test_statement_listeners_receive_scope_statements(scope: Scope) -> None:
    heard = []
    event.listen(
        scope.session.info["connection"],
        "before_cursor_execute",
        lambda *told: heard.append(told[2:4]),
    )
    scope.run("SELECT :a + 1", a=1)
    assert heard == [("SELECT %(a)s + 1", {"a": 1})]


def test_canonical_json_round_trips_through_jsonb(scope: Scope) -> None:
    said = {"é": ["\\", '"', "\n", 1.5, None]}
    assert (
        scope.run("SELECT CAST(:it AS jsonb)", it=canonical_json(said).decode()).scalar_one()
        == said
    )
