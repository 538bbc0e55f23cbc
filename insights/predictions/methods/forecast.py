"""Forecasts of daily series, selected and measured on the past of each series.

Candidates are the seasonal naive method (the value of a week before), AutoETS, AutoTheta and their
median. Each is scored on at least four rolling origins by MASE, which divides the mean absolute
error by that of the seasonal naive method within the training data. Seasonal naive is kept unless
another method is more than 2 % better, also when that method is selected without the origin on
which it is scored. Sources: Hyndman and Koehler, 2006 (MASE); Tashman, 2000 (rolling origins);
Angelopoulos and Bates, 2023 (conformal intervals).
"""

import importlib.util
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, field
from multiprocessing import get_context
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from insights.predictions.limits import (
    FULL_METHOD_DAYS,
    HORIZONS,
    MAX_DAYS,
    needed_days,
)

Floats = NDArray[np.float64]
Kind = Literal["flow", "level"]
"""A flow (sales) is summed over the horizon; of a level (followers) the last value counts."""

WEEK = 7
BASELINE = "seasonal_naive"
FULL = (BASELINE, "ets", "theta", "median")
SHORT = (BASELINE, "weekday_median")
GAIN = 0.02
"""Minimum relative gain in MASE over the baseline."""

LEVEL = 0.8
ORIGINS = 4
MIN_TRAINING = 21
PROCESSES = 2
_STUDENT = (3.078, 1.886, 1.638, 1.533, 1.476, 1.44, 1.415, 1.397, 1.383, 1.372, 1.363, 1.356)
"""90 % quantile of Student's t for 1 to 12 degrees of freedom."""

SMALL_JOB = 8
"""Number of series below which no second process is started."""


@dataclass(frozen=True)
class Selection:
    """The method of a series and its errors on the series' past.

    `widths` are half the interval of each day ahead, `totals` that of the result of each horizon,
    both at `LEVEL`. `own_error` and `baseline_error` are MASE, None if the series never changes.
    `coverage` is the share of past days inside intervals that other origins determined.
    """

    method: str
    own_error: float | None
    baseline_error: float | None
    coverage: float | None
    origins: int
    widths: list[float]
    totals: dict[str, float]
    errors: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Errors:
    """Residuals (actual minus forecast) of each method from one origin, and the MASE scale."""

    start: int
    horizon: int
    scale: float
    residuals: Mapping[str, Floats]


def forecast_all(payload: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return a forecast of each series of `payload["series"]`.

    A series has `values` (one for each day, oldest first, None if unknown), its `kind`, and a
    `selection` of an earlier night or None to select a method now.
    """
    return map_series(_forecast_payload, payload["series"])


def has_models() -> bool:
    """Return True if the packages of AutoETS and AutoTheta are installed.

    Without them, forecasts are made by the methods for short series.
    """
    return importlib.util.find_spec("statsforecast") is not None


def map_series(
    function: Callable[[Mapping[str, Any]], dict[str, Any]], series: Sequence[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """Return the results of `function` in order, computed on two cores if there are many."""
    if len(series) < SMALL_JOB:
        return [function(one) for one in series]
    with ProcessPoolExecutor(PROCESSES, get_context("fork")) as pool:
        return list(pool.map(function, series, chunksize=4))


def _forecast_payload(one: Mapping[str, Any]) -> dict[str, Any]:
    values = fill_gaps(np.array(one["values"], dtype=np.float64)[-MAX_DAYS:])
    stored = one.get("selection")
    selection = Selection(**stored) if stored else select_method(values, one["kind"])
    points, totals = predict_points(values, one["kind"], selection)
    return {
        "key": one["key"],
        "selection": asdict(selection),
        "points": [[round(each, 4) for each in point] for point in points],
        "totals": {name: [round(each, 4) for each in total] for name, total in totals.items()},
    }


def fill_gaps(values: Floats) -> Floats:
    """Return the series without missing values.

    A missing day takes the value of the same weekday before it, else a linear interpolation.
    """
    known = ~np.isnan(values)
    if known.all() or not known.any():
        return np.nan_to_num(values)
    places = np.arange(len(values))
    straight = np.interp(places, places[known], values[known])
    filled = values.copy()
    for place in places[~known]:
        before = place - WEEK
        filled[place] = filled[before] if before >= 0 and known[before] else straight[place]
    return filled


def select_method(values: Floats, kind: Kind) -> Selection:
    """Return the method of a series of at least `limits.MIN_DAYS` days."""
    methods = FULL if len(values) >= FULL_METHOD_DAYS and has_models() else SHORT
    past = [_measure_origin(values, methods, *origin) for origin in _origins(len(values))]
    scored = [one for one in past if one.scale > 0]
    scores = {name: [_mase(one, name) for one in scored] for name in methods}
    method, own = _choose(scores)
    factor, coverage = _calibrate(past, method)
    widths = _widths(past, method, max(one.horizon for one in past)) * factor
    return Selection(
        method=method,
        own_error=own,
        baseline_error=_mean(scores[BASELINE]),
        coverage=coverage,
        origins=len(past),
        widths=widths.tolist(),
        totals=_total_widths(past, method, kind),
        errors={name: mean for name, each in scores.items() if (mean := _mean(each)) is not None},
    )


def predict_points(
    values: Floats, kind: Kind, selection: Selection
) -> tuple[list[list[float]], dict[str, list[float]]]:
    """Return value, low and high of each day ahead, and of the result of each horizon."""
    ahead = len(selection.widths)
    path = predict_path(values, ahead, selection.method)
    widths = np.array(selection.widths)
    points = np.column_stack((path, path - widths, path + widths)).tolist()
    totals = {}
    for name, width in selection.totals.items():
        total = float(path[: int(name)].sum() if kind == "flow" else path[int(name) - 1])
        totals[name] = [total, total - width, total + width]
    return points, totals


def predict_path(values: Floats, ahead: int, method: str) -> Floats:
    """Return the forecasts of a method for the days ahead."""
    return _predict_all(values, ahead, (method,))[method]


def _predict_all(values: Floats, ahead: int, methods: Iterable[str]) -> dict[str, Floats]:
    """Return the forecasts of several methods; the median reuses the others."""
    wanted = set(methods)
    single = {"ets", "theta"} if "median" in wanted else wanted & {"ets", "theta"}
    found = {BASELINE: _seasonal_naive(values, ahead)}
    if "weekday_median" in wanted:
        found["weekday_median"] = _weekday_median(values, ahead)
    for name in sorted(single):
        found[name] = _run_model(name, values, ahead, found[BASELINE])
    if "median" in wanted:
        found["median"] = np.median([found[name] for name in FULL[:3]], axis=0)
    return found


def _seasonal_naive(values: Floats, ahead: int) -> Floats:
    return np.resize(values[-WEEK:], ahead)


def _weekday_median(values: Floats, ahead: int) -> Floats:
    weeks = len(values) // WEEK
    usual = np.median(values[-weeks * WEEK :].reshape(weeks, WEEK), axis=0)
    return np.resize(usual, ahead)


def _run_model(name: str, values: Floats, ahead: int, instead: Floats) -> Floats:
    """Return a model's forecast, or `instead` if it fails or leaves the range of the series.

    Both models fail on constant series. A trend that leaves three times the range seen so far is
    an artefact of a short history.
    """
    from statsforecast.models import AutoETS, AutoTheta  # noqa: PLC0415  see `has_models`

    model = AutoETS(season_length=WEEK) if name == "ets" else AutoTheta(season_length=WEEK)
    try:
        path = np.asarray(model.forecast(y=values, h=ahead)["mean"], dtype=np.float64)
    except Exception:  # statsforecast raises plain Exceptions for series that it cannot fit
        return instead
    spread = float(np.ptp(values))
    low = float(values.min()) - 3 * spread
    high = float(values.max()) + 3 * spread
    if not np.isfinite(path).all() or path.min() < low or path.max() > high:
        return instead
    return path


def _origins(days: int) -> list[tuple[int, int]]:
    """Return start and horizon of each origin: four for each horizon with enough data, once each.

    An origin of a long horizon also measures the shorter ones.
    """
    found: dict[int, int] = {}
    for horizon in HORIZONS:
        if days < needed_days(horizon):
            continue
        training = min(MIN_TRAINING, days - horizon - 1)
        step = max(1, min(max(horizon // 2, WEEK), (days - horizon - training) // (ORIGINS - 1)))
        for number in range(ORIGINS):
            start = days - horizon - number * step
            if start >= min(training, 2 * WEEK):
                found[start] = horizon
    return sorted(found.items())


def _measure_origin(values: Floats, methods: Sequence[str], start: int, horizon: int) -> Errors:
    before = values[:start]
    after = values[start : start + horizon]
    paths = _predict_all(before, len(after), methods)
    return Errors(
        start, horizon, naive_scale(before), {name: after - paths[name] for name in methods}
    )


def naive_scale(values: Floats) -> float:
    """Return the mean absolute error of the seasonal naive method within a series, or of the
    naive method if that is zero."""
    for lag in (WEEK, 1):
        if len(values) > lag:
            scale = float(np.abs(values[lag:] - values[:-lag]).mean())
            if scale > 0:
                return scale
    return 0.0


def _mase(one: Errors, method: str) -> float:
    return float(np.abs(one.residuals[method]).mean() / one.scale)


def _mean(values: Sequence[float]) -> float | None:
    return float(np.mean(values)) if values else None


def _choose(scores: Mapping[str, Sequence[float]]) -> tuple[str, float | None]:
    """Return the method to use and its error when it is selected without the origin it is scored
    on, so that selection among several does not flatter it."""
    count = len(scores[BASELINE])
    if not count:
        return BASELINE, None
    table = np.array([scores[name] for name in scores])
    names = list(scores)
    best = _best_row(table)
    held_out = [
        table[_best_row(np.delete(table, place, axis=1)), place] if count > 1 else table[0, place]
        for place in range(count)
    ]
    base = float(table[0].mean())
    own = float(np.mean(held_out))
    if best == 0 or own >= base:
        return BASELINE, base
    return names[best], own


def _best_row(table: Floats) -> int:
    """Return the row with the smallest mean, or 0 (the baseline) unless it is `GAIN` better."""
    means = table.mean(axis=1)
    best = int(means.argmin())
    return best if means[best] < means[0] * (1 - GAIN) else 0


def _conformal_level(origins: int) -> float:
    """Return the quantile for `origins` independent past errors; days of one origin depend on each
    other, so they do not count."""
    return min(1.0, LEVEL * (1 + 1 / max(origins, 1)))


def _widths(past: Sequence[Errors], method: str, ahead: int) -> Floats:
    """Return half the interval of each day ahead from past errors at similar distances."""
    found = np.empty(ahead)
    for day in range(ahead):
        reach = max(3, day // 4)
        near = [
            np.abs(one.residuals[method][max(0, day - reach) : day + reach + 1])
            for one in past
            if len(one.residuals[method]) > max(0, day - reach)
        ]
        found[day] = np.quantile(np.concatenate(near), LEVEL)
    return np.maximum.accumulate(found)


def _excess_of_origins(past: Sequence[Errors], method: str) -> list[Floats]:
    """Return the errors of each origin relative to the widths that the other origins suggest."""
    found = []
    for place, one in enumerate(past):
        others = [each for other, each in enumerate(past) if other != place]
        if others and max(each.horizon for each in others) >= one.horizon:
            errors = np.abs(one.residuals[method])
            widths = _widths(others, method, len(errors))
            found.append(errors / np.maximum(widths, 1e-12))
    return found


def _calibrate(past: Sequence[Errors], method: str) -> tuple[float, float | None]:
    """Return the factor that gives the widths their level, and the coverage that it reaches on
    origins that did not determine it."""
    excess = _excess_of_origins(past, method)
    if len(excess) <= 2:
        return 1.0, None
    level = _conformal_level(len(excess))
    inside: list[bool] = []
    for place, one in enumerate(excess):
        others = np.concatenate([each for other, each in enumerate(excess) if other != place])
        inside += list(one <= np.quantile(others, level))
    return float(np.quantile(np.concatenate(excess), level)), float(np.mean(inside))


def _total_widths(past: Sequence[Errors], method: str, kind: Kind) -> dict[str, float]:
    """Return half the interval of the result of each horizon, by Student's t for so few origins."""
    found = {}
    for horizon in HORIZONS:
        errors = [
            float(each[:horizon].sum() if kind == "flow" else each[horizon - 1])
            for one in past
            if len(each := one.residuals[method]) >= horizon
        ]
        if errors:
            spread = float(np.sqrt(np.mean(np.square(errors))))
            found[str(horizon)] = spread * _STUDENT[min(len(errors), len(_STUDENT)) - 1]
    return found
