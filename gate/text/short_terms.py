"""Matching of terms of four to seven letters inside, across and behind ordinary words.

A long term rarely occurs by chance; a short one often does, inside a common word. A short term
therefore counts only where no supported language contains the surrounding word. From `SHORTEST`
letters on, `benchmarks/term_alarms.py` counts fewer than one false alarm per thousand ordinary
texts.
"""

import codecs
import re
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from gate.text.normalization import (
    NormalizedViews,
    ViewWord,
    WordRow,
    collapse_repeats,
)

SHORTEST = 4
"""Minimum letters of a term that is matched in a disguise and not only as a word."""
MAX_PIECES = 7
"""Maximum number of words that a split term may span."""
MAX_STRETCH = 3
"""Maximum length of a split term with repeated letters, as a multiple of the longest term's length.
"""
_PREFIX = 3
REMEMBERED_WORDS = 8192
"""Number of words whose terms are remembered."""


class Disguise(StrEnum):
    """The ways in which a text may contain a term other than as a word."""

    COMPOUND = "compound"
    """Inside a longer word that is in no supported language."""
    REVERSED = "reversed"
    ROT13 = "rot13"
    GLUED = "glued"
    """Split by signs, not by white space."""
    BROKEN = "broken"
    """Split by white space into pieces that are not all words."""
    SPLIT = "split"
    """Split by white space into pieces that are all words."""
    INITIALS = "initials"
    """Spelled by the first letters of a line or sentence, of all lines, or by all capitals."""


@dataclass(frozen=True)
class ShortTerm:
    """One spelling of a term: its number in the lexicon and its letters, repeats included."""

    number: int
    letters: str


@dataclass(frozen=True)
class _Sought:
    number: int
    length: int
    collapsed: str
    pattern: str
    """The letters, each repeated at least as often as in the term."""

    def is_spelt(self, letters: str) -> bool:
        """Return True if the letters are the term, possibly with repeated letters."""
        return compile_pattern(self.pattern).fullmatch(letters) is not None


class ShortTermIndex:
    """An index of short terms by their letters.

    `is_ordinary` returns True if a supported language has a word. `ordinary_splits` are adjacent
    words that spell a term but do not mean it.
    """

    def __init__(
        self,
        terms: Iterable[ShortTerm],
        is_ordinary: Callable[[str], bool],
        *,
        ordinary_splits: Collection[str] = (),
        shortest: int = SHORTEST,
    ) -> None:
        self._is_ordinary = is_ordinary
        self._ordinary_splits = frozenset(ordinary_splits)
        self._whole: dict[str, list[_Sought]] = defaultdict(list)
        self._inside: dict[str, list[_Sought]] = defaultdict(list)
        for term in terms:
            if len(term.letters) < shortest:
                continue
            collapsed = collapse_repeats(term.letters)
            pattern = repeated_letters(term.letters)
            sought = _Sought(term.number, len(term.letters), collapsed, pattern)
            self._whole[collapsed].append(sought)
            self._inside[collapsed[:_PREFIX]].append(sought)
        self._remembered_word = lru_cache(maxsize=REMEMBERED_WORDS)(self._search_word)
        self._longest = max(
            (one.length for known in self._whole.values() for one in known), default=0
        )
        self._beginnings = frozenset(
            letters[:end] for letters in self._whole for end in range(len(letters) + 1)
        )

    def find(self, seen: NormalizedViews) -> Iterator[tuple[int, Disguise]]:
        """Yield the number and the disguise of each occurrence of a term."""
        if not self._whole:
            return
        for one, disguise in self._find_all(seen):
            yield one.number, disguise

    def _find_all(self, seen: NormalizedViews) -> Iterator[tuple[_Sought, Disguise]]:
        for row in seen.rows:
            for word in row:
                yield from self._inside_word(word.letters, word.source)
            yield from self._over_words(row)
        for run in seen.initials:
            found = self._spelt(run, collapse_repeats(run))
            yield from ((one, Disguise.INITIALS) for one in found)

    def _spelt(self, letters: str, collapsed: str) -> Iterable[_Sought]:
        """Return the terms that these letters spell; `collapsed` is `collapse_repeats` of them."""
        known = self._whole.get(collapsed)
        return [one for one in known if one.is_spelt(letters)] if known else ()

    def _inside_word(self, letters: str, source: str) -> tuple[tuple[_Sought, Disguise], ...]:
        """Return the terms inside a word that is in no supported language.

        Texts consist of the same words, so the results of ordinary ones are remembered.
        """
        if len(source) > MAX_COMPOUND:
            return self._search_word(letters, source)
        return self._remembered_word(letters, source)

    def _search_word(self, letters: str, source: str) -> tuple[tuple[_Sought, Disguise], ...]:
        collapsed = collapse_repeats(letters)
        if len(collapsed) < _PREFIX or not letters.isascii():
            return ()
        turned = codecs.encode(letters, "rot13")
        collapsed_turned = codecs.encode(collapsed, "rot13")
        found = [
            (one, disguise)
            for written, short, disguise in (
                (letters[::-1], collapsed[::-1], Disguise.REVERSED),
                (turned, collapsed_turned, Disguise.ROT13),
                (turned[::-1], collapsed_turned[::-1], Disguise.ROT13),
            )
            for one in self._spelt(written, short)
            if not self._is_ordinary(source)
        ]
        found += [
            (one, Disguise.COMPOUND)
            for at in range(len(collapsed) - _PREFIX + 1)
            for one in self._inside.get(collapsed[at : at + _PREFIX], ())
            if one.collapsed != collapsed
            and collapsed.startswith(one.collapsed, at)
            and self._is_in_compound(letters, source, one)
        ]
        return tuple(found)

    def _is_in_compound(self, letters: str, source: str, one: _Sought) -> bool:
        found = compile_pattern(one.pattern).search(letters)
        return found is not None and not self._is_accounted_for(source, *found.span())

    def _is_accounted_for(self, word: str, start: int, end: int) -> bool:
        """Return True if ordinary words make up the whole word without the term as one of its
        parts.

        For example, "goodcocktail" consists of "good" and "cocktail".
        """
        if self._is_ordinary(word):
            return True
        if len(word) > MAX_COMPOUND:
            return False
        firsts = [at for at in range(start + 1) if at == 0 or self._is_part(word[:at])]
        lasts = [
            at for at in range(end, len(word) + 1) if at == len(word) or self._is_part(word[at:])
        ]
        return any(
            (first, last) != (start, end) and self._is_part(word[first:last])
            for first in firsts
            for last in lasts
        )

    def _is_part(self, word: str) -> bool:
        return len(word) >= _PREFIX and self._is_ordinary(word)

    def _over_words(self, row: WordRow) -> Iterator[tuple[_Sought, Disguise]]:
        """Yield the terms that several adjacent words spell."""
        shorts = [collapse_repeats(word.letters) for word in row]
        for start in range(len(row)):
            collapsed = shorts[start]
            if collapsed not in self._beginnings:
                continue
            joined = row[start].letters
            for end in range(start + 1, min(start + MAX_PIECES, len(row))):
                joined += row[end].letters
                if len(joined) > self._longest * MAX_STRETCH:
                    break
                # Only the letters where two words meet may repeat.
                next_short = shorts[end]
                collapsed += next_short[1:] if collapsed[-1:] == next_short[:1] else next_short
                if collapsed not in self._beginnings:
                    break
                if collapsed not in self._whole:
                    continue
                for one in self._spelt(joined, collapsed):
                    pieces = row[start : end + 1]
                    disguise = self._kind_of_split(pieces)
                    written = " ".join(piece.source for piece in pieces)
                    if disguise is not Disguise.SPLIT or written not in self._ordinary_splits:
                        yield one, disguise

    def _kind_of_split(self, pieces: Sequence[ViewWord]) -> Disguise:
        if all(piece.glued for piece in pieces[1:]):
            return Disguise.GLUED
        if any(len(one.source) > 1 and not self._is_ordinary(one.source) for one in pieces):
            return Disguise.BROKEN
        return Disguise.SPLIT


@lru_cache(maxsize=4096)
def compile_pattern(pattern: str) -> "re.Pattern[str]":
    """Compile a pattern on first use; the patterns of most terms are never needed."""
    return re.compile(pattern)


def repeated_letters(letters: str) -> str:
    """Return a pattern that matches the letters, each repeated at least as often as given."""
    runs = re.findall(r"((.)\2*)", letters)
    return "".join(
        re.escape(one) + (f"{{{len(run)},}}" if len(run) > 1 else "+") for run, one in runs
    )


MAX_COMPOUND = 48
"""Letters of the longest word that is split into parts."""
