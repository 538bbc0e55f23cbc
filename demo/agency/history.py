"""A history of the demo: days that could have been. Drawn from a seed, so two machines show the
same on the same day.

It grows by 40 % a month, breathes with the week and the hours, and a few sales are given back.
"""

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
from schedules.imports.history_import import PastPost
from studio.packs.packs import PackView
from subscribers.history.history_import import PastFan, PastLine, PastSale

GROWTH_PER_MONTH = 1.4
WEEK = (0.85, 0.85, 0.9, 0.95, 1.15, 1.25, 1.05)
"""Monday to Sunday, against the mean."""

HOURS = (2, 1, 1, 0, 0, 1, 2, 4, 6, 6, 5, 5, 7, 6, 5, 5, 6, 8, 10, 12, 14, 15, 11, 6)
"""How many write in each local hour."""

REFUNDED_PERCENT = 2
REPEAT_PURCHASE_PERCENT = 38
"""Of sales that are given back; of buyers who buy once more."""

METRICS = (("views", 900), ("likes", 90), ("comments", 9), ("clicks", 30))
"""A usual post a week after it went out, at the end of the history."""

AGES = ((1, 0.22), (24, 0.74), (168, 1.0))
"""Hours after publication, and the share of the week's number that is there by then."""


@dataclass(frozen=True)
class HistoryInput:
    """What a history needs to know: whose it is, where, what is sold, and the first day after
    it."""

    part: CreatorProfile
    creator_id: UUID
    channel: Channel
    packs: Sequence[PackView]
    prices: Mapping[UUID, Money]
    pictures: Sequence[tuple[str, UUID]]
    """Key and asset of what may be shown."""
    zone: str
    today: date

    def days(self) -> list[date]:
        """Its days, oldest first; the last is yesterday."""
        return [self.today - timedelta(days=back) for back in range(self.part.sales.days, 0, -1)]

    def seed_for(self, *parts: object) -> random.Random:
        """The same numbers for the same creator and thing, on every machine."""
        # variety, not secrecy
        return random.Random(derived_uuid(self.part.slug, *parts).int)  # noqa: S311  see above

    def derived_id(self, *parts: object) -> UUID:
        """The id of a thing of this history."""
        return _derive_id(self.part, self.channel, *parts)


def _derive_id(part: CreatorProfile, channel: Channel, *parts: object) -> UUID:
    return derived_uuid(channel.tenant_id, part.slug, "history", *parts)


@dataclass(frozen=True)
class DemoHistory:
    """All that happened."""

    posts: Sequence[PastPost]
    readings: Sequence[PastReading]
    followers: Sequence[PastFollowers]
    fans: Sequence[PastFan]
    sales: Sequence[PastSale]


def generate_history(stage: HistoryInput) -> DemoHistory:
    """Everything there is to remember of a creator; pure."""
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
    """How much happens on each day: growth times week; the last day of an average week is 1."""
    return [
        GROWTH_PER_MONTH ** ((place - len(days) + 1) / 30) * WEEK[day.weekday()]
        for place, day in enumerate(days)
    ]


def _instant_at(stage: HistoryInput, day: date, clock: time) -> datetime:
    return WallTime(day, clock, stage.zone).instant()


def _generate_instant(stage: HistoryInput, day: date, dice: random.Random) -> datetime:
    hour = dice.choices(range(24), HOURS)[0]
    return _instant_at(stage, day, time(hour, dice.randrange(60), dice.randrange(60)))


def generate_posts(stage: HistoryInput) -> list[PastPost]:
    """A post for each slot of each day, with a picture of the library."""
    found = []
    for number, (day, slot) in enumerate(
        (day, slot) for day in stage.days() for slot in stage.part.sales.slots
    ):
        dice = stage.seed_for("post", number)
        clock = parse_clock_time(slot)
        due = _instant_at(stage, day, clock)
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


def first_delivery_id(part: CreatorProfile, channel: Channel) -> UUID:
    """The first thing of a creator's history: where it is, all of it is."""
    return derived_uuid(_derive_id(part, channel, "post", 0), channel.id)


def generate_readings(stage: HistoryInput, published: Sequence[PastPost]) -> list[PastReading]:
    """What each post was worth after an hour, a day and a week, as far as that is over."""
    shares = dict(zip(stage.days(), day_weights(stage.days()), strict=True))
    over = _instant_at(stage, stage.today, time(0, 0))
    found = []
    for post in published:
        dice = stage.seed_for("reading", post.native_id)
        luck = dice.lognormvariate(0.0, 0.35) * shares[date.fromisoformat(post.wall_time[:10])]
        for metric, usual in METRICS:
            for age, share in AGES:
                seen = post.published_at + timedelta(hours=age)
                if seen < over:
                    value = round(usual * luck * share)
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
    """How many followed the account at the end of each day: they grow as all does, and some leave
    again."""
    days = stage.days()
    today = stage.part.sales.followers
    found = []
    for place, day in enumerate(days):
        luck = stage.seed_for("followers", day).uniform(0.995, 1.005)
        many = round(today * GROWTH_PER_MONTH ** ((place - len(days)) / 30) * luck)
        at = _instant_at(stage, day, time(23, 30))
        found.append(PastFollowers(stage.creator_id, stage.channel.id, day, many, at))
    return found


def generate_fans(stage: HistoryInput) -> list[PastFan]:
    """Everybody who ever wrote, in the order they came."""
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
    """A hello, then some talk, some of it on later days; nothing after the last day."""
    over = _instant_at(stage, stage.today, time(0, 0))
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
    """What was bought, each pack at most once by each fan; some of it given back within days."""
    return [
        sale for number, fan in enumerate(known) for sale in _generate_sales(stage, number, fan)
    ]


def _generate_sales(stage: HistoryInput, number: int, fan: PastFan) -> Iterator[PastSale]:
    dice = stage.seed_for("buys", number)
    over = _instant_at(stage, stage.today, time(0, 0))
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
