"""Comments of the demo's history: generated from a seed, with the sentiments that their texts have.
On the last evening a post of one creator receives many negative ones."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, time, timedelta

from demo.agency import phrases
from demo.agency.cast import NOVA
from demo.agency.history import HistoryInput, instant_at
from foundation.db.database import Scope
from insights.predictions import sentiment
from schedules.imports.history_import import PastPost
from schedules.posts import live_posts
from subscribers.conversations import message_sentiments
from subscribers.conversations.message_sentiments import SentimentDraft
from subscribers.conversations.states import Sentiment
from subscribers.history.history_import import PastComment, PastFan, import_past_comments

DAYS = 60
"""Days before today with comments."""

MOODS = {
    Sentiment.POSITIVE: 60,
    Sentiment.NEUTRAL: 26,
    Sentiment.NEGATIVE: 8,
    Sentiment.UNCLEAR: 4,
    Sentiment.UNKNOWN: 2,
}
"""Weight of each sentiment."""

PER_POST = (1, 2, 2, 3, 4)
BURST = 9
CALM = 26
"""Negative and other comments under the last post of the creator with a burst."""

OPEN = 5
"""Newest comments that no member has handled yet."""

SCORE = 0.86
TOXICITY = {True: 0.93, False: 0.07}
"""Estimates stored for a demo comment that insults, and for all others."""


def write_demo_comments(
    scope: Scope, stage: HistoryInput, posts: Sequence[PastPost], fans: Sequence[PastFan]
) -> None:
    """Import the comments and store their sentiments, and those of the chats. Run it before the
    rollups of the history are built."""
    if stage.part.sales.days > DAYS:
        import_past_comments(scope, generate_comments(stage, posts, fans))
    known = dict(_list_known_texts())
    messages = [
        one
        for one in message_sentiments.list_unclassified_messages(
            scope, [stage.creator_id], most=100_000
        )
        if one.text in known
    ]
    under = {(one.channel_id, one.under) for one in messages if one.under}
    deliveries = live_posts.find_deliveries_by_native_ids(scope, under)
    message_sentiments.store_sentiments(
        scope,
        [
            SentimentDraft(
                one,
                known[one.text],
                None if known[one.text] is Sentiment.UNKNOWN else SCORE,
                None
                if known[one.text] is Sentiment.UNKNOWN
                else TOXICITY[one.text in phrases.INSULTS],
                deliveries.get((one.channel_id, one.under)),
                sentiment.VERSION,
            )
            for one in messages
        ],
    )


def _list_known_texts() -> Iterator[tuple[str, Sentiment]]:
    every: Sequence[Mapping[str, Mapping[Sentiment, Sequence[str]]]] = (
        phrases.COMMENTS,
        phrases.SENTIMENTS_OF_CHATS,
    )
    for by_language in every:
        for by_sentiment in by_language.values():
            for found, texts in by_sentiment.items():
                yield from ((text, found) for text in texts)


def generate_comments(
    stage: HistoryInput, posts: Sequence[PastPost], fans: Sequence[PastFan]
) -> list[PastComment]:
    """Generate the comments under the latest posts, oldest first. Pure."""
    first = stage.days()[-DAYS]
    over = instant_at(stage, stage.today, time(0, 0))
    recent = [one for one in posts if one.wall_time[:10] >= first.isoformat()]
    found = [one for post in recent for one in _generate_under(stage, post, fans, over)]
    if stage.part is NOVA:
        found += _generate_burst(stage, recent[-1], fans, over)
    found.sort(key=lambda one: (one.at, one.fan.id))
    return [
        PastComment(one.fan, one.body, one.at, one.under, is_open=place >= len(found) - OPEN)
        for place, one in enumerate(found)
    ]


def _generate_under(
    stage: HistoryInput, post: PastPost, fans: Sequence[PastFan], over: datetime
) -> Iterator[PastComment]:
    dice = stage.seed_for("comments", post.native_id)
    for _ in range(dice.choice(PER_POST)):
        fan = dice.choice(fans)
        mood = dice.choices(list(MOODS), list(MOODS.values()))[0]
        at = post.published_at + timedelta(minutes=dice.randrange(2, 20 * 60))
        text = dice.choice(phrases.COMMENTS[fan.language][mood])
        if fan.since < at < over:
            yield PastComment(fan, text, at.astimezone(UTC), post.native_id)


def _generate_burst(
    stage: HistoryInput, post: PastPost, fans: Sequence[PastFan], over: datetime
) -> Iterator[PastComment]:
    dice = stage.seed_for("comments", "burst")
    early = fans[: len(fans) * 3 // 4]
    for number in range(BURST + CALM):
        fan = dice.choice(early)
        mood = Sentiment.NEGATIVE
        if number < CALM:
            mood = dice.choice((Sentiment.POSITIVE, Sentiment.POSITIVE, Sentiment.NEUTRAL))
        texts = phrases.COMMENTS[fan.language][mood]
        at = over - timedelta(minutes=4 * (BURST + CALM - number))
        yield PastComment(fan, texts[number % len(texts)], at.astimezone(UTC), post.native_id)
