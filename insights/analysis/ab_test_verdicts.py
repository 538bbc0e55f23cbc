"""Verdicts of A/B tests of posts, on readings of equal age.

By default a test is judged once, at its planned size, and the leading version is not shown before
that: a reader who checks daily and stops at the first difference finds one between equal versions
in a quarter of all tests. A sequential test is judged every day with an interval that holds at all
days at once. Accounts of different sizes are compared by how much each version does better than the
account did before the test.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import pairwise
from uuid import UUID

from sqlmodel import col, select

from channels.accounts import queries
from foundation.db.database import Scope
from foundation.errors import BadInput
from foundation.i18n.translation import Message
from insights.analysis.experiment_statistics import (
    ALPHA,
    UNEVEN,
    IntervalMethod,
    MeanDifference,
    adjust_by_covariate,
    compare_means,
    split_probability,
)
from insights.metrics.models import MetricSnapshot
from insights.metrics.readings import MAX_READING_DRIFT, POST_METRICS
from schedules.recurrence import ab_tests
from schedules.recurrence.ab_tests import AbTestRequest, AbTestStatus, AbTestUnit, VariantTest
from schedules.recurrence.variant_assignment import VARIANT_A, VARIANT_B, VARIANTS
from tenants.notices import notices

TEST_READING_AGES = (24, 168)
"""Ages of posts in hours at which tests can be read. One hour is too early to be meaningful."""

MIN_COUNT = 100
"""Minimum total of the metric in each version for a verdict."""

MIN_UNITS = 10
"""Minimum number of measured posts of each version for a verdict; the confidence interval depends
on it."""

MIN_DAYS = 7
"""Minimum number of full days from the first post to the last, because results differ by weekday.
"""

MIN_BASELINE = 5
"""Minimum number of earlier posts of each account for a comparison with its past."""


class VerdictKind(StrEnum):
    """Kinds of verdicts. The text is the message `experiments.verdict.<kind>`."""

    WAITING = "waiting"
    MIXED = "mixed"  # a version was edited: they differ in several parts or in none
    UNEVEN = "uneven"
    FEW = "few"
    SHORT = "short"
    OPEN = "open"  # no significant difference
    BETTER = "better"


@dataclass(frozen=True)
class AbTestSample:
    """A post of a test at the age of its reading; `value` is None if the platform reported none.
    `usual` is the mean logarithm of the account's posts before the test, None if unknown."""

    variant: str
    at: datetime
    value: int | None
    usual: float | None = None


@dataclass(frozen=True)
class AbTestReading:
    """The reading of a post, or None if the platform reported nothing. A `final` reading is no
    longer corrected."""

    value: int | None
    final: bool


@dataclass(frozen=True)
class AbTestEffect:
    """Relative difference of a typical post of a version from one of A (0.2 means 20 % more), with
    its confidence interval."""

    share: float
    low: float
    high: float


@dataclass(frozen=True)
class AbTestVerdict:
    """Result of a test. `more` is the number of missing posts; `a` and `b` count the measured posts
    of two versions, `counts` those of all, and `unread` those without a value; `days` are full
    days.

    `effects` compares each version with A, together with a false positive in one of twenty tests;
    `effect` is that of `version`, the one the sentence names. They and `better` are set only for a
    test with a result.
    """

    kind: VerdictKind
    more: int = 0
    a: int = 0
    b: int = 0
    unread: int = 0
    days: int = 0
    effect: AbTestEffect | None = None
    better: str = ""
    version: str = VARIANT_B
    counts: Mapping[str, int] = field(default_factory=dict)
    effects: Mapping[str, AbTestEffect] = field(default_factory=dict)

    @property
    def counts_text(self) -> str:
        """Return the number of measured posts of each version as a text: A 20, B 19."""
        counts = self.counts or {VARIANT_A: self.a, VARIANT_B: self.b}
        return ", ".join(f"{name.upper()} {count}" for name, count in counts.items())

    @property
    def is_final(self) -> bool:
        """Return True if the test has a verdict, which then changes only if a version is edited."""
        return self.kind not in (VerdictKind.WAITING, VerdictKind.MIXED)


def start_measured_test(
    scope: Scope, series_id: UUID, wanted: AbTestRequest, *, key: UUID, author: str
) -> UUID:
    """Start a test as `ab_tests.start_test` does. Also raises BadInput for an unknown metric or
    age."""
    if wanted.metric not in POST_METRICS or wanted.age_hours not in TEST_READING_AGES:
        raise BadInput("experiments.no_such_reading")
    return ab_tests.start_test(scope, series_id, wanted, key=key, author=author)


def judge_test(scope: Scope, test: VariantTest) -> AbTestVerdict:
    """Return the current verdict of a test."""
    if len(test.differ) != 1:
        return AbTestVerdict(VerdictKind.MIXED)
    units = ab_tests.list_test_units(scope, test)
    told = load_test_samples(
        units,
        _load_test_readings(scope, test, units),
        test.age_hours,
        scope.now,
        usual=_load_usual_levels(scope, test),
    )
    return judge_samples(
        told, test.planned, versions=tuple(test.posts), method=IntervalMethod(test.method)
    )


def notify_finished_tests(scope: Scope, creator_id: UUID) -> None:
    """Notify the members once of each running test of a creator that has reached its size. Until it
    is ended, its series uses version A."""
    for test_id in ab_tests.list_running_tests(scope, creator_id):
        cause = ab_tests.ab_test_complete_cause(test_id)
        if notices.has_been_notified(scope, cause):
            continue
        test = ab_tests.get_test(scope, test_id)
        if test.state is AbTestStatus.RUNNING and judge_test(scope, test).is_final:
            account = queries.get_channel(scope, test.channel_id).name
            message = Message("experiments.has_its_size", {"account": account})
            notices.put(scope, message, cause=cause, creator_id=creator_id)


def load_test_samples(
    units: Sequence[AbTestUnit],
    read: Mapping[UUID, AbTestReading],
    age_hours: int,
    now: datetime,
    *,
    usual: Mapping[UUID, float] | None = None,
) -> list[AbTestSample]:
    """Return the posts that will not be read again, up to the first that still may be; pure.

    Later posts wait for it, because they would change the order and with it the verdict. A removed
    post counts with the reading it had, so that a removal cannot change the verdict; without a
    reading it does not count.
    """
    # no reading is taken after this time
    late = timedelta(hours=age_hours) * (1 + MAX_READING_DRIFT)
    found: list[AbTestSample] = []
    for one in units:
        reading = read.get(one.delivery_id)
        if not one.stands and reading is None:
            continue
        if one.stands and not (reading is not None and reading.final) and one.at + late >= now:
            break
        value = reading.value if reading is not None else None
        before = usual.get(one.channel_id) if usual and one.channel_id else None
        found.append(AbTestSample(one.variant, one.at, value, before))
    return found


def verdict_message(test: VariantTest, found: AbTestVerdict) -> Message:
    """Return the message of a verdict; for a test that was ended early, the message that there is
    no result."""
    short = found.kind is VerdictKind.WAITING and test.state is not AbTestStatus.RUNNING
    code = "experiments.given_up" if short else f"experiments.verdict.{found.kind}"
    if found.kind is VerdictKind.UNEVEN and found.counts:
        code = "experiments.verdict.uneven_several"
    params: dict[str, str | int] = {
        "more": found.more,
        "a": found.a,
        "b": found.b,
        "days": found.days,
    }
    if found.effect is not None:
        shares = {"share": found.effect.share, "low": found.effect.low, "high": found.effect.high}
        params |= {name: f"{round(100 * one):+d}" for name, one in shares.items()}
    named = {"better": found.better.upper(), "version": found.version.upper()}
    return Message(code, params | named | {"counts": found.counts_text})


def _load_usual_levels(scope: Scope, test: VariantTest) -> dict[UUID, float]:
    """Return the mean logarithm of each account's posts before the test, for a test on several
    accounts that all have `MIN_BASELINE` posts; else nothing."""
    if len(test.channels) < 2:
        return {}
    rows = scope.run(
        "SELECT channel_id, avg(ln(1 + value)) AS level FROM metric_snapshots"
        " WHERE tenant_id = :tenant AND channel_id = ANY(CAST(:channels AS uuid[]))"
        " AND metric = :metric AND age_hours = :age AND value >= 0 AND observed_at < :before"
        " GROUP BY channel_id HAVING count(*) >= :least",
        tenant=scope.tenant_id,
        channels=list(test.channels),
        metric=test.metric,
        age=test.age_hours,
        before=test.begun_at,
        least=MIN_BASELINE,
    )
    found = {row.channel_id: float(row.level) for row in rows}
    return found if len(found) == len(test.channels) else {}


def _load_test_readings(
    scope: Scope, test: VariantTest, units: Sequence[AbTestUnit]
) -> Mapping[UUID, AbTestReading]:
    rows = scope.session.exec(
        select(MetricSnapshot.delivery_id, MetricSnapshot.value, MetricSnapshot.quality).where(
            MetricSnapshot.tenant_id == scope.tenant_id,
            col(MetricSnapshot.delivery_id).in_([one.delivery_id for one in units]),
            MetricSnapshot.metric == test.metric,
            MetricSnapshot.age_hours == test.age_hours,
        )
    )
    return {
        delivery_id: AbTestReading(value, quality == "measured")
        for delivery_id, value, quality in rows
    }


def judge_samples(
    samples: Sequence[AbTestSample],
    planned: int,
    *,
    versions: Sequence[str] = VARIANTS[:2],
    method: IntervalMethod = IntervalMethod.FIXED,
) -> AbTestVerdict:
    """Return the verdict on the first `planned` samples, in order; pure.

    A sequential test is judged at the end of each day (UTC) up to the first result, so that later
    posts do not change it.
    """
    counted = samples[:planned]
    if method is IntervalMethod.SEQUENTIAL:
        for size in _sizes_at_day_ends(counted):
            found = _judge_complete(counted[:size], planned, versions, method)
            if found.kind is VerdictKind.BETTER:
                return found
    if len(counted) < planned:
        return _count_samples(counted, planned, versions)
    return _judge_complete(counted, planned, versions, method)


def _sizes_at_day_ends(samples: Sequence[AbTestSample]) -> list[int]:
    """Return the number of samples at the end of each complete day."""
    return [
        nth
        for nth, (one, following) in enumerate(pairwise(samples), start=1)
        if one.at.date() != following.at.date()
    ]


def _count_samples(
    counted: Sequence[AbTestSample], planned: int, versions: Sequence[str]
) -> AbTestVerdict:
    counts = {
        name: sum(one.variant == name and one.value is not None for one in counted)
        for name in versions
    }
    return AbTestVerdict(
        VerdictKind.WAITING,
        planned - len(counted),
        counts[VARIANT_A],
        counts[VARIANT_B],
        len(counted) - sum(counts.values()),
        (counted[-1].at - counted[0].at) // timedelta(days=1) if counted else 0,
        counts=counts if len(versions) > 2 else {},
    )


def _judge_complete(
    counted: Sequence[AbTestSample],
    planned: int,
    versions: Sequence[str],
    method: IntervalMethod,
) -> AbTestVerdict:
    told = _count_samples(counted, planned, versions)
    groups = {
        name: [one for one in counted if one.variant == name and one.value is not None]
        for name in versions
    }
    kind = _find_inconclusive_reason(groups, told.days)
    if kind is not None:
        return replace(told, kind=kind)
    effects = estimate_effects(groups, method=method, planned=planned)
    better, version = _choose_better(effects)
    found = replace(told, effects=effects, effect=effects[version], version=version)
    if not better:
        return replace(found, kind=VerdictKind.OPEN)
    return replace(found, kind=VerdictKind.BETTER, better=better)


def _find_inconclusive_reason(
    groups: Mapping[str, Sequence[AbTestSample]], days: int
) -> VerdictKind | None:
    """Return the reason why a test has no result, or None."""
    if split_probability([len(each) for each in groups.values()]) < UNEVEN:
        return VerdictKind.UNEVEN
    if days < MIN_DAYS:
        return VerdictKind.SHORT
    totals = [sum(one.value or 0 for one in each) for each in groups.values()]
    if min(map(len, groups.values())) < MIN_UNITS or min(totals) < MIN_COUNT:
        return VerdictKind.FEW
    return None


def _choose_better(effects: Mapping[str, AbTestEffect]) -> tuple[str, str]:
    """Return the better version, or "", and the version that the sentence compares with A."""
    best = max(effects, key=lambda name: effects[name].share)
    if effects[best].low > 0:
        return best, best
    if all(one.high < 0 for one in effects.values()):
        return VARIANT_A, best
    return "", best


def estimate_effects(
    groups: Mapping[str, Sequence[AbTestSample]],
    *,
    method: IntervalMethod = IntervalMethod.FIXED,
    planned: int = 0,
) -> dict[str, AbTestEffect]:
    """Return the effect of each version over A as the ratio of geometric means of 1 + count, so
    that one viral post does not decide. Each needs at least two values.

    With several versions each interval is wider (Bonferroni), so that all hold together.
    """
    values = adjust_by_covariate(
        {
            name: ([math.log1p(one.value or 0) for one in each], [one.usual or 0.0 for one in each])
            for name, each in groups.items()
        }
        if all(one.usual is not None for each in groups.values() for one in each)
        else {
            name: ([math.log1p(one.value or 0) for one in each], [0.0] * len(each))
            for name, each in groups.items()
        }
    )
    alpha = ALPHA / (len(values) - 1)
    base = values[VARIANT_A]
    return {
        name: _effect_of(compare_means(base, each, method=method, planned=planned, alpha=alpha))
        for name, each in values.items()
        if name != VARIANT_A
    }


def _effect_of(shift: MeanDifference) -> AbTestEffect:
    return AbTestEffect(*(math.expm1(one) for one in (shift.value, shift.low, shift.high)))
