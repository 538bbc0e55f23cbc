"""Lessons from past posts: measured results only, with the number of posts, of one creator."""

import math
import random
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from foundation.ids import uuid7
from insights.analysis import post_lessons
from insights.analysis.post_lessons import MIN_POSTS_FOR_LESSONS, MeasuredPost
from insights.rollups.history_import import PastReading, import_past_readings
from schedules.posts import live_posts
from schedules.posts.live_posts import LivePostContent, PostFormat, find_hashtags
from schedules.suggestions.ideas import proposals
from schedules.suggestions.shared.results import MeasuredResults, ResultLesson
from subscribers.replies import persona
from subscribers.replies.persona import PersonaVersion
from tenants.agencies import queries as tenant_reads
from tests.insights.builders import CreatorHistory, create_creator_history
from tests.start_hour import module_start_time
from workers.wiring import Services


def at(day: int, hour: int = 9) -> datetime:
    """Return the given UTC hour of `day` days ago."""
    return module_start_time().replace(hour=hour, minute=0, second=0, microsecond=0) - timedelta(
        days=day
    )


def read(
    who: CreatorHistory, delivery_id: UUID, when: datetime, *, age: int = 24, **values: int
) -> None:
    said = [
        PastReading(
            who.creator_id,
            delivery_id,
            who.channel_id,
            metric,
            age,
            value,
            when + timedelta(hours=age),
        )
        for metric, value in values.items()
    ]
    with who.scope() as scope:
        import_past_readings(scope, said)


def posted(
    who: CreatorHistory, number: int, words: str, likes: int, *, hour: int = 9, **more: Any
) -> UUID:
    when = at(number + 2, hour)
    delivery_id = who.post(when, body=words, **more)
    read(who, delivery_id, when, likes=likes, comments=1, views=1000)
    return delivery_id


def results(who: CreatorHistory) -> MeasuredResults:
    with who.scope() as scope:
        return post_lessons.load_result_lessons(
            scope, tenant_reads.get_creator(scope, who.creator_id)
        )


def some(who: CreatorHistory, count: int = 24) -> None:
    """Create posts: half with a hashtag, in the evening, with many likes; half without, in the
    morning."""
    for number in range(count):
        liked = number % 2 == 0
        words = f"Post {number} du soir #Port" if liked else f"Post {number} du matin"
        posted(who, number, words, 40 + number if liked else 10, hour=18 if liked else 9)


def test_better_kinds_of_posts_are_listed_with_counts(ledgers: CreatorHistory) -> None:
    some(ledgers)
    found = results(ledgers)
    assert (found.posts, found.age_hours, found.lacking) == (24, 24, 0)
    assert set(found.lessons) == {
        ResultLesson("hours", "evening", 12, 12, 338),
        ResultLesson("tag", "#port", 12, 12, 338),
    }
    assert len(found.best) == post_lessons.BEST
    first = found.best[0]
    assert (first.words, first.value, first.usual, first.form) == (
        "Post 22 du soir #Port",
        63,
        11,
        PostFormat.WORDS,
    )
    assert [one.value for one in found.best] == sorted(
        (one.value for one in found.best), reverse=True
    )


def test_too_few_results_yield_no_lessons(ledgers: CreatorHistory) -> None:
    some(ledgers, MIN_POSTS_FOR_LESSONS - 1)
    found = results(ledgers)
    assert (found.posts, found.lacking, found.lessons, found.best) == (
        MIN_POSTS_FOR_LESSONS - 1,
        1,
        (),
        (),
    )


def test_readings_missing_at_that_age_are_ignored(ledgers: CreatorHistory) -> None:
    some(ledgers, MIN_POSTS_FOR_LESSONS - 1)
    unread = ledgers.post(at(40), body="jamais relevé")
    early = ledgers.post(at(41), body="relevé trop tôt")
    read(ledgers, early, at(41), age=1, likes=5000)
    old = ledgers.post(at(400), body="il y a longtemps")
    read(ledgers, old, at(400), likes=5000)
    assert results(ledgers).posts == MIN_POSTS_FOR_LESSONS - 1
    read(ledgers, unread, at(40), likes=3)
    assert results(ledgers).lacking == 0


def test_removed_posts_are_ignored(ledgers: CreatorHistory) -> None:
    some(ledgers, MIN_POSTS_FOR_LESSONS)
    with ledgers.scope() as scope:
        scope.run(
            "UPDATE deliveries SET state = 'removed' WHERE tenant_id = :t AND post_id IN"
            " (SELECT id FROM posts WHERE tenant_id = :t AND body LIKE 'Post 18 %')",
            t=ledgers.tenant_id,
        )
    assert results(ledgers).posts == MIN_POSTS_FOR_LESSONS - 1


def test_posts_of_another_agency_or_creator_are_ignored(
    services: Services, ledgers: CreatorHistory
) -> None:
    other = create_creator_history(services, name="Zoé")
    some(other)
    assert results(ledgers).posts == 0
    with other.scope() as scope:
        ids = list(
            scope.run("SELECT id FROM deliveries WHERE tenant_id = :t", t=other.tenant_id).scalars()
        )
    with ledgers.scope() as scope:
        assert live_posts.list_live_posts(scope, other.creator_id, ids) == []
    with other.scope() as scope:
        assert live_posts.list_live_posts(scope, uuid7(), ids) == []


def test_idea_request_includes_results_and_persona(ledgers: CreatorHistory) -> None:
    some(ledgers)
    with ledgers.scope() as scope:
        voice = PersonaVersion(
            "Léa", True, "Elle aime la mer.", "espiègle", ("fr",), forbidden=("gratuit",)
        )
        persona.activate_persona(
            scope, persona.create_persona_version(scope, ledgers.creator_id, voice)
        )
        creator = tenant_reads.get_creator(scope, ledgers.creator_id)
        made = post_lessons.request_ideas_from_results(scope, creator, key=uuid7())
    with ledgers.scope() as scope:
        brief = proposals.get_ideas(scope, [ledgers.creator_id], made).brief
    assert (brief.language, brief.tone, brief.about, brief.forbidden) == (
        "fr",
        "espiègle",
        "Elle aime la mer.",
        ("gratuit",),
    )
    assert brief.results.posts == 24
    assert len(brief.results.best) == 5


CHANNELS = [uuid7(), uuid7()]
NOW = at(1)


def standing(
    number: int, channel: int, post: UUID, *, tags: tuple[str, ...] = ()
) -> LivePostContent:
    return LivePostContent(
        uuid7(),
        post,
        CHANNELS[channel],
        NOW + timedelta(hours=number),
        NOW + timedelta(hours=number),
        "mots",
        PostFormat.WORDS,
        tags,
    )


rows = st.lists(st.tuples(st.integers(0, 30), st.integers(0, 1), st.integers(0, 5000)), max_size=80)


@given(rows=rows)
def test_lessons_contain_only_given_figures(rows: Sequence[tuple[int, int, int]]) -> None:
    owners = [uuid7() for _ in range(31)]
    found: list[MeasuredPost] = []
    for channel in (0, 1):
        posts = [
            (standing(n, ch, owners[n], tags=(f"t{n % 3}",)), value)
            for n, ch, value in rows
            if ch == channel
        ]
        found += post_lessons.compare_with_usual(
            [one for one, _ in posts], {one.delivery_id: value for one, value in posts}
        )
    said = post_lessons.judge_posts(found, {}, "Europe/Paris")
    values = {value for _, _, value in rows}
    counted = len({one.post.post_id for one in found})
    assert said.posts == counted
    assert said.lacking == max(MIN_POSTS_FOR_LESSONS - counted, 0)
    for past in said.best:
        assert past.value in values
        assert past.usual in values
        assert past.value > past.usual
    for one in said.lessons:
        assert 0 < one.better <= one.posts <= counted
    assert len({past.post_id for past in said.best}) == len(said.best)


def test_lesson_states_the_average_gain_of_its_posts() -> None:
    kinds = {("label", "plage"): [math.log(2.0)] * 9 + [0.0], ("tag", "#rien"): [-1.0] * 10}
    (one,) = post_lessons.find_lessons(kinds)
    assert (one.kind, one.name, one.posts, one.better) == ("label", "plage", 10, 9)
    assert one.gain_percent == round(100 * (2.0**0.9 - 1))


@given(seed=st.integers(0, 10_000))
def test_noise_rarely_yields_lessons(seed: int) -> None:
    """If the posts of each kind are better by a coin toss, at most one in five cases yields a
    lesson by chance."""
    told = 0
    for number in range(20):
        toss = random.Random(seed * 100 + number)
        kinds = {("tag", str(one)): [toss.random() < 0.5 for _ in range(12)] for one in range(8)}
        told += bool(post_lessons.find_lessons(kinds))
    assert told <= 12  # a larger count has a probability of 1e-5 in binomial(20, 0.2)


def test_binomial_tail_matches_coin_tosses() -> None:
    assert post_lessons.binomial_tail(0, 5) == 1
    assert post_lessons.binomial_tail(5, 5) == 1 / 32
    assert post_lessons.binomial_tail(4, 5) == 6 / 32


def test_hashtags_are_extracted_from_text() -> None:
    assert find_hashtags("Au #Port, #port et #été ! a#b #1 https://x.test/#y") == (
        "port",
        "été",
        "y",
    )
