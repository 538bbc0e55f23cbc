"""The rank of a draft among its account's past posts, from its words and its format, with reasons.

Words say little about a result: on public data a fifth to a quarter of the best posts are found
where chance finds a tenth. So there is no number of views, only a rank, and none at all if the rank
of the newest posts would not have been better than chance. Ridge regression on TF-IDF of hashed
words; formats and hashtags are words too. Pure; a fit of 720 posts takes a tenth of a second.
"""

import base64
import math
import re
import unicodedata
import zlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

MIN_POSTS = 200
MAX_POSTS = 720
TEST_SHARE = 0.3
REASONS = 3
MAX_WORDS = 400
"""Maximum number of words of a text that count."""

CERTAIN = 1.645
"""Standard errors by which the rank correlation on the newest posts must exceed zero: 5 %."""

_BUCKETS = 2048
_PENALTIES = (3.0, 10.0, 30.0, 100.0)
_WORD = re.compile(r"[^\W\d_]{3,30}")


@dataclass(frozen=True)
class RankedText:
    """The input of a rank: the text of a post and its features, such as `form:picture`."""

    words: str
    features: tuple[str, ...] = ()


@dataclass(frozen=True)
class DraftRank:
    """The share of past posts that a draft is expected to beat (0.9 is the top tenth), with the
    words and features that raise and lower it most."""

    share: float
    better: tuple[str, ...]
    worse: tuple[str, ...]


class RankModel:
    """A fitted model. `correlation` is the rank correlation on the newest posts, and `lift` the
    result of their best-ranked tenth relative to the average."""

    def __init__(self, texts: Sequence[RankedText], results: Floats) -> None:
        """Fit on posts, oldest first; `results` are logarithms relative to the account's usual."""
        texts = texts[-MAX_POSTS:]
        results = results[-MAX_POSTS:]
        self._counts = [_count_terms(one) for one in texts]
        cut = int(len(texts) * (1 - TEST_SHARE))
        penalty = _choose_penalty(self._counts[:cut], results[:cut])
        weights, idf, middle = _fit(self._counts[:cut], results[:cut], penalty)
        tried = _matrix(self._counts[cut:], idf) @ weights + middle
        self.correlation = rank_correlation(tried, results[cut:])
        self.lift = top_tenth_lift(tried, results[cut:])
        self.tested = len(texts) - cut
        self._weights, self._idf, _ = _fit(self._counts, results, penalty)
        self._scores = np.sort(_matrix(self._counts, self._idf) @ self._weights)

    @classmethod
    def restore(cls, stored: Mapping[str, Any]) -> "RankModel":
        """Return the model that `store` returned."""
        model = cls.__new__(cls)
        model._counts = []
        model.correlation = stored["correlation"]
        model.lift = stored["lift"]
        model.tested = stored["tested"]
        model._weights, model._idf, model._scores = (
            np.frombuffer(base64.b64decode(stored[name]), dtype="<f4").astype(np.float64)
            for name in ("weights", "idf", "scores")
        )
        return model

    def store(self) -> dict[str, Any]:
        """Return the model as values of JSON, without any text."""
        arrays = {"weights": self._weights, "idf": self._idf, "scores": self._scores}
        coded = {
            name: base64.b64encode(values.astype("<f4").tobytes()).decode()
            for name, values in arrays.items()
        }
        scores = {"correlation": self.correlation, "lift": self.lift, "tested": self.tested}
        return {**coded, **scores}

    @property
    def is_proven(self) -> bool:
        """Return True if the ranks of the newest posts were better than chance."""
        return self.correlation * math.sqrt(max(self.tested - 1, 1)) > CERTAIN

    def rank(self, text: RankedText) -> DraftRank:
        """Return the rank of a draft."""
        counts = _count_terms(text)
        row = _matrix([counts], self._idf)[0]
        share = float(np.searchsorted(self._scores, row @ self._weights)) / len(self._scores)
        parts = {term: float(row[_bucket(term)] * self._weights[_bucket(term)]) for term in counts}
        ordered = sorted(parts, key=lambda term: (-parts[term], term))
        return DraftRank(
            share,
            tuple(term for term in ordered if parts[term] > 0)[:REASONS],
            tuple(term for term in reversed(ordered) if parts[term] < 0)[:REASONS],
        )


def rank_correlation(predicted: Floats, actual: Floats) -> float:
    """Return Spearman's rank correlation; 0 for constant values."""
    ranks = [_ranks(one) for one in (predicted, actual)]
    spread = ranks[0].std() * ranks[1].std()
    if spread < 1e-12:
        return 0.0
    return float(((ranks[0] - ranks[0].mean()) * (ranks[1] - ranks[1].mean())).mean() / spread)


def _ranks(values: Floats) -> Floats:
    """Return mid-ranks."""
    _, places, counts = np.unique(values, return_inverse=True, return_counts=True)
    return (np.cumsum(counts) - (counts - 1) / 2)[places].astype(np.float64)


def top_tenth_lift(predicted: Floats, actual: Floats) -> float:
    """Return the share of the best tenth that is among the tenth with the highest prediction,
    relative to chance; 1 is chance."""
    most = max(len(actual) // 10, 1)
    chosen = set(np.argsort(-predicted, kind="stable")[:most].tolist())
    best = set(np.argsort(-actual, kind="stable")[:most].tolist())
    return len(chosen & best) / most * len(actual) / most


def _count_terms(text: RankedText) -> Counter[str]:
    words = _WORD.findall(unicodedata.normalize("NFKC", text.words[:20_000]).casefold())
    return Counter([*words[:MAX_WORDS], *text.features])


def _bucket(term: str) -> int:
    return zlib.crc32(term.encode()) % _BUCKETS


def _matrix(counts: Sequence[Counter[str]], idf: Floats) -> Floats:
    rows = np.zeros((len(counts), _BUCKETS))
    for nth, each in enumerate(counts):
        for term, count in each.items():
            rows[nth, _bucket(term)] += 1 + math.log(count)
    rows *= idf
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return rows / np.where(lengths > 0, lengths, 1)


def _fit(
    counts: Sequence[Counter[str]], results: Floats, penalty: float
) -> tuple[Floats, Floats, float]:
    """Return weights, inverse document frequencies and mean. The dual form has one row per post."""
    idf = _inverse_frequencies(counts)
    rows = _matrix(counts, idf)
    return _solve(rows, rows @ rows.T, results, penalty), idf, float(results.mean())


def _inverse_frequencies(counts: Sequence[Counter[str]]) -> Floats:
    seen = np.zeros(_BUCKETS)
    for each in counts:
        seen[list({_bucket(term) for term in each})] += 1
    return np.where(seen > 1, np.log((1 + len(counts)) / (1 + seen)) + 1, 0.0)


def _solve(rows: Floats, products: Floats, results: Floats, penalty: float) -> Floats:
    around = np.linalg.solve(products + penalty * np.eye(len(rows)), results - results.mean())
    return (rows.T @ around).astype(np.float64)


def _choose_penalty(counts: Sequence[Counter[str]], results: Floats) -> float:
    """Return the penalty with the least error on the newest quarter of the training posts."""
    cut = int(len(counts) * 0.75)
    idf = _inverse_frequencies(counts[:cut])
    rows = _matrix(counts[:cut], idf)
    later = _matrix(counts[cut:], idf)
    products = rows @ rows.T
    known = results[:cut]
    middle = float(results[:cut].mean())

    def error(penalty: float) -> float:
        predicted = later @ _solve(rows, products, known, penalty) + middle
        return float(((predicted - results[cut:]) ** 2).mean())

    return min(_PENALTIES, key=error)
