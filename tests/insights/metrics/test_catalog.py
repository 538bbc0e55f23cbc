"""The catalogue of metrics: complete, and each formula calculated from sums."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.registry.loader import load_connectors
from foundation.i18n.translation import LANGUAGES, render_message
from insights.metrics.catalog import METRICS, POST_COUNTERS, calculate
from insights.metrics.readings import INTERACTION_METRICS, POST_METRICS

MEASURED = sorted(code for code, metric in METRICS.items() if not metric.formula)
DERIVED = sorted(code for code, metric in METRICS.items() if metric.formula)


@pytest.mark.parametrize("code", METRICS)
def test_metric_has_a_name_an_explanation_and_known_parts(code: str) -> None:
    metric = METRICS[code]
    for language in LANGUAGES:
        assert render_message(metric.name, language) != metric.name.code
        assert render_message(metric.explanation, language) != metric.explanation.code
    assert set(re.findall(r"[a-z_0-9]+", metric.formula)) <= METRICS.keys()
    assert (metric.platforms or set()) <= load_connectors().keys()


def test_readings_store_metrics_of_the_catalogue() -> None:
    assert set(POST_METRICS) <= set(POST_COUNTERS)
    assert set(INTERACTION_METRICS) < set(POST_COUNTERS)


@given(
    st.dictionaries(st.sampled_from(MEASURED), st.integers(-(10**9), 10**9)),
    st.sampled_from(DERIVED),
)
def test_unknown_parts_are_never_zero(values: dict[str, float], code: str) -> None:
    """A sum leaves out what is not reported; a difference or ratio with an unknown part is
    unknown."""
    found = calculate(code, values)
    parts = {part for part in re.findall(r"[a-z_0-9]+", METRICS[code].formula)}
    known = {part: calculate(part, values) for part in parts}
    if all(value is None for value in known.values()):
        assert found is None
    if " - " in METRICS[code].formula and None in known.values():
        assert found is None
    assert calculate(code, {**values, code: 7}) == 7


@pytest.mark.parametrize(
    ("code", "values", "expected"),
    [
        ("engagement_by_reach", {"likes": 30, "comments": 10, "reach": 400}, 0.1),
        ("engagement_by_reach", {"likes": 30}, None),
        ("engagement_by_reach", {"likes": 30, "reach": 0}, None),
        ("high_intent", {"shares": 2, "clicks": 3}, 5),
        ("failure_rate", {"posts_failed": 1, "posts_published": 3}, 0.25),
        ("net", {"gross": 900, "refunds": 100}, 800),
        ("profit", {"gross": 900, "refunds": 100, "fees": 50, "cost_api": 20.5}, 729.5),
        ("roi", {"gross": 900, "refunds": 0, "fees": 0, "cost_ads": 300}, 2),
        ("roi", {"gross": 900, "refunds": 0, "fees": 0, "cost_ads": 0}, None),
        (
            "net_per_buyer",
            {"gross": 900, "refunds": 0, "buyers_new": 2, "buyers_returning": 1},
            300,
        ),
    ],
)
def test_ratio_is_one_of_sums(code: str, values: dict[str, float], expected: float | None) -> None:
    assert calculate(code, values) == expected
