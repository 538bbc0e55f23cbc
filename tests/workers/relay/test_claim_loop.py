"""The relay end to end: Redis wiped, stopped or slow; PostgreSQL unavailable; messages lost and
duplicated; two relays."""

from collections import Counter
from threading import Lock
from typing import Any
from uuid import UUID

import redis
from kombu.exceptions import OperationalError as BrokerError
from sqlalchemy import text

from foundation.db.database import Database, OpenScope
from foundation.ids import INSTALLATION_ID, uuid7
from foundation.ops.clock import monotonic, sleep
from foundation.outbox import outbox
from foundation.outbox.fan_out import FactListener, FactListeners
from foundation.outbox.row_leases import ClaimedRow
from tests.conftest import wait_until
from tests.foundation.events import (
    ChatDue,
    CountSale,
    PostDue,
    Sold,
    count_states,
    put_chat,
    put_posts,
)
from tests.workers.relay_worker import clear_outbox, count_pending_rows, house, relaying
from workers.relay.beat import Tick
from workers.relay.claim_loop import SendMessage
from workers.relay.dispatch import Dispatcher, EventRoute, EventRoutes

ME = "system:test"


class Handled:
    """Counts handled events by subject; thread-safe."""

    def __init__(self) -> None:
        self.seen: list[Any] = []
        self._lock = Lock()

    def __call__(self, event: Any) -> None:
        with self._lock:
            self.seen.append(event)

    @property
    def subjects(self) -> Counter[UUID]:
        return Counter(event.subject_id for event in self.seen)


def routes(handled: Handled) -> EventRoutes:
    return EventRoutes(EventRoute(PostDue, handled), EventRoute(ChatDue, handled))


def test_due_rows_are_handled_once_and_on_time(
    database: Database, redis_url: str, tenant_id: UUID
) -> None:
    handled, started = Handled(), monotonic()
    with house(database, redis_url, routes(handled)):
        subjects = put_posts(database.scope, tenant_id, 40)
        with database.scope(tenant_id, ME) as scope:
            due = scope.run("SELECT house_now() + interval '400 milliseconds'").scalar_one()
            outbox.put(scope, PostDue(tenant_id, uuid7()), at=due)
        wait_until(lambda: len(handled.seen) == 41)
        wait_until(lambda: count_pending_rows(database.scope) == 0)
    assert set(subjects) <= set(handled.subjects)
    assert set(handled.subjects.values()) == {1}
    assert monotonic() - started < 10


def test_fact_listeners_get_the_fact_without_a_message_for_it(
    database: Database, redis_url: str, tenant_id: UUID
) -> None:
    handled, sent = Handled(), list[str]()

    def noted(send: SendMessage) -> SendMessage:
        def once(row: ClaimedRow, queue: str) -> None:
            sent.append(queue)
            send(row, queue)

        return once

    heard = EventRoutes(
        EventRoute(CountSale, handled), facts=FactListeners({Sold: (FactListener(CountSale),)})
    )
    with house(database, redis_url, heard, wrap=noted):
        with database.scope(tenant_id, ME) as scope:
            outbox.put(scope, Sold(tenant_id, uuid7(), 500))
        wait_until(lambda: len(handled.seen) == 1)
        wait_until(lambda: count_pending_rows(database.scope) == 0)
    assert sent == [CountSale.queue]


def test_lane_is_processed_in_order_by_many_threads(
    database: Database, redis_url: str, tenant_id: UUID
) -> None:
    handled = Handled()
    with house(database, redis_url, routes(handled)):
        for number in range(20):
            put_chat(database.scope, tenant_id, number, lane=f"chat:{number % 2}", holds_lane=True)
        wait_until(lambda: len(handled.seen) == 20)
    for lane in (0, 1):
        numbers = [event.number for event in handled.seen if event.number % 2 == lane]
        assert numbers == sorted(numbers)


def test_duplicate_messages_are_handled_once(
    database: Database, redis_url: str, tenant_id: UUID
) -> None:
    handled, old = Handled(), []

    def doubled(send: SendMessage) -> SendMessage:
        def twice(row: ClaimedRow, queue: str) -> None:
            send(row, queue)
            send(row, queue)

        return twice

    def handle(dispatcher: Dispatcher, event_id: UUID, token: UUID) -> None:
        old.append(not dispatcher.handle_event(event_id, token))

    with house(database, redis_url, routes(handled), wrap=doubled, handle=handle):
        put_posts(database.scope, tenant_id, 60)
        wait_until(lambda: len(old) == 120)
    assert sum(old) == 60
    assert set(handled.subjects.values()) == {1}


def test_wiped_redis_delays_rows_by_a_lease_and_loses_none(
    database: Database, redis_url: str, tenant_id: UUID
) -> None:
    handled, lost = Handled(), []

    def into_nothing(send: SendMessage) -> SendMessage:
        def sometimes(row: ClaimedRow, queue: str) -> None:
            if len(lost) < 10:
                lost.append(row.id)  # as FLUSHALL does between sending and receiving
            else:
                send(row, queue)

        return sometimes

    with house(database, redis_url, routes(handled), wrap=into_nothing) as relay:
        put_posts(database.scope, tenant_id, 15)
        wait_until(lambda: len(handled.seen) == 5)
        redis.Redis.from_url(redis_url).flushall()
        with database.scope(INSTALLATION_ID, ME, role="relay") as scope:
            scope.run(
                "UPDATE outbox SET lease_until = lease_until - interval '10 seconds' WHERE state "
                "= 'leased'"
            )
        relay._sweep_at = 0.0
        wait_until(lambda: len(handled.seen) == 15)
        wait_until(lambda: count_pending_rows(database.scope) == 0)
    assert set(handled.subjects.values()) == {1}


def test_rows_return_to_waiting_without_redis(
    database: Database, redis_url: str, tenant_id: UUID
) -> None:
    handled, refused = Handled(), []

    def away(send: SendMessage) -> SendMessage:
        def sometimes(row: ClaimedRow, queue: str) -> None:
            if len(refused) < 3:
                refused.append(row.id)
                raise BrokerError
            send(row, queue)

        return sometimes

    with house(database, redis_url, routes(handled), wrap=away):
        for number in range(6):
            put_chat(database.scope, tenant_id, number, lane="chat:a", holds_lane=True)
        wait_until(
            lambda: bool(refused) and count_states(database.scope, tenant_id) == {"waiting": 6}
        )
        wait_until(lambda: len(handled.seen) == 6)
    assert [event.number for event in handled.seen] == [0, 1, 2, 3, 4, 5]


def test_relay_survives_the_loss_of_all_database_connections(
    database: Database, redis_url: str, tenant_id: UUID
) -> None:
    handled = Handled()
    with house(database, redis_url, routes(handled)) as relay:
        put_posts(database.scope, tenant_id, 5)
        wait_until(lambda: len(handled.seen) == 5)
        with database.engine.connect() as connection:
            connection.execute(
                text(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE usename = current_user AND pid <> pg_backend_pid()"
                )
            )
        wait_until(lambda: _puts(database, tenant_id))
        wait_until(lambda: len(handled.seen) == 10)
        wait_until(relay.leading.is_set)
    assert set(handled.subjects.values()) == {1}


def _puts(database: Database, tenant_id: UUID) -> bool:
    put_posts(database.scope, tenant_id, 5)
    return True


def test_one_of_two_relays_leads(database: Database, redis_url: str, tenant_id: UUID) -> None:
    clear_outbox(database.scope, redis_url)
    sent: list[ClaimedRow] = []
    other: list[ClaimedRow] = []
    with relaying(database, lambda row, _: other.append(row)) as second:
        with relaying(database, lambda row, _: sent.append(row)) as first:
            wait_until(lambda: first.leading.is_set() or second.leading.is_set())
            put_posts(database.scope, tenant_id, 10)
            wait_until(lambda: len(sent) + len(other) == 10)
            sleep(0.3)
            assert first.leading.is_set() != second.leading.is_set()
            assert {len(sent), len(other)} == {0, 10}
            first.stop()
            wait_until(second.leading.is_set)
        put_posts(database.scope, tenant_id, 5)
        wait_until(lambda: len(sent) + len(other) == 15)
    assert len({row.token for row in sent + other}) == 15


def test_ticks_run_in_the_leading_relay_despite_a_failing_one(
    database: Database, redis_url: str, tenant_id: UUID
) -> None:
    clear_outbox(database.scope, redis_url)
    sent: list[ClaimedRow] = []

    def put(tenant: OpenScope) -> None:
        with tenant(tenant_id, ME) as scope:
            outbox.put(scope, PostDue(tenant_id, uuid7()), dedupe="tick")

    def broken(tenant: OpenScope) -> None:
        raise ZeroDivisionError

    with relaying(
        database, lambda row, _: sent.append(row), ticks=(Tick(1, broken), Tick(1, put, "post"))
    ):
        wait_until(lambda: len(sent) == 1)
