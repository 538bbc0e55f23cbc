"""The demo clock: it skips idle time only, never work, and only in a demo installation."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import create_engine, text

from foundation.db.database import Database, OpenScope, Scope
from foundation.errors import Refused
from foundation.ids import INSTALLATION_ID, uuid7
from foundation.ops.clock import monotonic
from foundation.outbox import outbox, row_leases
from migrations import upgrading
from schedules.publishing.events import SweepDue
from tests.conftest import PASSWORD, Cluster
from workers.creator_day.shiftable_clock import ShiftableClock

SLACK = timedelta(seconds=3)
"""Real time that may pass during a check on a busy machine."""


@pytest.fixture(scope="module")
def house(cluster: Cluster) -> Iterator[Database]:
    """A database for these tests only: its clock moves, and no other work may be due in it."""
    passwords = {"owner": PASSWORD, "work": PASSWORD, "pages": PASSWORD}
    upgrading.prepare(cluster.url("postgres", "postgres"), "clockwork", passwords=passwords)
    upgrading.upgrade(cluster.url("greenroom_owner", "clockwork"), environment="test")
    found = Database(cluster.url("greenroom_work", "clockwork"), pool_size=4)
    yield found
    found.close()


@pytest.fixture(autouse=True)
def nothing_to_do(house: Database) -> None:
    with house.scope(INSTALLATION_ID, "system:test", role="relay") as scope:
        scope.run("DELETE FROM outbox")


def now(tenant: OpenScope) -> datetime:
    with tenant(INSTALLATION_ID, "system:test", role="relay") as scope:
        return scope.now


def leap(tenant: OpenScope, until: datetime) -> bool:
    with tenant(INSTALLATION_ID, "system:test", role="relay") as scope:
        return row_leases.advance_database_clock(scope, until)


def put(tenant: OpenScope, after: timedelta) -> UUID:
    """Put a row that is due after this time; return its subject."""
    subject = uuid7()
    with tenant(subject, "system:test") as scope:
        outbox.put(scope, SweepDue(subject, subject), at=scope.now + after)
    return subject


def change(tenant: OpenScope, subject: UUID, **values: str) -> None:
    """Change columns of a row."""
    with tenant(INSTALLATION_ID, "system:test", role="relay") as scope:
        for column, value in values.items():
            scope.run(
                f"UPDATE outbox SET {column} = {value} WHERE subject_id = :subject", subject=subject
            )


def lease(tenant: OpenScope, subject: UUID) -> None:
    """Lease the row to a worker."""
    change(
        tenant,
        subject,
        lease_token="gen_random_uuid()",
        lease_until="house_now() + interval '1 minute'",
    )
    change(tenant, subject, state="'leased'")


def done(tenant: OpenScope, subject: UUID) -> None:
    with tenant(INSTALLATION_ID, "system:test", role="relay") as scope:
        scope.run("DELETE FROM outbox WHERE subject_id = :subject", subject=subject)


HOURS = st.integers(1, 48)


@given(
    waiting=st.lists(HOURS, max_size=4),
    dead=st.lists(st.integers(-48, 48), max_size=2),
    until=HOURS,
)
@settings(max_examples=25, deadline=None)
def test_skip_ends_at_the_next_due_row(
    house: Database, waiting: list[int], dead: list[int], until: int
) -> None:
    tenant = house.scope
    with tenant(INSTALLATION_ID, "system:test", role="relay") as scope:
        scope.run("DELETE FROM outbox")
    for hours in waiting:
        put(tenant, timedelta(hours=hours))
    for hours in dead:
        change(tenant, put(tenant, timedelta(hours=hours)), state="'dead'")
    before = now(tenant)
    target = before + timedelta(hours=min([until, *waiting]))
    assert leap(tenant, before + timedelta(hours=until))
    assert target - SLACK <= now(tenant) <= target + SLACK


@pytest.mark.parametrize("busy", ["due", "leased", "leased and due later"])
def test_clock_stays_while_rows_are_leased_or_due(house: Database, busy: str) -> None:
    tenant = house.scope
    subject = put(tenant, timedelta(hours=1 if busy == "leased and due later" else 0))
    if busy != "due":
        lease(tenant, subject)
    before = now(tenant)
    assert not leap(tenant, before + timedelta(days=1))
    assert now(tenant) - before < SLACK
    done(tenant, subject)
    assert leap(tenant, before + timedelta(days=1))


def test_clock_never_moves_back(house: Database) -> None:
    before = now(house.scope)
    assert not leap(house.scope, before - timedelta(hours=1))
    assert now(house.scope) >= before


def test_claimed_row_holds_the_clock(house: Database) -> None:
    """A row claimed by the relay holds the clock, even before a worker has started it."""
    tenant = house.scope
    subject = put(tenant, timedelta())
    with tenant(INSTALLATION_ID, "system:test", role="relay") as claiming:
        claimed = row_leases.claim_rows(claiming, SweepDue.queue, places=4, room=4)
    assert [row.tenant_id for row in claimed] == [subject]
    assert not leap(tenant, now(tenant) + timedelta(hours=1))


@dataclass
class Worker:
    """Process due rows at each poll, and record the installation's time of each."""

    tenant: OpenScope
    seen: list[tuple[UUID, datetime]] = field(default_factory=list)
    looks: int = 0

    def __call__(self) -> None:
        self.looks += 1
        with self.tenant(INSTALLATION_ID, "system:test", role="relay") as scope:
            self.seen += [(subject, scope.now) for subject in self._due(scope)]

    def _due(self, scope: Scope) -> list[UUID]:
        done = scope.run(
            "DELETE FROM outbox WHERE available_at <= house_now() RETURNING subject_id"
        )
        return list(done.scalars())


def test_day_passes_quickly_and_every_row_runs_on_time(house: Database) -> None:
    worker, began, started = Worker(house.scope), now(house.scope), monotonic()
    hours = (9, 2, 5, 23)
    rows = {put(house.scope, timedelta(hours=each)): each for each in hours}
    ShiftableClock(house.scope, skip_idle_time=True, on_poll=worker).wait_until(
        began + timedelta(days=1)
    )
    assert [rows[subject] for subject, _ in worker.seen] == sorted(hours)
    for subject, at in worker.seen:
        assert abs(at - began - timedelta(hours=rows[subject])) < SLACK
    assert now(house.scope) - began >= timedelta(days=1)
    assert monotonic() - started < 5


def test_leased_work_is_awaited_in_real_time(house: Database) -> None:
    subject = put(house.scope, timedelta())
    lease(house.scope, subject)
    began, looks = now(house.scope), []

    def look() -> None:
        looks.append(now(house.scope))
        if len(looks) == 4:
            done(house.scope, subject)

    ShiftableClock(house.scope, skip_idle_time=True, on_poll=look).wait_until(
        began + timedelta(hours=1)
    )
    assert looks[3] - began < SLACK
    assert now(house.scope) - began >= timedelta(hours=1)


def test_without_skipping_the_clock_is_unchanged(house: Database) -> None:
    began = now(house.scope)
    ShiftableClock(house.scope, skip_idle_time=False, on_poll=lambda: None).wait_until(
        began + timedelta(seconds=0.4)
    )
    assert timedelta(seconds=0.4) <= now(house.scope) - began < SLACK


def test_wait_ends_at_its_limit(house: Database) -> None:
    clock, began = (
        ShiftableClock(house.scope, skip_idle_time=True, on_poll=lambda: None),
        now(house.scope),
    )
    assert not clock.wait_for(lambda: False, at_most=timedelta(hours=26))
    assert timedelta(hours=26) <= now(house.scope) - began < timedelta(hours=26) + SLACK
    assert clock.wait_for(lambda: True, at_most=timedelta(hours=26))


def test_stride_limits_the_time_between_polls(house: Database) -> None:
    """Between two polls the clock moves by one stride plus real time, so that workers keep up."""
    times: list[datetime] = []
    clock = ShiftableClock(
        house.scope, skip_idle_time=True, on_poll=lambda: times.append(now(house.scope))
    )
    started = monotonic()
    clock.wait_for(lambda: False, at_most=timedelta(seconds=5), stride=timedelta(seconds=0.5))
    real = timedelta(seconds=monotonic() - started)
    assert len(times) >= 5
    assert times[-1] - times[0] <= len(times) * timedelta(seconds=0.5) + real


def test_production_clock_cannot_be_moved(cluster: Cluster, house: Database) -> None:
    """The database refuses it for every caller."""
    declare(cluster, "production")
    try:
        before = now(house.scope)
        with pytest.raises(Refused) as refused:
            ShiftableClock(house.scope, skip_idle_time=True, on_poll=lambda: None).wait_until(
                before + timedelta(hours=1)
            )
        assert refused.value.message.code == "clock.not_here"
        assert now(house.scope) - before < SLACK
    finally:
        declare(cluster, "test")


def declare(cluster: Cluster, environment: str) -> None:
    """Declare the environment of the installation in the database."""
    owner = create_engine(cluster.url("greenroom_owner", "clockwork"))
    with owner.begin() as connection:
        connection.execute(
            text("UPDATE house_clock SET environment = :environment"), {"environment": environment}
        )
    owner.dispose()
