"""Facts of creators by day: response times, generation, costs and counts of posts."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from uuid import UUID

from channels.limits import request_costs
from foundation.ids import uuid7
from foundation.ops.wall_time import local_day
from insights.rollups import creator_facts
from insights.rollups.metric_queries import (
    CreatorDayValue,
    load_channel_days,
    load_creator_facts,
)
from subscribers.history.history_import import PastFan, PastLine, import_past_fans
from tests.insights.builders import CreatorHistory

NOON = datetime(2025, 6, 2, 12, tzinfo=UTC)
DAY = date(2025, 6, 2)
EVERY = (
    *("conversations", "hand_offs", "answered", "unanswered"),
    *("response_time_median", "response_time_p90"),
    *("generations", "generations_failed", "generation_time", "cost_engines", "cost_api"),
    *("gross", "refunds", "fees", "orders", "cost_chatters", "new_fans", "messages_in"),
)


def talk(made: CreatorHistory, *lines: tuple[str, float]) -> None:
    """Import a conversation; each line is its author and the minutes after noon."""
    said = tuple(
        PastLine(author, "x", NOON + timedelta(minutes=minutes)) for author, minutes in lines
    )
    fan = PastFan(uuid7(), made.creator_id, made.channel_id, str(uuid7()), "Ana", "fr", NOON, said)
    with made.scope() as scope:
        import_past_fans(scope, [fan])


def facts_of(
    made: CreatorHistory, day: date = DAY, *, build: bool = True
) -> dict[tuple[str, str], Decimal]:
    if build:
        made.roll_up(day)
    with made.scope() as scope:
        found: list[CreatorDayValue] = load_creator_facts(scope, [made.creator_id], EVERY, day, day)
    return {(one.metric, one.currency): one.value for one in found}


def test_unanswered_messages_do_not_shorten_response_times(ledgers: CreatorHistory) -> None:
    """A second message of a waiting fan starts no second wait, and an answer after a day is
    none."""
    talk(ledgers, ("fan", 0), ("fan", 5), ("bot", 10), ("fan", 20), ("bot", 21))
    talk(ledgers, ("fan", 0), ("bot", 4))
    talk(ledgers, ("fan", 0))
    talk(ledgers, ("fan", 0), ("bot", 25 * 60))
    found = facts_of(ledgers)
    assert found["conversations", ""] == 4
    assert (found["answered", ""], found["unanswered", ""]) == (3, 2)
    assert found["response_time_median", ""] == 240
    assert found["response_time_p90", ""] == 528  # between 4 and 10 minutes


def test_sales_and_work_are_facts_too(ledgers: CreatorHistory) -> None:
    ledgers.sale(NOON, 500, refunded_at=NOON + timedelta(hours=1))
    ledgers.sale(NOON, 700, currency="EUR")
    found = facts_of(ledgers)
    assert found["gross", "XTS"] == found["refunds", "XTS"] == 500
    assert found["gross", "EUR"] == 700
    assert found["cost_chatters", "EUR"] == 28  # a tenth of the agency's two fifths
    with ledgers.scope() as scope:
        orders = load_creator_facts(scope, [ledgers.creator_id], ["orders"], DAY, DAY)
    assert sum(one.value for one in orders) == 2
    assert found["messages_in", ""] == 0


def test_posts_are_counted_by_account(ledgers: CreatorHistory) -> None:
    ledgers.post(NOON)
    ledgers.post(NOON, late=timedelta(seconds=61))
    ledgers.roll_up(DAY)
    metrics = ("posts_published", "posts_failed", "posts_late")
    with ledgers.scope() as scope:
        found = load_channel_days(scope, [ledgers.creator_id], metrics, DAY, DAY)
    assert {one.metric: one.value for one in found} == {
        "posts_published": 2,
        "posts_failed": 0,
        "posts_late": 1,
    }
    assert {one.channel_id for one in found} == {ledgers.channel_id}


def request_text(made: CreatorHistory, minor: str, at: datetime, state: str = "kept") -> UUID:
    key = uuid7()
    with made.scope() as scope:
        scope.run(
            "INSERT INTO text_requests (tenant_id, id, created_at, creator_id, purpose, subject_id,"
            " sitting, engine, model, state, minor, currency, month) VALUES (:t, :id, :at, :c,"
            " 'chat', :id, :id, 'x', 'x', :state, :minor, 'EUR', '2025-06')",
            t=made.tenant_id,
            id=key,
            at=at,
            c=made.creator_id,
            state=state,
            minor=Decimal(minor),
        )
    return key


def test_engine_costs_keep_fractions_of_a_cent(ledgers: CreatorHistory) -> None:
    """Days that are rounded separately would not add up to the month's costs."""
    for minor in ("0.4", "0.3"):
        request_text(ledgers, minor, NOON)
    request_text(ledgers, "9", NOON, "unheard")
    assert facts_of(ledgers)["cost_engines", "EUR"] == Decimal("0.7")


def test_request_costs_belong_to_the_day_on_which_they_arose(ledgers: CreatorHistory) -> None:
    with ledgers.scope() as scope:
        today = local_day(scope.now, ledgers.zone)
        scope.run("UPDATE channels SET platform = 'x' WHERE tenant_id = :t", t=ledgers.tenant_id)
        request_costs.record_poll_costs(scope, ledgers.channel_id, "x", {"post_read": 4})
        creator_facts.rebuild_facts(scope, ledgers.creator_id, today, today)
    first = facts_of(ledgers, today, build=False)
    ((currency,),) = [[key[1]] for key in first if key[0] == "cost_api"]
    if today.day == 1:
        return  # the month has no earlier day
    with ledgers.scope() as scope:
        scope.run(
            "UPDATE creator_facts SET day = day - 1 WHERE tenant_id = :t", t=ledgers.tenant_id
        )
        request_costs.record_poll_costs(scope, ledgers.channel_id, "x", {"post_read": 2})
        creator_facts.rebuild_facts(scope, ledgers.creator_id, today, today)
    second = facts_of(ledgers, today, build=False)
    assert second["cost_api", currency] * 2 == first["cost_api", currency] > 0
