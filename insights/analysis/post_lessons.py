"""What a creator's own posts came to: which did best, and which kinds did better than usual, as far
as chance allows.

Posts are compared with the middle of their own account at one age, since accounts differ in size. A
kind of post is told only where as many better posts among its own would be unlikely by chance, with
all kinds looked at taken together: the best of eight kinds of coin looks lucky. Source of the test:
Dixon and Mood, The statistical sign test, JASA 41 (1946); of taking them together: Bonferroni's
inequality.

Ideas asked for from here: the results are read, and put down with the question in the room that
writes it.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from statistics import fmean, median_low
from uuid import UUID

from channels.accounts import queries
from foundation.db.database import Scope
from foundation.ops.wall_time import load_zone
from insights.metrics.queries import post_results
from schedules.posts import live_posts
from schedules.posts.live_posts import LivePostContent
from schedules.suggestions.ideas import proposals
from schedules.suggestions.ideas.brief import (
    IdeaBrief,
    InspiringPost,
    MeasuredResults,
    ResultLesson,
)
from schedules.suggestions.shared.languages import WRITABLE_LANGUAGES
from subscribers.replies import persona
from tenants.agencies.queries import Creator

AGE_HOURS = 24
"""The age at which posts are compared: a week is late to learn from, an hour is mostly chance."""

MIN_POSTS_FOR_LESSONS = 20
"""Posts with a result below which nothing is said."""

MIN_OF_ACCOUNT = 5
"""Of one account, below which nobody knows what is usual there."""

MIN_OF_KIND = 5
MAX_POSTS_COMPARED = 200
"""The newest posts of an account that are looked at."""

LATELY = timedelta(days=365)
UNLIKELY = 0.2
"""Chance that a kind is told although nothing is behind any of them, at most."""

BEST = 8
PARTS = ("night", "morning", "afternoon", "evening")
"""Of a day on the creator's clock, six hours each from midnight on."""


@dataclass(frozen=True)
class MeasuredPost:
    """A post on one account with its result, and the middle of the results there."""

    post: LivePostContent
    value: int
    usual: int

    @property
    def gain_over_usual(self) -> float:
        """By how much it did better than usual, in logs: zero is as usual."""
        return math.log1p(self.value) - math.log1p(self.usual)


def load_result_lessons(scope: Scope, creator: Creator) -> MeasuredResults:
    """What the results of a creator's posts say, from all of her accounts."""
    found: list[MeasuredPost] = []
    names: dict[UUID, str] = {}
    for account in queries.list_creator_channels(scope, creator.id):
        names[account.id] = account.name
        values = post_results(scope, account.id, age_hours=AGE_HOURS, most=MAX_POSTS_COMPARED)
        posts = [
            one
            for one in live_posts.list_live_posts(scope, creator.id, values)
            if one.at > scope.now - LATELY
        ]
        found += compare_with_usual(posts, values)
    return judge_posts(found, names, creator.zone)


def compare_with_usual(
    posts: Sequence[LivePostContent], values: Mapping[UUID, int]
) -> list[MeasuredPost]:
    """The posts of one account beside what is usual there; none of an account with too few;
    pure."""
    if len(posts) < MIN_OF_ACCOUNT:
        return []
    usual = median_low(values[one.delivery_id] for one in posts)
    return [MeasuredPost(one, values[one.delivery_id], usual) for one in posts]


def judge_posts(
    found: Sequence[MeasuredPost], names: Mapping[UUID, str], zone: str
) -> MeasuredResults:
    """What may be said of these posts; one that went to several accounts, or several times, counts
    once; pure."""
    posts: dict[UUID, list[MeasuredPost]] = {}
    for one in found:
        posts.setdefault(one.post.post_id, []).append(one)
    if len(posts) < MIN_POSTS_FOR_LESSONS:
        return MeasuredResults(len(posts), AGE_HOURS, MIN_POSTS_FOR_LESSONS - len(posts))
    at = load_zone(zone)
    kinds: dict[tuple[str, str], list[bool]] = {}
    for each in posts.values():
        first = min(each, key=lambda one: (one.post.at, one.post.delivery_id)).post
        better = fmean(one.gain_over_usual for one in each) > 0
        part = PARTS[first.at.astimezone(at).hour // 6]
        for kind in (
            ("form", str(first.form)),
            ("hours", part),
            *(("tag", f"#{tag}") for tag in first.tags),
        ):
            kinds.setdefault(kind, []).append(better)
    best = sorted(
        (max(each, key=_rank_key) for each in posts.values()), key=_rank_key, reverse=True
    )
    liked = [one for one in best if one.gain_over_usual > 0 and one.post.words.strip()][:BEST]
    shown = tuple(
        _build_inspiring_post(one, names, f"{one.post.at.astimezone(at):%Y-%m-%d}") for one in liked
    )
    return MeasuredResults(len(posts), AGE_HOURS, 0, find_lessons(kinds), shown)


def find_lessons(kinds: Mapping[tuple[str, str], Sequence[bool]]) -> tuple[ResultLesson, ...]:
    """Which kinds did better than usual, the surest first; `kinds` say of each post of theirs
    whether it did; pure."""
    tried = {kind: done for kind, done in kinds.items() if len(done) >= MIN_OF_KIND}
    told = []
    for (kind, name), done in tried.items():
        chance = binomial_tail(sum(done), len(done))
        if chance * len(tried) <= UNLIKELY:
            told.append((chance, ResultLesson(kind, name, len(done), sum(done))))
    return tuple(
        one for _, one in sorted(told, key=lambda each: (each[0], each[1].kind, each[1].name))
    )


def binomial_tail(better: int, posts: int) -> float:
    """How likely so many of these posts, or more, are better than usual where each is as likely
    better as not."""
    return sum(math.comb(posts, one) for one in range(better, posts + 1)) / (1 << posts)


def _rank_key(one: MeasuredPost) -> tuple[float, int, UUID]:
    return one.gain_over_usual, one.value, one.post.delivery_id


def _build_inspiring_post(one: MeasuredPost, names: Mapping[UUID, str], day: str) -> InspiringPost:
    post = one.post
    return InspiringPost(
        post.post_id,
        post.words,
        post.form,
        names.get(post.channel_id, ""),
        day,
        one.value,
        one.usual,
    )


def request_ideas_from_results(
    scope: Scope, creator: Creator, *, key: UUID, language: str = ""
) -> UUID:
    """Ask for ideas once per `key`, in one of the languages of kits; without one, the creator's
    first of them.

    Raises as `ideas.ask`.
    """
    manner = persona.writing_style_of_creator(scope, creator.id)
    spoken = language or next(
        (one for one in creator.languages if one in WRITABLE_LANGUAGES), WRITABLE_LANGUAGES[0]
    )
    brief = IdeaBrief(
        creator_id=creator.id,
        language=spoken,
        results=load_result_lessons(scope, creator),
        about=manner.card,
        tone=manner.tone,
        forbidden=manner.forbidden,
    )
    return proposals.request_ideas(scope, brief, key=key)
