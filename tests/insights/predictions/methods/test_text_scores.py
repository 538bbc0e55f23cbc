"""Sentiment and toxicity: labels of files are understood, and meaning helps beyond words."""

import csv
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest

from foundation.errors import BadInput
from insights.predictions.methods.text_scores import (
    SENTIMENTS,
    evaluate_sentiment,
    evaluate_toxicity,
    name_sentiments,
)
from insights.predictions.methods.texts import TextClassifier, shorten_texts

OPENINGS = {
    "fr": ("Franchement,", "Ce soir,", "Pour moi,"),
    "en": ("Honestly,", "Once again,", "To me,"),
}
THINGS = {
    "fr": ("cette photo", "ta nouvelle série", "le dernier pack", "cette lumière", "ton message"),
    "en": ("this photo", "your new series", "the last pack", "this light", "your message"),
}
SAYINGS = {
    "fr": {
        "positive": ("est superbe", "me fait sourire", "est une merveille", "est magnifique"),
        "neutral": ("date de mardi", "compte trois images", "est en ligne", "dure une minute"),
        "negative": ("est décevante", "m’ennuie", "est ratée", "ne vaut pas son prix"),
    },
    "en": {
        "positive": ("is gorgeous", "makes me smile", "is a wonder", "is beautiful"),
        "neutral": ("is from Tuesday", "has three images", "is online", "lasts a minute"),
        "negative": ("is disappointing", "bores me", "is a failure", "is not worth its price"),
    },
}


def comments() -> list[tuple[str, str, str]]:
    """Return text, sentiment and language of comments that combine the words above."""
    return [
        (f"{opening} {thing} {saying}.", sentiment, language)
        for language, sayings in SAYINGS.items()
        for sentiment, each in sayings.items()
        for saying in each
        for thing in THINGS[language]
        for opening in OPENINGS[language]
        if language == "fr" or opening
    ]


def written(folder: Path, header: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    """Write a CSV file and return its path."""
    with (folder / "rows.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([header, *rows])
    return str(folder / "rows.csv")


@pytest.mark.parametrize(
    ("labels", "meaning"),
    [
        (("Positive", "negatif", "neu"), (2, 0, 1)),
        (("-1", "0", "1"), (0, 1, 2)),
        (("2.0", "0.0", "1.0"), (2, 0, 1)),
        (("0", "4"), (0, 2)),
        (("5", "4", "3", "2", "1"), (2, 2, 1, 0, 0)),
    ],
)
def test_labels_of_public_files_are_understood(
    labels: tuple[str, ...], meaning: tuple[int, ...]
) -> None:
    found = name_sentiments([label.casefold() for label in labels])
    assert found == [SENTIMENTS[one] for one in meaning]


def test_sentiment_of_held_out_comments_is_found(tmp_path: Path) -> None:
    file = written(tmp_path, ("text", "label", "lang"), comments())
    found = evaluate_sentiment({"file": file, "limit": 130})
    method = found["metrics"]["method"]
    assert method["accuracy"] > 0.85
    assert set(method["by_language"]) == {"fr", "en"}
    low, high = found["metrics"]["interval"]["accuracy"]
    assert low <= method["accuracy"] <= high


@pytest.mark.heavy
def test_words_never_seen_are_classified_by_their_meaning() -> None:
    rows = [one for one in comments() if one[2] == "en"][::2]
    classes = np.array([SENTIMENTS.index(kind) for _, kind, _ in rows])
    fitted = TextClassifier().fit([text for text, _, _ in rows], classes)
    unseen = ["I adore it, wonderful work", "Horrible, I hate it, such a waste of money"]
    assert fitted.predict(unseen).argmax(axis=1).tolist() == [2, 0]


@pytest.mark.heavy
def test_toxicity_is_ranked(tmp_path: Path) -> None:
    rows = [(text, int(kind == "negative")) for text, kind, _ in comments()]
    found = evaluate_toxicity({"file": written(tmp_path, ("comment", "toxic"), rows), "limit": 130})
    assert found["metrics"]["method"]["auc"] > 0.9
    assert 0 <= found["metrics"]["method"]["brier"] < 0.1


@pytest.mark.parametrize(
    ("header", "row", "code"),
    [
        (("text", "label"), ("bonjour", "positive"), "evaluate.few_rows"),
        (("text", "stars"), ("bonjour", "positive"), "evaluate.no_column"),
        (("text", "label"), ("bonjour", "violet"), "evaluate.unusable"),
    ],
)
def test_unusable_file_is_refused(
    tmp_path: Path, header: tuple[str, ...], row: tuple[str, ...], code: str
) -> None:
    with pytest.raises(BadInput) as refused:
        evaluate_sentiment({"file": written(tmp_path, header, [row] * 40)})
    assert refused.value.message.code == code


def test_hostile_text_is_one_short_line() -> None:
    assert shorten_texts(["", "\n\t", "a" * 10_000, "x\u0000\ny"]) == [
        ".",
        ".",
        "a" * 600,
        "x\u0000 y",
    ]
