"""Read whether a text discloses that AI made something, or denies it.

This is the only reader of AI disclosures. A mark counts where readers see it and under no negation
in its clause: a negator up to five words before it or three after it, the window of NegEx (Chapman
et al. 2001, doi:10.1006/jbin.2001.1029).
"""

import itertools
import re
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from gate.text.disclosure_patterns import DisclosurePatterns
from gate.text.lexicon import Lexicon, shipped_lexicon
from gate.text.normalization import fold_lookalikes

WORDS_BEFORE = 5
WORDS_AFTER = 3
"""The window of a negator around a mark, in words."""
BESIDE = 5
"""Words within which a word for making or picture makes a name such as "Ki" a mark."""
FOLD_LINES = 25
"""Lines of a text that a feed shows before "see more": the fewest of a platform that documents it
(MAX_POST_LINES, https://github.com/bluesky-social/social-app/blob/main/src/lib/constants.ts)."""
MAX_LABEL_WORDS = 6
"""Maximum words of the label that Greenroom writes as the last paragraph, after any text."""

_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")
_SPOILER = re.compile(
    r"\|\|[^|]{0,2000}\|\||>![^!]{0,2000}!<"
    r"|<(?:tg-spoiler|span class=.tg-spoiler.)>[^<]{0,2000}</(?:tg-spoiler|span)>"
)
"""Text that Discord, Reddit and Telegram show only after a tap."""
_PARAGRAPH = re.compile(r"\n[ \t]*\n\s*")
_CLAUSE = re.compile(r"[!?;…()\[\]{}|·•—–]+|(?<!\d)[.,:]|[.,:](?!\d)|\s-\s|\n")
_DOTTED = re.compile(r"(?<!\w)([aik])\. ?([ia])\.?(?!\w)")
"""Initials of AI with dots."""


@dataclass(frozen=True)
class AiDisclosure:
    """Statements of texts about AI. Both may be true: one clause denies what another one states."""

    stated: bool = False
    denied: bool = False


@dataclass(frozen=True)
class _Clause:
    """A clause, folded and on one line. `asked` is True for a question."""

    text: str
    asked: bool

    @cached_property
    def _starts(self) -> list[int]:
        return [word.start() for word in _WORD.finditer(self.text)]

    def word_at(self, position: int) -> int:
        """Return the index of the word at a position of the text."""
        return max(bisect_right(self._starts, position) - 1, 0)


@dataclass(frozen=True)
class _Negator:
    """A negator in a clause. With `beside`, it negates only the word after it."""

    at: int
    """The index of its word."""
    languages: frozenset[str]
    beside: bool


def read_disclosure(
    seen: Iterable[str], others: Iterable[str] = (), *, lexicon: Lexicon | None = None
) -> AiDisclosure:
    """Return what the texts of a unit say about AI.

    A mark counts in the texts `seen`, which readers see at first, and a denial also in `others`.
    """
    known = lexicon or shipped_lexicon()
    shown = [text for text in seen if text]
    every = dict.fromkeys([*shown, *(text for text in others if text)])
    return AiDisclosure(
        stated=any(_has_mark(text, known) for text in shown),
        denied=any(_has_denial(text, known) for text in every),
    )


def _has_mark(text: str, known: Lexicon) -> bool:
    """Return True if a text that readers see states that AI made something."""
    patterns = known.disclosures
    clauses = list(_split_clauses(_visible_text(text), patterns))
    for clause, following in itertools.zip_longest(clauses, clauses[1:]):
        is_answered_no = following is not None and following.text in patterns.answers
        if clause.asked or is_answered_no or _is_denial(clause, patterns):
            continue
        marks = [*_iter_marks(clause, patterns), *_iter_hashtags(clause.text, known)]
        if not all(_negated_marks(clause, marks, patterns)):
            return True
    return False


def _has_denial(text: str, known: Lexicon) -> bool:
    """Return True if a text states that no AI was used."""
    patterns = known.disclosures
    after_mark = False
    for clause in _split_clauses(_DOTTED.sub(r"\1\2", fold_lookalikes(text)), patterns):
        if after_mark and clause.text in patterns.answers:
            return True
        mentions = [
            *_iter_marks(clause, patterns),
            *_iter_hashtags(clause.text, known),
            *_iter_spans(patterns.mention_patterns, clause.text),
        ]
        if _is_denial(clause, patterns) or any(_negated_marks(clause, mentions, patterns)):
            return True
        after_mark = bool(mentions)
    return False


def _is_denial(clause: _Clause, patterns: DisclosurePatterns) -> bool:
    return any(pattern.search(clause.text) for pattern in patterns.denial_patterns)


def _visible_text(text: str) -> str:
    """Return what readers see of a text before they tap "see more" or a spoiler, folded.

    The last paragraph counts if it is as short as a label, because Greenroom writes its own there.
    """
    shown = fold_lookalikes(_SPOILER.sub(" ", text))
    lines = shown.split("\n")
    if len(lines) <= FOLD_LINES:
        return shown
    visible = "\n".join(lines[:FOLD_LINES])
    last = _PARAGRAPH.split(shown.strip())[-1]
    is_label = "\n" not in last and len(_WORD.findall(last)) <= MAX_LABEL_WORDS
    return f"{visible}\n\n{last}" if is_label else visible


def _split_clauses(folded: str, patterns: DisclosurePatterns) -> Iterator[_Clause]:
    """Yield the clauses of a folded text. A line that ends in a negator continues on the next."""
    for paragraph in _PARAGRAPH.split(folded):
        lines = paragraph.split("\n")
        joined = [
            f"{line} " if patterns.ends_in_negator.search(line[-40:]) else f"{line}\n"
            for line in lines
        ]
        yield from _split_lines("".join(joined))


def _split_lines(text: str) -> Iterator[_Clause]:
    at = 0
    for end in _CLAUSE.finditer(text):
        yield from _clause_of(text[at : end.start()], asked="?" in end[0])
        at = end.end()
    yield from _clause_of(text[at:], asked=False)


def _clause_of(text: str, *, asked: bool) -> Iterator[_Clause]:
    if words := " ".join(text.split()):
        yield _Clause(words, asked)


def _iter_marks(clause: _Clause, patterns: DisclosurePatterns) -> Iterator[tuple[int, int]]:
    yield from _iter_spans(patterns.mark_patterns, clause.text)
    bare = list(_iter_spans((patterns.bare_mark,), clause.text))
    if not bare:
        return
    making = [clause.word_at(word.start()) for word in patterns.making_word.finditer(clause.text)]
    for start, end in bare:
        at = clause.word_at(start)
        nearest = bisect_left(making, at - BESIDE)
        if nearest < len(making) and making[nearest] <= at + BESIDE:
            yield start, end


def _iter_hashtags(clause: str, known: Lexicon) -> Iterator[tuple[int, int]]:
    """Yield the hashtags of AI. One that is an ordinary word or a name ("#aime", "#kiss") is none:
    what follows the mark must be a word."""
    for tag in known.disclosures.hashtag.finditer(clause):
        rest = tag["rest"].strip("_0123456789")
        is_other = rest and known.is_ordinary_word(tag["mark"])
        if not is_other and (not rest or known.is_ordinary_word(rest)):
            yield tag.span("mark")


def _iter_spans(patterns: "Iterable[re.Pattern[str]]", clause: str) -> Iterator[tuple[int, int]]:
    for pattern in patterns:
        group = "mark" if "mark" in pattern.groupindex else 0
        for match in pattern.finditer(clause):
            yield match.span(group)


def _negated_marks(
    clause: _Clause, spans: Iterable[tuple[int, int]], patterns: DisclosurePatterns
) -> Iterator[bool]:
    """Yield for each span whether a negator of the clause applies to it."""
    negators: list[_Negator] | None = None
    for start, end in spans:
        if negators is None:
            negators = _find_negators(clause, patterns)
            breaks = _find_adversatives(clause, patterns)
        first = clause.word_at(start)
        last = clause.word_at(end - 1)
        low = bisect_left(negators, first - WORDS_BEFORE, key=_position)
        high = bisect_right(negators, last + WORDS_AFTER, key=_position)
        yield any(_applies(each, first, last, breaks) for each in negators[low:high])


def _position(negator: _Negator) -> int:
    return negator.at


def _applies(negator: _Negator, first: int, last: int, breaks: Mapping[str, list[int]]) -> bool:
    """Return True if a negator applies to the words from `first` to `last`.

    It does not beyond an adversative conjunction of one of its languages.
    """
    if first <= negator.at <= last:
        return False
    if negator.beside:
        return negator.at == first - 1
    low = min(negator.at, last)
    high = max(negator.at, first)
    return not any(
        bisect_right(breaks[language], low) < bisect_left(breaks[language], high)
        for language in negator.languages
    )


def _find_negators(clause: _Clause, patterns: DisclosurePatterns) -> list[_Negator]:
    """Return the negators of a clause in order."""
    harmless = [match.span() for match in patterns.not_negation.finditer(clause.text)]
    languages: dict[int, set[str]] = defaultdict(set)
    written: dict[int, str] = {}
    for language, pattern in patterns.negators_by_language.items():
        for match in pattern.finditer(clause.text):
            nearest = bisect_right(harmless, (match.start(), len(clause.text)))
            if nearest and match.start() < harmless[nearest - 1][1]:
                continue
            at = clause.word_at(match.end() - 1)
            languages[at].add(language)
            written[at] = match[0]
    other = {word for word, cues in patterns.homonym_cues.items() if cues.search(clause.text)}
    return [
        _Negator(at, frozenset(languages[at]), written[at] in other) for at in sorted(languages)
    ]


def _find_adversatives(clause: _Clause, patterns: DisclosurePatterns) -> dict[str, list[int]]:
    """Return the indexes of the words that end a clause for the negators of each language."""
    return {
        language: [clause.word_at(match.start()) for match in pattern.finditer(clause.text)]
        for language, pattern in patterns.adversatives_by_language.items()
    }
