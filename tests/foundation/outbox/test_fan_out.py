"""Fan-out of facts to outbox rows of their listeners: once, with the delays and fields of each
listener."""

from datetime import timedelta
from threading import Barrier, Thread
from uuid import UUID

import pytest

from foundation.db.database import OpenScope
from foundation.ids import INSTALLATION_ID, uuid7
from foundation.outbox import fan_out, outbox
from foundation.outbox.fan_out import FACTS_PER_TURN, FactListener, FactListeners
from tests.foundation.events import ChatDue, CountSale, PostDue, Sold, ThankBuyer, count_states

ME = "system:test"
HEARD = FactListeners(
    {Sold: (FactListener(CountSale), FactListener(ThankBuyer, timedelta(hours=1)))}
)


def sell(tenant: OpenScope, tenant_id: UUID, count: int = 1) -> list[UUID]:
    buyers = [uuid7() for _ in range(count)]
    with tenant(tenant_id, ME) as scope:
        for buyer in buyers:
            outbox.put(scope, Sold(tenant_id, buyer, 500))
    return buyers


def spread(tenant: OpenScope, tenant_id: UUID, heard: FactListeners = HEARD) -> int:
    with tenant(tenant_id, ME) as scope:
        return fan_out.spread_facts(scope, heard)


def test_each_listener_gets_its_row_after_its_delay(tenant: OpenScope, tenant_id: UUID) -> None:
    (buyer,) = sell(tenant, tenant_id)
    assert spread(tenant, tenant_id) == 1
    assert spread(tenant, tenant_id) == 0
    with tenant(tenant_id, ME) as scope:
        rows = scope.run(
            "SELECT kind, subject_id, args, queue, available_at, trace_id FROM outbox ORDER BY kind"
        ).all()
        told = [(row.kind, row.subject_id, row.args, row.queue) for row in rows]
        assert rows[1].available_at - rows[0].available_at == timedelta(hours=1)
        assert rows[0].trace_id == rows[1].trace_id
    assert told == [
        (CountSale.kind, buyer, {"amount": 500}, CountSale.queue),
        (ThankBuyer.kind, buyer, {}, ThankBuyer.queue),
    ]


def test_listener_adds_extra_fields(tenant: OpenScope, tenant_id: UUID) -> None:
    sell(tenant, tenant_id)
    spread(
        tenant,
        tenant_id,
        FactListeners({Sold: (FactListener(ChatDue, extra_fields={"number": 7}),)}),
    )
    with tenant(tenant_id, ME) as scope:
        assert scope.run("SELECT args FROM outbox WHERE kind = 'test.chat'").scalar_one() == {
            "number": 7
        }


def test_listener_may_be_registered_with_several_delays(tenant: OpenScope, tenant_id: UUID) -> None:
    sell(tenant, tenant_id)
    spread(
        tenant,
        tenant_id,
        FactListeners(
            {Sold: tuple(FactListener(CountSale, timedelta(hours=hours)) for hours in (1, 24))}
        ),
    )
    assert count_states(tenant, tenant_id) == {"waiting": 2}


def test_fact_is_not_spread_before_it_is_due(tenant: OpenScope, tenant_id: UUID) -> None:
    with tenant(tenant_id, ME) as scope:
        outbox.put(scope, Sold(tenant_id, uuid7(), 1), at=scope.now + timedelta(hours=1))
    assert spread(tenant, tenant_id) == 0


def test_unroutable_fact_fails_alone(tenant: OpenScope, tenant_id: UUID) -> None:
    """A row of a newer or an invalid format does not delay other rows."""
    sell(tenant, tenant_id, 3)
    with tenant(tenant_id, ME) as scope:
        first, second = scope.run("SELECT id FROM outbox ORDER BY id LIMIT 2").scalars().all()
        scope.run("UPDATE outbox SET kind = 'test.unheard' WHERE id = :id", id=first)
        scope.run('UPDATE outbox SET args = \'{"amount": "much"}\' WHERE id = :id', id=second)
    assert spread(tenant, tenant_id) == 3
    assert count_states(tenant, tenant_id) == {"dead": 2, "waiting": 2}
    with tenant(tenant_id, ME) as scope:
        assert {one.error for one in outbox.list_dead(scope)} == {"event.unrouted"}


def test_concurrent_relays_spread_each_fact_once(tenant: OpenScope, tenant_id: UUID) -> None:
    """Two relays run while leadership changes."""
    sell(tenant, tenant_id, 40)
    together, counts = Barrier(2), list[int]()

    def one() -> None:
        together.wait()
        counts.append(spread(tenant, tenant_id))

    threads = [Thread(target=one) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(counts) == 40
    assert count_states(tenant, tenant_id) == {"waiting": 80}


def test_rolled_back_fan_out_preserves_fact(tenant: OpenScope, tenant_id: UUID) -> None:
    sell(tenant, tenant_id)

    def killed() -> None:
        with tenant(tenant_id, ME) as scope:
            fan_out.spread_facts(scope, HEARD)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        killed()
    assert count_states(tenant, tenant_id) == {"waiting": 1}


def test_tenant_spreads_own_facts_and_relay_all(tenant: OpenScope, tenant_id: UUID) -> None:
    other_id = uuid7()
    sell(tenant, tenant_id)
    sell(tenant, other_id)
    assert spread(tenant, tenant_id) == 1
    assert count_states(tenant, other_id) == {"waiting": 1}
    with tenant(INSTALLATION_ID, ME, role="relay") as scope:
        fan_out.spread_facts(scope, HEARD)
    assert count_states(tenant, other_id) == {"waiting": 2}


def test_facts_are_spread_in_batches(tenant: OpenScope, tenant_id: UUID) -> None:
    with tenant(tenant_id, ME) as scope:
        scope.run(
            "INSERT INTO outbox (tenant_id, id, kind, version, subject_id, args, queue, "
            "holds_lane, priority,"
            " available_at, state, tries, trace_id) SELECT :tenant, gen_random_uuid(), "
            "'test.sold', 1,"
            " gen_random_uuid(), '{\"amount\": 1}', 'facts', false, 5, :now, 'waiting', 0, 't'"
            " FROM generate_series(1, :many)",
            tenant=tenant_id,
            now=scope.now,
            many=FACTS_PER_TURN + 1,
        )
    assert [spread(tenant, tenant_id) for _ in range(3)] == [FACTS_PER_TURN, 1, 0]


def test_listeners_for_work_queue_event_are_rejected() -> None:
    with pytest.raises(ValueError, match=r"test\.post is a fact"):
        FactListeners({PostDue: ()})
