"""Predictions about simulated fans, whose behavior is known."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foundation.errors import BadInput
from insights.predictions.methods.churn_scores import evaluate_churn
from insights.predictions.methods.classifier import calibration_error, measure_lift
from insights.predictions.methods.fans import predict_churn, predict_leads, predict_purchases
from insights.predictions.methods.purchase_scores import evaluate_purchases, score_split
from insights.predictions.methods.purchases import (
    FALLBACK,
    expect_purchases,
    fit_model,
    summarize_customers,
)

Purchases = tuple[np.ndarray, np.ndarray, np.ndarray]


def simulate(fans: int, weeks: int, seed: int = 0) -> Purchases:
    """Simulate BG/NBD with r 0.25, alpha 4.4, a 0.8, b 2.4 and gamma-distributed values."""
    drawn = np.random.default_rng(seed)
    rows: list[tuple[int, float, float]] = []
    for fan in range(fans):
        rate = drawn.gamma(0.25, 1 / 4.4)
        leaves = drawn.beta(0.8, 2.4)
        usual = 15 / drawn.gamma(4.0)
        week = float(drawn.uniform(0, 12))
        begun = week
        while week < weeks:
            rows.append((fan, np.floor(week * 7), max(1.0, drawn.gamma(6.0) * usual)))
            if week > begun and drawn.random() < leaves:
                break
            week += float(drawn.exponential(1 / rate))
    table = np.array(rows)
    return table[:, 0].astype(np.int64), table[:, 1], table[:, 2]


def test_parameters_of_the_simulation_are_recovered() -> None:
    model = fit_model(summarize_customers(*simulate(3000, 39), 39 * 7.0))
    assert model.method == "bg_nbd"
    r, alpha, a, b = model.counts
    assert r == pytest.approx(0.25, rel=0.25)
    assert alpha == pytest.approx(4.4, rel=0.35)
    assert a / (a + b) == pytest.approx(0.25, abs=0.08)


def test_purchases_beat_the_own_rate_and_totals_are_right() -> None:
    found = score_split(*simulate(2000, 78), split=39 * 7.0, until=78 * 7.0)
    assert found.own["count_mae"] < found.baseline["count_mae"] * 0.85
    assert found.own["brier"] < found.baseline["brier"] * 0.8
    assert found.own["total_ratio"] == pytest.approx(1, abs=0.2)
    assert found.coverage >= 0.8


def test_degenerate_fit_falls_back_to_the_shrunken_rate() -> None:
    """Everyone buys exactly once a week: no fan leaves, so the likelihood has no maximum."""
    ids = np.repeat(np.arange(100), 20)
    days = np.tile(np.arange(20) * 7.0, 100)
    found = summarize_customers(ids, days, np.full(2000, 5.0), 140.0)
    model = fit_model(found)
    ahead = expect_purchases(model, found, 10.0)
    assert model.method == FALLBACK
    assert ahead.purchases == pytest.approx(np.full(100, 9.5), rel=0.1)
    assert ahead.value.sum() == pytest.approx(4750, rel=0.1)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 4), st.integers(0, 60), st.integers(-500, 900)),
        min_size=1,
        max_size=40,
    )
)
def test_customers_do_not_depend_on_the_order_of_rows(rows: list[tuple[int, int, int]]) -> None:
    table = np.array(rows, dtype=np.float64)
    other = np.random.default_rng(0).permutation(table)
    one, two = (
        summarize_customers(each[:, 0].astype(np.int64), each[:, 1], each[:, 2], 50.0)
        for each in (table, other)
    )
    for name in ("ids", "repeats", "last", "age", "value"):
        np.testing.assert_allclose(getattr(one, name), getattr(two, name))
    bought = {(fan, day) for fan, day, value in rows if value > 0 and day < 50}
    assert one.repeats.sum() + len(one.ids) == len(bought)


def test_values_of_fans_add_up_to_the_total_within_its_interval() -> None:
    fans, days, values = simulate(400, 40)
    payload = {"fans": fans.tolist(), "days": days.tolist(), "values": values.tolist()}
    found = predict_purchases(payload | {"until": 280})
    total, low, high = found["total"]
    assert sum(one["value"] for one in found["fans"]) == pytest.approx(total)
    assert low < total < high
    assert all(one["low"] <= one["value"] <= one["high"] for one in found["fans"])
    assert found["card"]["own_error"] < found["card"]["baseline_error"]


def events(rows: int, strength: float) -> tuple[list[list[float]], list[bool]]:
    """Simulate an event whose log odds depend on the first of three features."""
    drawn = np.random.default_rng(5)
    table = drawn.normal(size=(rows, 3))
    chance = 1 / (1 + np.exp(1 - strength * table[:, 0]))
    return table.tolist(), (drawn.random(rows) < chance).tolist()


def test_chances_are_calibrated_and_grades_fall() -> None:
    rows, happened = events(1500, 1.5)
    open_rows = [[3.0, 0, 0], [-3.0, 0, 0]]
    found = predict_leads({"rows": [*rows, *open_rows], "bought": [*happened, None, None]})
    assert found["chances"][0] > 0.7
    assert found["chances"][1] < 0.1
    assert found["grades"] == ["A", "D"]
    rates = found["card"]["parameters"]["rates"]
    assert rates == sorted(rates, reverse=True)


def test_grades_are_hidden_when_they_say_nothing() -> None:
    rows, happened = events(400, 0.0)
    found = predict_leads({"rows": [*rows, rows[0]], "bought": [*happened, None]})
    assert found["grades"] == [""]


def test_baseline_is_served_for_a_single_rule() -> None:
    """One yes-or-no feature decides: no method can be better than the rule."""
    drawn = np.random.default_rng(2)
    flag = drawn.integers(0, 2, 600)
    happened = (drawn.random(600) < np.where(flag == 1, 0.6, 0.1)).tolist()
    rows: list[list[float | None]] = [[float(one), None] for one in flag]
    found = predict_churn({"rows": [*rows, [1.0, None]], "ended": [*happened, None]})
    assert found["chances"][0] == pytest.approx(0.6, abs=0.08)
    assert found["card"]["own_error"] == pytest.approx(found["card"]["baseline_error"], abs=0.01)


def test_calibration_error_and_lift_of_known_values() -> None:
    happened = np.array([1, 1, 0, 0, 0, 0, 0, 0, 0, 0])
    chances = np.array([0.9, 0.8, *[0.1] * 8])
    assert measure_lift(happened, chances, 0.2) == pytest.approx(5)
    assert calibration_error(happened, chances, 2) == pytest.approx(
        (0.0 * 5 + 0.1 * 5) / 10, abs=0.1
    )


def test_purchases_are_scored_from_a_file(tmp_path: Path) -> None:
    fans, days, values = simulate(400, 60)
    file = tmp_path / "purchases.csv"
    epoch = np.datetime64("1997-01-01")
    lines = [
        f"{fan},{str(epoch + int(day)).replace('-', '')},{value:.2f}"
        for fan, day, value in zip(fans, days, values, strict=True)
    ]
    file.write_text("\n".join(["customer_id,date,value", *lines, "7,,3", "8,19970105,0"]))
    found = evaluate_purchases({"file": str(file)})
    assert found["metrics"]["method"]["count_mae"] < found["metrics"]["baseline"]["count_mae"]
    assert found["split"]["days_fitted"] == pytest.approx(210, abs=2)


def test_cancellations_are_scored_from_a_file_without_protected_traits(tmp_path: Path) -> None:
    drawn = np.random.default_rng(3)
    rows = []
    for number in range(900):
        tenure = int(drawn.integers(0, 70))
        contract = drawn.choice(["Monthly", "Yearly"])
        odds = 0.3 - 0.05 * tenure + (1.2 if contract == "Monthly" else -0.8)
        churn = "Yes" if drawn.random() < 1 / (1 + np.exp(-odds)) else "No"
        total = " " if tenure == 0 else f"{tenure * 20.5:.2f}"
        rows.append(
            f"{number:04}-AB,{'Female' if churn == 'Yes' else 'Male'},{tenure},{contract},{total},{churn}"
        )
    file = tmp_path / "churn.csv"
    file.write_text("\n".join(["customerID,gender,tenure,Contract,TotalCharges,Churn", *rows]))
    found = evaluate_churn({"file": str(file)})
    method = found["metrics"]["method"]
    baseline = found["metrics"]["baseline"]
    assert baseline["auc"] < method["auc"] < 0.95
    assert method["brier"] < baseline["brier"]
    assert "gender" in found["split"]["columns_not_used"]

    file.write_text("\n".join(["tenure,churned", *(f"{n},{n % 2}" for n in range(60))]))
    with pytest.raises(BadInput) as refused:
        evaluate_churn({"file": str(file)})
    assert refused.value.message.code == "evaluate.few_rows"
