"""Verdicts of tests of bot scripts: none too early, few false positives, effects as shares of A."""

import json
from datetime import UTC, datetime, timedelta
from uuid import UUID

import numpy as np
import pytest

from foundation.i18n.translation import LANGUAGES, render_message
from insights.analysis.ab_test_verdicts import AbTestEffect, VerdictKind
from insights.analysis.script_test_verdicts import (
    ScriptSample,
    ScriptVerdict,
    judge_fans,
    script_verdict_message,
    verdict_from_json,
    verdict_to_json,
)
from subscribers.ledger.fan_results import FanResult
from subscribers.replies.script_tests import ScriptTestSummary

START = datetime(2026, 1, 1, tzinfo=UTC)


def summary(planned: int, *, metric: str = "buyers", method: str = "fixed") -> ScriptTestSummary:
    personas = {"a": UUID(int=1), "b": UUID(int=2)}
    currency = "EUR" if metric == "net" else ""
    return ScriptTestSummary(
        UUID(int=9),
        UUID(int=3),
        personas,
        metric,
        method,
        planned,
        7,
        currency,
        20_000,
        START,
        None,
        "",
    )


def fans(
    random: np.random.Generator, count: int, *, rates: tuple[float, float] = (0.2, 0.2)
) -> list[ScriptSample]:
    """Draw fans, 100 a day, who buy at the rate of their version for about 20 €."""
    found = []
    for nth in range(count):
        variant = int(random.integers(2))
        buys = random.random() < rates[variant]
        net = int(random.lognormal(7.5, 0.6)) if buys else 0
        found.append(
            ScriptSample(
                "ab"[variant],
                START + timedelta(minutes=14.4 * nth),
                FanResult(int(buys), 0, net, 0),
            )
        )
    return found


@pytest.mark.parametrize("metric", ["buyers", "net"])
def test_equal_scripts_are_rarely_called_different(metric: str) -> None:
    random, test = np.random.default_rng(1), summary(1400, metric=metric)
    found = [judge_fans(fans(random, 1400), test).kind for _ in range(40)]
    assert set(found) <= {VerdictKind.OPEN, VerdictKind.BETTER}
    assert found.count(VerdictKind.BETTER) <= 6


def test_daily_judged_scripts_are_rarely_called_different() -> None:
    random, test = np.random.default_rng(2), summary(2000, method="sequential")
    found = [judge_fans(fans(random, 2000), test).kind for _ in range(30)]
    assert found.count(VerdictKind.BETTER) <= 2


def test_better_script_is_found_with_its_effect() -> None:
    random = np.random.default_rng(3)
    samples = fans(random, 4000, rates=(0.2, 0.3))
    for metric in ("buyers", "net"):
        found = judge_fans(samples, summary(4000, metric=metric))
        assert (found.kind, found.better) == (VerdictKind.BETTER, "b")
        assert 0 < found.effects["b"].low < found.effects["b"].share < 0.8
    early = judge_fans(samples, summary(4000, method="sequential"))
    assert (early.kind, early.better) == (VerdictKind.BETTER, "b")
    assert early.more > 0, "the result came before the planned size"


def test_verdict_names_what_is_missing() -> None:
    random = np.random.default_rng(4)
    assert judge_fans(fans(random, 100), summary(1000)).kind is VerdictKind.WAITING
    assert judge_fans(fans(random, 300), summary(300)).kind is VerdictKind.SHORT
    assert judge_fans(fans(random, 900, rates=(0.1, 0.1)), summary(900)).kind is VerdictKind.FEW
    uneven = [one for one in fans(random, 2000) if one.variant == "a" or random.random() < 0.7]
    assert judge_fans(uneven, summary(len(uneven))).kind is VerdictKind.UNEVEN
    assert judge_fans([], summary(300)).more == 300


def test_stored_verdict_is_the_computed_one() -> None:
    samples = fans(np.random.default_rng(3), 4000, rates=(0.2, 0.3))
    for planned, kind in ((4000, VerdictKind.BETTER), (5000, VerdictKind.WAITING)):
        found = judge_fans(samples, summary(planned, metric="net"))
        assert found.kind is kind
        assert verdict_from_json(json.loads(json.dumps(verdict_to_json(found)))) == found


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", VerdictKind)
def test_each_verdict_of_scripts_has_a_sentence(kind: VerdictKind, language: str) -> None:
    effects = {"b": AbTestEffect(0.1, -0.1, 0.3)}
    found = ScriptVerdict(kind, 7, 5, {}, effects, better="b")
    for metric in ("buyers", "net"):
        told = judge_fans(fans(np.random.default_rng(5), 1400), summary(1400, metric=metric))
        message = script_verdict_message(summary(10, metric=metric), found)
        assert render_message(message, language)
        said = render_message(script_verdict_message(summary(10, metric=metric), told), language)
        assert "{" not in said
