"""What a creator's own posts came to: which did best, and which kinds did better than usual, as far as chance allows.

Posts are compared with the middle of their own account at one age, since accounts differ in size. A kind of post is
told only where as many better posts among its own would be unlikely by chance, with all kinds looked at taken together:
the best of eight kinds of coin looks lucky. Source of the test: Dixon and Mood, The statistical sign test, JASA 41
(1946); of taking them together: Bonferroni's inequality.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from statistics import fmean, median_low
from uuid import UUID

from channels import reads as channel_reads
from foundation.database import Scope
from insights import reads
from schedules import outside
from schedules.calendar import zone_of
from schedules.ideas_brief import Lesson, Past, Results
from schedules.outside import Standing
from tenants.reads import Creator

AGE_HOURS = 24
"""The age at which posts are compared: a week is late to learn from, an hour is mostly chance."""

LEAST = 20
"""Posts with a result below which nothing is said."""

LEAST_OF_ACCOUNT = 5
"""Of one account, below which nobody knows what is usual there."""

LEAST_OF_KIND = 5
MOST = 200
"""The newest posts of an account that are looked at."""

LATELY = timedelta(days=365)
UNLIKELY = 0.2
"""Chance that a kind is told although nothing is behind any of them, at most."""

BEST = 8
PARTS = ("night", "morning", "afternoon", "evening")
"""Of a day on the creator's clock, six hours each from midnight on."""


@dataclass(frozen=True)
class Measured:
    """A post on one account with its result, and the middle of the results there."""

    post: Standing
    value: int
    usual: int

    @property
    def gain(self) -> float:
        """By how much it did better than usual, in logs: zero is as usual."""
        return math.log1p(self.value) - math.log1p(self.usual)


def of(scope: Scope, creator: Creator) -> Results:
    """What the results of a creator's posts say, from all of her accounts."""
    found: list[Measured] = []
    names: dict[UUID, str] = {}
    for account in channel_reads.channels_of(scope, creator.id):
        names[account.id] = account.name
        values = reads.results(scope, account.id, age_hours=AGE_HOURS, most=MOST)
        posts = [one for one in outside.standing(scope, creator.id, values) if one.at > scope.now - LATELY]
        found += measured(posts, values)
    return judge(found, names, creator.zone)


def measured(posts: Sequence[Standing], values: Mapping[UUID, int]) -> list[Measured]:
    """The posts of one account beside what is usual there; none of an account with too few; pure."""
    if len(posts) < LEAST_OF_ACCOUNT:
        return []
    usual = median_low(values[one.delivery_id] for one in posts)
    return [Measured(one, values[one.delivery_id], usual) for one in posts]


def judge(found: Sequence[Measured], names: Mapping[UUID, str], zone: str) -> Results:
    """What may be said of these posts; one that went to several accounts, or several times, counts once; pure."""
    posts: dict[UUID, list[Measured]] = {}
    for one in found:
        posts.setdefault(one.post.post_id, []).append(one)
    if len(posts) < LEAST:
        return Results(len(posts), AGE_HOURS, LEAST - len(posts))
    at = zone_of(zone)
    kinds: dict[tuple[str, str], list[bool]] = {}
    for each in posts.values():
        first = min(each, key=lambda one: (one.post.at, one.post.delivery_id)).post
        better = fmean(one.gain for one in each) > 0
        part = PARTS[first.at.astimezone(at).hour // 6]
        for kind in (("form", str(first.form)), ("hours", part), *(("tag", f"#{tag}") for tag in first.tags)):
            kinds.setdefault(kind, []).append(better)
    best = sorted((max(each, key=_rank) for each in posts.values()), key=_rank, reverse=True)
    liked = [one for one in best if one.gain > 0 and one.post.words.strip()][:BEST]
    shown = tuple(_past(one, names, f"{one.post.at.astimezone(at):%Y-%m-%d}") for one in liked)
    return Results(len(posts), AGE_HOURS, 0, lessons(kinds), shown)


def lessons(kinds: Mapping[tuple[str, str], Sequence[bool]]) -> tuple[Lesson, ...]:
    """Which kinds did better than usual, the surest first; `kinds` say of each post of theirs whether it did; pure."""
    tried = {kind: done for kind, done in kinds.items() if len(done) >= LEAST_OF_KIND}
    told = []
    for (kind, name), done in tried.items():
        chance = at_least(sum(done), len(done))
        if chance * len(tried) <= UNLIKELY:
            told.append((chance, Lesson(kind, name, len(done), sum(done))))
    return tuple(one for _, one in sorted(told, key=lambda each: (each[0], each[1].kind, each[1].name)))


def at_least(better: int, posts: int) -> float:
    """How likely so many of these posts, or more, are better than usual where each is as likely better as not."""
    return sum(math.comb(posts, one) for one in range(better, posts + 1)) / (1 << posts)


def _rank(one: Measured) -> tuple[float, int, UUID]:
    return one.gain, one.value, one.post.delivery_id


def _past(one: Measured, names: Mapping[UUID, str], day: str) -> Past:
    post = one.post
    return Past(post.post_id, post.words, post.form, names.get(post.channel_id, ""), day, one.value, one.usual)
