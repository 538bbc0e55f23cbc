"""What came of two versions of a post: judged once, at the size that was planned, on readings of
equal age.

Nothing is told of which one is ahead before that: whoever looks every day and stops when it looks
well finds a difference between equals in a quarter of all tests.
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
"""Hours after which the readings of a test are taken: the first hour says too little."""

MIN_COUNT = 100
"""Of what is measured, in each version, below which nothing is said."""

MIN_UNITS = 10
"""Posts of each version with a reading, below which nothing is said: the interval leans on their
number."""

MIN_DAYS = 7
"""Full days from the first post to the last: a week has better days and worse ones."""

UNEVEN = 0.001
"""A split this unlikely, or less, is no accident: something keeps one version from being
counted."""

CONFIDENCE = 0.95


class VerdictKind(StrEnum):
    """What is said of a test; `experiments.verdict.<kind>` says it to people."""

    WAITING = "waiting"
    MIXED = "mixed"  # somebody rewrote a version: they differ in more than one thing, or in nothing
    UNEVEN = "uneven"
    FEW = "few"
    SHORT = "short"
    OPEN = "open"  # no difference that could be told from chance
    BETTER = "better"


@dataclass(frozen=True)
class AbTestSample:
    """A unit whose age has come: `value` is what was read then, None where the platform gave
    nothing."""

    variant: str
    at: datetime
    value: int | None


@dataclass(frozen=True)
class AbTestReading:
    """What was read of a unit, None where the platform gave nothing; one that is `final` is
    corrected by nobody."""

    value: int | None
    final: bool


@dataclass(frozen=True)
class AbTestEffect:
    """By how much a usual post of B has more than one of A, as a share (0.2 is 20 % more), with its
    interval."""

    share: float
    low: float
    high: float


@dataclass(frozen=True)
class AbTestVerdict:
    """What may be said of a test: `more` units are missing; `a` and `b` are the units that were
    read, `unread` those without a number; `days` are full ones. `effect` and the `better` version
    stand in a finished one alone."""

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
        """Whether the test has its size: the same is said of it for good, but where a version is
        rewritten."""
        return self.kind not in (VerdictKind.WAITING, VerdictKind.MIXED)


def start_measured_test(
    scope: Scope, series_id: UUID, wanted: AbTestRequest, *, key: UUID, author: str
) -> UUID:
    """Begin a test, as `variants.begin`. Raises BadInput too for a number nobody reads, or an
    age."""
    if wanted.metric not in POST_METRICS or wanted.age_hours not in TEST_READING_AGES:
        raise BadInput("experiments.no_such_reading")
    return ab_tests.start_test(scope, series_id, wanted, key=key, author=author)


def judge_test(scope: Scope, test: VariantTest) -> AbTestVerdict:
    """What may be said of a test now."""
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
    """Tell the members once of each test of a creator that has its size: until somebody ends it,
    its series says A."""
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
    """The units of which nothing more will be read, up to the first that may be; pure.

    Its number would put out that of a later one: what was told once would be told of others. A unit
    that was taken away counts as it was read, else whoever takes one away would change what was
    told; one that was not is none.
    """
    late = timedelta(hours=age_hours) * (1 + MAX_READING_DRIFT)  # no reading comes after that
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
    """A verdict as a sentence; of a test that was ended before its size, that nothing can be
    said."""
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
    """The verdict on the first `planned` samples, in their order; pure."""
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
    """Why nothing may be said of a test that has its size."""
    if split_probability(len(a), len(b)) < UNEVEN:
        return VerdictKind.UNEVEN
    if days < MIN_DAYS:
        return VerdictKind.SHORT
    if min(len(a), len(b)) < MIN_UNITS or min(sum(a), sum(b)) < MIN_COUNT:
        return VerdictKind.FEW
    return None


def split_probability(a: int, b: int) -> float:
    """How likely a split at least as uneven is, where each version is as likely: chi-square with
    one degree of freedom.

    Source: https://www.itl.nist.gov/div898/handbook/eda/section3/eda35f.htm; with one degree it is
    a squared normal.
    """
    return math.erfc(math.sqrt((a - b) ** 2 / (2 * (a + b)))) if a + b else 1.0


def estimate_effect(a: Sequence[int], b: Sequence[int]) -> AbTestEffect:
    """By how much b is above a, as a ratio of geometric means of 1 + count: one post that everybody
    shared does not decide. Welch's interval on the logarithms, two or more of each.

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
    """The quantile of Student's t that leaves `1 - CONFIDENCE` outside, on both sides; off by less
    than 0.001 from five degrees of freedom on.

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
