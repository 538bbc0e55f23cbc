"""Forecasts of simulated series: the baseline is kept unless it is beaten, and intervals cover."""

from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foundation.errors import BadInput
from insights.predictions.limits import HORIZONS, MIN_DAYS, needed_days
from insights.predictions.methods import forecast as method
from insights.predictions.methods.forecast import BASELINE, Floats, fill_gaps, select_method
from insights.predictions.methods.forecast_scores import evaluate_forecasts

WEEKLY = np.array([0.7, 0.8, 0.9, 1.0, 1.2, 1.5, 1.1])


def sales(days: int, seed: int) -> Floats:
    """Simulate counts with a weekly pattern and a drifting level."""
    drawn = np.random.default_rng(seed)
    level = np.exp(np.cumsum(drawn.normal(0, 0.02, days))) * 40
    return drawn.poisson(level * np.resize(WEEKLY, days)).astype(np.float64)


@pytest.mark.heavy
def test_intervals_cover_and_the_method_beats_the_baseline() -> None:
    inside = []
    totals = []
    own = []
    base = []
    for seed in range(7):
        values = sales(130, seed)
        before = values[:100]
        after = values[100:]
        found = select_method(before, "flow")
        points, sums = method.predict_points(before, "flow", found)
        assert len(points) == 30
        low = np.array(points)[:, 1]
        high = np.array(points)[:, 2]
        inside.append(((low <= after) & (after <= high)).mean())
        totals.append(sums["30"][1] <= after.sum() <= sums["30"][2])
        scale = method.naive_scale(before)
        own.append(np.abs(np.array(points)[:, 0] - after).mean() / scale)
        base.append(np.abs(method.predict_path(before, 30, BASELINE) - after).mean() / scale)
    assert 0.75 <= np.mean(inside) <= 0.97
    assert np.mean(totals) >= 0.7
    assert np.mean(own) < np.mean(base) * 0.95


def test_baseline_is_kept_unless_another_method_is_better() -> None:
    """A pattern that repeats exactly cannot be beaten."""
    found = select_method(np.resize(np.array([3.0, 9, 1, 4, 7, 2, 8]), 90), "flow")
    assert found.method == BASELINE
    assert found.own_error == found.baseline_error == 0


def test_growth_of_followers_is_continued() -> None:
    drawn = np.random.default_rng(1)
    values = 1000 + np.cumsum(drawn.poisson(5, 150)).astype(np.float64)
    found = select_method(values, "level")
    _, totals = method.predict_points(values, "level", found)
    assert found.method != BASELINE
    assert found.own_error is not None
    assert found.baseline_error is not None
    assert found.own_error < found.baseline_error * 0.5
    assert totals["30"][1] <= values[-1] + 150 <= totals["30"][2]


@settings(max_examples=12, deadline=None)
@given(st.lists(st.floats(-1e6, 1e6) | st.none(), min_size=MIN_DAYS, max_size=55))
def test_any_short_series_has_a_finite_forecast(values: list[float | None]) -> None:
    series = fill_gaps(np.array(values, dtype=np.float64))
    found = select_method(series, "flow")
    points, totals = method.predict_points(series, "flow", found)
    assert np.isfinite(points).all()
    assert set(totals) == {"7"}
    assert all(low <= value <= high for value, low, high in points)


def test_horizons_need_28_56_and_365_days() -> None:
    assert [needed_days(horizon) for horizon in HORIZONS] == [28, 56, 365]
    constant = np.full(60, 4.0)
    assert set(select_method(constant, "flow").totals) == {"7", "30"}
    assert select_method(constant, "flow").own_error is None


def test_stored_selection_is_fitted_without_selecting_again() -> None:
    values = [float(each) for each in sales(60, 3)]
    series = {"key": "a", "values": values, "kind": "flow"}
    first = method.forecast_all({"series": [series]})[0]
    again = method.forecast_all({"series": [series | {"selection": first["selection"]}]})[0]
    assert again == first


def write(file: Path, lines: list[str]) -> str:
    file.write_text("\n".join(lines), "utf-8")
    return str(file)


def test_evaluation_reads_files_of_any_shape(tmp_path: Path) -> None:
    """Gaps, missing values, other names, delimiters and formats of dates give the same series."""
    values = sales(70, 4)
    days = [date(2024, 1, 31) + timedelta(days=number) for number in range(70)]
    plain = [
        "unique_id,ds,y",
        *(f"A,{day},{value}" for day, value in zip(days, values, strict=True)),
    ]
    french = [
        "Series;Date;Value",
        *(
            f"A;{day:%d/%m/%Y};{value:.1f}".replace(".", ",")
            for day, value in zip(days, values, strict=True)
        ),
    ]
    numbered = ["ds,unique_id,y", *(f"{place},A,{value}" for place, value in enumerate(values, 1))]
    broken = [*plain[:20], *plain[22:], "A,never,3", "B,2024-01-01,", ",2024-01-02,4"]
    found = [
        evaluate_forecasts({"file": write(tmp_path / f"{place}.csv", lines), "horizon": 7})
        for place, lines in enumerate((plain, french, numbered))
    ]
    assert found[0] == found[1] == found[2]
    assert found[0]["n"] == 1
    assert set(found[0]["metrics"]) == {"method", "baseline", "interval"}
    kept = evaluate_forecasts({"file": write(tmp_path / "broken.csv", broken), "horizon": 7})
    assert kept["n"] == 1


@pytest.mark.parametrize(
    ("lines", "code"),
    [
        (["id,date"], "evaluate.no_column"),
        (["unique_id,ds,y"], "evaluate.no_rows"),
        (["unique_id,ds,y", "A,yesterday,1", "A,today,2"], "evaluate.unusable"),
        (["unique_id,ds,y", "A,2024-01-01,1", "A,2024-01-02,2"], "evaluate.short_series"),
        (["unique_id,ds,y", *(f"A,2024-{n:02}-01,1" for n in range(1, 13))], "evaluate.not_daily"),
        (["PAR1\0\0"], "evaluate.not_csv"),
    ],
)
def test_unusable_file_is_refused_with_the_reason(
    tmp_path: Path, lines: list[str], code: str
) -> None:
    with pytest.raises(BadInput) as refused:
        evaluate_forecasts({"file": write(tmp_path / "data.csv", lines)})
    assert refused.value.message.code == code
