"""Scores of predictions about posts on a file with one row for each post."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from foundation.errors import BadInput
from insights.analysis import best_times
from insights.analysis.experiment_statistics import compare_means
from insights.predictions.draft_ranks import (
    MAX_POSTS,
    RankedText,
    RankModel,
    rank_correlation,
    top_tenth_lift,
)
from insights.predictions.growth import LEVEL, MIN_POSTS, Floats, fit_growth
from insights.predictions.methods.tables import Table, parse_days, parse_numbers, read_table

TEST_SHARE = 0.3
EARLY_AGES = (1, 3, 12, 24)
VALUES = ("value", "score", "views", "likes", "interactions", "engagement", "final", "y", "points")
TIMES = ("published_at", "created_at", "time", "date", "timestamp", "ds", "publishdate")
TEXTS = ("text", "title", "headline", "caption", "body")
ACCOUNTS = ("account", "author", "channel", "source", "unique_id", "user")
FORMATS = ("format", "form", "type", "media_type")
SECONDS = 1e8
MILLISECONDS = 1e11
"""Lowest Unix times that are read as seconds and milliseconds."""

EARLY_NAMES = ("value_{}h", "value{}h", "h{}", "views_{}h", "score_{}h", "t{}", "{}h")


def evaluate_virality(payload: Mapping[str, Any]) -> dict[str, Any]:
    """Return the scores of `payload["file"]`: `published_at`, `value` and `text`, readings
    `value_1h`, `value_3h`, `value_12h` and `value_24h`, or both.

    The newest 30 % of the posts are held out. Raises BadInput.
    """
    table = _read_posts(payload["file"])
    readings = [age for age in EARLY_AGES if _early_column(table, age)]
    text = _find_column(table, TEXTS)
    if not readings and text is None:
        raise BadInput("evaluate.no_column", column="text, value_3h", found=_names(table))
    method: dict[str, Any] = {"name": "log-linear growth, TF-IDF ridge"}
    baseline: dict[str, Any] = {"name": "constant growth factor, random rank"}
    coverages: list[float] = []
    posts = _ordered_posts(table, payload.get("limit") or 0)
    for age in readings:
        _score_growth(posts, age, method, baseline, coverages)
    if text is not None:
        _score_ranks(posts, text, _find_column(table, FORMATS), method, baseline)
    interval = (
        {"level": LEVEL, "coverage": round(float(np.mean(coverages)), 4)} if coverages else None
    )
    return {
        "metrics": {"method": method, "baseline": baseline, "interval": interval},
        "n": len(posts),
        "split": "oldest 70 % to fit, newest 30 % to score",
    }


def _read_posts(file: str) -> Table:
    table = read_table(file, {})
    if _find_column(table, VALUES) is None:
        raise BadInput("evaluate.no_column", column="value", found=_names(table))
    return table


def _ordered_posts(table: Table, limit: int) -> pd.DataFrame:
    """Return the usable rows, oldest first, with times and numbers parsed; without a column of
    times in the order of the file. Raises BadInput below twice `MIN_POSTS`."""
    rows = table.rows.astype(str)
    numbers = {"_value": _find_column(table, VALUES)}
    numbers |= {f"_{age}h": _early_column(table, age) for age in EARLY_AGES}
    for name, column in numbers.items():
        if column is not None:
            rows[name] = parse_numbers(table.rows[column], table.decimal, column)
    at = _find_column(table, TIMES)
    rows["_at"] = _parse_instants(table.rows[at], at) if at else np.arange(len(rows))
    rows = rows[(rows["_value"] >= 0) & rows["_at"].notna()]
    rows = rows.sort_values("_at", kind="stable").tail(limit or len(rows)).reset_index(drop=True)
    if len(rows) < 2 * MIN_POSTS:
        raise BadInput("evaluate.few_posts", have=len(rows), need=2 * MIN_POSTS)
    account = _find_column(table, ACCOUNTS)
    rows["_account"] = rows[account] if account else ""
    return rows


def _parse_instants(column: pd.Series, name: str) -> pd.Series:
    """Return times with their hour; seconds and milliseconds since 1970 are read too."""
    text = column.astype(str)
    numbers = pd.to_numeric(text, errors="coerce")
    if numbers.notna().mean() > 1 / 2 and float(numbers.median()) > SECONDS:
        unit = "ms" if float(numbers.median()) > MILLISECONDS else "s"
        return pd.to_datetime(numbers, unit=unit, errors="coerce")
    parsed = pd.to_datetime(text, errors="coerce", format="mixed", utc=True)
    if parsed.notna().mean() >= 1 / 2:
        return parsed.dt.tz_localize(None)
    return pd.to_datetime(parse_days(column, name), unit="D", errors="coerce")


def _score_growth(
    posts: pd.DataFrame,
    age: int,
    method: dict[str, Any],
    baseline: dict[str, Any],
    coverages: list[float],
) -> None:
    known = posts[posts[f"_{age}h"].notna() & (posts[f"_{age}h"] >= 0)]
    early, late = (known[each].to_numpy(dtype=np.float64) for each in (f"_{age}h", "_value"))
    cut = int(len(known) * (1 - TEST_SHARE))
    if cut < MIN_POSTS:
        return
    model = fit_growth(early[:cut], late[:cut])
    actual = np.log1p(late[cut:])
    before = np.log1p(early[cut:])
    predicted = np.maximum(model.intercept + model.slope * before, before)
    factor = float(np.median(np.log1p(late[:cut]) - np.log1p(early[:cut])))
    method[f"r2_log_{age}h"] = _r2(actual, predicted)
    baseline[f"r2_log_{age}h"] = _r2(actual, factor + before)
    method[f"width_{age}h"] = round(float(np.exp(model.reach)), 3)
    coverages.append(float((np.abs(actual - predicted) <= model.reach).mean()))


def _score_ranks(
    posts: pd.DataFrame,
    text: str,
    form: str | None,
    method: dict[str, Any],
    baseline: dict[str, Any],
) -> None:
    results = _relative_results(posts)
    cut = int(len(posts) * (1 - TEST_SHARE))
    kinds = posts[form] if form else [""] * len(posts)
    texts = [
        RankedText(str(words), (f"form:{kind}",) if form else ())
        for words, kind in zip(posts[text], kinds, strict=True)
    ]
    recent = slice(max(cut - MAX_POSTS, 0), cut)
    model = RankModel(texts[recent], results[recent])
    scores = np.array([model.rank(one).share for one in texts[cut:]])
    method["lift_at_10"] = round(top_tenth_lift(scores, results[cut:]), 4)
    method["rank_correlation"] = round(rank_correlation(scores, results[cut:]), 4)
    baseline["lift_at_10"] = 1.0
    baseline["rank_correlation"] = 0.0


def _relative_results(posts: pd.DataFrame) -> Floats:
    """Return logarithms relative to the account's usual, which only earlier posts determine."""
    logs = np.log1p(posts["_value"])
    earlier = logs.groupby(posts["_account"]).transform(
        lambda one: one.shift().expanding().median()
    )
    return np.asarray(logs - earlier.fillna(float(logs.median())), dtype=np.float64)


def evaluate_timing(payload: Mapping[str, Any]) -> dict[str, Any]:
    """Return the scores of `payload["file"]`: `published_at`, with its hour in local time, `value`
    and, for several accounts, `account`.

    The hours are chosen on the oldest 70 % of the posts; the score is the result of the newest 30 %
    at these hours relative to all of them. Raises BadInput.
    """
    table = _read_posts(payload["file"])
    if _find_column(table, TIMES) is None:
        raise BadInput("evaluate.no_column", column="published_at", found=_names(table))
    posts = _ordered_posts(table, payload.get("limit") or 0)
    hours = posts["_at"].dt.hour + posts["_at"].dt.minute / 60
    weekends = (posts["_at"].dt.dayofweek >= 5).astype(float)
    results = _relative_results(posts)
    cut = int(len(posts) * (1 - TEST_SHARE))
    # The model expects counts: any shift of the logarithms is as good.
    samples = np.column_stack((hours, weekends, np.expm1(results - results.min()))).astype(
        np.float64
    )
    recent = samples[max(cut - best_times.MAX_SAMPLES, 0) : cut]
    gains = best_times.expected_gains(recent)
    predicted = _gains_of(gains, samples[cut:])
    raw = _gains_of(_raw_cells(recent), samples[cut:])
    actual = results[cut:]
    method = {"name": "harmonic Bayesian model", **_timing_scores(predicted, actual)}
    baseline = {"name": "best raw hour", **_timing_scores(raw, actual)}
    best = predicted >= np.quantile(predicted, 0.75)
    told = (
        compare_means(actual[~best], actual[best], alpha=1 - LEVEL)
        if 1 < best.sum() < len(best) - 1
        else None
    )
    interval = (
        {
            "level": LEVEL,
            "low": round(float(np.expm1(told.low)), 4),
            "high": round(float(np.expm1(told.high)), 4),
        }
        if told
        else None
    )
    return {
        "metrics": {"method": method, "baseline": baseline, "interval": interval},
        "n": len(posts),
        "split": "oldest 70 % to fit, newest 30 % to score",
    }


def _timing_scores(predicted: Floats, actual: Floats) -> dict[str, Any]:
    """Return the score of posts in the best quarter of hours, and of the predicted gains."""
    best = predicted >= np.quantile(predicted, 0.75)
    uplift = float(np.expm1(actual[best].mean() - actual.mean())) if best.any() else 0.0
    centered = predicted - predicted.mean()
    return {"uplift": round(uplift, 4), "r2_log": _r2(actual - actual.mean(), centered)}


def _gains_of(gains: Floats, samples: Floats) -> Floats:
    cells = samples[:, 1].astype(int), samples[:, 0].astype(int) % 24
    return np.asarray(gains[cells], dtype=np.float64)


def _raw_cells(samples: Floats) -> Floats:
    """Return the mean result of each hour of workdays and weekends relative to all posts."""
    logs = np.log1p(samples[:, 2])
    found = np.zeros((2, 24))
    for weekend in (0, 1):
        for hour in range(24):
            there = (samples[:, 1] == weekend) & (samples[:, 0].astype(int) == hour)
            found[weekend, hour] = logs[there].mean() - logs.mean() if there.any() else 0
    return found


def _r2(actual: Floats, predicted: Floats) -> float:
    spread = float(((actual - actual.mean()) ** 2).sum())
    return round(1 - float(((actual - predicted) ** 2).sum()) / spread, 4) if spread > 0 else 0.0


def _find_column(table: Table, names: tuple[str, ...]) -> str | None:
    folded = {_fold(str(name)): str(name) for name in reversed(list(table.rows.columns))}
    return next((folded[_fold(one)] for one in names if _fold(one) in folded), None)


def _early_column(table: Table, age: int) -> str | None:
    return _find_column(table, tuple(name.format(age) for name in EARLY_NAMES))


def _fold(name: str) -> str:
    return "".join(each for each in name.casefold() if each.isalnum())


def _names(table: Table) -> str:
    return ", ".join(map(str, table.rows.columns))[:60]
