"""Query plans of the sweeps that run every minute, with a year of scheduled posts."""

from collections.abc import Callable, Mapping
from uuid import UUID

import pytest
from sqlalchemy import create_engine, text

from benchmarks.publishing.load_growth import FILL_SQL
from foundation.db.database import Database, Scope
from schedules.approvals import review_queue
from schedules.downtime import missed_posts
from schedules.edits import edits
from schedules.notices import (
    blocked_account,
    interval_waits,
    lost_account,
    missing_approval,
    review_requests,
    undecided_posts,
)
from schedules.publishing import stalled_deliveries
from schedules.rescheduling import queue
from tenants.agencies import queries as tenant_reads
from tests.conftest import Cluster
from tests.schedules.builders import SandboxAgency

PLANNED = 3_000

LOOKS: Mapping[str, Callable[[Scope], object]] = {
    "forgotten": stalled_deliveries.wake_stalled_deliveries,
    "edits": edits.wake_stalled_edits,
    "queues": queue.notify_low_queues,
    "review requests": review_requests.refresh_review_request_notices,
    "reminders": missing_approval.refresh_missing_approval_notices,
    "approvals": lambda scope: review_queue.list_review_queue(
        scope, [one.id for one in tenant_reads.list_creators(scope)]
    ),
    "downtimes": missed_posts.close_finished_downtimes,
    "lost accounts": lost_account.refresh_lost_account_notices,
    "accounts that keep posts waiting": blocked_account.refresh_blocked_account_notices,
    "distances": interval_waits.refresh_interval_notices,
    "long waits": undecided_posts.refresh_undecided_notices,
}


@pytest.fixture
def planned(lea: SandboxAgency, cluster: Cluster) -> None:
    """Create a post for tomorrow and thousands of copies over the year after."""
    _copy(cluster, _tomorrow(lea), PLANNED)


def _tomorrow(lea: SandboxAgency) -> UUID:
    post_id = lea.write("every day")
    lea.wish(post_id, after=86400)
    lea.approve(post_id)
    lea.plan(post_id)
    return post_id


def _copy(cluster: Cluster, post_id: UUID, times: int, *, leased: bool = False) -> None:
    """Copy a post as the growth benchmark does. With `leased`, a worker holds one of its rows."""
    engine = create_engine(cluster.url("postgres", "house"))
    with engine.begin() as connection:
        if leased:
            connection.execute(text(LEASED), {"post": post_id})
        for statement in FILL_SQL.read_text(encoding="utf-8").split(";\n\n"):
            connection.execute(text(statement), {"post": post_id, "share": times})
        connection.execute(text("ANALYZE deliveries, outbox, posts, approvals"))
    engine.dispose()


LEASED = """
UPDATE outbox SET state = 'leased', lease_token = gen_random_uuid(), lease_until = house_now() +
interval '45 seconds'
WHERE id = (SELECT o.id FROM outbox o JOIN deliveries d ON d.tenant_id = o.tenant_id AND d.id =
o.subject_id
  WHERE d.post_id = :post ORDER BY o.available_at LIMIT 1)
"""


def test_copied_posts_occupy_no_worker_capacity(lea: SandboxAgency, cluster: Cluster) -> None:
    """A leased row was copied: 34 copies without a worker delayed every post by 37 s."""
    _copy(cluster, _tomorrow(lea), 50, leased=True)
    with lea.scope() as scope:
        states = dict(scope.run("SELECT state, count(*) FROM outbox GROUP BY state").all())
    assert states["leased"] == 1
    assert states["waiting"] >= 50


@pytest.mark.usefixtures("planned")
def test_sweeps_do_not_read_later_posts(lea: SandboxAgency) -> None:
    read = {}
    for name, look in LOOKS.items():
        with lea.scope() as scope:
            before = _rows(scope)
            look(scope)
            read[name] = _rows(scope) - before
    assert {name: rows for name, rows in read.items() if rows > PLANNED / 10} == {}


def _rows(scope: Scope) -> int:
    """Return the rows that this connection has read and not yet reported to the statistics,
    including those of earlier transactions."""
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
INSERT INTO deliveries SELECT (jsonb_populate_record(d, jsonb_build_object('id',
gen_random_uuid(), 'post_id', made.id,
  'state', CASE WHEN row_number() OVER () <= 1000 THEN 'draft' ELSE 'published' END))).*
FROM deliveries d, made WHERE d.post_id = :post
"""


@pytest.mark.heavy
@pytest.mark.parametrize("name", ["approvals", "reminders"])
def test_sweep_with_plan_cached_for_empty_tables_terminates(
    lea: SandboxAgency, cluster: Cluster, name: str
) -> None:
    """A connection keeps a cached plan until the tables are analyzed again: a minute after a large
    import."""
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


KEPT = (
    "SELECT count(*), sum(generic_plans) FROM pg_prepared_statements WHERE parameter_types <> '{}'"
)


def test_page_is_never_read_with_cached_generic_plan(lea: SandboxAgency, pages: Database) -> None:
    """A plan cached for empty tables reads every date of every post later."""
    for _ in range(12):
        with pages.scope(lea.tenant_id, "member:somebody") as scope:
            LOOKS["approvals"](scope)
            kept = scope.run(KEPT).one()
    assert kept[0] > 0
    assert kept[1] == 0
