"""Sentiments of new messages and comments: read in one transaction, estimated in a child process
without one, and counted by local day.

The texts never leave the machine. Nothing is hidden or deleted because of an estimate.
"""

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

from foundation.db.database import OpenScope, Scope
from foundation.errors import GreenroomError
from foundation.ops import telemetry
from foundation.ops.wall_time import local_day
from foundation.outbox import outbox
from foundation.outbox.heartbeat import heartbeat
from insights.predictions import analysis_packages, storage
from insights.predictions.child_process import run_in_child
from insights.predictions.events import SentimentsDue
from insights.predictions.evidence import NotEnoughData, require_evidence
from insights.predictions.states import PredictionState, PredictionTask
from insights.predictions.storage import ModelCard, StoredPrediction
from insights.rollups import creator_facts
from insights.rollups.sentiments import MIN_COMMENTS
from schedules.posts import live_posts
from subscribers.conversations import message_sentiments
from subscribers.conversations.message_sentiments import (
    SentimentDraft,
    UnclassifiedMessage,
)
from subscribers.conversations.states import Sentiment
from tenants.agencies.queries import Creator, list_creators

CLASSIFYING = "system:sentiment"
VERSION = 1
"""Version of the method, stored with each sentiment."""

SUBJECT = "negative_comments"
BATCH = 1_000
"""Messages in one child process."""

MAX_BATCHES = 5
"""Child processes of one event; another event continues."""

log = telemetry.get_logger("insights.predictions.sentiment")


def classify_messages(event: SentimentsDue, *, tenant: OpenScope, home: Path) -> None:
    """Estimate the sentiment of the messages and comments of an agency that have none, newest
    first. Repeating it changes nothing. Without the packages of the extra `analysis` there are no
    sentiments."""
    if not analysis_packages.is_installed(home):
        return
    with heartbeat() as pulse:
        for _ in range(MAX_BATCHES):
            with tenant(event.tenant_id, CLASSIFYING) as scope:
                messages = message_sentiments.list_unclassified_messages(scope, most=BATCH)
                is_new = storage.lacks_prediction(scope, PredictionTask.SENTIMENT)
            if not messages and not is_new:
                return
            try:
                found = _estimate(messages, home)
            except GreenroomError as error:
                log.warning("sentiment.failed", error=telemetry.describe_error(error))
                return
            pulse.check_lease()
            with tenant(event.tenant_id, CLASSIFYING) as scope:
                _store(scope, messages, found)
            if len(messages) < BATCH:
                return
    with tenant(event.tenant_id, CLASSIFYING) as scope:
        outbox.put(scope, SentimentsDue(event.tenant_id, event.tenant_id))


def _estimate(messages: Sequence[UnclassifiedMessage], home: Path) -> dict[str, Any]:
    found: dict[str, Any] = run_in_child(
        "insights.predictions.methods.sentiment:classify_texts",
        {
            "texts": [one.text for one in messages],
            "languages": [one.language for one in messages],
            "folder": str(home.resolve() / "analysis"),
        },
        home=home,
    )
    return found


def _store(scope: Scope, messages: Sequence[UnclassifiedMessage], found: dict[str, Any]) -> None:
    """Store the sentiments, count the days that changed, and replace the model cards."""
    under = {(one.channel_id, one.under) for one in messages if one.under}
    posts = live_posts.find_deliveries_by_native_ids(scope, under)
    drafts = [
        SentimentDraft(
            one,
            Sentiment(sentiment),
            score,
            toxicity,
            posts.get((one.channel_id, one.under)),
            VERSION,
        )
        for one, (sentiment, score, toxicity) in zip(messages, found["texts"], strict=True)
    ]
    message_sentiments.store_sentiments(scope, drafts)
    creators = list_creators(scope)
    for creator in creators:
        days = {local_day(one.at, creator.zone) for one in messages if one.creator_id == creator.id}
        if days:
            creator_facts.rebuild_facts(scope, creator.id, min(days), max(days))
    cards = describe_quality(scope, creators, found["card"])
    ids = [one.id for one in creators]
    storage.store_predictions(scope, ids, [PredictionTask.SENTIMENT], cards)


def describe_quality(
    scope: Scope, creators: Sequence[Creator], card: dict[str, Any]
) -> list[StoredPrediction]:
    """Return the model card of each creator, with what a creator with few comments lacks."""
    counts = message_sentiments.count_recent_comments(scope, [one.id for one in creators])
    return [_describe_creator(one, counts.get(one.id, 0), card, scope) for one in creators]


def _describe_creator(
    creator: Creator, comments: int, card: dict[str, Any], scope: Scope
) -> StoredPrediction:
    lacking = need_comments(comments, local_day(scope.now, creator.zone))
    state = PredictionState.SERVED
    if card["method"] == card["baseline"]:
        state = PredictionState.BASELINE
    return StoredPrediction(
        creator_id=creator.id,
        task=PredictionTask.SENTIMENT,
        subject=SUBJECT,
        state=PredictionState.WAITING if lacking is not None else state,
        card=ModelCard(
            method=card["method"],
            baseline=card["baseline"],
            own_error=round(1 - card["accuracy"], 4),
            baseline_error=round(1 - card["baseline_accuracy"], 4),
            error_unit="wrong_class",
            coverage=None,
            first_day=None,
            last_day=None,
            split="held_out_examples",
            samples=card["tested"],
            version=VERSION,
        ),
        lacking=lacking,
        result={"comments": comments, **card},
        computed_at=scope.now,
    )


def need_comments(have: int, today: date) -> NotEnoughData | None:
    """Return what is missing for shares of sentiments, or None if there are enough comments."""
    return require_evidence(have, MIN_COMMENTS, "comments", since=None, today=today)
