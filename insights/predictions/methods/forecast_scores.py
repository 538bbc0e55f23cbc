"""Score of the forecasts on a file of daily series: the last days of each series are held out."""

import zlib
from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np

from foundation.errors import BadInput
from insights.predictions.limits import MAX_DAYS, MIN_DAYS, needed_days
from insights.predictions.methods.forecast import (
    BASELINE,
    LEVEL,
    Floats,
    fill_gaps,
    map_series,
    naive_scale,
    predict_path,
    predict_points,
    select_method,
)
from insights.predictions.methods.tables import parse_days, parse_numbers, read_table

COLUMNS = {
    "unique_id": ("id", "series", "series_id", "item_id", "store"),
    "ds": ("date", "day", "timestamp", "time"),
    "y": ("value", "sales", "target", "count", "quantity"),
}
DEFAULT_SERIES = 300
DEFAULT_HORIZON = 30
SHORT_HORIZON = 7
MIN_KNOWN = 0.5
"""Minimum share of known days in the used part of a series."""


def evaluate_forecasts(payload: Mapping[str, Any]) -> dict[str, Any]:
    """Return the scores of `payload["file"]` with the columns `unique_id`, `ds` and `y`.

    At most `limit` series are scored, chosen by a hash of their ID. The last `horizon` days of each
    series are held out, or 7 of a series too short for more. Raises BadInput.
    """
    horizon = int(payload.get("horizon") or DEFAULT_HORIZON)
    series, found = _read_series(payload["file"], int(payload.get("limit") or DEFAULT_SERIES))
    jobs: list[Mapping[str, Any]] = []
    for values in series:
        # A short series is scored with the horizon that its data allows.
        ahead = horizon if len(values) >= needed_days(horizon) + horizon else SHORT_HORIZON
        if len(values) >= MIN_DAYS + ahead and not np.isnan(values[-ahead:]).all():
            jobs.append({"values": values.tolist(), "horizon": ahead})
    if not jobs:
        raise BadInput("evaluate.short_series", days=MIN_DAYS + SHORT_HORIZON)
    scores = map_series(_score_series, jobs)
    return _summarize([one for one in scores if one["scale"] > 0], found)


def _read_series(file: str, limit: int) -> tuple[list[Floats], int]:
    """Return the daily values of at most `limit` series, NaN for missing days, and the number of
    series in the file."""
    table = read_table(file, COLUMNS)
    rows = table.rows
    rows["y"] = parse_numbers(rows["y"], table.decimal, "y")
    rows["ds"] = parse_days(rows["ds"], "ds")
    rows = rows.dropna(subset=["unique_id", "ds"])
    names = [str(each) for each in rows["unique_id"].cat.remove_unused_categories().cat.categories]
    chosen = sorted(names, key=lambda name: (zlib.crc32(name.encode()), name))[:limit]
    wanted = rows[rows["unique_id"].isin(chosen)]
    series = []
    for _, group in wanted.groupby("unique_id", observed=True, sort=True):
        series.append(_daily_values(group["ds"].to_numpy(), group["y"].to_numpy()))
    steps = [one for one in series if one is not None]
    if not steps:
        raise BadInput("evaluate.not_daily")
    return steps, len(names)


def _daily_values(days: Floats, values: Floats) -> Floats | None:
    """Return one value for each day from the first to the last; NaN for missing days.

    Several rows of a day are added. Returns None if the series is not daily.
    """
    first = int(days.min())
    last = int(days.max())
    first = max(first, last - 2 * MAX_DAYS)
    inside = days >= first
    places = (days[inside] - first).astype(int)
    known = ~np.isnan(values[inside])
    counts = np.bincount(places[known], minlength=last - first + 1)
    sums = np.bincount(places[known], weights=values[inside][known], minlength=last - first + 1)
    daily = np.where(counts > 0, sums, np.nan)
    begins = int(np.argmax(counts > 0))
    return daily[begins:] if (counts[begins:] > 0).mean() >= MIN_KNOWN else None


def _score_series(job: Mapping[str, Any]) -> dict[str, Any]:
    """Return the errors of method and baseline on the held-out days of one series."""
    values = np.array(job["values"], dtype=np.float64)
    ahead = int(job["horizon"])
    before = fill_gaps(values[:-ahead][-MAX_DAYS:])
    after = values[-ahead:]
    known = ~np.isnan(after)
    selection = select_method(before, "flow")
    points, totals = predict_points(before, "flow", selection)
    path = predict_path(before, ahead, selection.method)
    instead = predict_path(before, ahead, BASELINE)
    widths = np.array([high - value for value, _, high in points])
    widths = widths[:ahead] if len(widths) >= ahead else np.resize(widths, ahead)
    scale = naive_scale(before)
    total = totals.get(str(ahead))
    inside = np.abs(after - path)[known] <= widths[known]
    return {
        "method": selection.method,
        "scale": scale,
        "own": _scores(after[known], path[known], scale),
        "baseline": _scores(after[known], instead[known], scale),
        "inside": float(inside.mean()),
        "width": float(widths.mean() / scale) if scale else 0.0,
        "total_inside": (
            float(total[1] <= after.sum() <= total[2]) if total and known.all() else None
        ),
    }


def _scores(actual: Floats, path: Floats, scale: float) -> dict[str, float]:
    """Return MASE and sMAPE (in percent, 0 where both are 0)."""
    error = np.abs(actual - path)
    size = np.abs(actual) + np.abs(path)
    relative = np.divide(2 * error, size, out=np.zeros_like(error), where=size > 0)
    return {
        "mase": float(error.mean() / scale) if scale else 0.0,
        "smape": float(relative.mean() * 100),
    }


def _summarize(scores: list[dict[str, Any]], found: int) -> dict[str, Any]:
    """Return the means over all series. Raises BadInput if all are constant."""
    if not scores:
        raise BadInput("evaluate.constant")

    def means(who: str) -> dict[str, float]:
        keys = ("mase", "smape")
        return {key: round(float(np.mean([one[who][key] for one in scores])), 4) for key in keys}

    totals = [one["total_inside"] for one in scores if one["total_inside"] is not None]
    return {
        "metrics": {
            "method": {
                "name": "selected",
                **means("own"),
                "chosen": dict(Counter(one["method"] for one in scores).most_common()),
            },
            "baseline": {"name": BASELINE, **means("baseline")},
            "interval": {
                "level": LEVEL,
                "coverage": round(float(np.mean([one["inside"] for one in scores])), 4),
                "coverage_of_totals": round(float(np.mean(totals)), 4) if totals else None,
                "mean_half_width": round(float(np.mean([one["width"] for one in scores])), 4),
            },
        },
        "n": len(scores),
        "split": {"kind": "last days of each series", "series_in_file": found},
    }
