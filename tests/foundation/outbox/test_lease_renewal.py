"""Lease renewal: short leases are renewed while a worker runs, and expire soon after it is killed."""

import signal
import subprocess
import sys
import textwrap
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest

from foundation.db.database import Database, Scope
from foundation.outbox import row_leases
from foundation.outbox.lease_renewal import RENEWALS_PER_LEASE, RENEWED_LEASE
from tests.conftest import wait_until
from tests.foundation.events import put_posts
from workers.relay.claim_loop import SWEEP_EVERY

WORKER = textwrap.dedent(
    """
    import sys
    from pathlib import Path
    from uuid import UUID

    from foundation.db.database import Database
    from foundation.ops.clock import sleep
    from foundation.outbox.lease_renewal import RENEWED_LEASE
    from tests.foundation.events import PostDue
    from workers.relay import dispatch
    from workers.relay.dispatch import Dispatcher, EventRoute, EventRoutes

    def work(event):
        Path(sys.argv[4]).write_text("started")
        sleep(60)

    database = Database(sys.argv[1], pool_size=2)
    routes = EventRoutes(EventRoute(PostDue, work))
    dispatcher = Dispatcher(routes, database.scope, renewed_lease=RENEWED_LEASE)
    dispatcher.handle_event(UUID(sys.argv[2]), UUID(sys.argv[3]))
    """
)


def lease_left(scope: Scope, row_id: UUID) -> timedelta:
    left: timedelta = scope.run(
        "SELECT lease_until - :now FROM outbox WHERE id = :id", now=scope.now, id=row_id
    ).scalar_one()
    return left


@pytest.mark.heavy
def test_lane_of_killed_worker_is_free_within_20_seconds(
    database: Database, tenant_id: UUID, tmp_path: Path
) -> None:
    put_posts(database.scope, tenant_id, 1)
    with database.scope(tenant_id, "system:test") as scope:
        (claimed,) = row_leases.claim_rows(scope, "publish", places=1, room=1)
    url = database.engine.url.render_as_string(hide_password=False)
    started = tmp_path / "started"
    worker = subprocess.Popen(
        [sys.executable, "-c", WORKER, url, str(claimed.id), str(claimed.token), str(started)]
    )
    try:
        wait_until(started.exists)
        with database.scope(tenant_id, "system:test") as scope:
            assert lease_left(scope, claimed.id) <= RENEWED_LEASE
        shorter = RENEWED_LEASE - RENEWED_LEASE / RENEWALS_PER_LEASE / 2
        with database.scope(tenant_id, "system:test") as scope:
            scope.run("UPDATE outbox SET lease_until = lease_until - interval '3 s'")

        def is_renewed() -> bool:
            with database.scope(tenant_id, "system:test") as scope:
                return lease_left(scope, claimed.id) > shorter

        wait_until(is_renewed)
    finally:
        worker.send_signal(signal.SIGKILL)
        worker.wait(10)
    with database.scope(tenant_id, "system:test") as scope:
        left = lease_left(scope, claimed.id)
    assert left + timedelta(seconds=SWEEP_EVERY) < timedelta(seconds=20)


def test_lease_of_another_worker_is_not_renewed(database: Database, tenant_id: UUID) -> None:
    put_posts(database.scope, tenant_id, 1)
    with database.scope(tenant_id, "system:test") as scope:
        (first,) = row_leases.claim_rows(scope, "publish", places=1, room=1)
        deadline = timedelta(seconds=-60)
        assert row_leases.take_row(scope, first.id, first.token, deadline=deadline) is not None
        assert row_leases.sweep_expired_leases(scope) == 1
        (second,) = row_leases.claim_rows(scope, "publish", places=1, room=1)
        assert row_leases.take_row(
            scope, second.id, second.token, deadline=timedelta(seconds=1), grace=timedelta()
        )
        row_leases.renew_leases(scope, [first.token], lease=timedelta(minutes=1))
        assert lease_left(scope, second.id) <= timedelta(seconds=1)
        row_leases.renew_leases(scope, [second.token], lease=timedelta(minutes=1))
        assert lease_left(scope, second.id) > timedelta(seconds=50)
