"""Row leases: concurrent claims, fairness between tenants, groups and the database clock."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import create_engine, text

from foundation.db.database import OpenScope
from foundation.ids import INSTALLATION_ID, uuid7
from foundation.outbox import outbox, row_leases
from foundation.outbox.row_leases import ClaimedRow
from tests.conftest import Cluster
from tests.foundation.events import ChatDue, DayDue, PostDue, count_states, put_chat, put_posts

RELAY = "system:relay"
LEASE = timedelta(seconds=30)


@pytest.fixture(autouse=True)
def _empty(tenant: OpenScope) -> None:
    with tenant(INSTALLATION_ID, RELAY, role="relay") as scope:
        scope.run("DELETE FROM outbox")


def claim(tenant: OpenScope, *, places: int = 32, room: int = 32) -> list[ClaimedRow]:
    with tenant(INSTALLATION_ID, RELAY, role="relay") as scope:
        return row_leases.claim_rows(scope, "publish", places=places, room=room)


def finish(tenant: OpenScope, row: ClaimedRow) -> bool:
    with tenant(INSTALLATION_ID, RELAY, role="relay") as scope:
        taken = row_leases.take_row(scope, row.id, row.token, deadline=LEASE)
        return taken is not None and row_leases.finish_row(scope, taken)


def test_four_claimers_lease_each_row_once(tenant: OpenScope) -> None:
    tenants = [uuid7() for _ in range(5)]
    for each in tenants:
        put_posts(tenant, each, 30)
        put_posts(tenant, each, 10, lane="channel:a")

    def claimer(_: int) -> list[UUID]:
        mine: list[UUID] = []
        empty_handed = 0
        while empty_handed < 20:  # The other claimers may be claiming.
            rows = claim(tenant, places=1_000, room=7)
            empty_handed = 0 if rows else empty_handed + 1
            for row in rows:
                assert finish(tenant, row)
                mine.append(row.id)
        return mine

    with ThreadPoolExecutor(4) as threads:
        done = [event for found in threads.map(claimer, range(4)) for event in found]
    assert len(done) == len(set(done)) == 200


def test_small_tenants_are_not_delayed_by_large_one(tenant: OpenScope) -> None:
    large, small = uuid7(), [uuid7() for _ in range(9)]
    put_posts(tenant, large, 1_000)
    for each in small:
        put_posts(tenant, each, 10)
    order: list[UUID] = []
    while rows := claim(tenant):
        order += [row.tenant_id for row in rows]
        with tenant(INSTALLATION_ID, RELAY, role="relay") as scope:
            scope.run("DELETE FROM outbox WHERE state = 'leased'")
    assert len(order) == 1_090
    last_small = max(index for index, found in enumerate(order) if found != large)
    assert last_small < 120, "rows of small tenants are claimed in the first tenth"


def test_single_tenant_uses_all_slots_and_two_share_them(tenant: OpenScope) -> None:
    first, second = uuid7(), uuid7()
    put_posts(tenant, first, 50)
    assert len(claim(tenant)) == 32
    with tenant(INSTALLATION_ID, RELAY, role="relay") as scope:
        scope.run("DELETE FROM outbox")
    put_posts(tenant, first, 50)
    put_posts(tenant, second, 50)
    assert [row.tenant_id for row in claim(tenant)].count(first) == 16


def test_leased_rows_count_toward_tenant_share(tenant: OpenScope) -> None:
    first, second = uuid7(), uuid7()
    put_posts(tenant, first, 40)
    assert len(claim(tenant, room=30)) == 30
    put_posts(tenant, second, 40)
    assert {row.tenant_id for row in claim(tenant, room=2)} == {second}


def test_rows_of_loaded_model_go_first_until_others_are_old(
    tenant: OpenScope, tenant_id: UUID
) -> None:
    with tenant(tenant_id, RELAY) as scope:
        old = outbox.put(
            scope, PostDue(tenant_id, uuid7()), group="b", at=scope.now - timedelta(minutes=6)
        )
        other = outbox.put(
            scope, PostDue(tenant_id, uuid7()), group="b", at=scope.now - timedelta(minutes=4)
        )
        loaded = outbox.put(scope, PostDue(tenant_id, uuid7()), group="a")
    order = []
    for _ in range(3):
        with tenant(INSTALLATION_ID, RELAY, role="relay") as scope:
            order += [
                row.id
                for row in row_leases.claim_rows(
                    scope,
                    "publish",
                    places=1,
                    room=1,
                    order=row_leases.GroupOrder(loaded="a"),
                )
            ]
        with tenant(INSTALLATION_ID, RELAY, role="relay") as scope:
            scope.run("DELETE FROM outbox WHERE state = 'leased'")
    assert order == [old, loaded, other]


def test_queue_states_report_leased_due_and_next_rows(tenant: OpenScope, tenant_id: UUID) -> None:
    put_posts(tenant, tenant_id, 3)
    with tenant(tenant_id, RELAY) as scope:
        later = scope.now + timedelta(seconds=40)
        outbox.put(scope, PostDue(tenant_id, uuid7()), at=later)
        outbox.put(scope, ChatDue(tenant_id, uuid7(), 1), at=later)
    claim(tenant, room=2)
    with tenant(INSTALLATION_ID, RELAY, role="relay") as scope:
        seen = row_leases.queue_states(scope)
    assert seen["publish"] == row_leases.QueueState(leased=2, due=True, next_at=later)
    assert seen["chat"] == row_leases.QueueState(leased=0, due=False, next_at=later)
    assert seen["gpu"] == row_leases.QueueState(leased=0, due=False, next_at=None)


def test_planned_posts_do_not_slow_queue_states(
    tenant: OpenScope, tenant_id: UUID, cluster: Cluster
) -> None:
    """Once its statistics showed that nearly all rows wait in one queue, PostgreSQL read all of
    them in each query."""
    put_posts(tenant, tenant_id, 1)
    with tenant(INSTALLATION_ID, RELAY, role="relay") as scope:
        scope.run("UPDATE outbox SET dedupe_key = NULL")
    engine = create_engine(cluster.url("postgres", "house"), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(_PLANNED))
        connection.execute(text("VACUUM (ANALYZE) outbox"))
    engine.dispose()
    with tenant(INSTALLATION_ID, RELAY, role="relay") as scope:
        # A cached plan is made without the current time.
        scope.run("SET LOCAL plan_cache_mode = force_generic_plan")
        scope.run(f"PREPARE look (timestamptz) AS {row_leases._LOOK.replace(':now', '$1')}")
        plan = scope.run(
            "EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) EXECUTE look (house_now())"
        ).scalar_one()[0]["Plan"]
        scope.run("DEALLOCATE look")
    assert plan["Shared Hit Blocks"] + plan["Shared Read Blocks"] < 150, (
        "pages of 8 KiB; the whole table has 600"
    )


_PLANNED = """
INSERT INTO outbox SELECT (jsonb_populate_record(o, jsonb_build_object('id', gen_random_uuid(),
  'subject_id', gen_random_uuid(), 'lane', 'channel:' || n % 30,
  'available_at', o.available_at + n * interval '20 min'))).*
FROM outbox o, generate_series(1, 20000) n"""


def test_database_clock_shift_ends_no_lease(tenant: OpenScope, tenant_id: UUID) -> None:
    put_posts(tenant, tenant_id, 1)
    row = claim(tenant)[0]
    with tenant(INSTALLATION_ID, RELAY, role="relay") as scope:
        scope.run("SELECT house_shift(interval '1 hour')")
    with tenant(INSTALLATION_ID, RELAY, role="relay") as scope:
        assert row_leases.sweep_expired_leases(scope) == 0
        assert row_leases.take_row(scope, row.id, row.token, deadline=LEASE) is not None
    with tenant(INSTALLATION_ID, RELAY, role="relay") as scope:
        scope.run("SELECT house_shift(interval '-1 hour')")
    assert count_states(tenant, tenant_id) == {"leased": 1}


def test_clock_rollback_does_not_extend_lease_of_dead_worker(
    tenant: OpenScope, tenant_id: UUID
) -> None:
    """The clock of the machine moved back by an hour: the row, and its whole lane, would wait for that
    hour."""
    put_posts(tenant, tenant_id, 1)
    row = claim(tenant)[0]
    with tenant(INSTALLATION_ID, RELAY, role="relay") as scope:
        assert row_leases.take_row(scope, row.id, row.token, deadline=LEASE) is not None
        scope.run("SELECT house_clock_move(interval '-1 hour')")
    with tenant(INSTALLATION_ID, RELAY, role="relay") as scope:
        assert row_leases.sweep_expired_leases(scope) == 1
        scope.run("SELECT house_clock_move(interval '1 hour')")
    assert count_states(tenant, tenant_id) == {"waiting": 1}


def test_rows_are_claimed_from_one_queue_only(tenant: OpenScope, tenant_id: UUID) -> None:
    put_chat(tenant, tenant_id, 1)
    with tenant(tenant_id, RELAY) as scope:
        outbox.put(scope, DayDue(tenant_id, uuid7(), scope.now.date()))
    assert claim(tenant) == []


def test_row_behind_held_lane_does_not_block_clock_advance(
    tenant: OpenScope,
) -> None:
    """Found by chaos testing: the clock moved back while a message waited for its retry, and the
    next message became due."""
    tenant_id = uuid7()
    for number in range(2):
        put_chat(tenant, tenant_id, number, lane="chat:a", holds_lane=True)
    with tenant(INSTALLATION_ID, RELAY, role="relay") as scope:
        (row,) = row_leases.claim_rows(scope, "chat", places=32, room=32)
        taken = row_leases.take_row(scope, row.id, row.token, deadline=LEASE)
        assert taken is not None
        assert not row_leases.advance_database_clock(scope, scope.now + timedelta(hours=2)), (
            "the row is in progress"
        )
        row_leases.defer_row(scope, taken, timedelta(hours=1))
        before = scope.now
    with tenant(INSTALLATION_ID, RELAY, role="relay") as scope:
        assert row_leases.claim_rows(scope, "chat", places=32, room=32) == []
        assert row_leases.advance_database_clock(scope, scope.now + timedelta(hours=2))
    with tenant(INSTALLATION_ID, RELAY, role="relay") as scope:
        assert before + timedelta(hours=1) <= scope.now < before + timedelta(hours=1, minutes=5)
        assert [one.id for one in row_leases.claim_rows(scope, "chat", places=32, room=32)] == [
            row.id
        ]
