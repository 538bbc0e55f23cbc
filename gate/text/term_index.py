"""Find the terms of a lexicon in the views of a text, in time linear in the length of the text.

All joined forms are matched in one pass (Aho–Corasick), so that a thousand terms cost little more
than a few.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass

import ahocorasick

from gate.text.normalization import (
    CENSOR_MARK,
    NormalizedViews,
    collapse_repeats,
    fold_leetspeak,
    normalized_views,
)
from gate.text.short_terms import SHORTEST, ShortTerm, ShortTermIndex, compile_pattern

LONG = 8
"""Minimum letters of a term that is also matched with separators removed."""
EDGES = 7
"""Minimum letters of a term that is matched in `NormalizedViews.edges`.

The first letters of words spell shorter terms by chance, so a shorter term must be all of the
initials.
"""
MIN_POST_INITIALS = 6
"""Minimum letters of a term that the first letters of consecutive posts spell."""
_AROUND = 24
"""Letters read on each side of a sign that hides a letter."""


@dataclass(frozen=True)
class LexiconTerm:
    """A rated term, folded in the same way as the views."""

    kind: str
    words: tuple[str, ...]
    """Spaced forms, with a space at either end."""
    runs: tuple[str, ...]
    """Joined forms; empty for a short term, which ordinary words may contain."""
    letters: tuple[str, ...]
    """Joined forms with repeated letters."""
    steps: tuple[str, ...] = ()
    """Distances between consecutive letters; empty if there are too few of them to be distinctive.
    """
    doubled: str = ""
    """A pattern of the spaced forms with at least their repeats; empty if no form has repeats."""


class TermIndex:
    """An index of terms by the ways in which they may be written.

    `is_ordinary` and `ordinary_splits` are as in `ShortTermIndex`.
    """

    def __init__(
        self,
        terms: Sequence[LexiconTerm],
        is_ordinary: Callable[[str], bool],
        ordinary_splits: Collection[str] = (),
    ) -> None:
        self._terms = terms
        self._is_ordinary = is_ordinary
        self._phrases: dict[str, list[tuple[list[str], int]]] = defaultdict(list)
        self._censored: dict[tuple[int, int, str], list[tuple[str, int]]] = defaultdict(list)
        self._censored_long: dict[tuple[int, str, int, str], list[tuple[str, int]]]
        self._censored_long = defaultdict(list)
        for number, term in enumerate(terms):
            for words in term.words:
                self._phrases[words.split()[0]].append((words.split(), number))
            self._add_censored(number, term)
        self._runs = _make_automaton((run, n) for n, term in enumerate(terms) for run in term.runs)
        self._edges = _make_automaton(
            (run, n) for n, term in enumerate(terms) for run in term.runs if len(run) >= EDGES
        )
        self._steps = _make_automaton(
            (run, n) for n, term in enumerate(terms) for run in term.steps
        )
        self._spelt: dict[str, list[int]] = defaultdict(list)
        for number, term in enumerate(terms):
            for letters in term.letters:
                if len(letters) >= MIN_POST_INITIALS:
                    self._spelt[collapse_repeats(letters)].append(number)
        self._spelt_lengths = sorted({len(letters) for letters in self._spelt})
        self._short = ShortTermIndex(
            [
                ShortTerm(number, letters)
                for number, term in enumerate(terms)
                for letters in term.letters
                if len(letters) < LONG
            ],
            is_ordinary,
            ordinary_splits=ordinary_splits,
        )

    def count_text(self, text: str) -> Counter[LexiconTerm]:
        """Return the number of occurrences of each term in a text."""
        return self.count(normalized_views(text))

    def find_spelt(self, letters: str) -> Iterator[LexiconTerm]:
        """Yield the terms that the last of these letters spell, forwards or backwards, because
        feeds show the newest post first. Digits also count as the letters they look like."""
        for form in {letters, fold_leetspeak(letters)}:
            run = collapse_repeats(form)
            for length in self._spelt_lengths:
                last = run[-length:]
                for spelling in {last, last[::-1]}:
                    yield from (self._terms[number] for number in self._spelt.get(spelling, ()))

    def _add_censored(self, number: int, term: LexiconTerm) -> None:
        letters = term.letters[-1]
        if len(letters) < SHORTEST:
            return
        half = len(letters) // 2
        for at in range(half + 1):
            self._censored[len(letters), at, letters[at]].append((letters, number))
            for after in range(at + 1, half + 2) if len(letters) >= LONG else ():
                shown = (at, letters[at], after, letters[after])
                self._censored_long[shown].append((letters, number))

    def count(self, seen: NormalizedViews) -> Counter[LexiconTerm]:
        """Return the number of occurrences of each term in the views."""
        found: Counter[int] = Counter(self._in_words(seen))
        for index, texts in (
            (self._runs, seen.joined),
            (self._edges, seen.edges),
            (self._steps, seen.steps),
        ):
            found.update(number for text in texts for number in _find_runs(index, text))
        found.update(self._in_censored(seen.blotted))
        for word in seen.edge_blots:
            if not self._is_ordinary(word.strip(CENSOR_MARK)):
                found.update(self._censored_word(word))
        found.update(number for number, _ in self._short.find(seen))
        return Counter({self._terms[number]: count for number, count in found.items()})

    def _in_words(self, seen: NormalizedViews) -> Iterator[int]:
        doubled: set[int] = set()
        for text in seen.spaced:
            words = text.split()
            for at, word in enumerate(words):
                for phrase, number in self._phrases.get(word, ()):
                    if words[at : at + len(phrase)] == phrase:
                        if self._terms[number].doubled:
                            doubled.add(number)
                        else:
                            yield number
        for number in doubled:
            pattern = compile_pattern(self._terms[number].doubled)
            yield from (number for text in seen.stretched for _ in pattern.finditer(text))

    def _in_censored(self, texts: Iterable[str]) -> Iterator[int]:
        """Yield the terms with at most half of their letters hidden by signs."""
        for text in texts:
            for word in text.split():
                if CENSOR_MARK in word:
                    yield from self._censored_word(word)
            for part in _around_marks(text):
                yield from self._censored_inside(part)

    def _censored_word(self, word: str) -> Iterator[int]:
        shown = len(word) - len(word.lstrip(CENSOR_MARK))
        if shown < len(word):
            for letters, number in self._censored.get((len(word), shown, word[shown]), ()):
                if _is_censored(letters, word):
                    yield number

    def _censored_inside(self, part: str) -> Iterator[int]:
        """Yield the long terms that begin anywhere, found by their first two visible letters."""
        first = second = len(part)
        for at in range(len(part) - 1, -1, -1):
            if part[at] != CENSOR_MARK:
                second = first
                first = at
            if second < len(part):
                shown = (first - at, part[first], second - at, part[second])
                for letters, number in self._censored_long.get(shown, ()):
                    if _is_censored(letters, part[at : at + len(letters)]):
                        yield number


def _is_censored(letters: str, seen: str) -> bool:
    """Return True if the text matches these letters with at most half of them hidden."""
    hidden = seen.count(CENSOR_MARK)
    return (
        len(seen) == len(letters)
        and 0 < 2 * hidden <= len(seen)
        and all(sign in (letter, CENSOR_MARK) for sign, letter in zip(seen, letters, strict=True))
    )


def _make_automaton(runs: Iterable[tuple[str, int]]) -> ahocorasick.Automaton:
    """Return an automaton that yields the numbers of all runs that end at a place."""
    numbers: dict[str, list[int]] = defaultdict(list)
    for run, number in runs:
        numbers[run].append(number)
    made = ahocorasick.Automaton()
    for run, having in numbers.items():
        made.add_word(run, having)
    made.make_automaton()
    return made


def _find_runs(runs: ahocorasick.Automaton, text: str) -> Iterator[int]:
    """Yield the number of each occurrence of a run, also of overlapping ones."""
    for _, numbers in runs.iter(text) if len(runs) else ():
        yield from numbers


def _around_marks(text: str) -> Iterator[str]:
    """Yield the parts of a text around the signs that hide letters."""
    begin = end = 0
    for match in re.finditer(re.escape(CENSOR_MARK), text):
        if match.start() - _AROUND > end and end:
            yield text[begin:end]
            begin = match.start() - _AROUND
        elif not end:
            begin = max(match.start() - _AROUND, 0)
        end = match.end() + _AROUND
    if end:
        yield text[begin:end]
