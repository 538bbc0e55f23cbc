"""Calibrated probability of an event, such as a cancellation, from a table of features.

The candidates are logistic regression and gradient boosting; cross-validation within the training
rows selects one by Brier score. Classes are not weighted, because weights destroy the calibration.
The baseline is the best single rule: the frequency of the event by one feature alone.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler
from threadpoolctl import threadpool_limits

Floats = NDArray[np.float64]
FOLDS = 5
BINS = 5
BASELINE = "best_single_rule"
PRIOR_ROWS = 20.0
"""Rows by which the frequency of a rule is drawn towards the mean."""

LEVEL = 0.8
DRAWS = 200
_BOOSTING_ROWS = 400
"""Rows below which boosting is not tried."""


@dataclass(frozen=True)
class Features:
    """Columns of a table: numbers (NaN if unknown) and categories (small integers, -1 unknown)."""

    numbers: Floats
    categories: NDArray[np.int64]

    def rows(self, chosen: NDArray[Any]) -> "Features":
        """Return some rows."""
        return Features(self.numbers[chosen], self.categories[chosen])

    @property
    def matrix(self) -> Floats:
        """Return all columns side by side, numbers first."""
        return np.column_stack((self.numbers, self.categories.astype(np.float64)))


@dataclass(frozen=True)
class FittedClassifier:
    """The selected model, and its out-of-fold probabilities of the training rows."""

    name: str
    model: Any
    out_of_fold: Floats
    rule: "SingleRule"

    def predict(self, features: Features) -> Floats:
        """Return the probability of the event of each row."""
        with threadpool_limits(1):
            found: Floats = self.model.predict_proba(features.matrix)[:, 1]
        return found

    def refit(self, features: Features, happened: NDArray[np.int64]) -> None:
        """Fit the selected model to other rows."""
        with threadpool_limits(1):
            self.model.fit(features.matrix, happened)


@dataclass(frozen=True)
class SingleRule:
    """Frequency of the event by the groups of one column, numbers split at `edges`."""

    column: int
    edges: Floats | None
    rates: Mapping[int, float]
    usual: float

    def predict(self, features: Features) -> Floats:
        """Return the frequency of each row's group, or the mean for an unknown group."""
        groups = _groups(features.matrix[:, self.column], self.edges)
        return np.array([self.rates.get(int(group), self.usual) for group in groups])


def fit_classifier(features: Features, happened: NDArray[np.int64]) -> FittedClassifier:
    """Return the candidate with the smallest cross-validated Brier score.

    It uses one thread: on a busy machine, the threads of boosting wait for each other and are
    thirty times slower.
    """
    with threadpool_limits(1):
        return _select_classifier(features, happened)


def _select_classifier(features: Features, happened: NDArray[np.int64]) -> FittedClassifier:
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=0)
    matrix = features.matrix
    found = []
    for name, model in _candidates(features, len(happened)):
        try:
            chances = cross_val_predict(model, matrix, happened, cv=folds, method="predict_proba")
        except ValueError:  # boosting refuses a column with one value in a fold
            continue
        found.append((score_brier(happened, chances[:, 1]), name, model, chances[:, 1]))
    _, name, model, chances = min(found, key=lambda one: one[0])
    model.fit(matrix, happened)
    return FittedClassifier(name, model, chances, fit_rule(features, happened))


def _candidates(features: Features, rows: int) -> list[tuple[str, Any]]:
    numbers = list(range(features.numbers.shape[1]))
    categories = list(range(len(numbers), features.matrix.shape[1]))
    known = make_pipeline(
        SimpleImputer(strategy="median", add_indicator=True, keep_empty_features=True),
        StandardScaler(),
    )
    found = []
    for weight in (0.1, 1.0):
        inputs = ColumnTransformer(
            [
                ("numbers", known, numbers),
                ("categories", OneHotEncoder(handle_unknown="ignore", min_frequency=5), categories),
            ]
        )
        model = make_pipeline(inputs, LogisticRegression(C=weight, max_iter=1000))
        found.append(("logistic", model))
    if rows >= _BOOSTING_ROWS:
        boosting = HistGradientBoostingClassifier(
            learning_rate=0.05, max_leaf_nodes=8, max_iter=150, min_samples_leaf=20, random_state=0
        )
        ordinal = ColumnTransformer(
            [
                ("numbers", "passthrough", numbers),
                (
                    "categories",
                    OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1),
                    categories,
                ),
            ]
        )
        found.append(("boosting", make_pipeline(ordinal, boosting)))
    return found


def fit_rule(features: Features, happened: NDArray[np.int64]) -> SingleRule:
    """Return the single column whose frequencies have the smallest Brier score."""
    usual = float(happened.mean())
    best = SingleRule(0, None, {}, usual)
    least = usual * (1 - usual)
    matrix = features.matrix
    for column in range(matrix.shape[1]):
        edges = None
        if column < features.numbers.shape[1]:
            known = matrix[:, column][~np.isnan(matrix[:, column])]
            if not len(known):
                continue
            edges = np.unique(np.quantile(known, np.linspace(0, 1, BINS + 1)[1:-1]))
        groups = _groups(matrix[:, column], edges)
        rates = {
            int(group): float(
                (happened[groups == group].sum() + PRIOR_ROWS * usual)
                / ((groups == group).sum() + PRIOR_ROWS)
            )
            for group in np.unique(groups)
        }
        rule = SingleRule(column, edges, rates, usual)
        score = score_brier(happened, rule.predict(features))
        if score < least:
            best = rule
            least = score
    return best


def _groups(column: Floats, edges: Floats | None) -> NDArray[np.int64]:
    if edges is None:
        return column.astype(np.int64)
    return np.where(np.isnan(column), -1, np.searchsorted(edges, column, side="right"))


def score_brier(happened: NDArray[np.int64], chances: Floats) -> float:
    """Return the mean squared error of probabilities."""
    return float(np.square(happened - chances).mean())


def calibration_error(happened: NDArray[np.int64], chances: Floats, bins: int = 10) -> float:
    """Return the mean difference of predicted and observed frequency over groups of equal size."""
    order = np.argsort(chances, kind="stable")
    parts = [part for part in np.array_split(order, bins) if len(part)]
    gaps = [abs(happened[part].mean() - chances[part].mean()) * len(part) for part in parts]
    return float(sum(gaps) / max(len(happened), 1))


def measure_lift(happened: NDArray[np.int64], chances: Floats, share: float = 0.1) -> float:
    """Return the frequency of the event among the highest probabilities over that among all."""
    count = max(1, round(len(happened) * share))
    top = np.argsort(-chances, kind="stable")[:count]
    return float(happened[top].mean() / max(happened.mean(), 1e-9))


def score_chances(happened: NDArray[np.int64], chances: Floats) -> dict[str, float]:
    """Return AUC, Brier score, calibration error and lift of the top tenth."""
    both = len(np.unique(happened)) > 1
    return {
        "auc": float(roc_auc_score(happened, chances)) if both else 0.5,
        "brier": score_brier(happened, chances),
        "calibration_error": calibration_error(happened, chances),
        "lift": measure_lift(happened, chances),
    }


def bootstrap_interval(
    happened: NDArray[np.int64], own: Floats, instead: Floats
) -> dict[str, Sequence[float]]:
    """Return intervals of AUC, Brier score and the gain in Brier score, by resampling rows."""
    drawn = np.random.default_rng(0)
    found: dict[str, list[float]] = {"auc": [], "brier": [], "brier_gain": []}
    for _ in range(DRAWS):
        rows = drawn.integers(0, len(happened), len(happened))
        if len(np.unique(happened[rows])) < 2:
            continue
        score = score_brier(happened[rows], own[rows])
        found["auc"].append(float(roc_auc_score(happened[rows], own[rows])))
        found["brier"].append(score)
        found["brier_gain"].append(score_brier(happened[rows], instead[rows]) - score)
    ends = [(1 - LEVEL) / 2, (1 + LEVEL) / 2]
    return {
        name: [round(float(each), 4) for each in np.quantile(values, ends)] if values else []
        for name, values in found.items()
    }
