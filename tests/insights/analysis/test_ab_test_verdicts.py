"""Verdicts of A/B tests: none before the planned size or for an uneven split, and few false
positives."""

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
from foundation.i18n.translation import Message
from foundation.ids import uuid7
from insights.analysis import ab_test_verdicts
from insights.analysis.ab_test_verdicts import (
    AbTestEffect,
    AbTestReading,
    AbTestSample,
    AbTestVerdict,
    VerdictKind,
    estimate_effects,
    judge_samples,
    load_test_samples,
)
from insights.analysis.experiment_statistics import (
    IntervalMethod,
    split_probability,
    student_quantile,
)
from insights.metrics.readings import MAX_READING_DRIFT
from schedules.drafts import drafts
from schedules.publishing import post_removal
from schedules.recurrence import ab_tests
from schedules.recurrence.ab_tests import MIN_TEST_UNITS, AbTestUnit, VariantTest
from schedules.recurrence.variant_assignment import VARIANT_A, VARIANT_B, draw_variant
from tenants.notices import notices
from tests.conftest import WAITS_FOR_US, wait_until
from tests.insights.metrics.test_readings import readings
from tests.schedules.ab_test_builders import get_ab_test, start_ab_test
from tests.schedules.builders import SandboxAgency
from tests.schedules.series_builders import approve_and_release, build_recurrence, start_series

START = datetime(2026, 1, 1, 10, tzinfo=UTC)
SIGMA = 0.8
"""Standard deviation of the logarithm of a post's views: the top tenth has eight times the views of
the bottom tenth."""


def daily(
    values: Sequence[tuple[str, int | None]], *, every: timedelta = timedelta(days=1)
) -> list[AbTestSample]:
    return [
        AbTestSample(variant, START + every * number, value)
        for number, (variant, value) in enumerate(values)
    ]


def views(random: Generator, count: int, *, factor: float = 1.0, middle: float = 300) -> list[int]:
    """Draw log-normally distributed view counts: mostly low, sometimes very high."""
    return [int(one) for one in random.poisson(factor * middle * random.lognormal(0, SIGMA, count))]


def estimate_effect(a: Sequence[int], b: Sequence[int]) -> AbTestEffect:
    groups = {
        name: [AbTestSample(name, START, one) for one in each]
        for name, each in ((VARIANT_A, a), (VARIANT_B, b))
    }
    return estimate_effects(groups)[VARIANT_B]


def told(random: Generator, planned: int, *, factor: float = 1.0) -> AbTestVerdict:
    """Run a complete test with randomly drawn variants, where B has `factor` times the views of A."""
    test_id = UUID(bytes=random.bytes(16))
    said = [draw_variant(test_id, str(one)) for one in range(planned)]
    shown = {VARIANT_A: views(random, planned), VARIANT_B: views(random, planned, factor=factor)}
    return judge_samples(
        daily([(one, shown[one][number]) for number, one in enumerate(said)]), planned
    )


# The verdict alone.


@pytest.mark.parametrize("planned", [MIN_TEST_UNITS, 100])
def test_equal_variants_are_rarely_called_different(planned: int) -> None:
    """A/A test: the interval allows a false positive in one of twenty tests; 2,000 tests measure
    this rate to within two percent."""
    random = default_rng(planned)
    found = [told(random, planned).kind for _ in range(2000)]
    judged = [kind for kind in found if kind in (VerdictKind.BETTER, VerdictKind.OPEN)]
    assert len(judged) > 1800
    assert 0.03 < judged.count(VerdictKind.BETTER) / len(judged) < 0.07
    assert found.count(VerdictKind.UNEVEN) <= 8, "one in a thousand is expected by chance"


def test_interval_covers_true_effect() -> None:
    random, hits, tries = default_rng(3), 0, 2000
    for _ in range(tries):
        effect = estimate_effect(views(random, 40), views(random, 40, factor=1.3))
        hits += effect.low <= 0.3 <= effect.high
    assert 0.93 < hits / tries < 0.97


def several(
    random: Generator, planned: int, factors: Sequence[float], sizes: Sequence[float] = (300,)
) -> list[AbTestSample]:
    """Draw the posts of a test on accounts of these typical sizes, three posts a day."""
    names = "abcd"[: len(factors)]
    drawn = random.integers(len(names), size=planned)
    middle = np.resize(np.array(sizes), planned)
    usual = [float(one) for one in np.log(middle)] if len(sizes) > 1 else [None] * planned
    rates = np.array(factors)[drawn] * middle * random.lognormal(0, SIGMA, planned)
    values = random.poisson(rates)
    return [
        AbTestSample(
            names[drawn[number]],
            START + timedelta(hours=8) * number,
            int(values[number]),
            usual[number],
        )
        for number in range(planned)
    ]


def test_daily_judged_test_rarely_calls_equal_versions_different() -> None:
    """A/A test, judged at the end of every day from the tenth post of each version on."""
    random, method = default_rng(8), IntervalMethod.SEQUENTIAL
    found = [judge_samples(several(random, 120, (1, 1)), 120, method=method) for _ in range(400)]
    wrong = sum(one.kind is VerdictKind.BETTER for one in found) / 400
    assert wrong <= 0.05
    early = [judge_samples(several(random, 120, (1, 3)), 120, method=method) for _ in range(60)]
    assert sum(one.kind is VerdictKind.BETTER and one.better == "b" for one in early) > 55
    assert sum(one.more > 30 for one in early) > 40, "a large effect ends the test early"


def test_four_equal_versions_are_rarely_called_different() -> None:
    random, versions = default_rng(9), ("a", "b", "c", "d")
    found = [
        judge_samples(several(random, 120, (1, 1, 1, 1)), 120, versions=versions)
        for _ in range(500)
    ]
    assert sum(one.kind is VerdictKind.BETTER for one in found) / 500 < 0.06
    better = judge_samples(several(random, 160, (1, 1, 4, 0.5)), 160, versions=versions)
    assert (better.kind, better.better, better.version) == (VerdictKind.BETTER, "c", "c")
    assert set(better.effects) == {"b", "c", "d"}


def test_past_of_accounts_narrows_the_interval() -> None:
    random, widths = default_rng(10), []
    samples = several(random, 200, (1, 1.5), sizes=(30, 300, 3000))
    for known in (True, False):
        each = samples if known else [replace(one, usual=None) for one in samples]
        effect = judge_samples(each, 200).effect
        assert effect is not None
        widths.append(np.log1p(effect.high) - np.log1p(effect.low))
    assert widths[0] < 0.6 * widths[1]


def test_large_effect_is_detected() -> None:
    random = default_rng(4)
    found = [told(random, 100, factor=2.0) for _ in range(300)]
    assert sum(one.kind is VerdictKind.BETTER and one.better == VARIANT_B for one in found) > 270
    assert not [one for one in found if one.better == VARIANT_A]


@given(
    some.lists(some.integers(0, 10**6), min_size=10, max_size=50),
    some.lists(some.integers(0, 10**6), min_size=10),
)
def test_effect_is_within_interval_and_symmetric(a: list[int], b: list[int]) -> None:
    one, other = estimate_effect(a, b), estimate_effect(b, a)
    assert one.low <= one.share <= one.high
    assert np.isclose((1 + one.share) * (1 + other.share), 1)
    assert np.isclose((1 + one.low) * (1 + other.high), 1)


@given(some.integers(0, 10**6), some.integers(0, 10**6))
def test_split_probability_is_symmetric(a: int, b: int) -> None:
    assert split_probability([a, b]) == split_probability([b, a])
    assert 0 <= split_probability([a, b]) <= 1


def test_split_probability_and_quantile_match_published_tables() -> None:
    assert split_probability([0, 0]) == split_probability([50, 50]) == 1
    assert split_probability([60, 40]) == pytest.approx(0.0455, abs=1e-4)
    assert split_probability([670, 530]) == pytest.approx(5.31e-5, rel=1e-2)
    for freedom, value in ((5, 2.5706), (9, 2.2622), (18, 2.1009), (30, 2.0423), (120, 1.9799)):
        assert student_quantile(freedom) == pytest.approx(value, abs=1e-3)


@given(some.integers(0, 29), some.integers(0, 10**6))
@settings(max_examples=50)
def test_verdict_waits_for_planned_size(count: int, value: int) -> None:
    samples = daily(
        [(VARIANT_A if number % 2 else VARIANT_B, value * (number % 2)) for number in range(count)]
    )
    found = judge_samples(samples, 30)
    assert (found.kind, found.more, found.effect, found.better) == (
        VerdictKind.WAITING,
        30 - count,
        None,
        "",
    )


def test_results_after_planned_size_do_not_change_verdict() -> None:
    first = daily([(VARIANT_A if number % 2 else VARIANT_B, 100 + number) for number in range(30)])
    later = daily([(VARIANT_B, 10**6)] * 20)
    assert judge_samples([*first, *later], 30) == judge_samples(first, 30)


@pytest.mark.parametrize(
    ("values", "every", "kind"),
    [
        ([(VARIANT_A, 50)] * 25 + [(VARIANT_B, 50)] * 5, timedelta(days=1), VerdictKind.UNEVEN),
        ([(VARIANT_A, 50)] * 15 + [(VARIANT_B, None)] * 15, timedelta(days=1), VerdictKind.UNEVEN),
        ([(VARIANT_A, 50), (VARIANT_B, 50)] * 15, timedelta(hours=5), VerdictKind.SHORT),
        ([(VARIANT_A, 5), (VARIANT_B, 500)] * 15, timedelta(days=1), VerdictKind.FEW),
        (
            [(VARIANT_A, 50), (VARIANT_B, None), (VARIANT_B, 50), (VARIANT_A, None)] * 8,
            timedelta(days=1),
            VerdictKind.FEW,
        ),
        ([(VARIANT_A, 0), (VARIANT_B, 0)] * 15, timedelta(days=1), VerdictKind.FEW),
        ([(VARIANT_A, 50), (VARIANT_B, 50)] * 15, timedelta(days=1), VerdictKind.OPEN),
        ([(VARIANT_A, 50), (VARIANT_B, 60)] * 15, timedelta(days=1), VerdictKind.BETTER),
    ],
)
def test_verdict_kind_follows_from_samples(
    values: list[tuple[str, int | None]], every: timedelta, kind: VerdictKind
) -> None:
    planned = len(values)
    found = judge_samples(daily(values, every=every), planned)
    assert found.kind is kind
    assert (found.effect is not None) == (kind in (VerdictKind.OPEN, VerdictKind.BETTER))
    assert found.a + found.b + found.unread == planned


# With posts of the sandbox.


def run(lea: SandboxAgency, **more: Any) -> VariantTest:
    """Start a test of a daily series and approve both variants."""
    post_id = start_series(lea, build_recurrence(lea))
    approve_and_release(lea, post_id)
    test = get_ab_test(lea, start_ab_test(lea, post_id, **more))
    approve_and_release(lea, test.b_id)
    return test


def verdict(lea: SandboxAgency, test: VariantTest) -> AbTestVerdict:
    with lea.scope() as scope:
        return ab_test_verdicts.judge_test(scope, ab_tests.get_test(scope, test.id))


def read_as(lea: SandboxAgency, test: VariantTest, **values: int) -> None:
    """Set the readings of each variant to the given value, as if the platform had returned it."""
    with lea.scope() as scope:
        for variant, value in values.items():
            scope.run(
                "UPDATE metric_snapshots s SET value = :value, quality = 'measured' FROM "
                "deliveries d"
                " WHERE s.tenant_id = :tenant AND d.tenant_id = :tenant AND d.id = s.delivery_id"
                " AND d.variant = :variant AND s.metric = 'views'",
                tenant=lea.tenant_id,
                variant=variant,
                value=value,
            )


def test_completed_ab_test_has_a_lasting_verdict_and_one_notice(lea: SandboxAgency) -> None:
    """The verdict comes at the planned size, is notified once, and neither the removal of a post
    nor the end of the test changes it."""
    test = run(lea)
    assert verdict(lea, test) == AbTestVerdict(VerdictKind.WAITING, MIN_TEST_UNITS)
    lea.live(hours=24 * 12)
    read_as(lea, test, a=100, b=150)
    halfway = verdict(lea, test)
    assert (halfway.kind, halfway.effect) == (VerdictKind.WAITING, None)
    assert MIN_TEST_UNITS - 12 <= halfway.more <= MIN_TEST_UNITS - 9, (
        "posts without a reading at the test age are missing"
    )
    lea.act(ab_test_verdicts.notify_finished_tests, lea.creator_id)
    assert list_notices(lea) == [], "intermediate results are not shown"
    lea.live(hours=24 * 32)
    read_as(lea, test, a=100, b=150)
    found = verdict(lea, test)
    assert (found.kind, found.better, found.a + found.b, found.unread) == (
        VerdictKind.BETTER,
        VARIANT_B,
        MIN_TEST_UNITS,
        0,
    )
    assert found.effect is not None
    assert found.effect.share == pytest.approx(151 / 101 - 1)
    assert found.days in (MIN_TEST_UNITS - 2, MIN_TEST_UNITS - 1), (
        "each post was published shortly after its time"
    )
    notify_once(lea, test)
    remove_first_post(lea, test, found)
    lea.act(ab_tests.end_test, test.id, keep=VARIANT_B, author=f"member:{lea.manager}")
    assert verdict(lea, test) == found, "the end of the test does not change the verdict"


def list_notices(lea: SandboxAgency) -> list[str]:
    return list(lea.act(notices.list_open_causes, "versions:"))


def notify_once(lea: SandboxAgency, test: VariantTest) -> None:
    cause = ab_tests.ab_test_complete_cause(test.id)
    for _ in range(2):
        lea.act(ab_test_verdicts.notify_finished_tests, lea.creator_id)
        assert list_notices(lea) == [cause]
    lea.act(notices.dismiss, cause, why="read")
    lea.act(ab_test_verdicts.notify_finished_tests, lea.creator_id)
    assert list_notices(lea) == [], "a dismissed notice is not repeated"


def remove_first_post(lea: SandboxAgency, test: VariantTest, found: AbTestVerdict) -> None:
    with lea.scope() as scope:
        first = ab_tests.list_test_units(scope, test)[0].delivery_id
    lea.act(post_removal.request_post_removal, first)
    assert verdict(lea, test) == found, "while the removal is in progress"
    lea.run()
    assert verdict(lea, test) == found


def test_end_of_ab_test_closes_its_notice(lea: SandboxAgency) -> None:
    test = run(lea)
    with lea.scope() as scope:
        notices.put(
            scope,
            Message("experiments.has_its_size"),
            cause=ab_tests.ab_test_complete_cause(test.id),
        )
    lea.act(ab_tests.end_test, test.id, keep=VARIANT_B, author=f"member:{lea.manager}")
    assert lea.act(notices.list_open_causes, "versions:") == []
    lea.act(ab_test_verdicts.notify_finished_tests, lea.creator_id)
    assert lea.act(notices.list_open_causes, "versions:") == []


def test_end_of_ab_test_during_notification_closes_notice(lea: SandboxAgency) -> None:
    test = run(lea)
    with ThreadPoolExecutor(1) as other:
        with lea.scope() as scope:
            assert ab_tests.list_running_tests(scope, lea.creator_id) == [test.id]
            ended = other.submit(
                lea.act, ab_tests.end_test, test.id, keep=VARIANT_B, author=f"member:{lea.manager}"
            )
            wait_until(lambda: scope.run(WAITS_FOR_US).scalar() == 1)
            notices.put(
                scope,
                Message("experiments.has_its_size"),
                cause=ab_tests.ab_test_complete_cause(test.id),
            )
        ended.result(timeout=60)
    assert lea.act(notices.list_open_causes, "versions:") == []


def test_reading_of_another_age_does_not_count(lea: SandboxAgency) -> None:
    test = run(lea, age_hours=168)
    lea.live(hours=24 * 6)
    with lea.scope() as scope:
        units = ab_tests.list_test_units(scope, test)
    assert len(units) >= 4
    assert (24, "views") in readings(lea, units[0].delivery_id)
    assert verdict(lea, test).more == MIN_TEST_UNITS


def test_post_removed_before_its_reading_does_not_count(lea: SandboxAgency) -> None:
    test = run(lea)
    lea.live(hours=24 * 5)
    before = verdict(lea, test).more
    with lea.scope() as scope:
        last = ab_tests.list_test_units(scope, test)[-1].delivery_id
    assert (24, "views") not in readings(lea, last)
    lea.act(post_removal.request_post_removal, last)
    lea.run()
    assert verdict(lea, test).more == before
    lea.live(hours=24)
    assert verdict(lea, test).more == before, "another post replaces it"


UNITS = some.lists(
    some.tuples(
        some.sampled_from([VARIANT_A, VARIANT_B]),
        some.floats(0, 0.5),
        some.none() | some.integers(0, 500),
        some.booleans(),
    ),
    min_size=10,
    max_size=30,
)


@given(UNITS, some.integers(5, 12), some.sampled_from(ab_test_verdicts.TEST_READING_AGES))
def test_verdict_never_changes_once_given(
    told_of: list[tuple[str, float, int | None, bool]], planned: int, age_hours: int
) -> None:
    """This holds for late readings, corrected manual entries and later removals, checked every five
    hours."""
    age = timedelta(hours=age_hours)
    units = [
        AbTestUnit(uuid7(), one[0], START + timedelta(hours=9) * number)
        for number, one in enumerate(told_of)
    ]
    said: AbTestVerdict | None = None
    for step in range(0, 24 * 20, 5):
        now, read, seen_now = (
            START + timedelta(hours=step),
            dict[UUID, AbTestReading](),
            list[AbTestUnit](),
        )
        for unit, (_, late, value, removed) in zip(units, told_of, strict=True):
            taken = unit.at + age * (1 + min(late, MAX_READING_DRIFT))
            if taken <= now:
                corrected = (
                    value
                    if value is None or now > unit.at + age * (1 + MAX_READING_DRIFT)
                    else value + 1
                )
                read[unit.delivery_id] = AbTestReading(
                    value if late <= MAX_READING_DRIFT else corrected,
                    late <= MAX_READING_DRIFT and value is not None,
                )
            if unit.at <= now:
                seen_now.append(replace(unit, stands=not (removed and now > unit.at + age * 1.3)))
        found = judge_samples(load_test_samples(seen_now, read, age_hours, now), planned)
        assert said is None or found == said
        said = found if found.kind is not VerdictKind.WAITING else None


def test_rewritten_variant_is_not_compared(lea: SandboxAgency) -> None:
    test = run(lea)
    with lea.scope(f"member:{lea.author}") as scope:
        other = drafts.Draft(lea.creator_id, "", "said otherwise", (lea.photo(),), ())
        drafts.rewrite_post(scope, test.b_id, other, author=f"member:{lea.author}")
    assert verdict(lea, test) == AbTestVerdict(VerdictKind.MIXED)


@pytest.mark.parametrize(
    "more", [{"metric": "sales"}, {"metric": ""}, {"age_hours": 1}, {"age_hours": 0}]
)
def test_unavailable_metric_or_age_is_rejected(lea: SandboxAgency, more: dict[str, Any]) -> None:
    with pytest.raises(BadInput) as told_so:
        run(lea, **more)
    assert told_so.value.message.code == "experiments.no_such_reading"
