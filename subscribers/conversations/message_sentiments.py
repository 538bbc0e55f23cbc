"""Estimated sentiments of fans' messages and comments. `insights` estimates them; this package
stores them, because they are erased with the fan and sort the comments in the inbox."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from foundation.db.bulk_insert import insert_rows
from foundation.db.database import Scope
from foundation.ids import derived_uuid
from subscribers.conversations.models import MessageSentiment
from subscribers.conversations.states import Sentiment

CLASSIFIED_AGE = timedelta(days=90)
"""Age from which a message without a sentiment gets none, for example after an import."""

CLASSIFIED_KINDS = ("text", "remark")
"""Kinds of messages that contain a text of a fan's own."""

CLEAR = (Sentiment.POSITIVE, Sentiment.NEUTRAL, Sentiment.NEGATIVE)
"""Sentiments that count as classified."""


@dataclass(frozen=True)
class UnclassifiedMessage:
    """A fan's message or comment without a sentiment.

    `under` is the native ID of our post, "" for messages and if it is unknown. `at`, when it was
    written or at the latest received, is UTC-aware.
    """

    id: UUID
    creator_id: UUID
    conversation_id: UUID
    channel_id: UUID
    text: str
    language: str
    is_comment: bool
    under: str
    at: datetime


@dataclass(frozen=True)
class SentimentDraft:
    """A sentiment to store; see `MessageSentiment`."""

    message: UnclassifiedMessage
    sentiment: Sentiment
    score: float | None
    toxicity: float | None
    delivery_id: UUID | None
    version: int


@dataclass(frozen=True)
class SentimentCounts:
    """Numbers of messages or comments by sentiment."""

    positive: int = 0
    neutral: int = 0
    negative: int = 0
    unclear: int = 0
    unknown: int = 0

    @property
    def classified(self) -> int:
        """Return the number of those whose sentiment is clear."""
        return self.positive + self.neutral + self.negative


_ANALYSED = "(c.kind = 'public' OR f.status = 'active' AND f.opt_out = 'none')"
"""Comments are public. Private messages of fans who are blocked, such as minors, or opted out are
not analysed."""

_UNCLASSIFIED = f"""
FROM messages m
JOIN conversations c ON c.tenant_id = m.tenant_id AND c.id = m.conversation_id
JOIN fans f ON f.tenant_id = c.tenant_id AND f.id = c.fan_id
LEFT JOIN remarks r ON r.tenant_id = m.tenant_id AND r.conversation_id = m.conversation_id
  AND r.seq = m.seq
LEFT JOIN message_sentiments s ON s.tenant_id = m.tenant_id AND s.message_id = m.id
WHERE m.tenant_id = :tenant AND m.creator_id = ANY(CAST(:creators AS uuid[]))
  AND m.at >= :since AND m.direction = 'in' AND m.author = 'fan'
  AND m.kind = ANY(:kinds) AND m.body <> '' AND s.id IS NULL AND {_ANALYSED}
"""


def list_unclassified_messages(
    scope: Scope, creator_ids: Collection[UUID], *, most: int
) -> list[UnclassifiedMessage]:
    """Return at most `most` recent messages and comments of these creators' fans without a
    sentiment, newest first. Private messages of fans who are not active or opted out are left out.
    """
    rows = scope.run(
        "SELECT m.id, m.creator_id, m.conversation_id, c.channel_id, m.body, c.language,"
        " r.id IS NOT NULL AS is_comment, coalesce(r.under, '') AS under,"
        " least(coalesce(r.said_at, m.at), m.at) AS at"
        f" {_UNCLASSIFIED} ORDER BY m.at DESC, m.id LIMIT :most",
        most=most,
        tenant=scope.tenant_id,
        creators=list(creator_ids),
        since=scope.now - CLASSIFIED_AGE,
        kinds=list(CLASSIFIED_KINDS),
    )
    return [UnclassifiedMessage(*row) for row in rows]


def store_sentiments(scope: Scope, found: Sequence[SentimentDraft]) -> int:
    """Insert sentiments and return their number. A message that has one, or that was erased or may
    no longer be analysed since it was read, gets none."""
    kept = set(
        scope.run(
            "SELECT m.id FROM messages m"  # noqa: S608  a constant
            " JOIN conversations c ON c.tenant_id = m.tenant_id AND c.id = m.conversation_id"
            " JOIN fans f ON f.tenant_id = c.tenant_id AND f.id = c.fan_id"
            " WHERE m.tenant_id = :tenant AND m.id = ANY(CAST(:ids AS uuid[])) AND m.body <> ''"
            f" AND {_ANALYSED} FOR SHARE OF m",
            tenant=scope.tenant_id,
            ids=[one.message.id for one in found],
        ).scalars()
    )
    return insert_rows(
        scope,
        MessageSentiment,
        [
            {
                "id": derived_uuid(one.message.id, "sentiment"),
                "creator_id": one.message.creator_id,
                "message_id": one.message.id,
                "conversation_id": one.message.conversation_id,
                "is_comment": one.message.is_comment,
                "delivery_id": one.delivery_id,
                "at": one.message.at,
                "sentiment": str(one.sentiment),
                "score": one.score,
                "toxicity": one.toxicity,
                "version": one.version,
            }
            for one in found
            if one.message.id in kept
        ],
    )


_BY_DAY = """
SELECT CAST(at AT TIME ZONE :zone AS date) AS day, is_comment, sentiment, count(*) AS count
FROM message_sentiments
WHERE tenant_id = :tenant AND creator_id = :creator AND at >= :since AND at < :until
GROUP BY 1, 2, 3
"""


def count_sentiments_by_day(
    scope: Scope, creator_id: UUID, since: datetime, until: datetime, *, zone: str
) -> dict[tuple[date, bool], SentimentCounts]:
    """Return the counts of each local day of comments (True) and of messages (False) in
    [since, until); days without any are absent."""
    rows = scope.run(
        _BY_DAY,
        tenant=scope.tenant_id,
        creator=creator_id,
        since=since,
        until=until,
        zone=zone,
    )
    counts: dict[tuple[date, bool], dict[str, int]] = {}
    for row in rows:
        counts.setdefault((row.day, row.is_comment), {})[row.sentiment] = row.count
    return {key: SentimentCounts(**found) for key, found in counts.items()}


def count_comment_sentiments(
    scope: Scope, deliveries: Collection[UUID]
) -> Mapping[UUID, SentimentCounts]:
    """Return the counts of the comments under these posts; posts without any are absent."""
    rows = scope.run(
        "SELECT delivery_id, sentiment, count(*) AS count FROM message_sentiments"
        " WHERE tenant_id = :tenant AND delivery_id = ANY(CAST(:deliveries AS uuid[]))"
        " GROUP BY 1, 2",
        tenant=scope.tenant_id,
        deliveries=list(deliveries),
    )
    counts: dict[UUID, dict[str, int]] = {}
    for row in rows:
        counts.setdefault(row.delivery_id, {})[row.sentiment] = row.count
    return {key: SentimentCounts(**found) for key, found in counts.items()}


def count_recent_comments(scope: Scope, creator_ids: Collection[UUID]) -> dict[UUID, int]:
    """Return the number of classified comments of the last `CLASSIFIED_AGE` by creator; creators
    without any are absent."""
    rows = scope.run(
        "SELECT creator_id, count(*) AS count FROM message_sentiments WHERE tenant_id = :tenant"
        " AND creator_id = ANY(CAST(:creators AS uuid[])) AND at >= :since AND is_comment"
        " AND sentiment = ANY(:clear) GROUP BY 1",
        tenant=scope.tenant_id,
        creators=list(creator_ids),
        since=scope.now - CLASSIFIED_AGE,
        clear=[str(one) for one in CLEAR],
    )
    return {row.creator_id: row.count for row in rows}


USUAL_DAYS = 28
"""Days before the counted ones from which the usual number is computed."""

_NEGATIVE = """
SELECT creator_id, count(*) FILTER (WHERE at > :since) AS recent,
  count(*) FILTER (WHERE at <= :since) AS earlier, min(at) FILTER (WHERE at > :since) AS first_at
FROM message_sentiments WHERE tenant_id = :tenant AND creator_id = ANY(CAST(:creators AS uuid[]))
  AND at > :earliest AND is_comment AND sentiment = 'negative'
GROUP BY creator_id
"""


@dataclass(frozen=True)
class NegativeCount:
    """The negative comments of a creator in a period, the time of the first (UTC-aware), and the
    average number in a period of that length in the `USUAL_DAYS` before it."""

    creator_id: UUID
    comments: int
    since: datetime
    usual: float


def list_negative_counts(
    scope: Scope, creator_ids: Collection[UUID], period: timedelta
) -> list[NegativeCount]:
    """Return those of the creators with negative comments in the period up to now."""
    since = scope.now - period
    usual = timedelta(days=USUAL_DAYS)
    rows = scope.run(
        _NEGATIVE,
        tenant=scope.tenant_id,
        creators=list(creator_ids),
        since=since,
        earliest=since - usual,
    )
    return [
        NegativeCount(row.creator_id, row.recent, row.first_at, row.earlier * (period / usual))
        for row in rows
        if row.recent
    ]
