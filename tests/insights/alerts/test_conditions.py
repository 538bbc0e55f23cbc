"""Conditions of the present: each opens one alert for its creator and closes when it ends."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from foundation.db.database import Scope
from foundation.ids import uuid7
from foundation.money import Money
from foundation.ops.clock import wall_now
from insights.alerts import evaluation
from insights.alerts.alerts import Alert
from insights.alerts.states import AlertKind
from studio.costs import spending_caps
from subscribers.conversations.states import Sentiment
from tests.insights.alerts.test_evaluation import check, open_notices
from tests.insights.builders import CreatorHistory, store_comments

DUE = datetime(2026, 1, 5, 10, tzinfo=UTC)


def fail_post(of: CreatorHistory) -> Callable[[Scope], None]:
    delivery = of.post(DUE)
    with of.scope() as scope:
        scope.run("UPDATE deliveries SET state = 'failed' WHERE id = :id", id=delivery)
        scope.run(
            "INSERT INTO delivery_moves (tenant_id, id, creator_id, delivery_id, before, after, by)"
            " VALUES (:t, :id, :creator, :delivery, 'publishing', 'failed', 'system:test')",
            t=scope.tenant_id,
            id=uuid7(),
            creator=of.creator_id,
            delivery=delivery,
        )
    return lambda scope: _run(
        scope, "UPDATE deliveries SET state = 'cancelled' WHERE id = :id", delivery
    )


def keep_chat_waiting(of: CreatorHistory) -> Callable[[Scope], None]:
    with of.scope() as scope:
        scope.run(
            "UPDATE conversations SET owner = 'pending_human', last_in_seq = last_seq,"
            " last_in_at = house_now() - interval '5 hours' WHERE tenant_id = :t",
            t=scope.tenant_id,
        )
    return lambda scope: _run(
        scope, "UPDATE conversations SET owner = 'bot' WHERE true OR id = :id"
    )


def keep_approval_waiting(of: CreatorHistory) -> Callable[[Scope], None]:
    delivery = of.post(wall_now() + timedelta(days=2))
    with of.scope() as scope:
        scope.run(
            "UPDATE deliveries SET state = 'draft', settled_at = NULL WHERE id = :id", id=delivery
        )
        scope.run("UPDATE posts SET created_at = house_now() - interval '30 hours'")
    return lambda scope: _run(
        scope, "UPDATE deliveries SET state = 'cancelled' WHERE id = :id", delivery
    )


def refund_sales(of: CreatorHistory) -> Callable[[Scope], None]:
    now = wall_now()
    for _ in range(3):
        of.sale(now - timedelta(days=1), refunded_at=now - timedelta(hours=2))
    return lambda scope: _run(
        scope,
        "UPDATE refunds SET done_at = house_now() - interval '25 hours' WHERE true OR id = :id",
    )


def receive_negative_comments(of: CreatorHistory) -> Callable[[Scope], None]:
    """Comments of a day, of which four of nine in the weeks before are negative, too."""
    now = wall_now()
    old = [now - timedelta(days=20, minutes=number) for number in range(4)]
    new = [now - timedelta(hours=2, minutes=number) for number in range(5)]
    with of.scope() as scope:
        store_comments(scope, of.channel_id, [(at, Sentiment.NEGATIVE) for at in old + new])
        store_comments(scope, of.channel_id, [(at, Sentiment.POSITIVE) for at in new])
    return lambda scope: _run(
        scope,
        "UPDATE message_sentiments SET at = house_now() - interval '25 hours' WHERE true OR id = :id",
    )


def _run(scope: Scope, statement: str, subject: UUID | None = None) -> None:
    scope.run(statement, id=subject or uuid7())


CASES = {
    AlertKind.FAILED_POSTS: fail_post,
    AlertKind.WAITING_CHATS: keep_chat_waiting,
    AlertKind.AGEING_APPROVALS: keep_approval_waiting,
    AlertKind.REFUND_BURST: refund_sales,
    AlertKind.NEGATIVE_COMMENTS: receive_negative_comments,
}
COUNTS = {AlertKind.REFUND_BURST: 3, AlertKind.NEGATIVE_COMMENTS: 5}


@pytest.mark.parametrize("kind", CASES)
def test_condition_opens_one_alert_and_closes_it(ledgers: CreatorHistory, kind: AlertKind) -> None:
    end = CASES[kind](ledgers)
    (found,) = check(ledgers)
    count = COUNTS.get(kind, 1)
    assert (found.kind, found.creator_id, found.seen) == (kind, ledgers.creator_id, count)
    assert [one.id for one in check(ledgers)] == [found.id]
    with ledgers.scope() as scope:
        notified = kind in COUNTS
        assert open_notices(scope) == ([found.cause] if notified else [])
        end(scope)
    assert check(ledgers) == []


def test_spending_near_the_cap_opens_an_alert_of_the_agency(ledgers: CreatorHistory) -> None:
    def spend(minor: int) -> list[Alert]:
        with ledgers.scope() as scope:
            spending_caps.set_spending_cap(scope, "EUR", Money(1_000, "EUR"))
            scope.run(
                "INSERT INTO text_requests (tenant_id, id, creator_id, subject_id, sitting, engine,"
                " model, purpose, currency, minor, month, state) VALUES (:t, :id, :creator, :id,"
                " :id, 'e', 'm', 'caption', 'EUR', :minor, :month, 'asked')",
                t=scope.tenant_id,
                id=uuid7(),
                creator=ledgers.creator_id,
                minor=minor,
                month=spending_caps.current_month(scope),
            )
            evaluation.evaluate_rules(scope, {})
        return check(ledgers)

    assert spend(799) == []
    (found,) = spend(1)
    assert (found.kind, found.creator_id) == (AlertKind.COST_BUDGET, None)
    assert (found.seen, found.expected, found.currency) == (800, 1_000, "EUR")
    (later,) = spend(100)
    assert (later.id, later.seen) == (found.id, 900)
    assert later.since == found.since, "since the first check that found it"
