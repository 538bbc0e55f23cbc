"""Sentiments in the product: estimated once, counted by day and post, and erased with the fan."""

from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest

from foundation.ops.clock import wall_now
from foundation.ops.wall_time import local_day
from insights.predictions import analysis_packages, schedule, sentiment, storage
from insights.predictions.events import PredictionsDue, SentimentsDue
from insights.predictions.states import PredictionState, PredictionTask, SetupState
from insights.rollups import daily_rollups, metric_queries
from subscribers import erasure
from subscribers.conversations import message_sentiments
from subscribers.conversations.message_sentiments import SentimentCounts
from tests.insights.builders import CreatorHistory, receive_comments

PRAISE = "Quelle photo magnifique, je l’adore !"
COMPLAINT = "C’est vraiment décevant, je veux être remboursé."
GERMAN = "Das gefällt mir überhaupt nicht, wirklich schade."


def classify(of: CreatorHistory, home: Path | None = None) -> None:
    due = SentimentsDue(of.tenant_id, of.tenant_id)
    folder = home or of.services.settings.home
    sentiment.classify_messages(due, tenant=of.services.tenant, home=folder)


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
        assert message_sentiments.has_unclassified_messages(scope)
    classify(ledgers)
    expected = {"positive_comments": 2, "negative_comments": 2, "neutral_comments": 0}
    assert facts(ledgers) == expected
    with ledgers.scope() as scope:
        assert not message_sentiments.has_unclassified_messages(scope)
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
        messages = message_sentiments.list_unclassified_messages(scope, most=10)
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
        assert not message_sentiments.has_unclassified_messages(scope)


def test_nothing_is_planned_or_classified_without_the_packages(
    ledgers: CreatorHistory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def queued() -> list[str]:
        with ledgers.scope() as scope:
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
    assert PredictionsDue.queue == SentimentsDue.queue
