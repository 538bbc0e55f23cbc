"""Read the ages under 18 that a text gives, in any written form.

This is the only reader of written ages. Three rules use it: a text for a model must not describe a
minor, a text for readers must not combine an age under 18 with a sexual term, and a writer must not
state to be under 18.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from gate.text.age_patterns import (
    ADULT,
    AgeKind,
    AgePatterns,
    AgeSubject,
    MarkedText,
    PatternGroup,
    WrittenNumber,
)
from gate.text.lexicon import Lexicon, shipped_lexicon
from gate.text.normalization import fold_case, visible_letters

_DIGIT = re.compile("[0-9]")
_ONE = re.compile(r"\b[il|](?=[0-7]\b)")
_ONE_M = re.compile(r"\b1(?=['’ ]?m\b)")
_PARTED = re.compile(r"\b1[ .\-]([0-7])\b(?![.,:/]?\d)")
_WITH_FIGURES = re.compile(r"\b[a-z]+\d[a-z0-9]*[a-z]\b")
_LETTERS = str.maketrans("013457", "oieast")
_LOWEST_WRITER_AGE = 5
"""The lowest age that counts in a sentence about the writer: younger children do not write."""

_RANGES = {
    AgeKind.SCHOOL: (5, ADULT - 1),
    AgeKind.REMAINING: (ADULT - 1, ADULT - 1),
}


@dataclass(frozen=True)
class AgeMention:
    """An age under 18 in a text: a person is between `low` and `high` years old, both inclusive."""

    low: int
    high: int
    kind: AgeKind
    subject: AgeSubject
    certain: bool = True
    """False if the writer only hints at it."""

    @property
    def names_minor(self) -> bool:
        """Return True if a person is given this age."""
        return self.subject is not AgeSubject.OTHER and self.kind is not AgeKind.CUE


def find_ages(text: str, today: date, *, lexicon: Lexicon | None = None) -> tuple[AgeMention, ...]:
    """Return the distinct ages under 18 that a text mentions, in time linear in its length.

    Ages of adults are not returned. Years and dates of birth are compared with `today`; a year that
    leaves 17 or 18 counts as 17.
    """
    known = (lexicon or shipped_lexicon()).ages
    found: dict[AgeMention, None] = {}
    for flat in _figure_variants(_flatten_text(text)):
        found |= dict.fromkeys(_read_blocks(flat, known, today))
        found |= dict.fromkeys(_read_elsewhere(flat, known))
    if not text.isascii() and known.verbatim_cues.search(visible_letters(text)):
        found[_elsewhere(AgeKind.CUE, AgeSubject.PERSON)] = None
    return tuple(found)


def describes_minor(text: str, today: date, *, lexicon: Lexicon | None = None) -> bool:
    """Return True if a text gives a person an age under 18.

    Durations, sizes and the pupils of a teacher do not count.
    """
    return any(mention.names_minor for mention in find_ages(text, today, lexicon=lexicon))


def mentions_minor(text: str, today: date, *, lexicon: Lexicon | None = None) -> bool:
    """Return True if a text gives a person an age under 18, or contains a word such as "kids"."""
    return any(
        mention.subject is not AgeSubject.OTHER
        for mention in find_ages(text, today, lexicon=lexicon)
    )


def is_minor_answer(text: str, asked: str, *, lexicon: Lexicon | None = None) -> bool:
    """Return True if a text begins with a number under 18 and `asked` is a question about age."""
    known = (lexicon or shipped_lexicon()).ages
    if not known.questions.search(_flatten_text(asked)):
        return False
    for flat in _figure_variants(_flatten_text(text)):
        marked = known.mark_numbers(flat, None)
        answer = known.answer.search(marked.text)
        number = marked.numbers.get(answer.start("age")) if answer else None
        if number is not None and number.low >= _LOWEST_WRITER_AGE:
            return True
    return False


def _flatten_text(text: str) -> str:
    """Return the text folded, on one line, with spaces in place of underscores."""
    return " ".join(fold_case(text).replace("_", " ").split())


def _figure_variants(flat: str) -> tuple[str, ...]:
    """Return up to three distinct variants of a folded text.

    They are the text itself, the text with confused digits and letters corrected, and that with
    leetspeak replaced.
    """
    if not _DIGIT.search(flat):
        return (flat,)
    tidy = _ONE_M.sub("i", _ONE.sub("1", _PARTED.sub(r"1\1", flat)))
    leet = _WITH_FIGURES.sub(lambda match: match[0].translate(_LETTERS), tidy)
    return tuple(dict.fromkeys((flat, tidy, leet)))


def _read_blocks(flat: str, known: AgePatterns, today: date) -> Iterator[AgeMention]:
    """Yield the ages in the languages with a block. A number is read once, by the first pattern."""
    marked = MarkedText(flat, {}, {})
    if known.numerals.search(flat):
        marked = known.mark_numbers(flat, today)
    present = {"number"} if marked.numbers else set()
    if marked.births:
        present.add("birth")
    if known.keywords.search(flat):
        present.add("keyword")
    if not present:
        return
    taken: set[int] = set()
    for group in known.groups:
        if group.needs not in present:
            continue
        for match in group.pattern.finditer(marked.text):
            at, written = _locate_number(match, group, marked)
            is_read = at in taken and group.kind is not AgeKind.CUE
            if is_read or (written is None and group.needs != "keyword"):
                continue
            mention = _build_mention(group, written)
            if mention is None:
                continue
            taken.add(at)
            if written is None and group.subject is AgeSubject.OTHER:
                taken.update(range(match.start(), match.end()))
            yield mention


def _locate_number(
    match: "re.Match[str]", group: PatternGroup, marked: MarkedText
) -> tuple[int, WrittenNumber | None]:
    """Return the position and the value of the number in a match, or its beginning and None."""
    values = marked.births if group.needs == "birth" else marked.numbers
    for at in range(match.start(), match.end()):
        if at in values:
            return at, values[at]
    return match.start(), None


def _build_mention(group: PatternGroup, written: WrittenNumber | None) -> AgeMention | None:
    """Return the age that a match gives, or None for one that no writer has."""
    kind = group.kind
    if kind is AgeKind.FIGURE and written is not None and written.is_word:
        kind = AgeKind.WORD
    low, high = _RANGES.get(kind, (0, ADULT - 1))
    if written is not None and kind is not AgeKind.SCHOOL:
        low = written.low
        high = written.high
        if kind is AgeKind.REMAINING:
            low = high = ADULT - written.low
    if group.subject is AgeSubject.WRITER and high < _LOWEST_WRITER_AGE:
        return None
    return AgeMention(low, high, kind, group.subject, group.certain)


def _read_elsewhere(flat: str, known: AgePatterns) -> Iterator[AgeMention]:
    """Yield the ages in the languages without a block."""
    if known.stated_elsewhere.search(flat):
        yield _elsewhere(AgeKind.FIGURE, AgeSubject.WRITER)
    if known.hinted_elsewhere.search(flat):
        yield _elsewhere(AgeKind.FIGURE, AgeSubject.WRITER, certain=False)
    if known.cues_elsewhere.search(flat):
        yield _elsewhere(AgeKind.CUE, AgeSubject.PERSON)


def _elsewhere(kind: AgeKind, subject: AgeSubject, *, certain: bool = True) -> AgeMention:
    return AgeMention(0, ADULT - 1, kind, subject, certain)
