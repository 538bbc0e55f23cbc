"""One device, many models and tenants: who goes next, and what a lost memory costs."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

import pytest

from foundation import jobs, leases, outbox
from foundation.database import OpenScope
from foundation.ids import HOUSE, uuid7
from foundation.leases import Claimed
from foundation.outbox import Later
from studio import affinity
from studio.events import JobDue
from workers.dispatch import RELAY, Dispatcher, Route, Routes
from workers.turns import Turns

LONG = timedelta(minutes=6)


@pytest.fixture(autouse=True)
def _empty(tenant: OpenScope) -> None:
    with tenant(HOUSE, RELAY, role="relay") as scope:
        scope.run("DELETE FROM outbox")


def put(tenant: OpenScope, tenant_id: UUID, *groups: str, age: timedelta = timedelta()) -> list[UUID]:
    """Rows of these groups, in order, put so long ago."""
    with tenant(tenant_id, "system:test") as scope:
        subjects = [uuid7() for _ in groups]
        for number, (subject, group) in enumerate(zip(subjects, groups, strict=True)):
            at = scope.now - age - timedelta(milliseconds=len(groups) - number)
            outbox.put(scope, JobDue(tenant_id, subject), group=group, at=at)
    return subjects


def order(tenant: OpenScope, turns: Turns, *, most: int = 100) -> Sequence[Claimed]:
    """Claimed and finished one after the other."""
    found: list[Claimed] = []
    while len(found) < most:
        with tenant(HOUSE, RELAY, role="relay") as scope:
            rows = turns.claim(scope, "gpu", places=1, room=1)
        if not rows:
            break
        found += rows
        with tenant(HOUSE, RELAY, role="relay") as scope:
            scope.run("DELETE FROM outbox WHERE state = 'leased'")
    return found


def test_the_group_that_is_loaded_is_drained_before_the_next_is_loaded(tenant: OpenScope, tenant_id: UUID) -> None:
    put(tenant, tenant_id, *("a", "b", "c") * 4)
    groups = [row.group for row in order(tenant, Turns())]
    assert groups == ["a"] * 4 + ["b"] * 4 + ["c"] * 4


def test_other_adapters_of_the_loaded_model_go_before_another_model(tenant: OpenScope, tenant_id: UUID) -> None:
    one, other = affinity.group("xl", adapters=["mia"]), affinity.group("xl", adapters=["film", "zoe"])
    plain, far, longer = affinity.group("xl"), affinity.group("sd"), affinity.group("xl-2", adapters=["mia"])
    put(tenant, tenant_id, *(one, far, longer, other, plain) * 2)
    assert [row.group for row in order(tenant, Turns())] == [
        *[one] * 2,
        *[other] * 2,
        *[plain] * 2,
        far,
        far,
        longer,
        longer,
    ]
    put(tenant, tenant_id, *(one, far, other) * 2, age=LONG)
    stays = Turns(stay=timedelta(hours=1))
    assert [row.group for row in order(tenant, stays)] == [one, one, other, other, far, far]
    assert affinity.kin(plain) == affinity.kin(one) != affinity.kin(longer)


def test_inside_a_group_tenants_take_turns_however_many_rows_one_has(tenant: OpenScope) -> None:
    large, small = uuid7(), uuid7()
    put(tenant, large, *["a"] * 30)
    put(tenant, small, *["a"] * 3)
    tenants = [row.tenant_id for row in order(tenant, Turns(), most=6)]
    assert tenants == [large, small] * 3


def test_a_lone_row_waits_for_its_patience_and_no_longer(tenant: OpenScope) -> None:
    large, lone = uuid7(), uuid7()
    put(tenant, large, *["a"] * 5)
    turns = Turns(stay=timedelta())
    order(tenant, turns, most=1)
    put(tenant, lone, "b", age=LONG - timedelta(minutes=2))
    assert [row.group for row in order(tenant, turns, most=1)] == ["a"]
    with tenant(lone, "system:test") as scope:
        scope.run("UPDATE outbox SET available_at = available_at - interval '2 minutes'")
    assert [row.group for row in order(tenant, turns, most=1)] == ["b"]


def test_where_all_have_lost_patience_a_group_stays_for_a_while(tenant: OpenScope, tenant_id: UUID) -> None:
    """Otherwise each row of a long queue would load its own model, and all would wait still longer."""
    put(tenant, tenant_id, *("a", "b") * 4, age=LONG)
    assert [row.group for row in order(tenant, Turns(stay=timedelta(hours=1)))] == ["a"] * 4 + ["b"] * 4
    put(tenant, tenant_id, *("a", "b") * 4, age=LONG)
    assert [row.group for row in order(tenant, Turns(stay=timedelta()))] == ["a", "b"] * 4


def test_a_new_relay_learns_what_is_loaded_from_the_row_in_flight(tenant: OpenScope, tenant_id: UUID) -> None:
    put(tenant, tenant_id, "b", "a", "b")
    with tenant(HOUSE, RELAY, role="relay") as scope:
        first = Turns().claim(scope, "gpu", places=1, room=1)
    after = Turns()
    with tenant(HOUSE, RELAY, role="relay") as scope:
        after.resume(scope, "gpu")
    assert after.loaded == first[0].group == "b"
    with tenant(HOUSE, RELAY, role="relay") as scope:
        scope.run("DELETE FROM outbox WHERE state = 'leased'")
    assert [row.group for row in order(tenant, after)] == ["b", "a"]


def test_long_work_is_told_of_others_and_not_of_its_own(tenant: OpenScope) -> None:
    mine, other, told = uuid7(), uuid7(), list[bool]()

    def work(_event: JobDue) -> None:
        told.append(jobs.others_wait())
        put(tenant, mine, "a")
        told.append(jobs.others_wait())
        put(tenant, other, "b")
        told.append(jobs.others_wait())
        raise Later(timedelta())

    put(tenant, mine, "a")
    with tenant(HOUSE, RELAY, role="relay") as scope:
        row = leases.claim(scope, "gpu", places=1, room=1)[0]
    Dispatcher(Routes(Route(JobDue, work)), tenant).handle(row.id, row.token)
    assert told == [False, False, True]
    assert not jobs.others_wait(), "work started by hand has no place that somebody waits for"
