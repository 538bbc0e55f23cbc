"""Sentiment and toxicity of messages and comments in French and English.

The classifiers are fitted to labelled examples of our own (`insights/predictions/data`). Toxicity
is an estimate that only sorts a list.
"""

import csv
import json
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from foundation.i18n.language_detection import detect_language, is_other_language
from foundation.i18n.translation import LANGUAGES
from insights.predictions.methods.text_scores import HELD_OUT
from insights.predictions.methods.texts import (
    BASELINE,
    METHOD,
    SENTIMENTS,
    UNCLEAR_BELOW,
    Classes,
    Floats,
    TextClassifier,
    embed_texts,
    shorten_texts,
)

EXAMPLES = Path(__file__).resolve().parents[1] / "data" / "labelled_comments.csv"
UNCLEAR = "unclear"
UNKNOWN = "unknown"


@dataclass(frozen=True)
class Examples:
    """Labelled texts with their embeddings."""

    texts: Sequence[str]
    sentiments: Classes
    toxic: Classes
    is_held_out: NDArray[np.bool_]
    vectors: Floats


def classify_texts(payload: Mapping[str, Any]) -> dict[str, Any]:
    """Return sentiment, probability and toxicity of each of `payload["texts"]`, and the accuracy of
    the method and its baseline on held-out examples.

    `languages` are those of the writers, which count where the language of a short text is
    uncertain. `folder` keeps the embeddings of the examples. The baseline is used if the method is
    not more accurate.
    """
    examples = _load_examples(Path(payload["folder"]))
    card = _load_card(Path(payload["folder"]), examples)
    is_baseline = card["method"] == BASELINE
    languages = [
        choose_language(text, told)
        for text, told in zip(payload["texts"], payload["languages"], strict=True)
    ]
    # The same short comment is frequent, and an embedding takes milliseconds.
    shortened = shorten_texts(payload["texts"])
    spoken = [text for text, language in zip(shortened, languages, strict=True) if language]
    distinct = {text: place for place, text in enumerate(dict.fromkeys(spoken))}
    found: list[tuple[str, float | None, float | None]] = []
    if distinct:
        found = _classify(examples, list(distinct), is_baseline=is_baseline)
    return {
        "card": card,
        "texts": [
            found[distinct[text]] if language else (UNKNOWN, None, None)
            for text, language in zip(shortened, languages, strict=True)
        ],
    }


def choose_language(text: str, told: str) -> str | None:
    """Return the language of a text, or None if it is not analysed. The writer's language counts
    for texts that are too short."""
    found = detect_language(text)
    if found is not None:
        return found
    return told if told in LANGUAGES and not is_other_language(text) else None


def _classify(
    examples: Examples, texts: Sequence[str], *, is_baseline: bool
) -> list[tuple[str, float | None, float | None]]:
    vectors = embed_texts(texts)
    chances = {}
    for name, classes in (("sentiment", examples.sentiments), ("toxicity", examples.toxic)):
        fitted = TextClassifier().fit(examples.texts, classes, examples.vectors)
        chances[name] = (
            fitted.predict_baseline(texts) if is_baseline else fitted.predict(texts, vectors)
        )
    likely = chances["sentiment"].argmax(axis=1)
    return [
        (
            SENTIMENTS[kind] if row[kind] >= UNCLEAR_BELOW else UNCLEAR,
            round(float(row[kind]), 4),
            round(float(toxic[1]), 4),
        )
        for kind, row, toxic in zip(likely, chances["sentiment"], chances["toxicity"], strict=True)
    ]


def _load_examples(folder: Path) -> Examples:
    """Read the labelled examples. Their embeddings are computed once and kept in `folder`."""
    with EXAMPLES.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    texts = [row["text"] for row in rows]
    kept = _kept_file(folder, "npy")
    vectors = _read_vectors(kept, len(texts))
    if vectors is None:
        vectors = embed_texts(shorten_texts(texts))
        written = BytesIO()
        np.save(written, vectors, allow_pickle=False)
        _keep(kept, written.getvalue())
    return Examples(
        texts,
        np.array([SENTIMENTS.index(row["sentiment"]) for row in rows]),
        np.array([int(row["toxic"]) for row in rows]),
        np.array([row["split"] in HELD_OUT for row in rows]),
        vectors,
    )


def _load_card(folder: Path, examples: Examples) -> dict[str, Any]:
    """Return the method, and the accuracy of both methods on the held-out examples after a fit to
    the others. Computed once and kept in `folder`."""
    kept = _kept_file(folder, "json")
    try:
        found: dict[str, Any] = json.loads(kept.read_text("utf-8"))
    except (OSError, ValueError):
        found = _score_examples(examples)
        _keep(kept, json.dumps(found).encode())
    return found


def _score_examples(examples: Examples) -> dict[str, Any]:
    fitted = ~examples.is_held_out
    texts = [text for text, is_used in zip(examples.texts, fitted, strict=True) if is_used]
    held = [text for text, is_used in zip(examples.texts, fitted, strict=True) if not is_used]
    actual = examples.sentiments[~fitted]
    made = TextClassifier().fit(texts, examples.sentiments[fitted], examples.vectors[fitted])
    chances = made.predict(held, examples.vectors[~fitted])
    right = chances.argmax(axis=1) == actual
    instead = made.predict_baseline(held).argmax(axis=1) == actual
    is_clear = chances.max(axis=1) >= UNCLEAR_BELOW
    return {
        "method": METHOD if right.mean() > instead.mean() else BASELINE,
        "baseline": BASELINE,
        "accuracy": round(float(right.mean()), 4),
        "baseline_accuracy": round(float(instead.mean()), 4),
        "clear_accuracy": round(float(right[is_clear].mean()), 4),
        "clear_share": round(float(is_clear.mean()), 4),
        "unclear_below": UNCLEAR_BELOW,
        "tested": len(held),
    }


def _kept_file(folder: Path, ending: str) -> Path:
    """Return the file that keeps a result for these examples and this code."""
    code = Path(__file__).with_name("texts.py").read_bytes() + Path(__file__).read_bytes()
    digest = sha256(EXAMPLES.read_bytes() + code).hexdigest()[:16]
    return folder / f"labelled-comments-{digest}.{ending}"


def _read_vectors(file: Path, rows: int) -> Floats | None:
    """Return kept embeddings, or None if there are none or they are incomplete."""
    try:
        found: Floats = np.load(file, allow_pickle=False)
    except (OSError, ValueError, EOFError):
        return None
    return found if found.ndim == 2 and len(found) == rows else None


def _keep(file: Path, content: bytes) -> None:
    """Write a file at once, so that another process never reads a part of it. A folder that is not
    writable keeps nothing: the next process computes it again."""
    with suppress(OSError):
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        part = file.with_name(f"{file.name}.{os.getpid()}")
        part.write_bytes(content)
        part.replace(file)
