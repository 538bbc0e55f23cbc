"""What past posts came to: only what was measured, told with how many posts it rests on, and of this creator alone."""

import random
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from foundation.ids import uuid7
from insights import inspiring, lessons
from insights.lessons import LEAST, Measured
from insights.loading import PastReading, load_readings
from schedules import ideas, outside
from schedules.ideas_brief import Lesson, Results
from schedules.outside import Form, Standing, tags_in
from subscribers import persona
from subscribers.persona import Persona
from tenants import reads as tenant_reads
from tests.hours import began
from tests.insights.builders import Books, books
from workers.wiring import Services


def at(day: int, hour: int = 9) -> datetime:
    """So many days ago, at an hour of UTC."""
    return began().replace(hour=hour, minute=0, second=0, microsecond=0) - timedelta(days=day)


def read(who: Books, delivery_id: UUID, when: datetime, *, age: int = 24, **values: int) -> None:
    said = [
        PastReading(who.creator_id, delivery_id, who.channel_id, metric, age, value, when + timedelta(hours=age))
        for metric, value in values.items()
    ]
    with who.scope() as scope:
        load_readings(scope, said)


def posted(who: Books, number: int, words: str, likes: int, *, hour: int = 9, **more: Any) -> UUID:
    when = at(number + 2, hour)
    delivery_id = who.post(when, body=words, **more)
    read(who, delivery_id, when, likes=likes, comments=1, views=1000)
    return delivery_id


def results(who: Books) -> Results:
    with who.scope() as scope:
        return lessons.of(scope, tenant_reads.creator(scope, who.creator_id))


def some(who: Books, count: int = 24) -> None:
    """Half of them with a hashtag in the evening, liked; half without, in the morning."""
    for number in range(count):
        liked = number % 2 == 0
        words = f"Post {number} du soir #Port" if liked else f"Post {number} du matin"
        posted(who, number, words, 40 + number if liked else 10, hour=18 if liked else 9)


def test_kinds_that_did_better_are_told_with_their_posts(ledgers: Books) -> None:
    some(ledgers)
    found = results(ledgers)
    assert (found.posts, found.age_hours, found.lacking) == (24, 24, 0)
    assert set(found.lessons) == {Lesson("hours", "evening", 12, 12), Lesson("tag", "#port", 12, 12)}
    assert len(found.best) == lessons.BEST
    first = found.best[0]
    assert (first.words, first.value, first.usual, first.form) == ("Post 22 du soir #Port", 63, 11, Form.WORDS)
    assert [one.value for one in found.best] == sorted((one.value for one in found.best), reverse=True)


def test_too_few_results_say_nothing(ledgers: Books) -> None:
    some(ledgers, LEAST - 1)
    found = results(ledgers)
    assert (found.posts, found.lacking, found.lessons, found.best) == (LEAST - 1, 1, (), ())


def test_what_was_not_measured_at_that_age_counts_for_nothing(ledgers: Books) -> None:
    some(ledgers, LEAST - 1)
    unread = ledgers.post(at(40), body="jamais relevé")
    early = ledgers.post(at(41), body="relevé trop tôt")
    read(ledgers, early, at(41), age=1, likes=5000)
    old = ledgers.post(at(400), body="il y a longtemps")
    read(ledgers, old, at(400), likes=5000)
    assert results(ledgers).posts == LEAST - 1
    read(ledgers, unread, at(40), likes=3)
    assert results(ledgers).lacking == 0


def test_what_was_removed_teaches_nothing(ledgers: Books) -> None:
    some(ledgers, LEAST)
    with ledgers.scope() as scope:
        scope.run(
            "UPDATE deliveries SET state = 'removed' WHERE tenant_id = :t AND post_id IN"
            " (SELECT id FROM posts WHERE tenant_id = :t AND body LIKE 'Post 18 %')",
            t=ledgers.tenant_id,
        )
    assert results(ledgers).posts == LEAST - 1


def test_another_agency_and_another_creator_teach_nothing(services: Services, ledgers: Books) -> None:
    other = books(services, name="Zoé")
    some(other)
    assert results(ledgers).posts == 0
    with other.scope() as scope:
        ids = list(scope.run("SELECT id FROM deliveries WHERE tenant_id = :t", t=other.tenant_id).scalars())
    with ledgers.scope() as scope:
        assert outside.standing(scope, other.creator_id, ids) == []
    with other.scope() as scope:
        assert outside.standing(scope, uuid7(), ids) == []


def test_ideas_are_asked_with_her_results_and_her_persona(ledgers: Books) -> None:
    some(ledgers)
    with ledgers.scope() as scope:
        voice = Persona("Léa", True, "Elle aime la mer.", "espiègle", ("fr",), forbidden=("gratuit",))
        persona.activate(scope, persona.write(scope, ledgers.creator_id, voice))
        creator = tenant_reads.creator(scope, ledgers.creator_id)
        made = inspiring.ask(scope, creator, key=uuid7())
    with ledgers.scope() as scope:
        brief = ideas.one(scope, [ledgers.creator_id], made).brief
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


def standing(number: int, channel: int, post: UUID, *, tags: tuple[str, ...] = ()) -> Standing:
    return Standing(uuid7(), post, CHANNELS[channel], NOW + timedelta(hours=number), "mots", Form.WORDS, tags)


rows = st.lists(st.tuples(st.integers(0, 30), st.integers(0, 1), st.integers(0, 5000)), max_size=80)


@given(rows=rows)
def test_whatever_came_in_no_figure_is_made_up(rows: Sequence[tuple[int, int, int]]) -> None:
    owners = [uuid7() for _ in range(31)]
    found: list[Measured] = []
    for channel in (0, 1):
        posts = [(standing(n, ch, owners[n], tags=(f"t{n % 3}",)), value) for n, ch, value in rows if ch == channel]
        found += lessons.measured([one for one, _ in posts], {one.delivery_id: value for one, value in posts})
    said = lessons.judge(found, {}, "Europe/Paris")
    values = {value for _, _, value in rows}
    counted = len({one.post.post_id for one in found})
    assert said.posts == counted
    assert said.lacking == max(LEAST - counted, 0)
    for past in said.best:
        assert past.value in values
        assert past.usual in values
        assert past.value > past.usual
    for one in said.lessons:
        assert 0 < one.better <= one.posts <= counted
    assert len({past.post_id for past in said.best}) == len(said.best)


@given(seed=st.integers(0, 10_000))
def test_where_nothing_is_behind_it_little_is_told(seed: int) -> None:
    """Of kinds whose posts are better by the toss of a coin, chance has one told in a fifth of all cases at most."""
    told = 0
    for number in range(20):
        toss = random.Random(seed * 100 + number)
        kinds = {("tag", str(one)): [toss.random() < 0.5 for _ in range(12)] for one in range(8)}
        told += bool(lessons.lessons(kinds))
    assert told <= 12  # binomial(20, 0.2): more is one in a hundred thousand


def test_the_chance_of_a_coin() -> None:
    assert lessons.at_least(0, 5) == 1
    assert lessons.at_least(5, 5) == 1 / 32
    assert lessons.at_least(4, 5) == 6 / 32


def test_hashtags_of_a_text() -> None:
    assert tags_in("Au #Port, #port et #été ! a#b #1 https://x.test/#y") == ("port", "été", "y")
