"""Scores of sentiment and toxicity on a file of labelled texts."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from sklearn.metrics import average_precision_score, f1_score, roc_auc_score
from sklearn.model_selection import train_test_split

from foundation.errors import BadInput
from foundation.i18n.language_detection import detect_language
from insights.predictions.methods.classifier import score_brier
from insights.predictions.methods.tables import Table, read_table
from insights.predictions.methods.texts import (
    BASELINE,
    METHOD,
    SENTIMENTS,
    UNCLEAR_BELOW,
    Classes,
    Floats,
    TextClassifier,
)

TEXTS = ("text", "comment", "comment_text", "tweet", "content", "message", "sentence", "review")
LABELS = ("label", "sentiment", "target", "class", "polarity", "airline_sentiment")
TOXIC_LABELS = ("label", "toxic", "toxicity", "target", "is_toxic", "class")
LANGUAGES = ("lang", "language", "langue")
SPLITS = ("split", "set", "fold", "subset")
HELD_OUT = ("test", "validation", "valid", "dev", "held_out")
TEST_SHARE = 0.25
MIN_TEXTS = 200
MIN_OF_CLASS = 30
MAX_TEXTS = 20_000
LEVEL = 0.8
DRAWS = 200

WORDS = {
    "negative": {"negative", "neg", "negatif", "négatif", "-1", "bad"},
    "neutral": {"neutral", "neu", "neutre", "neut", "mixed"},
    "positive": {"positive", "pos", "positif", "good"},
}
NUMBERS = {
    ("0", "1", "2"): SENTIMENTS,
    ("-1", "0", "1"): SENTIMENTS,
    ("1", "2", "3"): SENTIMENTS,
    ("0", "4"): ("negative", "positive"),
    ("0", "2", "4"): SENTIMENTS,
    ("0", "1"): ("negative", "positive"),
    ("1", "2", "3", "4", "5"): ("negative", "negative", "neutral", "positive", "positive"),
}
"""Meaning of numeric labels, by the set of labels in a file."""

YES = {"1", "true", "yes", "toxic", "hate", "hateful", "abusive", "offensive", "insult", "oui"}
NO = {"0", "false", "no", "none", "non", "clean", "normal", "neutral", "not_toxic", "neither"}


def evaluate_sentiment(payload: Mapping[str, Any]) -> dict[str, Any]:
    """Return the scores of `payload["file"]`: `text`, `label` (negative, neutral or positive, or
    numbers that mean them), and optionally `language` and `split`.

    The texts of `split` other than `train` are held out, else a random quarter with the same
    frequencies. Raises BadInput.
    """
    texts, labels, rows = _read_labelled(payload, LABELS)
    names = name_sentiments(labels)
    used = [place for place, name in enumerate(names) if name]
    kinds = [one for one in SENTIMENTS if one in {names[place] for place in used}]
    classes = np.array([kinds.index(str(names[place])) for place in used])
    _require_rows(classes, len(kinds))
    chosen = [texts[place] for place in used]
    train, test, split = _split(rows.iloc[used], classes, int(payload.get("limit") or 0))
    fitted = TextClassifier().fit([chosen[row] for row in train], classes[train])
    held_out = [chosen[row] for row in test]
    own = fitted.predict(held_out)
    instead = fitted.predict_baseline(held_out)
    spoken = _languages(rows.iloc[used], held_out, test)
    return {
        "metrics": {
            "method": {"name": METHOD, **_score_classes(classes[test], own, spoken)},
            "baseline": {"name": BASELINE, **_score_classes(classes[test], instead, spoken)},
            "interval": {
                "level": LEVEL,
                "accuracy": _accuracy_interval(classes[test], own),
                "coverage": None,
            },
        },
        "n": len(test),
        "split": {"kind": split, "rows_fitted": len(train), "rows_scored": len(test)},
    }


def evaluate_toxicity(payload: Mapping[str, Any]) -> dict[str, Any]:
    """Return the scores of `payload["file"]`: `text`, `label` (toxic or not), and optionally
    `language` and `split`. Raises BadInput."""
    texts, labels, rows = _read_labelled(payload, TOXIC_LABELS)
    values = [_parse_toxic(label) for label in labels]
    used = [place for place, value in enumerate(values) if value is not None]
    classes = np.array([int(bool(values[place])) for place in used], dtype=np.int64)
    _require_rows(classes, 2)
    chosen = [texts[place] for place in used]
    train, test, split = _split(rows.iloc[used], classes, int(payload.get("limit") or 0))
    fitted = TextClassifier().fit([chosen[row] for row in train], classes[train])
    held_out = [chosen[row] for row in test]
    own = fitted.predict(held_out)[:, 1]
    instead = fitted.predict_baseline(held_out)[:, 1]
    return {
        "metrics": {
            "method": {"name": METHOD, **_score_events(classes[test], own)},
            "baseline": {"name": BASELINE, **_score_events(classes[test], instead)},
            "interval": {
                "level": LEVEL,
                "auc": _auc_interval(classes[test], own),
                "coverage": None,
            },
        },
        "n": len(test),
        "split": {"kind": split, "rows_fitted": len(train), "rows_scored": len(test)},
    }


def _read_labelled(
    payload: Mapping[str, Any], label_names: Sequence[str]
) -> tuple[list[str], list[str], pd.DataFrame]:
    """Return texts and labels of the rows that have both, and these rows. Raises BadInput."""
    table: Table = read_table(payload["file"], {})
    text = _find(table.rows, TEXTS)
    label = _find(table.rows, label_names)
    for found, name in ((text, TEXTS[0]), (label, label_names[0])):
        if found is None:
            listed = ", ".join(map(str, table.rows.columns))[:60]
            raise BadInput("evaluate.no_column", column=name, found=listed)
    rows = table.rows.dropna(subset=[text, label])
    texts = [str(one) for one in rows[text]]
    return texts, [str(one).strip().casefold() for one in rows[label]], rows


def _find(rows: pd.DataFrame, names: Sequence[str]) -> str | None:
    by_name = {str(name).strip().casefold(): str(name) for name in rows.columns}
    return next((by_name[name] for name in names if name in by_name), None)


def name_sentiments(labels: Sequence[str]) -> list[str | None]:
    """Return the sentiment of each label, None if it means none. Raises BadInput if most do not."""
    plain = [label.removesuffix(".0") for label in labels]
    numbers = NUMBERS.get(tuple(sorted(set(plain), key=_sort_key)))
    if numbers is not None:
        meaning = dict(zip(sorted(set(plain), key=_sort_key), numbers, strict=True))
        return [meaning[one] for one in plain]
    by_word = {word: name for name, words in WORDS.items() for word in words}
    found = [by_word.get(one) for one in plain]
    if sum(one is not None for one in found) < len(found) / 2:
        raise BadInput(
            "evaluate.unusable", column=LABELS[0], example=plain[0][:60] if plain else ""
        )
    return found


def _sort_key(label: str) -> float:
    try:
        return float(label)
    except ValueError:
        return float("inf")


def _parse_toxic(label: str) -> bool | None:
    """Return whether a label, or a share of raters from 0 to 1, means toxic; None if neither."""
    if label.removesuffix(".0") in YES:
        return True
    if label.removesuffix(".0") in NO:
        return False
    share = _sort_key(label)
    return share >= 0.5 if 0 <= share <= 1 else None


def _require_rows(classes: Classes, kinds: int) -> None:
    """Raise BadInput without enough texts of each class."""
    fewest = int(np.bincount(classes, minlength=kinds).min()) if len(classes) else 0
    if kinds < 2 or len(classes) < MIN_TEXTS or fewest < MIN_OF_CLASS:
        raise BadInput(
            "evaluate.few_rows",
            have=len(classes),
            events=fewest,
            need=MIN_TEXTS,
            need_events=MIN_OF_CLASS,
        )


def _split(rows: pd.DataFrame, classes: Classes, limit: int) -> tuple[Classes, Classes, str]:
    """Return the rows to fit and the held-out rows, and how they were split."""
    every = np.arange(len(classes))
    most = limit or MAX_TEXTS
    name = _find(rows, SPLITS)
    if name is not None:
        held = rows[name].astype(str).str.strip().str.casefold().isin(HELD_OUT).to_numpy()
        if MIN_OF_CLASS <= held.sum() <= len(held) - MIN_TEXTS / 2:
            return every[~held][:most], every[held][:most], "column"
    if len(every) > most:
        every, _ = train_test_split(every, train_size=most, stratify=classes, random_state=0)
    train, test = train_test_split(
        every, test_size=TEST_SHARE, stratify=classes[every], random_state=0
    )
    return train, test, "random"


def _languages(rows: pd.DataFrame, texts: Sequence[str], test: Classes) -> list[str]:
    """Return the language of each held-out text: of its column, else the detected one."""
    name = _find(rows, LANGUAGES)
    if name is not None:
        return [str(one)[:5] for one in rows[name].iloc[test]]
    return [detect_language(text) or "other" for text in texts]


def _score_classes(actual: Classes, chances: Floats, languages: Sequence[str]) -> dict[str, Any]:
    """Return accuracy, macro F1, and accuracy where the class is clear, in total and by
    language."""
    likely = chances.argmax(axis=1)
    right = likely == actual
    clear = chances.max(axis=1) >= UNCLEAR_BELOW
    spoken = np.array(languages)
    return {
        "accuracy": _rounded(right.mean()),
        "macro_f1": _rounded(f1_score(actual, likely, average="macro")),
        "clear_share": _rounded(clear.mean()),
        "clear_accuracy": _rounded(right[clear].mean()) if clear.any() else None,
        "by_language": {
            one: {
                "n": int((spoken == one).sum()),
                "accuracy": _rounded(right[spoken == one].mean()),
            }
            for one in sorted(set(languages))
        },
    }


def _score_events(actual: Classes, chances: Floats) -> dict[str, float]:
    return {
        "auc": _rounded(roc_auc_score(actual, chances)),
        "average_precision": _rounded(average_precision_score(actual, chances)),
        "brier": _rounded(score_brier(actual, chances)),
    }


def _accuracy_interval(actual: Classes, chances: Floats) -> list[float]:
    right = (chances.argmax(axis=1) == actual).astype(np.float64)
    drawn = np.random.default_rng(0).integers(0, len(right), (DRAWS, len(right)))
    return [_rounded(one) for one in np.quantile(right[drawn].mean(axis=1), _ENDS)]


def _auc_interval(actual: Classes, chances: Floats) -> list[float]:
    random = np.random.default_rng(0)
    found = []
    for _ in range(DRAWS):
        rows = random.integers(0, len(actual), len(actual))
        if len(np.unique(actual[rows])) == 2:
            found.append(roc_auc_score(actual[rows], chances[rows]))
    return [_rounded(one) for one in np.quantile(found, _ENDS)]


_ENDS = ((1 - LEVEL) / 2, (1 + LEVEL) / 2)


def _rounded(value: Any) -> float:
    return round(float(value), 4)
