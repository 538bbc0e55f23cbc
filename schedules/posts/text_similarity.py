"""When two posts say the same on one account: same words, nearly the same, or nothing but pictures
shown before. Pure.

The one home of the rule: the calendar, the check ahead, the claim and files of posts ask here.
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

from schedules.posts.channel_overrides import PostContent

SIMILARITY_WINDOW = timedelta(days=30)
"""What an account said so long ago is new again, except where its platform never takes the same
words twice."""

NEAR_DUPLICATE_BITS = 3
"""Bits, of 64, by which the letters of two texts differ at most that say nearly the same."""

APART = 16
"""Bits, of 64, by which words with the word before them differ at most.

Long texts of one language have much the same pairs of letters, and the same small words: not in the
same order.
"""

SHORTEST = 40
"""Letters and digits. A shorter text is the same or another one, never nearly the same."""

_BANDS = 4  # of sixteen bits: texts within NEAR share one of them whole
_LINK = re.compile(r"https?://\S+|www\.\S+")
_WORD = re.compile(r"[^\W_]+")
_NUMBER = re.compile(r"\d+")


class SimilarityKind(StrEnum):
    """In what two posts are alike, the surest first; `delivery.repeats_<kind>` says it."""

    WORDS = "words"
    NEARLY = "nearly"
    PICTURES = "pictures"


@dataclass(frozen=True)
class Fingerprint:
    """What of a post is compared. Numbers are of 64 bits, signed, as the database keeps them.

    `words` is of the normalised text, None without one; `letters` and `sense` are simhashes, None
    of a short text.
    """

    words: int | None
    letters: int | None
    sense: int | None
    figures: int
    """Of the numbers it names, in order: "12 €" is not nearly "13 €"."""
    pictures: frozenset[UUID]


@dataclass(frozen=True)
class FingerprintMark:
    """What posts that are alike have in common, to be looked up; with it what tells them apart once
    it was found."""

    mark: int
    kind: SimilarityKind
    letters: int | None = None


def normalize_text(text: str) -> str:
    """A text as people would call it the same: case, blanks and letter forms aside."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def fingerprint_text(text: str, pictures: Iterable[UUID] = ()) -> Fingerprint:
    """The print of a text with its pictures."""
    return _compute_fingerprint(text, frozenset(pictures))


@lru_cache(maxsize=256)  # a post is asked of for each of its accounts
def _compute_fingerprint(text: str, shown: frozenset[UUID]) -> Fingerprint:
    said = normalize_text(text)
    words = _WORD.findall(_LINK.sub(" ", said))
    figures = _hash_parts("figures", *_NUMBER.findall(" ".join(words)))
    if sum(map(len, words)) < SHORTEST:
        return Fingerprint(_hash_parts("words", said) if said else None, None, None, figures, shown)
    line = " ".join(words)
    pairs = Counter(map(add, line, line[1:]))
    telling = Counter(set(map(" ".join, pairwise(["", *words]))))
    return Fingerprint(
        _hash_parts("words", said), _simhash(pairs), _simhash(telling), figures, shown
    )


def fingerprint_content(said: PostContent) -> Fingerprint:
    """The print of what a post says on an account, the first comment aside: it is not the post."""
    parts = [piece for piece in said.parts if not piece.comment]
    text = "\n".join(filter(None, (said.title, said.body, *(piece.body for piece in parts))))
    return fingerprint_text(
        text, (*said.media, *(asset for piece in parts for asset in piece.media))
    )


def index_marks(one: Fingerprint) -> list[FingerprintMark]:
    """What is kept of a print, to find it by."""
    return [*_text_marks(one), *(_picture_mark(asset) for asset in sorted(one.pictures))]


def search_marks(one: Fingerprint) -> list[FingerprintMark]:
    """What finds every print that `one` may repeat. One picture is enough: what is repeated shows
    all of them."""
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
    """In what a post repeats another one, None if it does not.

    Of words either may come first. `one` repeats pictures where it shows none that `other` did not
    show.
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
    """Bits by which two simhashes differ."""
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
    """Sixty-four bits, each the side on which most of the features' own bits lie, by how often each
    occurs.

    Source: M. Charikar, Similarity estimation techniques from rounding algorithms, STOC 2002.
    """
    drawn = np.frombuffer(b"".join(map(_feature_bits, features)), dtype=np.uint8).reshape(-1, 8)
    weights = np.fromiter(features.values(), np.int32, len(features))[:, None]
    votes = (weights * (2 * np.unpackbits(drawn, axis=1).astype(np.int32) - 1)).sum(
        axis=0
    )  # no BLAS: its threads spin
    return int.from_bytes(np.packbits(votes > 0).tobytes(), "big", signed=True)
