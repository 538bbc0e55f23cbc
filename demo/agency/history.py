"""Generated history of a demo creator. It is derived from a seed, so two machines generate the same
history on the same day.

Activity grows by 40 % a month and varies by weekday and hour; some sales are refunded.
"""

import math
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID

from channels.accounts.queries import Channel
from demo.agency import phrases
from demo.agency.cast import RAIL, CreatorProfile
from foundation.ids import derived_uuid
from foundation.money import Money
from foundation.ops.wall_time import WallTime, parse_clock_time
from insights.rollups.history_import import PastFollowers, PastReading
from schedules.availability.slots import EXPLORED_HOURS, EXPLORED_ONE_IN, PastTimingTrial
from schedules.imports.history_import import PastPost
from studio.packs.packs import PackView
from subscribers.history.history_import import PastFan, PastLine, PastSale

GROWTH_PER_MONTH = 1.4
WEEK = (0.85, 0.85, 0.9, 0.95, 1.15, 1.25, 1.05)
"""Weight of each weekday from Monday, relative to the mean."""

HOURS = (2, 1, 1, 0, 0, 1, 2, 4, 6, 6, 5, 5, 7, 6, 5, 5, 6, 8, 10, 12, 14, 15, 11, 6)
"""Weight of each local hour."""

REFUNDED_PERCENT = 2
REPEAT_PURCHASE_PERCENT = 38
"""Percentage of sales that are refunded, and of buyers who buy again."""

METRICS = (
    *(("views", 900), ("reach", 680), ("likes", 90), ("comments", 9), ("shares", 8)),
    ("clicks", 30),
)
"""Metrics of an average post a week after publication, at the end of the history."""

HOUR_EFFECT = 0.3
BEST_HOUR = 19
"""Largest deviation of an hour from the mean, as a share, and the hour with the best results."""

AGES = ((1, 0.22), (3, 0.34), (12, 0.58), (24, 0.74), (168, 1.0))
"""Hours after publication, and the share of the week's number that is reached by then."""


@dataclass(frozen=True)
class HistoryInput:
    """Input of a history: creator, channel, packs, prices, pictures, and the day after its last
    day."""

    part: CreatorProfile
    creator_id: UUID
    channel: Channel
    packs: Sequence[PackView]
    prices: Mapping[UUID, Money]
    pictures: Sequence[tuple[str, UUID]]
    """Key and asset of the pictures that may be posted."""
    zone: str
    today: date

    def days(self) -> list[date]:
        """The days of the history, oldest first; the last is yesterday."""
        return [self.today - timedelta(days=back) for back in range(self.part.sales.days, 0, -1)]

    def seed_for(self, *parts: object) -> random.Random:
        """Return a seed for a part of this creator's history, the same on every machine."""
        # not used for secrets
        return random.Random(derived_uuid(self.part.slug, *parts).int)  # noqa: S311  see above

    def derived_id(self, *parts: object) -> UUID:
        """Return the ID of an object of this history."""
        return _derive_id(self.part, self.channel, *parts)


def _derive_id(part: CreatorProfile, channel: Channel, *parts: object) -> UUID:
    return derived_uuid(channel.tenant_id, part.slug, "history", *parts)


@dataclass(frozen=True)
class DemoHistory:
    """A generated history: posts, fans, sales, readings and followers."""

    posts: Sequence[PastPost]
    readings: Sequence[PastReading]
    followers: Sequence[PastFollowers]
    fans: Sequence[PastFan]
    sales: Sequence[PastSale]


def generate_history(stage: HistoryInput) -> DemoHistory:
    """Generate a creator's history. Pure."""
    published = generate_posts(stage)
    known = generate_fans(stage)
    return DemoHistory(
        published,
        generate_readings(stage, published),
        generate_followers(stage),
        known,
        generate_sales(stage, known),
    )


def day_weights(days: Sequence[date]) -> list[float]:
    """Return the weight of each day: growth times weekday; the last day of an average
    week has 1."""
    return [
        GROWTH_PER_MONTH ** ((place - len(days) + 1) / 30) * WEEK[day.weekday()]
        for place, day in enumerate(days)
    ]


def instant_at(stage: HistoryInput, day: date, clock: time) -> datetime:
    """Return the instant of a local time."""
    return WallTime(day, clock, stage.zone).instant()


def _generate_instant(stage: HistoryInput, day: date, dice: random.Random) -> datetime:
    hour = dice.choices(range(24), HOURS)[0]
    return instant_at(stage, day, time(hour, dice.randrange(60), dice.randrange(60)))


def generate_posts(stage: HistoryInput) -> list[PastPost]:
    """Generate a post with a picture of the library for each slot of each day."""
    found = []
    for number, (day, slot) in enumerate(
        (day, slot) for day in stage.days() for slot in stage.part.sales.slots
    ):
        dice = stage.seed_for("post", number)
        clock = parse_clock_time(slot)
        tried = random_hour_of(stage, number)
        if tried is not None:
            clock = clock.replace(hour=tried, minute=(clock.minute + 7) % 60)
        due = instant_at(stage, day, clock)
        key, asset = dice.choice(stage.pictures)
        title, body = phrases.caption_for(key, dice.randrange(len(phrases.ENDINGS)))
        found.append(
            PastPost(
                id=stage.derived_id("post", number),
                creator_id=stage.creator_id,
                channel_id=stage.channel.id,
                title=title,
                body=body,
                media=(asset,),
                author="system:history",
                text_ai="none",
                wall_time=str(WallTime(day, clock, stage.zone)),
                zone=stage.zone,
                due_at=due,
                published_at=due + timedelta(milliseconds=dice.randrange(60, 900)),
                native_id=f"h{number}",
            )
        )
    return found


def random_hour_of(stage: HistoryInput, number: int) -> int | None:
    """Return the random hour of a post of an automatic slot, or None for a post at its usual
    hour."""
    dice = stage.seed_for("hour", number)
    return dice.choice(EXPLORED_HOURS) if dice.randrange(EXPLORED_ONE_IN) == 0 else None


def generate_timing_trials(
    stage: HistoryInput, published: Sequence[PastPost]
) -> list[PastTimingTrial]:
    """Return which posts were published at a random hour. Pure."""
    return [
        PastTimingTrial(
            post.creator_id,
            post.channel_id,
            post.delivery_id,
            post.wall_time,
            random_hour_of(stage, number) is not None,
        )
        for number, post in enumerate(published)
    ]


def first_delivery_id(part: CreatorProfile, channel: Channel) -> UUID:
    """Return the ID of the first delivery of a creator's history: if it exists, the history was
    imported."""
    return derived_uuid(_derive_id(part, channel, "post", 0), channel.id)


def generate_readings(stage: HistoryInput, published: Sequence[PastPost]) -> list[PastReading]:
    """Generate the metrics of each post at each age of `AGES`, as far as these
    are over."""
    shares = dict(zip(stage.days(), day_weights(stage.days()), strict=True))
    over = instant_at(stage, stage.today, time(0, 0))
    found = []
    for post in published:
        dice = stage.seed_for("reading", post.native_id)
        luck = dice.lognormvariate(0.0, 0.35) * shares[date.fromisoformat(post.wall_time[:10])]
        hour = int(post.wall_time[11:13])
        pace = dice.uniform(0.7, 1.4)  # the shares stay in order, and the last one stays 1
        luck *= 1 + HOUR_EFFECT * math.cos(math.tau * (hour - BEST_HOUR) / 24)
        for metric, usual in METRICS:
            for age, share in AGES:
                seen = post.published_at + timedelta(hours=age)
                if seen < over:
                    value = round(usual * luck * share**pace)
                    found.append(
                        PastReading(
                            post.creator_id,
                            post.delivery_id,
                            post.channel_id,
                            metric,
                            age,
                            value,
                            observed_at=seen,
                        )
                    )
    return found


def generate_followers(stage: HistoryInput) -> list[PastFollowers]:
    """Generate the number of followers at the end of each day: growth less those who unfollow."""
    days = stage.days()
    today = stage.part.sales.followers
    found = []
    for place, day in enumerate(days):
        luck = stage.seed_for("followers", day).uniform(0.995, 1.005)
        many = round(today * GROWTH_PER_MONTH ** ((place - len(days)) / 30) * luck)
        at = instant_at(stage, day, time(23, 30))
        found.append(PastFollowers(stage.creator_id, stage.channel.id, day, many, at))
    return found


def generate_fans(stage: HistoryInput) -> list[PastFan]:
    """Generate every fan, in the order of their first message."""
    days = stage.days()
    dice = stage.seed_for("arrivals")
    arrivals = sorted(dice.choices(days, day_weights(days), k=stage.part.sales.fans))
    return [_generate_fan(stage, number, day) for number, day in enumerate(arrivals)]


def _generate_fan(stage: HistoryInput, number: int, day: date) -> PastFan:
    dice = stage.seed_for("fan", number)
    first = dice.choice(phrases.FIRST_NAMES)
    initial = dice.choice(phrases.INITIALS)
    language = "en" if "en" in stage.part.languages and dice.random() < 0.3 else "fr"
    since = _generate_instant(stage, day, dice)
    return PastFan(
        id=stage.derived_id("fan", number),
        creator_id=stage.creator_id,
        channel_id=stage.channel.id,
        native_id=f"h{number:04d}",
        name=f"{first} {initial}.",
        language=language,
        since=since,
        lines=tuple(_generate_lines(stage, dice, since, language)),
    )


def _generate_lines(
    stage: HistoryInput, dice: random.Random, since: datetime, language: str
) -> Iterator[PastLine]:
    """Generate an opening exchange, then more exchanges, some on later days, none after the last
    day."""
    over = instant_at(stage, stage.today, time(0, 0))
    at = since
    exchanges = [dice.choice(phrases.OPENING_EXCHANGES[language])]
    exchanges += [
        dice.choice(phrases.FOLLOWING_EXCHANGES[language])
        for _ in range(dice.choices(range(5), (3, 4, 3, 2, 1))[0])
    ]
    for said, answered in exchanges:
        answer_at = at + timedelta(seconds=dice.randrange(3, 25))
        if answer_at >= over:
            return
        yield PastLine("fan", said, at)
        yield PastLine("bot", answered, answer_at)
        at = answer_at + timedelta(
            seconds=dice.randrange(20, 240), days=dice.choices((0, 1, 6), (6, 2, 1))[0]
        )


def generate_sales(stage: HistoryInput, known: Sequence[PastFan]) -> list[PastSale]:
    """Generate sales, each pack at most once for each fan; some are refunded within days."""
    return [
        sale for number, fan in enumerate(known) for sale in _generate_sales(stage, number, fan)
    ]


def _generate_sales(stage: HistoryInput, number: int, fan: PastFan) -> Iterator[PastSale]:
    dice = stage.seed_for("buys", number)
    over = instant_at(stage, stage.today, time(0, 0))
    if dice.randrange(100) >= stage.part.sales.buyers_percent:
        return
    left = dice.sample(list(stage.packs), len(stage.packs))
    at = fan.since
    while left:
        at += timedelta(minutes=dice.randrange(4, 40))
        if at >= over:
            return
        pack = left.pop()
        given_back = at + timedelta(days=dice.randrange(1, 5), minutes=dice.randrange(600))
        back = dice.randrange(100) < REFUNDED_PERCENT and given_back < over
        yield PastSale(
            id=stage.derived_id("order", number, pack.slug),
            fan=fan,
            rail=RAIL,
            account=stage.channel.account,
            pack_id=pack.id,
            pack_version=pack.version,
            title=pack.title,
            money=stage.prices[pack.id],
            charge_id=f"h-{stage.part.slug}-{number}-{pack.slug}",
            at=at.astimezone(UTC),
            refunded_at=given_back if back else None,
        )
        if dice.randrange(100) >= REPEAT_PURCHASE_PERCENT:
            return
        at += timedelta(days=dice.randrange(2, 25), minutes=dice.randrange(700))
