"""Sentiments in the product: estimated once, counted by day and post, and erased with the fan."""

from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import event

from foundation.ids import uuid7
from foundation.ops.clock import wall_now
from foundation.ops.wall_time import local_day
from foundation.outbox import outbox
from insights.predictions import analysis_packages, schedule, sentiment, storage
from insights.predictions.events import PredictionsDue, SentimentsDue
from insights.predictions.states import PredictionState, PredictionTask, SetupState
from insights.rollups import daily_rollups, metric_queries
from subscribers import erasure
from subscribers.conversations import message_sentiments
from subscribers.conversations.message_sentiments import SentimentCounts, SentimentDraft
from subscribers.history.history_import import PastFan, PastLine, import_past_fans
from tenants.agencies import agencies
from tests.insights.builders import CreatorHistory, receive_comments
from tests.insights.predictions import child_functions

PRAISE = "Quelle photo magnifique, je l’adore !"
COMPLAINT = "C’est vraiment décevant, je veux être remboursé."
GERMAN = "Das gefällt mir überhaupt nicht, wirklich schade."


FAILING = f"{child_functions.__name__}:fail_at_some_texts"
REFUSING = f"{child_functions.__name__}:refuse_input"


def classify(of: CreatorHistory, home: Path | None = None, **more: Any) -> None:
    due = SentimentsDue(of.tenant_id, of.tenant_id)
    folder = home or of.services.settings.home
    sentiment.classify_messages(due, tenant=of.services.tenant, home=folder, **more)


def unclassified(of: CreatorHistory) -> list[str]:
    with of.scope() as scope:
        found = message_sentiments.list_unclassified_messages(scope, [of.creator_id], most=10)
    return [one.text for one in found]


def facts(of: CreatorHistory) -> dict[str, int]:
    with of.scope() as scope:
        today = local_day(scope.now, of.zone)
        found = metric_queries.load_creator_facts(
            scope,
            [of.creator_id],
            ["positive_comments", "negative_comments", "neutral_comments", "positive_messages"],
            today,
            today,
        )
        return {one.metric: int(one.value) for one in found}


def test_new_comments_are_classified_once_and_counted(ledgers: CreatorHistory) -> None:
    delivery = ledgers.post(wall_now() - timedelta(hours=3))
    with ledgers.scope() as scope:
        native = scope.run(
            "SELECT native_id FROM deliveries WHERE id = :id", id=delivery
        ).scalar_one()
        receive_comments(
            scope, ledgers.channel_id, [PRAISE, PRAISE, COMPLAINT, GERMAN], under=native
        )
        receive_comments(scope, ledgers.channel_id, [COMPLAINT], key="elsewhere-")
    assert len(unclassified(ledgers)) == 5
    classify(ledgers)
    expected = {"positive_comments": 2, "negative_comments": 2, "neutral_comments": 0}
    assert facts(ledgers) == expected
    assert unclassified(ledgers) == []
    with ledgers.scope() as scope:
        counts = message_sentiments.count_comment_sentiments(scope, [delivery])
        assert counts == {delivery: SentimentCounts(positive=2, negative=1, unknown=1)}
        assert counts[delivery].classified == 3
        daily_rollups.rebuild_day(scope, ledgers.creator_id, local_day(scope.now, ledgers.zone))
    assert facts(ledgers) == expected, "a rebuilt day is equal"
    with ledgers.scope() as scope:
        (card,) = storage.load_predictions(scope, [ledgers.creator_id], PredictionTask.SENTIMENT)
        assert storage.latest_computation(scope) is None, "not a nightly prediction"
    assert card.state is PredictionState.WAITING
    assert card.lacking is not None
    assert (card.lacking.have, card.lacking.need, card.lacking.unit) == (4, 30, "comments")
    assert card.card.own_error is not None
    assert card.card.baseline_error is not None
    assert card.card.own_error < card.card.baseline_error


def test_erased_fan_has_no_sentiment(ledgers: CreatorHistory) -> None:
    with ledgers.scope() as scope:
        receive_comments(scope, ledgers.channel_id, [PRAISE, COMPLAINT])
        messages = message_sentiments.list_unclassified_messages(
            scope, [ledgers.creator_id], most=10
        )
        drafts = [
            message_sentiments.SentimentDraft(
                one, message_sentiments.Sentiment.POSITIVE, 0.9, 0.1, None, 1
            )
            for one in messages
        ]
        fans: list[UUID] = [
            scope.run(
                "SELECT fan_id FROM conversations WHERE id = :id", id=one.conversation_id
            ).scalar_one()
            for one in messages
        ]
        assert message_sentiments.store_sentiments(scope, drafts[:1]) == 1
        assert message_sentiments.store_sentiments(scope, drafts[:1]) == 0
        for fan in fans:
            erasure.erase_fan(scope, fan)
        assert message_sentiments.store_sentiments(scope, drafts) == 0, "erased in the meantime"
        assert not scope.run("SELECT 1 FROM message_sentiments").all()
    assert unclassified(ledgers) == []


@pytest.mark.parametrize("change", ["status = 'blocked'", "opt_out = 'sales'"])
def test_private_messages_of_fans_who_may_not_be_sold_to_are_not_classified(
    ledgers: CreatorHistory, change: str
) -> None:
    """A blocked fan may be a minor."""
    with ledgers.scope() as scope:
        at = scope.now - timedelta(hours=1)
        fans = [
            PastFan(
                uuid7(),
                ledgers.creator_id,
                ledgers.channel_id,
                name,
                "Ana",
                "fr",
                at,
                (PastLine("fan", name, at),),
            )
            for name in ("blocked", "active")
        ]
        import_past_fans(scope, fans)
        receive_comments(scope, ledgers.channel_id, ["comment"])
        before = message_sentiments.list_unclassified_messages(scope, [ledgers.creator_id], most=10)
        scope.run(f"UPDATE fans SET {change} WHERE id = :id", id=fans[0].id)
        scope.run(
            f"UPDATE fans SET {change} WHERE id IN"
            " (SELECT fan_id FROM conversations WHERE kind = 'public')"
        )
    assert {one.text for one in before} == {"blocked", "active", "comment"}
    assert set(unclassified(ledgers)) == {"active", "comment"}
    with ledgers.scope() as scope:
        drafts = [
            SentimentDraft(one, message_sentiments.Sentiment.NEUTRAL, 0.9, 0.1, None, 1)
            for one in before
        ]
        assert message_sentiments.store_sentiments(scope, drafts) == 2, "blocked in the meantime"


def test_a_text_at_which_the_process_fails_does_not_stop_the_others(
    ledgers: CreatorHistory,
) -> None:
    with ledgers.scope() as scope:
        receive_comments(scope, ledgers.channel_id, ["older"])
        scope.run("UPDATE messages SET at = at - interval '1 hour' WHERE body = 'older'")
        receive_comments(scope, ledgers.channel_id, ["fails", "a", "b", "c"], key="new-")
    classify(ledgers, classifier=FAILING, batch=4)
    assert unclassified(ledgers) == []
    with ledgers.scope() as scope:
        found = scope.run(
            "SELECT m.body, s.sentiment FROM message_sentiments s"
            " JOIN messages m ON m.id = s.message_id"
        ).all()
    others = dict.fromkeys(("older", "a", "b", "c"), "neutral")
    assert {row.body: row.sentiment for row in found} == {"fails": "unknown", **others}


def test_nothing_is_unknown_if_the_process_fails_at_every_text(
    ledgers: CreatorHistory,
) -> None:
    with ledgers.scope() as scope:
        receive_comments(scope, ledgers.channel_id, [PRAISE, COMPLAINT])
    classify(ledgers, classifier=REFUSING)
    assert len(unclassified(ledgers)) == 2


def test_more_batches_continue_in_the_same_row(
    ledgers: CreatorHistory,
) -> None:
    with ledgers.scope() as scope:
        receive_comments(scope, ledgers.channel_id, ["a", "b", "c"])
    with pytest.raises(outbox.RetryLater) as again:
        classify(ledgers, classifier=FAILING, batch=1, most=2)
    assert again.value.fresh
    with ledgers.scope() as scope:
        assert not scope.run("SELECT 1 FROM outbox WHERE kind = 'predictions.sentiments'").all()
    classify(ledgers, classifier=FAILING, batch=1, most=2)
    assert unclassified(ledgers) == []


def test_creator_with_an_invalid_zone_does_not_stop_the_others(
    ledgers: CreatorHistory,
) -> None:
    with ledgers.scope() as scope:
        other = agencies.add_creator(
            scope, slug="ada", name="Ada", kind="virtual", zone=ledgers.zone, languages=["fr"]
        )
        scope.run("UPDATE creators SET zone = 'Mars/Olympus' WHERE id = :id", id=ledgers.creator_id)
        receive_comments(scope, ledgers.channel_id, [PRAISE])
    classify(ledgers, classifier=FAILING)
    assert unclassified(ledgers) == []
    with ledgers.scope() as scope:
        assert storage.load_predictions(scope, [other], PredictionTask.SENTIMENT)


def test_nothing_is_planned_or_classified_without_the_packages(
    ledgers: CreatorHistory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def queued() -> list[str]:
        with ledgers.scope() as scope:
            connection = scope.session.info["connection"]
            event.listen(
                connection, "before_cursor_execute", lambda _c, _u, text, *_: asked.append(text)
            )
            schedule.plan_sentiments(scope)
            return list(
                scope.run("SELECT kind FROM outbox WHERE kind = 'predictions.sentiments'").scalars()
            )

    classify(ledgers)  # the model cards of a new agency
    with ledgers.scope() as scope:
        (card,) = storage.load_predictions(scope, [ledgers.creator_id], PredictionTask.SENTIMENT)
        assert card.result["comments"] == 0
        assert not storage.lacks_prediction(scope, PredictionTask.SENTIMENT)
        receive_comments(scope, ledgers.channel_id, [PRAISE])
    assert queued() == []
    with monkeypatch.context() as without:
        # The environment of the tests contains the packages.
        without.setattr(analysis_packages, "MODULES", ("absent_package",))
        classify(ledgers, tmp_path)
    assert facts(ledgers) == {}
    with ledgers.scope() as scope:
        scope.run(
            "INSERT INTO prediction_setups (tenant_id, id, state, installed, total, package)"
            " VALUES (:t, gen_random_uuid(), :state, 0, 0, '')",
            t=scope.tenant_id,
            state=str(SetupState.INSTALLED),
        )
    assert queued() == ["predictions.sentiments"]
    assert queued() == ["predictions.sentiments"], "once"
    assert not any("messages" in one for one in asked), "the relay reads no messages"
    assert PredictionsDue.queue == SentimentsDue.queue
