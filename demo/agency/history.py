"""Generated history of a demo creator. It is derived from a seed, so two machines generate the same
history on the same day.

Activity grows by 40 % a month and varies by weekday and hour; some sales are refunded.
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
from schedules.availability.slots import EXPLORED_HOURS, EXPLORED_ONE_IN, PastTimingTrial
from schedules.imports.history_import import PastPost, PastTest, PastUnit
from schedules.recurrence.variant_assignment import VARIANT_A, VARIANT_B
from studio.packs.packs import PackView
from subscribers.history.history_import import (
    PastFan,
    PastLine,
    PastPayment,
    PastPlan,
    PastSale,
    PastSubscription,
)
from subscribers.rails.contract import SUBSCRIPTION_PERIOD

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

HOUR_EFFECTS: Mapping[int, float] = {
    **{8: -0.5, 9: -0.35, 10: 0.25, 11: -0.4, 12: -0.45, 13: -0.4, 14: -0.2, 15: 0.3, 16: -0.2},
    **{17: -0.3, 18: -0.1, 19: 0.2, 20: 0.5, 21: 0.1, 22: -0.35},
}
"""Deviation of the results of a local hour from the mean, as a share. The creators post at the best
hours, so that these beat random ones."""

TESTED_POSTS = 80
TESTED_UNTIL = 10
"""Number of posts of the A/B test, one a day, and the days between the last one and today."""

TEST_METRIC = "views"
TEST_AGE_HOURS = 24
TEST_EFFECT = 0.5
"""Metric and age of the test, and the share by which version B does better."""

SUBSCRIPTION_PERCENT_OF_PACK = 50
RENEWED_PERCENT = 74
STOPPED_PERCENT = 12
"""Price of a subscription relative to the first pack; percentage of paid months that are renewed,
and of running subscriptions that were cancelled."""

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
    """A generated history: posts with their A/B test, fans, sales, subscriptions, readings and
    followers."""

    posts: Sequence[PastPost]
    readings: Sequence[PastReading]
    followers: Sequence[PastFollowers]
    fans: Sequence[PastFan]
    sales: Sequence[PastSale]
    subscriptions: Sequence[PastSubscription]
    tests: Sequence[PastTest]

    @property
    def payments(self) -> list[PastPayment]:
        """Return the sales and the paid months of subscriptions."""
        return [*self.sales, *(month for one in self.subscriptions for month in one.months)]


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
        generate_subscriptions(stage, known),
        generate_tests(stage),
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
    """Generate a post with a picture of the library for each slot of each day. Posts of the A/B
    test show the same picture with one of two texts."""
    found = []
    tested = set(list_tested_days(stage))
    for number, (day, slot) in enumerate(
        (day, slot) for day in stage.days() for slot in stage.part.sales.slots
    ):
        dice = stage.seed_for("post", number)
        clock = parse_clock_time(slot)
        unit = None
        if slot == stage.part.sales.tested_slot and day in tested:
            unit = _draw_unit(stage, number)
            dice = stage.seed_for("test")
        tried = random_hour_of(stage, number) if unit is None else None
        if tried is not None:
            clock = clock.replace(hour=tried, minute=(clock.minute + 7) % 60)
        due = instant_at(stage, day, clock)
        key, asset = dice.choice(stage.pictures)
        title, body = phrases.caption_for(key, dice.randrange(len(phrases.ENDINGS)))
        if unit is not None and unit.variant == VARIANT_B:
            body = f"{body} {phrases.TESTED_ENDING}"
        found.append(
            PastPost(
                id=stage.derived_id("post", number)
                if unit is None
                else _tested_post_id(stage, unit.variant),
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
                unit=unit,
            )
        )
    return found


def list_tested_days(stage: HistoryInput) -> list[date]:
    """Return the days of the posts of the A/B test; none without one."""
    last = TESTED_UNTIL - 1
    return stage.days()[-TESTED_POSTS - last : -last] if stage.part.sales.tested_slot else []


def _draw_unit(stage: HistoryInput, number: int) -> PastUnit:
    variant = stage.seed_for("variant", number).choice((VARIANT_A, VARIANT_B))
    return PastUnit(stage.derived_id("series"), variant)


def _tested_post_id(stage: HistoryInput, variant: str) -> UUID:
    return stage.derived_id("tested", variant)


def generate_tests(stage: HistoryInput) -> list[PastTest]:
    """Generate the A/B test of a creator's texts, in which the better version was kept. Pure."""
    days = list_tested_days(stage)
    if not days:
        return []
    clock = parse_clock_time(stage.part.sales.tested_slot)
    return [
        PastTest(
            id=stage.derived_id("test"),
            series_id=stage.derived_id("series"),
            creator_id=stage.creator_id,
            channel_id=stage.channel.id,
            posts=(_tested_post_id(stage, VARIANT_A), _tested_post_id(stage, VARIANT_B)),
            metric=TEST_METRIC,
            age_hours=TEST_AGE_HOURS,
            planned=len(days),
            starts_on=days[0],
            clock=f"{clock:%H:%M}",
            zone=stage.zone,
            begun_at=instant_at(stage, days[0], time(9, 0)),
            ended_at=instant_at(stage, days[-1] + timedelta(days=3), time(9, 0)),
            kept=VARIANT_B,
        )
    ]


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
        if post.unit is None
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
        luck *= 1 + HOUR_EFFECTS.get(hour, 0.0)
        if post.unit is not None and post.unit.variant == VARIANT_B:
            luck *= 1 + TEST_EFFECT
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


def generate_subscriptions(stage: HistoryInput, known: Sequence[PastFan]) -> list[PastSubscription]:
    """Generate the subscriptions of some fans, with their months until one was not renewed."""
    if not stage.prices or not stage.part.sales.subscribers_percent:
        return []
    plan = _build_plan(stage)
    found = (_generate_subscription(stage, plan, *each) for each in enumerate(known))
    return [one for one in found if one is not None]


def _build_plan(stage: HistoryInput) -> PastPlan:
    price = stage.prices[stage.packs[0].id]
    return PastPlan(
        id=stage.derived_id("plan"),
        creator_id=stage.creator_id,
        channel_id=stage.channel.id,
        rail=RAIL,
        title=phrases.PLAN[0],
        description=phrases.PLAN[1],
        price=Money(price.minor * SUBSCRIPTION_PERCENT_OF_PACK // 100, price.currency),
        packs=tuple(pack.id for pack in stage.packs[:1]),
        since=instant_at(stage, stage.days()[0], time(9, 0)),
    )


def _generate_subscription(
    stage: HistoryInput, plan: PastPlan, number: int, fan: PastFan
) -> PastSubscription | None:
    dice = stage.seed_for("subscription", number)
    if dice.randrange(100) >= stage.part.sales.subscribers_percent:
        return None
    over = instant_at(stage, stage.today, time(0, 0))
    at = fan.since + timedelta(minutes=dice.randrange(5, 60), days=dice.choice((0, 0, 1, 3)))
    months: list[PastPayment] = []
    renewed = True
    while renewed and at < over:
        name = f"{stage.part.slug}-{number}-{len(months)}"
        months.append(
            PastPayment(
                id=stage.derived_id("month", number, len(months)),
                fan=fan,
                rail=RAIL,
                account=stage.channel.account,
                money=plan.price,
                charge_id=f"h-month-{name}",
                at=at.astimezone(UTC),
            )
        )
        at += SUBSCRIPTION_PERIOD
        renewed = dice.randrange(100) < RENEWED_PERCENT
    if not months:
        return None
    stopped = dice.randrange(100) < STOPPED_PERCENT or not renewed
    stopped_at = months[-1].at + timedelta(days=1) if stopped else None
    # A cancellation after today is not known yet.
    if stopped_at is not None and stopped_at >= over:
        stopped_at = None
    return PastSubscription(
        stage.derived_id("subscription", number), plan, tuple(months), stopped_at
    )
