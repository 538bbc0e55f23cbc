"""Verdicts of tests of bot scripts: the share of fans who buy, or their net spending.

Only fans whose window has passed are counted, in the order of their first answers. By default a
test is judged once, at its planned number of fans; a sequential test every day, up to the first
result. Earlier spending narrows the interval where it explains later spending (CUPED). The verdict
of an ended test never changes: it is stored at the end.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any
from uuid import UUID

import numpy as np

from foundation.db.database import Scope
from foundation.i18n.translation import Message
from foundation.money import Money
from insights.analysis.ab_test_verdicts import AbTestEffect, VerdictKind
from insights.analysis.experiment_statistics import (
    ALPHA,
    UNEVEN,
    Floats,
    IntervalMethod,
    MeanDifference,
    adjust_by_covariate,
    compare_means,
    compare_revenue,
    split_probability,
)
from subscribers.ledger.fan_results import FanResult, load_fan_results
from subscribers.replies import script_tests
from subscribers.replies.script_tests import ScriptTestSummary

MIN_BUYERS = 100
"""Minimum number of buyers of each version for a verdict."""

MIN_DAYS = 7
NOTHING = FanResult(0, 0, 0, 0)


@dataclass(frozen=True)
class ScriptSample:
    """A fan whose window has passed: the version, the time of the first answer and the result."""

    variant: str
    at: datetime
    result: FanResult


@dataclass(frozen=True)
class VersionResult:
    """The fans of a version, its buyers, their net spending in minor units, and refunds."""

    fans: int
    buyers: int
    net_minor: int
    refunds: int


@dataclass(frozen=True)
class ScriptVerdict:
    """The result of a test. `more` is the number of fans still needed. `effects` compares each
    version with A as a share of A's mean; `version` is the one the sentence names."""

    kind: VerdictKind
    more: int
    days: int
    versions: Mapping[str, VersionResult]
    effects: Mapping[str, AbTestEffect] = field(default_factory=dict)
    better: str = ""
    version: str = "b"


def end_script_test(scope: Scope, test_id: UUID, *, keep: str) -> None:
    """End a test with its current verdict and activate the version `keep`. Idempotent.

    Raises BadInput for another version, Conflict if it was ended with another one, NotFound.
    """
    found = judge_script_test(scope, script_tests.get_script_test(scope, test_id))
    script_tests.end_script_test(scope, test_id, keep=keep, verdict=verdict_to_json(found))


def verdict_to_json(found: ScriptVerdict) -> dict[str, Any]:
    """Return the JSON form of a verdict; pure."""
    return asdict(found) | {"kind": str(found.kind)}


def verdict_from_json(stored: Mapping[str, Any]) -> ScriptVerdict:
    """Return a verdict from its JSON form; pure."""
    values = {
        **stored,
        "kind": VerdictKind(stored["kind"]),
        "versions": {name: VersionResult(**one) for name, one in stored["versions"].items()},
        "effects": {name: AbTestEffect(**one) for name, one in stored["effects"].items()},
    }
    return ScriptVerdict(**values)


def judge_script_test(scope: Scope, test: ScriptTestSummary) -> ScriptVerdict:
    """Return the current verdict of a running test, or the stored one of an ended test."""
    if test.verdict is not None:
        return verdict_from_json(test.verdict)
    window = script_tests.sales_window(test)
    until = test.ended_at or scope.now
    passed = [one for one in script_tests.list_tested_fans(scope, test) if one.at + window <= until]
    results = load_fan_results(
        scope,
        test.creator_id,
        [(one.fan_id, one.at) for one in passed],
        window=window,
        currency=test.currency,
    )
    samples = [
        ScriptSample(one.variant, one.at, results.get(one.fan_id, NOTHING)) for one in passed
    ]
    return judge_fans(samples, test)


def judge_fans(samples: Sequence[ScriptSample], test: ScriptTestSummary) -> ScriptVerdict:
    """Return the verdict on the first planned fans, in order; pure."""
    counted = samples[: test.planned]
    if test.method == IntervalMethod.SEQUENTIAL:
        ends = [
            nth
            for nth, (one, following) in enumerate(pairwise(counted), start=1)
            if one.at.date() != following.at.date()
        ]
        for size in ends:
            found = _judge_complete(counted[:size], test)
            if found.kind is VerdictKind.BETTER:
                return found
    if len(counted) < test.planned:
        return _count(counted, test)
    return _judge_complete(counted, test)


def _count(counted: Sequence[ScriptSample], test: ScriptTestSummary) -> ScriptVerdict:
    versions = {}
    for name in test.personas:
        mine = [one.result for one in counted if one.variant == name]
        versions[name] = VersionResult(
            len(mine),
            sum(one.sales > 0 for one in mine),
            sum(one.net_minor for one in mine),
            sum(one.refunds for one in mine),
        )
    days = (counted[-1].at - counted[0].at) // timedelta(days=1) if counted else 0
    return ScriptVerdict(VerdictKind.WAITING, test.planned - len(counted), days, versions)


def _judge_complete(counted: Sequence[ScriptSample], test: ScriptTestSummary) -> ScriptVerdict:
    told = _count(counted, test)
    if split_probability([one.fans for one in told.versions.values()]) < UNEVEN:
        return replace(told, kind=VerdictKind.UNEVEN)
    if told.days < MIN_DAYS:
        return replace(told, kind=VerdictKind.SHORT)
    if min(one.buyers for one in told.versions.values()) < MIN_BUYERS:
        return replace(told, kind=VerdictKind.FEW)
    effects = estimate_script_effects(counted, test)
    best = max(effects, key=lambda name: effects[name].share)
    better = ""
    if effects[best].low > 0:
        better = best
    elif all(one.high < 0 for one in effects.values()):
        better = "a"
    kind = VerdictKind.BETTER if better else VerdictKind.OPEN
    return replace(told, kind=kind, effects=effects, better=better, version=best)


def estimate_script_effects(
    counted: Sequence[ScriptSample], test: ScriptTestSummary
) -> dict[str, AbTestEffect]:
    """Return the effect of each version over A; all intervals hold together with 95 %."""
    cap = test.cap_minor if test.cap_minor is not None else 2**53
    groups = {}
    for name in test.personas:
        mine = [one.result for one in counted if one.variant == name]
        if test.metric == "buyers":
            values = [float(one.sales > 0) for one in mine]
        else:
            values = [float(min(one.net_minor, cap)) for one in mine]
        groups[name] = (values, [float(np.log1p(max(one.before_minor, 0))) for one in mine])
    adjusted = adjust_by_covariate(groups)
    base = float(np.mean(groups["a"][0]))
    alpha = ALPHA / (len(groups) - 1)
    return {
        name: _relative(_compare(adjusted["a"], values, test, alpha), base)
        for name, values in adjusted.items()
        if name != "a"
    }


def _compare(a: Floats, b: Floats, test: ScriptTestSummary, alpha: float) -> MeanDifference:
    if test.metric == "net" and test.method == IntervalMethod.FIXED:
        return compare_revenue(
            a.tolist(), b.tolist(), cap=None, alpha=alpha, seed=test.id.int % 2**32
        )
    method = IntervalMethod(test.method)
    return compare_means(a, b, method=method, planned=test.planned, alpha=alpha)


def _relative(found: MeanDifference, base: float) -> AbTestEffect:
    scale = abs(base) or 1.0
    return AbTestEffect(found.value / scale, found.low / scale, found.high / scale)


def script_verdict_message(test: ScriptTestSummary, found: ScriptVerdict) -> Message:
    """Return the sentence of a verdict; of a test that was ended early, that it has no result."""
    short = found.kind is VerdictKind.WAITING and test.ended_at is not None
    code = "scripts.given_up" if short else f"scripts.verdict.{found.kind}"
    if found.kind in (VerdictKind.OPEN, VerdictKind.BETTER):
        code = f"{code}_{test.metric}"
    params: dict[str, str | int] = {
        "more": found.more,
        "days": found.days,
        "better": found.better.upper(),
        "version": found.version.upper(),
        "counts": ", ".join(f"{name.upper()} {one.fans}" for name, one in found.versions.items()),
    }
    effect = found.effects.get(found.version)
    if effect is not None:
        shares = {"share": effect.share, "low": effect.low, "high": effect.high}
        params |= {name: f"{round(100 * one):+d}" for name, one in shares.items()}
    return Message(code, params)


def net_of_version(test: ScriptTestSummary, one: VersionResult) -> Money | None:
    """Return the net spending of a version's fans, or None for a test without a currency."""
    return Money(one.net_minor, test.currency) if test.currency else None


def judge_script_tests(
    scope: Scope, creators: Sequence[UUID]
) -> list[tuple[ScriptTestSummary, ScriptVerdict]]:
    """Return the tests of these creators with their verdicts."""
    return [
        (one, judge_script_test(scope, one))
        for one in script_tests.list_script_tests(scope, creators)
    ]
