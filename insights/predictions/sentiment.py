"""Sentiments of new messages and comments: read in one transaction, estimated in a child process
without one, and counted by local day.

The texts never leave the machine. Nothing is hidden or deleted because of an estimate.
"""

from collections.abc import Callable, Sequence
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from foundation.db.database import OpenScope, Scope
from foundation.errors import BadInput, GreenroomError, LeaseLost
from foundation.ops import telemetry
from foundation.ops.wall_time import local_day
from foundation.outbox import outbox
from foundation.outbox.heartbeat import Heartbeat, heartbeat
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
CLASSIFIER = "insights.predictions.methods.sentiment:classify_texts"
PLAIN_TEXT = ("Thank you so much, these pictures are wonderful!", "en")
BATCH = 1_000
"""Messages in one child process."""

MAX_BATCHES = 5
"""Batches of one run; another one continues."""

MAX_FAILURES = 30
"""Failures of a batch's child processes from which its remaining texts are unknown: enough to find
three texts at which the process fails."""

log = telemetry.get_logger("insights.predictions.sentiment")


Estimate = Callable[[Sequence[tuple[str, str]]], dict[str, Any]]
"""Returns the estimates of texts with the languages of their writers. Raises GreenroomError."""


def classify_messages(
    event: SentimentsDue,
    *,
    tenant: OpenScope,
    home: Path,
    classifier: str = CLASSIFIER,
    batch: int = BATCH,
    most: int = MAX_BATCHES,
) -> None:
    """Estimate the sentiment of the messages and comments of an agency that have none, newest
    first. Repeating it changes nothing. Without the packages of the extra `analysis` there are no
    sentiments. Raises RetryLater after `most` batches, if there are more.

    `classifier` ("module:attr") runs in the child process.
    """
    if not analysis_packages.is_installed(home):
        return
    estimate = partial(_estimate_texts, classifier=classifier, home=home)
    with heartbeat() as pulse:
        for _ in range(most):
            with tenant(event.tenant_id, CLASSIFYING) as scope:
                creators = [one.id for one in list_creators(scope)]
                messages = message_sentiments.list_unclassified_messages(
                    scope, creators, most=batch
                )
                is_new = storage.lacks_prediction(scope, PredictionTask.SENTIMENT)
            if not messages and not is_new:
                return
            try:
                found = _estimate_each(messages, estimate, pulse)
            except LeaseLost:
                raise
            except GreenroomError as error:
                log.warning("sentiment.failed", error=telemetry.describe_error(error))
                return
            pulse.check_lease()
            with tenant(event.tenant_id, CLASSIFYING) as scope:
                _store(scope, messages, found)
            if len(messages) < batch:
                return
    # The same row continues: another one would run beside the next that is planned.
    raise outbox.RetryLater(timedelta(), fresh=True)


def _estimate_each(
    messages: Sequence[UnclassifiedMessage], estimate: Estimate, pulse: Heartbeat
) -> dict[str, Any]:
    """Return the estimates of all messages. Those at which the child process fails are unknown, so
    that they do not keep the older ones waiting.

    Raises the GreenroomError of the process if it fails at a plain text too: then the packages or
    their files are the cause.
    """
    spoken = [(one.text, one.language) for one in messages]
    try:
        return estimate(spoken)
    except GreenroomError as error:
        if not messages:
            raise
        log.warning("sentiment.failed", error=telemetry.describe_error(error))
    card = estimate([PLAIN_TEXT])["card"]
    texts: list[tuple[str, float | None, float | None]] = []
    failures = 0
    parts = _halve(spoken)
    while parts:
        pulse.check_lease()
        part = parts.pop(0)
        if failures < MAX_FAILURES:
            try:
                texts += estimate(part)["texts"]
                continue
            except GreenroomError as error:
                failures += 1
                log.warning(
                    "sentiment.failed", texts=len(part), error=telemetry.describe_error(error)
                )
            if len(part) > 1:
                parts = _halve(part) + parts
                continue
        texts += [(str(Sentiment.UNKNOWN), None, None)] * len(part)
    return {"card": card, "texts": texts}


def _halve(texts: Sequence[tuple[str, str]]) -> list[Sequence[tuple[str, str]]]:
    middle = len(texts) // 2
    return [one for one in (texts[:middle], texts[middle:]) if one]


def _estimate_texts(
    texts: Sequence[tuple[str, str]], *, classifier: str, home: Path
) -> dict[str, Any]:
    found: dict[str, Any] = run_in_child(
        classifier,
        {
            "texts": [text for text, _ in texts],
            "languages": [language for _, language in texts],
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
        written = [one.at for one in messages if one.creator_id == creator.id]
        try:
            days = {local_day(at, creator.zone) for at in written}
        except BadInput as error:  # the zone is invalid; others' sentiments are stored
            _log_creator(creator, error)
            continue
        if days:
            creator_facts.rebuild_facts(scope, creator.id, min(days), max(days))
    cards = describe_quality(scope, creators, found["card"])
    ids = [one.id for one in creators]
    storage.store_predictions(scope, ids, [PredictionTask.SENTIMENT], cards)


def describe_quality(
    scope: Scope, creators: Sequence[Creator], card: dict[str, Any]
) -> list[StoredPrediction]:
    """Return the model card of each creator, with what a creator with few comments lacks. Creators
    with an invalid zone have none."""
    counts = message_sentiments.count_recent_comments(scope, [one.id for one in creators])
    cards = []
    for creator in creators:
        try:
            cards.append(_describe_creator(creator, counts.get(creator.id, 0), card, scope))
        except BadInput as error:
            _log_creator(creator, error)
    return cards


def _log_creator(creator: Creator, error: BadInput) -> None:
    log.warning("sentiment.failed", creator=str(creator.id), error=telemetry.describe_error(error))


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
