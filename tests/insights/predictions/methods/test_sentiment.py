"""Sentiments of messages: languages, unclear texts, and the accuracy on held-out examples."""

import csv
import json
from collections import Counter
from pathlib import Path

import pytest

from insights.predictions.methods import sentiment
from insights.predictions.methods.sentiment import EXAMPLES, choose_language, classify_texts


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("analysis")


def test_labelled_examples_are_balanced_and_split_by_class_and_language() -> None:
    with EXAMPLES.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    classes = Counter((one["language"], one["sentiment"]) for one in rows)
    assert min(classes.values()) > 70
    held = Counter((one["language"], one["sentiment"]) for one in rows if one["split"] == "test")
    assert held.keys() == classes.keys()
    assert all(0.2 < held[key] / classes[key] < 0.3 for key in classes)
    assert Counter(one["language"] for one in rows if one["toxic"] == "1") == {"fr": 26, "en": 26}
    assert all(one["sentiment"] == "negative" for one in rows if one["toxic"] == "1")


def test_texts_are_classified_in_two_languages_and_others_are_unknown(folder: Path) -> None:
    texts = {
        "What a beautiful picture, I love it!": ("en", "positive"),
        "Quelle photo magnifique, je l’adore !": ("fr", "positive"),
        "This is awful, give me my money back.": ("en", "negative"),
        "C’est vraiment décevant, je veux être remboursé.": ("fr", "negative"),
        "Was für ein schönes Bild, ich liebe es sehr!": ("fr", "unknown"),
        "Qué fotos tan bonitas, muchas gracias": ("en", "unknown"),
        "": ("fr", ""),
        "You are such an idiot, shut up": ("en", "negative"),
    }
    payload = {
        "texts": list(texts),
        "languages": [language for language, _ in texts.values()],
        "folder": str(folder),
    }
    found = classify_texts(payload)
    by_text = dict(zip(texts, found["texts"], strict=True))
    for text, (_, expected) in texts.items():
        assert not expected or by_text[text][0] == expected, (text, by_text[text])
    assert by_text["Qué fotos tan bonitas, muchas gracias"][1:] == (None, None)
    toxic = by_text["You are such an idiot, shut up"][2]
    assert toxic is not None
    assert toxic > max(one[2] or 0 for text, one in by_text.items() if "idiot" not in text)
    assert found["card"]["accuracy"] > 0.75 > found["card"]["baseline_accuracy"]
    assert found["card"]["method"] == sentiment.METHOD
    kept = sorted(one.suffix for one in folder.iterdir())
    assert kept == [".json", ".npy"]


def test_damaged_kept_results_are_computed_again(folder: Path) -> None:
    payload = {"texts": ["I love it!"], "languages": ["en"], "folder": str(folder)}
    first = classify_texts(payload)
    for one in folder.iterdir():
        one.write_bytes(b"\x93NUMPY damaged")
    assert classify_texts(payload) == first


@pytest.mark.parametrize(
    ("text", "told", "expected"),
    [
        ("❤️", "fr", "fr"),
        ("ok", "en", "en"),
        ("ok", "de", None),
        ("Das gefällt mir überhaupt nicht", "fr", None),
        ("I really like this picture", "fr", "en"),
    ],
)
def test_language_of_the_writer_counts_only_for_uncertain_texts(
    text: str, told: str, expected: str | None
) -> None:
    assert choose_language(text, told) == expected


def test_results_are_json(folder: Path) -> None:
    payload = {"texts": ["Das gefällt mir nicht"], "languages": ["de"], "folder": str(folder)}
    assert json.loads(json.dumps(classify_texts(payload)))["texts"] == [["unknown", None, None]]
