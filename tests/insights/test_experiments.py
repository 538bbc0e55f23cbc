"""What is said of a test: nothing before its size, nothing of a split that is no accident, seldom a false alarm."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from numpy.random import Generator, default_rng

from foundation.errors import BadInput
from foundation.ids import uuid7
from foundation.words import Message
from insights import experiments
from insights.collecting import DRIFT
from insights.experiments import Kind, Reading, Sample, Verdict, effect_of, judge, samples, split_chance, student
from schedules import drafting, removal, variants
from schedules.assigning import A, B, drawn
from schedules.variants import LEAST, Listed, Unit
from tenants import notices
from tests.conftest import WAITS_FOR_US, wait_until
from tests.insights.test_readings import readings
from tests.schedules.builders import Desk
from tests.schedules.repeats import approved, begin, repeat
from tests.schedules.versions import compared, seen

START = datetime(2026, 1, 1, 10, tzinfo=UTC)
SIGMA = 0.8
"""Of the logarithm of a post's views: the best tenth has eight times as many as the worst."""


def daily(values: Sequence[tuple[str, int | None]], *, every: timedelta = timedelta(days=1)) -> list[Sample]:
    return [Sample(variant, START + every * number, value) for number, (variant, value) in enumerate(values)]


def views(random: Generator, count: int, *, factor: float = 1.0, middle: float = 300) -> list[int]:
    """Views as accounts have them: few, and now and then a great many."""
    return [int(one) for one in random.poisson(factor * middle * random.lognormal(0, SIGMA, count))]


def told(random: Generator, planned: int, *, factor: float = 1.0) -> Verdict:
    """A whole test: versions as they are drawn, B with so many times the views of A."""
    test_id = UUID(bytes=random.bytes(16))
    said = [drawn(test_id, str(one)) for one in range(planned)]
    shown = {A: views(random, planned), B: views(random, planned, factor=factor)}
    return judge(daily([(one, shown[one][number]) for number, one in enumerate(said)]), planned)


# the verdict alone


@pytest.mark.parametrize("planned", [LEAST, 100])
def test_two_equal_versions_are_seldom_called_different(planned: int) -> None:
    """A/A: one in twenty is what the interval allows; 2,000 tests tell it to within two per cent."""
    random = default_rng(planned)
    found = [told(random, planned).kind for _ in range(2000)]
    judged = [kind for kind in found if kind in (Kind.BETTER, Kind.OPEN)]
    assert len(judged) > 1800
    assert 0.03 < judged.count(Kind.BETTER) / len(judged) < 0.07
    assert found.count(Kind.UNEVEN) <= 8, "one in a thousand by chance"


def test_the_interval_covers_what_is_true() -> None:
    random, hits, tries = default_rng(3), 0, 2000
    for _ in range(tries):
        effect = effect_of(views(random, 40), views(random, 40, factor=1.3))
        hits += effect.low <= 0.3 <= effect.high
    assert 0.93 < hits / tries < 0.97


def test_a_large_effect_is_seen_and_named() -> None:
    random = default_rng(4)
    found = [told(random, 100, factor=2.0) for _ in range(300)]
    assert sum(one.kind is Kind.BETTER and one.better == B for one in found) > 270
    assert not [one for one in found if one.better == A]


@given(some.lists(some.integers(0, 10**6), min_size=10, max_size=50), some.lists(some.integers(0, 10**6), min_size=10))
def test_the_effect_lies_in_its_interval_and_mirrors(a: list[int], b: list[int]) -> None:
    one, other = effect_of(a, b), effect_of(b, a)
    assert one.low <= one.share <= one.high
    assert np.isclose((1 + one.share) * (1 + other.share), 1)
    assert np.isclose((1 + one.low) * (1 + other.high), 1)


@given(some.integers(0, 10**6), some.integers(0, 10**6))
def test_a_split_is_as_likely_either_way(a: int, b: int) -> None:
    assert split_chance(a, b) == split_chance(b, a)
    assert 0 <= split_chance(a, b) <= 1


def test_the_split_and_the_quantile_are_those_of_the_tables() -> None:
    assert split_chance(0, 0) == split_chance(50, 50) == 1
    assert split_chance(60, 40) == pytest.approx(0.0455, abs=1e-4)
    assert split_chance(670, 530) == pytest.approx(5.31e-5, rel=1e-2)
    for freedom, value in ((5, 2.5706), (9, 2.2622), (18, 2.1009), (30, 2.0423), (120, 1.9799)):
        assert student(freedom) == pytest.approx(value, abs=1e-3)


@given(some.integers(0, 29), some.integers(0, 10**6))
@settings(max_examples=50)
def test_nothing_is_said_before_its_size(count: int, value: int) -> None:
    samples = daily([(A if number % 2 else B, value * (number % 2)) for number in range(count)])
    found = judge(samples, 30)
    assert (found.kind, found.more, found.effect, found.better) == (Kind.WAITING, 30 - count, None, "")


def test_what_came_after_its_size_changes_nothing() -> None:
    first = daily([(A if number % 2 else B, 100 + number) for number in range(30)])
    later = daily([(B, 10**6)] * 20)
    assert judge([*first, *later], 30) == judge(first, 30)


@pytest.mark.parametrize(
    ("values", "every", "kind"),
    [
        ([(A, 50)] * 25 + [(B, 50)] * 5, timedelta(days=1), Kind.UNEVEN),
        ([(A, 50)] * 15 + [(B, None)] * 15, timedelta(days=1), Kind.UNEVEN),
        ([(A, 50), (B, 50)] * 15, timedelta(hours=5), Kind.SHORT),
        ([(A, 5), (B, 500)] * 15, timedelta(days=1), Kind.FEW),
        ([(A, 50), (B, None), (B, 50), (A, None)] * 8, timedelta(days=1), Kind.FEW),
        ([(A, 0), (B, 0)] * 15, timedelta(days=1), Kind.FEW),
        ([(A, 50), (B, 50)] * 15, timedelta(days=1), Kind.OPEN),
        ([(A, 50), (B, 60)] * 15, timedelta(days=1), Kind.BETTER),
    ],
)
def test_why_nothing_is_said(values: list[tuple[str, int | None]], every: timedelta, kind: Kind) -> None:
    planned = len(values)
    found = judge(daily(values, every=every), planned)
    assert found.kind is kind
    assert (found.effect is not None) == (kind in (Kind.OPEN, Kind.BETTER))
    assert found.a + found.b + found.unread == planned


# with true posts


def run(lea: Desk, **more: Any) -> Listed:
    """A test of a daily series, both versions approved."""
    post_id = begin(lea, repeat(lea))
    approved(lea, post_id)
    test = seen(lea, compared(lea, post_id, **more))
    approved(lea, test.b_id)
    return test


def verdict(lea: Desk, test: Listed) -> Verdict:
    with lea.scope() as scope:
        return experiments.verdict(scope, variants.test(scope, test.id))


def read_as(lea: Desk, test: Listed, **values: int) -> None:
    """The readings of each version say so many, as the platform would have."""
    with lea.scope() as scope:
        for variant, value in values.items():
            scope.run(
                "UPDATE metric_snapshots s SET value = :value, quality = 'measured' FROM deliveries d"
                " WHERE s.tenant_id = :tenant AND d.tenant_id = :tenant AND d.id = s.delivery_id"
                " AND d.variant = :variant AND s.metric = 'views'",
                tenant=lea.tenant_id,
                variant=variant,
                value=value,
            )


def test_from_its_first_post_to_its_verdict(lea: Desk) -> None:
    test = run(lea)
    assert verdict(lea, test) == Verdict(Kind.WAITING, LEAST)
    lea.live(hours=24 * 12)
    read_as(lea, test, a=100, b=150)
    halfway = verdict(lea, test)
    assert (halfway.kind, halfway.effect) == (Kind.WAITING, None)
    assert LEAST - 12 <= halfway.more <= LEAST - 9, "as many are missing as have not been read at their age"
    lea.live(hours=24 * 32)
    read_as(lea, test, a=100, b=150)
    found = verdict(lea, test)
    assert (found.kind, found.better, found.a + found.b, found.unread) == (Kind.BETTER, B, LEAST, 0)
    assert found.effect is not None
    assert found.effect.share == pytest.approx(151 / 101 - 1)
    assert found.days in (LEAST - 2, LEAST - 1), "each left a moment after its hour"
    lea.act(variants.end, test.id, keep=B, author=f"member:{lea.manager}")
    assert verdict(lea, test) == found, "its end changes nothing"


def test_that_a_test_has_its_size_is_told_once_until_it_is_ended(lea: Desk) -> None:
    test = run(lea)
    lea.live(hours=24 * 12)
    read_as(lea, test, a=100, b=150)
    lea.act(experiments.tell, lea.creator_id)
    assert lea.act(notices.open_causes, "versions:") == [], "nobody hears which one is ahead"
    lea.live(hours=24 * 32)
    read_as(lea, test, a=100, b=150)
    for _ in range(2):
        lea.act(experiments.tell, lea.creator_id)
        assert lea.act(notices.open_causes, "versions:") == [variants.has_its_size(test.id)]
    lea.act(notices.dismiss, variants.has_its_size(test.id), why="read")
    lea.act(experiments.tell, lea.creator_id)
    assert lea.act(notices.open_causes, "versions:") == [], "who put it away knows"


def test_the_end_of_a_test_ends_what_was_told_of_it(lea: Desk) -> None:
    test = run(lea)
    with lea.scope() as scope:
        notices.put(scope, Message("experiments.has_its_size"), cause=variants.has_its_size(test.id))
    lea.act(variants.end, test.id, keep=B, author=f"member:{lea.manager}")
    assert lea.act(notices.open_causes, "versions:") == []
    lea.act(experiments.tell, lea.creator_id)
    assert lea.act(notices.open_causes, "versions:") == []


def test_who_ends_a_test_while_its_size_is_told_leaves_no_notice(lea: Desk) -> None:
    test = run(lea)
    with ThreadPoolExecutor(1) as other:
        with lea.scope() as scope:
            assert variants.running(scope, lea.creator_id) == [test.id]
            ended = other.submit(lea.act, variants.end, test.id, keep=B, author=f"member:{lea.manager}")
            wait_until(lambda: scope.run(WAITS_FOR_US).scalar() == 1)
            notices.put(scope, Message("experiments.has_its_size"), cause=variants.has_its_size(test.id))
        ended.result(timeout=60)
    assert lea.act(notices.open_causes, "versions:") == []


def test_a_number_of_another_age_does_not_count(lea: Desk) -> None:
    test = run(lea, age_hours=168)
    lea.live(hours=24 * 6)
    with lea.scope() as scope:
        units = variants.units(scope, test)
    assert len(units) >= 4
    assert (24, "views") in readings(lea, units[0].delivery_id)
    assert verdict(lea, test).more == LEAST


def test_what_was_removed_before_it_was_read_counts_no_more(lea: Desk) -> None:
    test = run(lea)
    lea.live(hours=24 * 5)
    before = verdict(lea, test).more
    with lea.scope() as scope:
        last = variants.units(scope, test)[-1].delivery_id
    assert (24, "views") not in readings(lea, last)
    lea.act(removal.ask, last)
    lea.run()
    assert verdict(lea, test).more == before
    lea.live(hours=24)
    assert verdict(lea, test).more == before, "it is made good by another"


def test_what_is_removed_later_changes_nothing_that_was_told(lea: Desk) -> None:
    test = run(lea)
    lea.live(hours=24 * 44)
    read_as(lea, test, a=100, b=150)
    found = verdict(lea, test)
    with lea.scope() as scope:
        first = variants.units(scope, test)[0].delivery_id
    lea.act(removal.ask, first)
    assert found.kind is Kind.BETTER
    assert verdict(lea, test) == found, "while it is taken away"
    lea.run()
    assert verdict(lea, test) == found


UNITS = some.lists(
    some.tuples(some.sampled_from([A, B]), some.floats(0, 0.5), some.none() | some.integers(0, 500), some.booleans()),
    min_size=10,
    max_size=30,
)


@given(UNITS, some.integers(5, 12), some.sampled_from(experiments.AGES))
def test_what_was_told_once_is_told_of_the_same_posts_for_ever(
    told_of: list[tuple[str, float, int | None, bool]], planned: int, age_hours: int
) -> None:
    """Whatever is read late, typed and corrected, or taken away later; looked at each few hours."""
    age = timedelta(hours=age_hours)
    units = [Unit(uuid7(), one[0], START + timedelta(hours=9) * number) for number, one in enumerate(told_of)]
    said: Verdict | None = None
    for step in range(0, 24 * 20, 5):
        now, read, seen_now = START + timedelta(hours=step), dict[UUID, Reading](), list[Unit]()
        for unit, (_, late, value, removed) in zip(units, told_of, strict=True):
            taken = unit.at + age * (1 + min(late, DRIFT))
            if taken <= now:
                corrected = value if value is None or now > unit.at + age * (1 + DRIFT) else value + 1
                read[unit.delivery_id] = Reading(
                    value if late <= DRIFT else corrected, late <= DRIFT and value is not None
                )
            if unit.at <= now:
                seen_now.append(replace(unit, stands=not (removed and now > unit.at + age * 1.3)))
        found = judge(samples(seen_now, read, age_hours, now), planned)
        assert said is None or found == said
        said = found if found.kind is not Kind.WAITING else None


def test_a_version_that_was_rewritten_is_not_compared(lea: Desk) -> None:
    test = run(lea)
    with lea.scope(f"member:{lea.author}") as scope:
        other = drafting.Draft(lea.creator_id, "", "said otherwise", (lea.photo(),), ())
        drafting.rewrite(scope, test.b_id, other, author=f"member:{lea.author}")
    assert verdict(lea, test) == Verdict(Kind.MIXED)


@pytest.mark.parametrize("more", [{"metric": "sales"}, {"metric": ""}, {"age_hours": 1}, {"age_hours": 0}])
def test_what_nobody_reads_is_not_tested(lea: Desk, more: dict[str, Any]) -> None:
    with pytest.raises(BadInput) as told_so:
        run(lea, **more)
    assert told_so.value.message.code == "experiments.no_such_reading"
