"""Similarity of two posts on one account: same text, similar text, or only repeated pictures. Pure.

The calendar, the preflight check, the claim and imports all use these rules.
"""

import hashlib
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from functools import lru_cache
from itertools import pairwise
from operator import add
from uuid import UUID

import numpy as np

from foundation.i18n.web_addresses import replace_web_addresses
from schedules.posts.channel_overrides import PostContent

SIMILARITY_WINDOW = timedelta(days=30)
"""Maximum age of a post that another one can repeat, except on platforms that never accept the same
text twice."""

NEAR_DUPLICATE_BITS = 3
"""Maximum Hamming distance, of 64 bits, between the letter simhashes of two similar texts."""

APART = 16
"""Maximum Hamming distance, of 64 bits, between the word-pair simhashes of two similar texts.

Long texts of one language share letter pairs and short words, but not the order of words.
"""

SHORTEST = 40
"""Minimum number of letters and digits of a text that is compared for similarity. Shorter texts are
compared for equality only."""

_BANDS = 4  # of 16 bits: texts within NEAR_DUPLICATE_BITS share at least one band
_WORD = re.compile(r"[^\W_]+")
_NUMBER = re.compile(r"\d+")


class SimilarityKind(StrEnum):
    """The kind of similarity, strongest first; its text is `delivery.repeats_<kind>`."""

    WORDS = "words"
    NEARLY = "nearly"
    PICTURES = "pictures"


@dataclass(frozen=True)
class Fingerprint:
    """The features of a post that are compared: signed 64-bit numbers, as the database stores them.

    `words` hashes the normalized text, or is None without a text; `letters` and `sense` are
    simhashes, or None for a short text.
    """

    words: int | None
    letters: int | None
    sense: int | None
    figures: int
    """Hash of the numbers in the text, in order: "12 €" is not similar to "13 €"."""
    pictures: frozenset[UUID]


@dataclass(frozen=True)
class FingerprintMark:
    """An index key that similar posts share, with the simhash that confirms a match."""

    mark: int
    kind: SimilarityKind
    letters: int | None = None


def normalize_text(text: str) -> str:
    """Return a text for comparison: case-folded, NFKC, with single spaces."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def fingerprint_text(text: str, pictures: Iterable[UUID] = ()) -> Fingerprint:
    """Return the fingerprint of a text with its pictures."""
    return _compute_fingerprint(text, frozenset(pictures))


@lru_cache(maxsize=256)  # The fingerprint of one post is needed for each of its accounts.
def _compute_fingerprint(text: str, shown: frozenset[UUID]) -> Fingerprint:
    said = normalize_text(text)
    words = _WORD.findall(replace_web_addresses(said, " ", www=True))
    figures = _hash_parts("figures", *_NUMBER.findall(" ".join(words)))
    if sum(map(len, words)) < SHORTEST:
        return Fingerprint(_hash_parts("words", said) if said else None, None, None, figures, shown)
    line = " ".join(words)
    pairs = Counter(map(add, line, line[1:]))
    # A set: each pair of words counts once.
    telling = Counter(set(map(" ".join, pairwise(["", *words]))))
    return Fingerprint(
        _hash_parts("words", said), _simhash(pairs), _simhash(telling), figures, shown
    )


def fingerprint_content(said: PostContent) -> Fingerprint:
    """Return the fingerprint of a post's content, without its first comment."""
    parts = [piece for piece in said.parts if not piece.comment]
    text = "\n".join(filter(None, (said.title, said.body, *(piece.body for piece in parts))))
    return fingerprint_text(
        text, (*said.media, *(asset for piece in parts for asset in piece.media))
    )


def index_marks(one: Fingerprint) -> list[FingerprintMark]:
    """Return the marks that are stored for a fingerprint."""
    return [*_text_marks(one), *(_picture_mark(asset) for asset in sorted(one.pictures))]


def search_marks(one: Fingerprint) -> list[FingerprintMark]:
    """Return the marks that find every post that `one` may repeat.

    The mark of one picture is enough, because a repeated post shows all of them.
    """
    return [*_text_marks(one), *(_picture_mark(asset) for asset in sorted(one.pictures)[:1])]


@lru_cache(maxsize=256)
def _text_marks(one: Fingerprint) -> tuple[FingerprintMark, ...]:
    found = () if one.words is None else (FingerprintMark(one.words, SimilarityKind.WORDS),)
    if one.letters is None:
        return found
    return (
        *found,
        *(
            FingerprintMark(band, SimilarityKind.NEARLY, one.letters)
            for band in _hash_bands(one.letters, one.figures)
        ),
    )


def _picture_mark(asset: UUID) -> FingerprintMark:
    return FingerprintMark(_hash_parts("picture", str(asset)), SimilarityKind.PICTURES)


def compare_fingerprints(one: Fingerprint, other: Fingerprint) -> SimilarityKind | None:
    """Return how a post repeats another one, or None if it does not.

    The order of the two matters for pictures only: `one` repeats them if `other` shows all of them.
    """
    if one.words is not None and one.words == other.words:
        return SimilarityKind.WORDS
    if one.letters is not None and other.letters is not None and one.figures == other.figures:
        near = hamming_distance(one.letters, other.letters) <= NEAR_DUPLICATE_BITS
        if near and hamming_distance(one.sense or 0, other.sense or 0) <= APART:
            return SimilarityKind.NEARLY
    if one.pictures and one.pictures <= other.pictures:
        return SimilarityKind.PICTURES
    return None


def hamming_distance(one: int, other: int) -> int:
    """Return the number of bits by which two simhashes differ."""
    return ((one ^ other) & _ALL).bit_count()


_ALL = (1 << 64) - 1


def _hash_bands(letters: int, figures: int) -> list[int]:
    bits = letters & _ALL
    return [
        _hash_parts("band", str(band), str(bits >> 16 * band & 0xFFFF), str(figures))
        for band in range(_BANDS)
    ]


def _hash_parts(*parts: str) -> int:
    return int.from_bytes(
        hashlib.blake2b("\x1f".join(parts).encode(), digest_size=8).digest(), "big", signed=True
    )


@lru_cache(maxsize=16_384)
def _feature_bits(feature: str) -> bytes:
    return hashlib.blake2b(feature.encode(), digest_size=8).digest()


def _simhash(features: Counter[str]) -> int:
    """Return a 64-bit simhash: each bit is the majority of the features' bits, weighted by
    frequency.

    Source: M. Charikar, Similarity estimation techniques from rounding algorithms, STOC 2002.
    """
    drawn = np.frombuffer(b"".join(map(_feature_bits, features)), dtype=np.uint8).reshape(-1, 8)
    weights = np.fromiter(features.values(), np.int32, len(features))[:, None]
    # No matrix product: the threads of BLAS spin.
    votes = (weights * (2 * np.unpackbits(drawn, axis=1).astype(np.int32) - 1)).sum(axis=0)
    return int.from_bytes(np.packbits(votes > 0).tobytes(), "big", signed=True)
