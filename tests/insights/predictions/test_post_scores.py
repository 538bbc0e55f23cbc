"""Scores of posts on files: planted effects are found, noise is not, and bad files are explained."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from foundation.errors import BadInput
from insights.predictions.methods.post_scores import evaluate_timing, evaluate_virality

POSTS = 1200


def table(seed: int, *, effect: float) -> pd.DataFrame:
    """Posts of two accounts with a peak at 20:00 and a word that works, by `effect`."""
    random = np.random.default_rng(seed)
    hours = random.integers(0, 24, POSTS)
    days = np.sort(random.integers(0, 700, POSTS))
    good = random.random(POSTS) < 0.3
    logs = (
        np.where(np.arange(POSTS) % 2, 3, 6)
        + effect * np.cos(2 * np.pi * (hours - 20) / 24)
        + effect * good
        + random.standard_normal(POSTS)
    )
    value = np.round(np.exp(logs))
    at = pd.Timestamp("2024-01-01") + pd.to_timedelta(days, "D") + pd.to_timedelta(hours, "h")
    return pd.DataFrame(
        {
            "account": np.where(np.arange(POSTS) % 2, "small", "big"),
            "published_at": at,
            "text": np.where(good, "a day at the beach", "a day at home"),
            "value": value,
            "value_3h": np.round(value / 4 * np.exp(random.normal(0, 0.3, POSTS))),
        }
    )


def scored(tmp_path: Path, rows: pd.DataFrame, evaluate: Any, **options: Any) -> dict[str, Any]:
    file = tmp_path / "posts.csv"
    rows.to_csv(file, index=False, **options)
    return dict(evaluate({"file": str(file), "limit": 0}))


def test_planted_effects_are_scored_above_the_baseline(tmp_path: Path) -> None:
    rows = table(1, effect=1.0)
    found = scored(tmp_path, rows, evaluate_virality)
    method, baseline = found["metrics"]["method"], found["metrics"]["baseline"]
    assert found["n"] == POSTS
    assert method["lift_at_10"] > 1.3
    assert method["rank_correlation"] > 0.2
    assert method["r2_log_3h"] > 0.9
    assert method["r2_log_3h"] >= baseline["r2_log_3h"] - 0.02
    assert 0.72 < found["metrics"]["interval"]["coverage"] < 0.88
    timed = scored(tmp_path, rows, evaluate_timing)["metrics"]
    assert timed["method"]["uplift"] > 0.5
    assert timed["method"]["r2_log"] > timed["baseline"]["r2_log"]
    assert timed["interval"]["low"] > 0


def test_noise_scores_near_chance(tmp_path: Path) -> None:
    rows = table(2, effect=0.0)
    found = scored(tmp_path, rows, evaluate_virality)["metrics"]["method"]
    assert abs(found["rank_correlation"]) < 0.15
    timed = scored(tmp_path, rows, evaluate_timing)["metrics"]
    assert -0.05 < timed["method"]["r2_log"] < 0.03
    assert timed["method"]["r2_log"] > timed["baseline"]["r2_log"]


def test_unknown_formats_are_read_and_bad_files_are_refused(tmp_path: Path) -> None:
    rows = table(3, effect=0.5)
    unix = rows.assign(time=(rows["published_at"].astype("int64") // 10**6 // 1000))
    unix = unix.rename(columns={"value": "Score", "text": "Title"})
    unix = unix.drop(columns=["published_at", "value_3h"])
    unix.loc[::7, "Score"] = np.nan
    found = scored(tmp_path, unix, evaluate_virality, sep=";")
    assert 900 < found["n"] < POSTS
    assert found["metrics"]["interval"] is None
    for broken, code in (
        (rows.drop(columns="value"), "evaluate.no_column"),
        (rows.drop(columns=["text", "value_3h"]), "evaluate.no_column"),
        (rows.head(50), "evaluate.few_posts"),
    ):
        with pytest.raises(BadInput) as told:
            scored(tmp_path, broken, evaluate_virality)
        assert told.value.message.code == code
    with pytest.raises(BadInput):
        scored(tmp_path, rows.drop(columns="published_at"), evaluate_timing)
