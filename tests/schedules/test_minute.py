"""What the house looks at every minute, beside a year of plans."""

from collections.abc import Callable, Mapping

import pytest
from sqlalchemy import create_engine, text

from foundation.database import Database, Scope
from schedules import (
    downtimes,
    edits,
    forgotten,
    lost,
    queueing,
    reminding,
    reviewing,
    waiting,
    waiting_apart,
    waiting_long,
)
from tenants import reads as tenant_reads
from tests.conftest import Cluster
from tests.schedules.builders import Desk
from workers.bench_scale import FILL

PLANNED = 3_000

LOOKS: Mapping[str, Callable[[Scope], object]] = {
    "forgotten": forgotten.sweep,
    "edits": edits.sweep,
    "queues": queueing.watch,
    "reminders": reminding.watch,
    "approvals": lambda scope: reviewing.asked(scope, [one.id for one in tenant_reads.creators(scope)]),
    "downtimes": downtimes.follow,
    "lost accounts": lost.watch,
    "accounts that keep posts waiting": waiting.watch,
    "distances": waiting_apart.watch,
    "long waits": waiting_long.watch,
}


@pytest.fixture
def planned(lea: Desk, cluster: Cluster) -> None:
    """A post of tomorrow, and thousands like it over the year after."""
    post_id = lea.write("every day")
    lea.wish(post_id, after=86400)
    lea.approve(post_id)
    lea.plan(post_id)
    engine = create_engine(cluster.url("postgres", "house"))
    with engine.begin() as connection:
        for statement in FILL.read_text(encoding="utf-8").split(";\n\n"):
            connection.execute(text(statement), {"post": post_id, "share": PLANNED})
        connection.execute(text("ANALYZE deliveries, outbox, posts, approvals"))
    engine.dispose()


@pytest.mark.usefixtures("planned")
def test_no_look_reads_what_is_planned_for_later(lea: Desk) -> None:
    read = {}
    for name, look in LOOKS.items():
        with lea.scope() as scope:
            before = _rows(scope)
            look(scope)
            read[name] = _rows(scope) - before
    assert {name: rows for name, rows in read.items() if rows > PLANNED / 10} == {}


def _rows(scope: Scope) -> int:
    """How many rows this connection has read and not told of yet: those of its last transactions, too."""
    return int(
        scope.run(
            "SELECT sum(seq_tup_read + coalesce(idx_tup_fetch, 0)) FROM pg_stat_xact_user_tables"
            " WHERE relname IN ('deliveries', 'outbox', 'posts')"
        ).scalar_one()
    )


MANY = """
WITH made AS (INSERT INTO posts SELECT (jsonb_populate_record(p, jsonb_build_object(
    'id', gen_random_uuid(), 'origin_key', 'copy:' || n))).*
  FROM posts p, generate_series(1, 6000) n WHERE p.id = :post RETURNING id)
INSERT INTO deliveries SELECT (jsonb_populate_record(d, jsonb_build_object('id', gen_random_uuid(), 'post_id', made.id,
  'state', CASE WHEN row_number() OVER () <= 1000 THEN 'draft' ELSE 'published' END))).*
FROM deliveries d, made WHERE d.post_id = :post
"""


@pytest.mark.parametrize("name", ["approvals", "reminders"])
def test_a_look_planned_while_nothing_was_there_ends(lea: Desk, cluster: Cluster, name: str) -> None:
    """A connection keeps the plan it made, until the database counts the tables anew: a minute after a large file."""
    for _ in range(12):
        with lea.scope() as scope:
            LOOKS[name](scope)
    post_id = lea.write("the first of many")
    lea.wish(post_id, after=86400)
    engine = create_engine(cluster.url("postgres", "house"))
    with engine.begin() as connection:
        connection.execute(text(MANY), {"post": post_id})
    engine.dispose()
    with lea.scope() as scope:
        scope.run("SET LOCAL statement_timeout = '20s'")
        LOOKS[name](scope)


KEPT = "SELECT count(*), sum(generic_plans) FROM pg_prepared_statements WHERE parameter_types <> '{}'"


def test_no_page_is_read_by_a_plan_that_was_made_before(lea: Desk, pages: Database) -> None:
    """Made while there was nothing, it reads all dates of all posts once there are some."""
    for _ in range(12):
        with pages.scope(lea.tenant_id, "member:somebody") as scope:
            LOOKS["approvals"](scope)
            kept = scope.run(KEPT).one()
    assert kept[0] > 0
    assert kept[1] == 0
