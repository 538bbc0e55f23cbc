"""Scores of cancellations on a file with one row for each subscription and its outcome."""

import re
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.model_selection import train_test_split

from foundation.errors import BadInput
from insights.predictions.limits import CHURN_EVENTS, CHURN_ROWS
from insights.predictions.methods.classifier import (
    BASELINE,
    LEVEL,
    Features,
    bootstrap_interval,
    fit_classifier,
    score_chances,
)
from insights.predictions.methods.tables import Table, parse_days, parse_numbers, read_table

TARGETS = ("churned", "churn", "cancelled", "canceled", "exited", "attrition", "label", "target")
TIMES = ("date", "ended_on", "period_end", "expires_at", "ds")
TRUE = {"1", "yes", "true", "y", "t", "oui", "churned", "left", "cancelled", "1.0"}
FALSE = {"0", "no", "false", "n", "f", "non", "stayed", "active", "retained", "0.0"}
PROTECTED = re.compile(
    r"gender|sex|\bage\b|senior|birth|race|ethnic|religio|nationalit|disab|orientation|health"
    r"|marital|pregnan|sexe|genre|naissance",
    re.IGNORECASE,
)
"""Columns that are never used: protected traits, and what reveals them."""

TEST_SHARE = 0.25
MAX_LEVELS = 50
NUMERIC_SHARE = 0.9


def evaluate_churn(payload: Mapping[str, Any]) -> dict[str, Any]:
    """Return the scores of `payload["file"]`: `churned` (yes or no) and any columns of features.

    With a column `date`, the last quarter of the rows is held out, else a random quarter with the
    same frequency. Columns that name the outcome again or a protected trait are not used. Raises
    BadInput.
    """
    table = read_table(payload["file"], {})
    happened, usable = _outcome(table)
    features, skipped = _features(table, usable)
    events = int(happened.sum())
    if len(happened) < CHURN_ROWS or min(events, len(happened) - events) < CHURN_EVENTS:
        raise BadInput(
            "evaluate.few_rows",
            have=len(happened),
            events=events,
            need=CHURN_ROWS,
            need_events=CHURN_EVENTS,
        )
    train, test, kind = _split(table, usable, happened)
    fitted = fit_classifier(features.rows(train), happened[train])
    own = fitted.predict(features.rows(test))
    instead = fitted.rule.predict(features.rows(test))
    outcome = happened[test]
    return {
        "metrics": {
            "method": {"name": fitted.name, **_rounded(score_chances(outcome, own))},
            "baseline": {"name": BASELINE, **_rounded(score_chances(outcome, instead))},
            "interval": {"level": LEVEL, **bootstrap_interval(outcome, own, instead)},
        },
        "n": len(test),
        "split": {
            "kind": kind,
            "rows_fitted": len(train),
            "rows_scored": len(test),
            "columns_not_used": skipped,
        },
    }


def _outcome(table: Table) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Return the outcome of the rows that have one, and which rows these are. Raises BadInput."""
    name = _find(table.rows, TARGETS)
    if name is None:
        listed = ", ".join(map(str, table.rows.columns))[:60]
        raise BadInput("evaluate.no_column", column=TARGETS[0], found=listed)
    column = table.rows[name]
    kinds = [str(each).strip().casefold() for each in column.cat.categories]
    outcomes = dict.fromkeys(TRUE, 1) | dict.fromkeys(FALSE, 0)
    values = np.array([outcomes.get(kind, -1) for kind in kinds])
    if not kinds or set(values[values >= 0].tolist()) != {0, 1}:
        raise BadInput("evaluate.not_binary", column=str(name)[:60], count=len(kinds))
    codes = column.cat.codes.to_numpy()
    found = np.where(codes >= 0, np.append(values, -1)[codes], -1)
    usable = found >= 0
    return found[usable].astype(np.int64), usable


def _find(rows: pd.DataFrame, names: tuple[str, ...]) -> Any:
    folded = {str(name).strip().casefold().replace(" ", "_"): name for name in rows.columns}
    return next((folded[name] for name in names if name in folded), None)


def _features(table: Table, usable: NDArray[np.bool_]) -> tuple[Features, list[str]]:
    """Return the features, and the columns that are not used. Raises BadInput if all are."""
    target = _find(table.rows, TARGETS)
    time = _find(table.rows, TIMES)
    numbers: list[NDArray[np.float64]] = []
    categories: list[NDArray[np.int64]] = []
    skipped: list[str] = []
    for name in table.rows.columns:
        column = table.rows[name][usable].cat.remove_unused_categories()
        if name in (target, time):
            continue
        if PROTECTED.search(str(name)) or "churn" in str(name).casefold():
            skipped.append(str(name)[:60])
            continue
        values = _as_numbers(column, table.decimal)
        if values is not None and np.nanstd(values) > 0:
            numbers.append(values)
        elif values is None and 2 <= len(column.cat.categories) <= MAX_LEVELS:
            categories.append(column.cat.codes.to_numpy().astype(np.int64))
        else:
            skipped.append(str(name)[:60])
    if not numbers and not categories:
        raise BadInput("evaluate.no_features")
    count = int(usable.sum())
    return (
        Features(
            np.column_stack(numbers) if numbers else np.empty((count, 0)),
            np.column_stack(categories) if categories else np.empty((count, 0), dtype=np.int64),
        ),
        skipped,
    )


def _as_numbers(column: pd.Series, decimal: str) -> NDArray[np.float64] | None:
    """Return a column as numbers, or None if it contains something else, or nothing."""
    kinds = [each for each in map(str, column.cat.categories) if each.strip()]
    if not kinds:
        return None
    try:
        values = parse_numbers(column, decimal, "")
    except BadInput:
        return None
    known = pd.to_numeric(pd.Series(kinds), errors="coerce").notna().mean()
    if known < NUMERIC_SHARE and decimal == ".":
        return None
    found: NDArray[np.float64] = values.to_numpy()
    return found


def _split(
    table: Table, usable: NDArray[np.bool_], happened: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64], str]:
    """Return the rows to fit and to score, and the kind of split."""
    time = _find(table.rows, TIMES)
    rows = np.arange(len(happened))
    if time is not None:
        days = parse_days(table.rows[time][usable], str(time)).to_numpy()
        order = np.argsort(np.nan_to_num(days, nan=-np.inf), kind="stable")
        cut = int(len(order) * (1 - TEST_SHARE))
        train = order[:cut]
        test = order[cut:]
        if 0 < happened[train].sum() < len(train):
            return train, test, "in time"
    train, test = train_test_split(rows, test_size=TEST_SHARE, random_state=0, stratify=happened)
    return train, test, "random, stratified"


def _rounded(scores: Mapping[str, float]) -> dict[str, float]:
    return {name: round(score, 4) for name, score in scores.items()}
