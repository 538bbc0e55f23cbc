"""Verdicts of A/B tests: each test is judged once, at its planned size, on readings of equal age.

The leading version is not shown before that. A reader who checks daily and stops at the first
difference finds one between equal versions in a quarter of all tests.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from statistics import NormalDist, fmean, variance
from uuid import UUID

from sqlmodel import col, select

from channels.accounts import queries
from foundation.db.database import Scope
from foundation.errors import BadInput
from foundation.i18n.translation import Message
from insights.metrics.models import MetricSnapshot
from insights.metrics.readings import MAX_READING_DRIFT, POST_METRICS
from schedules.recurrence import ab_tests
from schedules.recurrence.ab_tests import AbTestRequest, AbTestStatus, AbTestUnit, VariantTest
from schedules.recurrence.variant_assignment import VARIANT_A, VARIANT_B
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

UNEVEN = 0.001
"""Probability at or below which an uneven split is no accident: posts of one version are not
counted."""

CONFIDENCE = 0.95


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
    """A post of a test at the age of its reading; `value` is None if the platform reported none."""

    variant: str
    at: datetime
    value: int | None


@dataclass(frozen=True)
class AbTestReading:
    """The reading of a post, or None if the platform reported nothing. A `final` reading is no
    longer corrected."""

    value: int | None
    final: bool


@dataclass(frozen=True)
class AbTestEffect:
    """Relative difference of a typical post of B from one of A (0.2 means 20 % more), with its
    confidence interval."""

    share: float
    low: float
    high: float


@dataclass(frozen=True)
class AbTestVerdict:
    """Result of a test. `more` is the number of missing posts; `a` and `b` count the measured posts
    and `unread` those without a value; `days` are full days. `effect` and `better` are set only for
    a complete test."""

    kind: VerdictKind
    more: int = 0
    a: int = 0
    b: int = 0
    unread: int = 0
    days: int = 0
    effect: AbTestEffect | None = None
    better: str = ""

    @property
    def is_final(self) -> bool:
        """Return True if the test has reached its size. The verdict then changes only if a version
        is edited."""
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
    units = ab_tests.list_test_units(scope, test)
    told = load_test_samples(
        units, _load_test_readings(scope, test, units), test.age_hours, scope.now
    )
    return (
        judge_samples(told, test.planned)
        if len(test.differ) == 1
        else AbTestVerdict(VerdictKind.MIXED)
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
    units: Sequence[AbTestUnit], read: Mapping[UUID, AbTestReading], age_hours: int, now: datetime
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
        found.append(
            AbTestSample(one.variant, one.at, reading.value if reading is not None else None)
        )
    return found


def verdict_message(test: VariantTest, found: AbTestVerdict) -> Message:
    """Return the message of a verdict; for a test that was ended early, the message that there is
    no result."""
    short = found.kind is VerdictKind.WAITING and test.state is not AbTestStatus.RUNNING
    code = "experiments.given_up" if short else f"experiments.verdict.{found.kind}"
    params: dict[str, str | int] = {
        "more": found.more,
        "a": found.a,
        "b": found.b,
        "days": found.days,
    }
    if found.effect is not None:
        shares = {"share": found.effect.share, "low": found.effect.low, "high": found.effect.high}
        params |= {name: f"{round(100 * one):+d}" for name, one in shares.items()}
    return Message(code, params | {"better": found.better.upper()})


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


def judge_samples(samples: Sequence[AbTestSample], planned: int) -> AbTestVerdict:
    """Return the verdict on the first `planned` samples, in order; pure."""
    counted = samples[:planned]
    a, b = (
        [one.value for one in counted if one.variant == name and one.value is not None]
        for name in (VARIANT_A, VARIANT_B)
    )
    days = (counted[-1].at - counted[0].at) // timedelta(days=1) if counted else 0
    told = AbTestVerdict(
        VerdictKind.WAITING,
        planned - len(counted),
        len(a),
        len(b),
        len(counted) - len(a) - len(b),
        days,
    )
    if told.more:
        return told
    kind = _find_inconclusive_reason(a, b, days)
    if kind is not None:
        return _with_verdict_kind(told, kind)
    effect = estimate_effect(a, b)
    if effect.low <= 0 <= effect.high:
        return _with_verdict_kind(told, VerdictKind.OPEN, effect)
    return _with_verdict_kind(
        told, VerdictKind.BETTER, effect, VARIANT_B if effect.share > 0 else VARIANT_A
    )


def _with_verdict_kind(
    told: AbTestVerdict, kind: VerdictKind, effect: AbTestEffect | None = None, better: str = ""
) -> AbTestVerdict:
    return AbTestVerdict(kind, told.more, told.a, told.b, told.unread, told.days, effect, better)


def _find_inconclusive_reason(a: Sequence[int], b: Sequence[int], days: int) -> VerdictKind | None:
    """Return the reason why a complete test has no result, or None."""
    if split_probability(len(a), len(b)) < UNEVEN:
        return VerdictKind.UNEVEN
    if days < MIN_DAYS:
        return VerdictKind.SHORT
    if min(len(a), len(b)) < MIN_UNITS or min(sum(a), sum(b)) < MIN_COUNT:
        return VerdictKind.FEW
    return None


def split_probability(a: int, b: int) -> float:
    """Return the probability of a split at least as uneven if both versions are equally likely:
    chi-square with one degree of freedom.

    Source: https://www.itl.nist.gov/div898/handbook/eda/section3/eda35f.htm; with one degree it is
    a squared normal.
    """
    return math.erfc(math.sqrt((a - b) ** 2 / (2 * (a + b)))) if a + b else 1.0


def estimate_effect(a: Sequence[int], b: Sequence[int]) -> AbTestEffect:
    """Return the effect of B over A as the ratio of geometric means of 1 + count, so that one viral
    post does not decide, with Welch's interval on the logarithms. Both need at least two values.

    Source: https://www.itl.nist.gov/div898/handbook/eda/section3/eda353.htm
    """
    logs_a, logs_b = ([math.log1p(one) for one in each] for each in (a, b))
    share_a, share_b = (variance(each) / len(each) for each in (logs_a, logs_b))
    shift = fmean(logs_b) - fmean(logs_a)
    spread = share_a + share_b
    reach = 0.0
    if spread > 0:
        freedom = spread**2 / (share_a**2 / (len(a) - 1) + share_b**2 / (len(b) - 1))
        reach = student_quantile(freedom) * math.sqrt(spread)
    return AbTestEffect(*(math.expm1(one) for one in (shift, shift - reach, shift + reach)))


def student_quantile(freedom: float) -> float:
    """Return the two-sided quantile of Student's t at `CONFIDENCE`; the error is below 0.001 from
    five degrees of freedom on.

    Source: Abramowitz and Stegun, 26.7.5, https://personal.math.ubc.ca/~cbm/aands/page_949.htm
    """
    z = NormalDist().inv_cdf((1 + CONFIDENCE) / 2)
    terms = (
        z,
        (z**3 + z) / 4,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
        (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / 92160,
    )
    return sum(term / freedom**power for power, term in enumerate(terms))
