"""Sentiments of comments and messages by creator and local day, as counts."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from fractions import Fraction
from uuid import UUID

from foundation.db.database import Scope
from insights.rollups import metric_queries
from insights.rollups.creator_facts import COMMENT_SENTIMENTS, MESSAGE_SENTIMENTS
from insights.rollups.periods import AnalyticsPeriod
from subscribers.conversations.message_sentiments import SentimentCounts
from tenants.agencies.queries import Creator

MIN_COMMENTS = 30
"""Classified comments from which shares are shown."""


class SentimentSource(StrEnum):
    """The texts whose sentiments are counted."""

    COMMENTS = "comments"
    MESSAGES = "messages"


METRICS_OF = {
    SentimentSource.COMMENTS: COMMENT_SENTIMENTS,
    SentimentSource.MESSAGES: MESSAGE_SENTIMENTS,
}


@dataclass(frozen=True)
class SentimentDay:
    """The sentiments of a creator's comments or messages on a local day with any. `counts` has only
    clear ones."""

    creator: Creator
    day: date
    source: SentimentSource
    counts: SentimentCounts


def load_sentiments(
    scope: Scope, creators: Sequence[Creator], period: AnalyticsPeriod
) -> list[SentimentDay]:
    """Return the sentiments of a period by day, creator and source; days without any are absent."""
    by_id = {one.id: one for one in creators}
    known = {
        metric: (source, str(sentiment))
        for source, metrics in METRICS_OF.items()
        for sentiment, metric in metrics.items()
    }
    days: dict[tuple[date, UUID, SentimentSource], dict[str, int]] = {}
    for one in metric_queries.load_creator_facts(
        scope, list(by_id), list(known), period.first, period.last
    ):
        source, sentiment = known[one.metric]
        days.setdefault((one.day, one.creator_id, source), {})[sentiment] = int(one.value)
    return [
        SentimentDay(by_id[creator_id], day, source, SentimentCounts(**counts))
        for (day, creator_id, source), counts in sorted(days.items())
    ]


def sum_sentiments(found: Iterable[SentimentDay], source: SentimentSource) -> SentimentCounts:
    """Return the sums of one source. Pure."""
    counts = [one.counts for one in found if one.source is source]
    return SentimentCounts(
        sum(one.positive for one in counts),
        sum(one.neutral for one in counts),
        sum(one.negative for one in counts),
    )


def share_of(part: int, counts: SentimentCounts | None) -> Fraction | None:
    """Return the share of a sentiment among the classified texts, or None below `MIN_COMMENTS`."""
    if counts is None or counts.classified < MIN_COMMENTS:
        return None
    return Fraction(part, counts.classified)
