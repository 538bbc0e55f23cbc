"""Lessons from a creator's past posts: the best posts, and the kinds that did better than usual,
beyond chance.

Posts are compared with the median of their own account at one age, because accounts differ in size.
A kind is reported only if as many better posts would be unlikely by chance, corrected for the
number of kinds examined. Source of the test: Dixon and Mood, The statistical sign test, JASA 41
(1946); of the correction: Bonferroni's inequality.

It also requests ideas based on these results; `schedules.suggestions.ideas` generates them.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from statistics import fmean, median_low
from uuid import UUID

from channels.accounts import queries
from foundation.db.database import Scope
from foundation.ops.wall_time import load_zone
from insights.analysis import timing
from insights.metrics.queries import post_results
from schedules.posts import labels, live_posts
from schedules.posts.live_posts import LivePostContent
from schedules.suggestions.ideas import proposals
from schedules.suggestions.ideas.brief import IdeaBrief
from schedules.suggestions.shared.languages import WRITABLE_LANGUAGES
from schedules.suggestions.shared.results import (
    HourResult,
    InspiringPost,
    MeasuredResults,
    ResultLesson,
    load_results,
)
from subscribers.replies import persona
from tenants.agencies.queries import Creator

AGE_HOURS = 24
"""Age at which posts are compared. After a week, lessons would come too late; after an hour,
results are mostly chance."""

MIN_POSTS_FOR_LESSONS = 20
"""Minimum number of posts with a result for a lesson."""

MIN_OF_ACCOUNT = 5
"""Minimum number of posts of an account to compute its median."""

MIN_OF_KIND = 5
MAX_POSTS_COMPARED = 200
"""Maximum number of posts of an account used, newest first."""

LATELY = timedelta(days=365)
UNLIKELY = 0.2
"""Maximum probability of a reported lesson if no kind has an effect."""

BEST = 8
PARTS = ("night", "morning", "afternoon", "evening")
"""Parts of a day in the creator's time zone, six hours each from midnight on."""


@dataclass(frozen=True)
class MeasuredPost:
    """A post on an account with its result and the median result of the account."""

    post: LivePostContent
    value: int
    usual: int

    @property
    def gain_over_usual(self) -> float:
        """Return the difference from the median in logs; 0 is average."""
        return math.log1p(self.value) - math.log1p(self.usual)


def load_result_lessons(scope: Scope, creator: Creator) -> MeasuredResults:
    """Return the lessons from a creator's posts on all accounts."""
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
    named = labels.labels_of_posts(scope, {one.post.post_id for one in found})
    return judge_posts(
        found,
        names,
        creator.zone,
        {post: [one.name for one in of_post] for post, of_post in named.items()},
    )


def list_best_hours(scope: Scope, creator: Creator) -> tuple[HourResult, ...]:
    """Return the hours of a creator's accounts that are better than usual beyond chance."""
    found = []
    for account in queries.list_creator_channels(scope, creator.id):
        advice = timing.load_timing_evidence(scope, creator, account.id).advice
        found += [
            HourResult(
                account.id,
                account.name,
                one.weekend,
                one.clock,
                round(100 * one.lift),
                round(100 * one.low),
                round(100 * one.high),
                advice.posts,
            )
            for one in advice.hours
        ]
    return tuple(found)


def compare_with_usual(
    posts: Sequence[LivePostContent], values: Mapping[UUID, int]
) -> list[MeasuredPost]:
    """Return the posts of an account with its median; empty if there are too few; pure."""
    if len(posts) < MIN_OF_ACCOUNT:
        return []
    usual = median_low(values[one.delivery_id] for one in posts)
    return [MeasuredPost(one, values[one.delivery_id], usual) for one in posts]


def judge_posts(
    found: Sequence[MeasuredPost],
    names: Mapping[UUID, str],
    zone: str,
    labels_of: Mapping[UUID, Sequence[str]] | None = None,
) -> MeasuredResults:
    """Return the lessons from these posts; a post on several accounts, or published several times,
    counts once; pure."""
    posts: dict[UUID, list[MeasuredPost]] = {}
    for one in found:
        posts.setdefault(one.post.post_id, []).append(one)
    if len(posts) < MIN_POSTS_FOR_LESSONS:
        return MeasuredResults(len(posts), AGE_HOURS, MIN_POSTS_FOR_LESSONS - len(posts))
    at = load_zone(zone)
    kinds: dict[tuple[str, str], list[float]] = {}
    for each in posts.values():
        first = min(each, key=lambda one: (one.post.at, one.post.delivery_id)).post
        gain = fmean(one.gain_over_usual for one in each)
        part = PARTS[first.at.astimezone(at).hour // 6]
        for kind in (
            ("form", str(first.form)),
            ("hours", part),
            *(("tag", f"#{tag}") for tag in first.tags),
            *(("label", name) for name in (labels_of or {}).get(first.post_id, ())),
        ):
            kinds.setdefault(kind, []).append(gain)
    best = sorted(
        (max(each, key=_rank_key) for each in posts.values()), key=_rank_key, reverse=True
    )
    liked = [one for one in best if one.gain_over_usual > 0 and one.post.words.strip()][:BEST]
    shown = tuple(
        _build_inspiring_post(one, names, f"{one.post.at.astimezone(at):%Y-%m-%d}") for one in liked
    )
    return MeasuredResults(len(posts), AGE_HOURS, 0, find_lessons(kinds), shown)


def find_lessons(kinds: Mapping[tuple[str, str], Sequence[float]]) -> tuple[ResultLesson, ...]:
    """Return the kinds that did better than usual, most certain first; pure. `kinds` maps each kind
    to the gain over usual of each post, in logs."""
    tried = {kind: gains for kind, gains in kinds.items() if len(gains) >= MIN_OF_KIND}
    told = []
    for (kind, name), gains in tried.items():
        better = sum(one > 0 for one in gains)
        chance = binomial_tail(better, len(gains))
        if chance * len(tried) <= UNLIKELY:
            percent = round(100 * math.expm1(fmean(gains)))
            told.append((chance, ResultLesson(kind, name, len(gains), better, percent)))
    return tuple(
        one for _, one in sorted(told, key=lambda each: (each[0], each[1].kind, each[1].name))
    )


def binomial_tail(better: int, posts: int) -> float:
    """Return the probability that at least `better` of `posts` posts do better than usual if each
    is equally likely to do better or worse."""
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
    """Request ideas once per `key` in a supported language, by default the creator's first one.

    Raises the errors of `proposals.request_ideas`.
    """
    manner = persona.writing_style_of_creator(scope, creator.id)
    spoken = language or next(
        (one for one in creator.languages if one in WRITABLE_LANGUAGES), WRITABLE_LANGUAGES[0]
    )
    stored = load_results(scope, creator.id)
    brief = IdeaBrief(
        creator_id=creator.id,
        language=spoken,
        results=replace(
            load_result_lessons(scope, creator),
            hours=list_best_hours(scope, creator),
            forecasts=stored.forecasts if stored is not None else (),
        ),
        about=manner.card,
        tone=manner.tone,
        forbidden=manner.forbidden,
    )
    return proposals.request_ideas(scope, brief, key=key)
