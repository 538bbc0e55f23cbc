"""What a text says: its rating, whether it hides something, and what subscribers must be answered
at once.

All lexicons run on every text, in every view, on each field and on all fields together; whether the
words are of a language that a lexicon reads is asked in `gate/text/language_check.py`.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from gate.contract.units import Rating, highest_rating
from gate.text.lexicon import Lexicon, LexiconTerm, shipped_lexicon
from gate.text.normalization import (
    CENSOR_MARK,
    NormalizedViews,
    fold_case,
    fold_lookalikes,
    is_obfuscated,
    normalized_views,
    spaced_words,
    visible_letters,
)

_SENTENCE = re.compile(r"[.!?;\n…]+\s+|\n+")
_END = r"[^\s<>\"'()\[\]]"
_SCHEME = re.compile(
    rf"(?i)\b(?:[a-z][a-z0-9+.-]{{1,20}}://|(?:https?|ftp|tg|mailto|tel|sms):/?){_END}+"
)
_LABELS = r"(?:[\w-]+\.)+"
_TOP = (
    "com|net|org|io|app|dev|link|bio|xyz|info|shop|club|page|ly|gg|tv|vip|cam|live|co"
    "|uk|fr|eu|de|ch|nl|ru|pl|cz|cc|ws|biz|mobi|site|store|website|fans|webcam|xxx|porn|adult"
)
_BARE = re.compile(
    rf"(?i)(?<![@\w.])(?:www\.{_LABELS}[a-z]{{2,}}(?:/{_END}*)?"
    rf"|{_LABELS}(?:(?:{_TOP})(?:/{_END}*)?(?![\w@])|[a-z]{{2,}}/{_END}+)"
    rf"|(?:\d{{1,3}}\.){{3}}\d{{1,3}}(?::\d{{1,5}})?/{_END}*)"
)
"""Bare hosts: well-known endings alone, any ending after "www." or with a path, so that "today.it
was" is no address; numbers with a path."""
LONG = 7
"""Letters that the beginnings of words do not make by chance: of a shorter term nothing is said by
them."""
_ONE = re.compile(r"\b[il|](?=[0-7]\b)")
_ONE_M = re.compile(r"\b1(?=['’ ]?m\b)")
_PARTED = re.compile(r"\b1[ .\-]([0-7])\b(?![.,:/]?\d)")
_WITH_FIGURES = re.compile(r"\b[a-z]+\d[a-z0-9]*[a-z]\b")
_LETTERS = str.maketrans("013457", "oieast")
PIECE = 2
"""Words of a message that may be no more than a piece of something."""
MAX_MESSAGE_SPREAD = 2
"""Earlier messages that a statement may have begun in."""
_RATED = {"explicit": Rating.E, "nudity": Rating.N, "suggestive": Rating.S}


class MinorSignal(StrEnum):
    """What a viewer's words say of being under 18."""

    NONE = "none"
    HINTED = "hinted"
    STATED = "stated"


@dataclass(frozen=True)
class TextRating:
    """What the texts of a unit are rated. `prohibited` is minor, category or nothing."""

    rating: Rating
    prohibited: str = ""
    contextual: bool = False
    """A word that is harmless alone and must not stand on anything suggestive."""
    obfuscated: bool = False


@dataclass(frozen=True)
class TextSequence:
    """Short texts that a reader sees next to texts of a unit: `earlier` oldest first, and with
    `newest_first` also below the unit's own."""

    earlier: tuple[str, ...]
    own: tuple[str, ...]
    newest_first: bool = False


def rate_texts(
    texts: Sequence[str],
    *,
    before: Sequence[str] = (),
    sequences: Sequence[TextSequence] = (),
    lexicon: Lexicon | None = None,
) -> TextRating:
    """Rate every text of a unit, in display order; `before` is what the same reader read last,
    oldest first.

    A term counts when it is in one field, in all fields run together, or completed by this unit
    after `before`, or in one of the `sequences`.
    """
    known = lexicon or shipped_lexicon()
    shown = [text for text in texts if text]
    seen = [normalized_views(text) for text in shown]
    if len(shown) > 1:  # which field stands first is the place's choice
        seen += [normalized_views("\n".join(shown)), normalized_views("\n".join(reversed(shown)))]
    kinds = {kind for one in seen for kind in _matched_kinds(one, known.terms)}
    if before and shown:
        kinds |= _completed_kinds(before, shown, known.terms)
    for one in sequences:
        kinds |= _sequence_kinds(one, known.terms)
    if "minor" in kinds:
        prohibited = "minor"
    elif "prohibited" in kinds:
        prohibited = "category"
    else:
        prohibited = ""
    if (
        not prohibited
        and "minor_context" in kinds
        and kinds & _RATED.keys()
        and _has_adjacent_terms([*before, *shown], known.terms)
    ):
        prohibited = "minor"
    found = highest_rating([_RATED[kind] for kind in kinds & _RATED.keys()])
    return TextRating(
        rating=Rating.X if prohibited else found,
        prohibited=prohibited,
        contextual="minor_context" in kinds,
        obfuscated=any(map(is_obfuscated, shown)),
    )


def _matched_kinds(seen: NormalizedViews, terms: Iterable[LexiconTerm]) -> set[str]:
    return {one.kind for one in terms if _count_term(seen, one)}


def _count_term(seen: NormalizedViews, one: LexiconTerm) -> int:
    words = sum(text.count(word) for word in one.words for text in seen.spaced)
    edges = sum(text.count(run) for run in one.runs if len(run) >= LONG for text in seen.edges)
    steps = sum(text.count(run) for run in one.steps for text in seen.steps)
    return (
        words
        + edges
        + steps
        + _count_censored(seen, one)
        + sum(text.count(run) for run in one.runs for text in seen.joined)
    )


def _count_censored(seen: NormalizedViews, one: LexiconTerm) -> int:
    """How often it stands there with letters blotted out, half of them or fewer: what is left of it
    says it."""
    if one.blotted is None:
        return 0
    found = [match for text in seen.blotted for match in one.blotted.findall(text)]
    return sum(2 * match.count(CENSOR_MARK) <= len(match) for match in found)


def _completed_kinds(
    before: Sequence[str], shown: Sequence[str], terms: Sequence[LexiconTerm]
) -> set[str]:
    """Kinds of the terms that these texts complete, after all that was read before or after the
    short ones of it: whole sentences between the pieces of a term hide nothing."""
    pieces = [line for line in before if len(line.split()) <= PIECE]
    kinds = _added_kinds(before, shown, terms)
    return kinds | _added_kinds(pieces, shown, terms) if 0 < len(pieces) < len(before) else kinds


def _sequence_kinds(one: TextSequence, terms: Sequence[LexiconTerm]) -> set[str]:
    """Kinds of the terms that a unit completes in a sequence. Feeds show the newest post first."""
    kinds = _added_kinds(one.earlier, one.own, terms)
    if one.newest_first:
        older = tuple(reversed(one.earlier))
        kinds |= _added_kinds(older, one.own, terms, below=True)
    return kinds


def _added_kinds(
    before: Sequence[str],
    shown: Sequence[str],
    terms: Iterable[LexiconTerm],
    *,
    below: bool = False,
) -> set[str]:
    """Kinds of the terms there are more of with these texts than without; `before` may stand
    `below` them."""
    together = normalized_views("\n".join([*shown, *before] if below else [*before, *shown]))
    counted = {one: found for one in terms if (found := _count_term(together, one))}
    if not counted:
        return set()
    earlier = normalized_views("\n".join(before))
    return {one.kind for one, found in counted.items() if found > _count_term(earlier, one)}


def _has_adjacent_terms(texts: Sequence[str], terms: Iterable[LexiconTerm]) -> bool:
    """Whether a contextual term and a sexual one stand in the same or in neighbouring sentences.

    A term that is spread over several sentences may be anywhere, so the two meet: it is sought in
    what is left without the sentences that hold one whole, so that no whole one said elsewhere
    hides it.
    """
    known = tuple(terms)
    sentences = [part for text in texts for part in _SENTENCE.split(text) if part.strip()]
    kinds = [_matched_kinds(normalized_views(sentence), known) for sentence in sentences]
    context = {at for at, found in enumerate(kinds) if "minor_context" in found}
    sexual = {at for at, found in enumerate(kinds) if found & _RATED.keys()}
    if (
        not context
        or not sexual
        or any(abs(one - other) <= 1 for one in context for other in sexual)
    ):
        return True
    rest = [
        _matched_kinds(
            normalized_views(_remove_sentences(texts, [sentences[at] for at in whole])), known
        )
        for whole in (context, sexual)
    ]
    return "minor_context" in rest[0] or bool(rest[1] & _RATED.keys())


def _remove_sentences(texts: Sequence[str], sentences: Iterable[str]) -> str:
    text = "\n".join(texts)
    for sentence in sentences:
        text = text.replace(sentence, " ")
    return text


def extract_links(texts: Iterable[str]) -> tuple[str, ...]:
    """Every address in the texts, in order, as written but for invisible characters."""
    found: dict[str, None] = {}
    for text in texts:
        shown = visible_letters(text).replace("。", ".")  # browsers take this for a dot
        for pattern in (_SCHEME, _BARE):
            for match in pattern.finditer(shown):
                found[match[0].rstrip(".,;:!?…»")] = None
    whole = [link for link in found if "//" in link]
    return tuple(
        link for link in found if "//" in link or not any(link in other for other in whole)
    )


def has_ai_disclosure(texts: Iterable[str], *, lexicon: Lexicon | None = None) -> bool:
    """Whether one of the texts states that a machine made it."""
    known = lexicon or shipped_lexicon()
    return any(pattern.search(fold_case(text)) for text in texts for pattern in known.ai_marks)


def is_crisis_message(text: str, *, lexicon: Lexicon | None = None) -> bool:
    """Whether a viewer's words speak of self-harm or suicide, in any supported language."""
    known = lexicon or shipped_lexicon()
    words = set(_folded_texts(text))
    for harmless in known.crisis_not:
        words = {seen.replace(harmless, " ") for seen in words}
    return any(phrase in seen for seen in words for phrase in known.crisis)


def _folded_texts(text: str) -> frozenset[str]:
    return normalized_views(text).spaced | {
        spaced_words(fold_lookalikes(text.replace("'", "").replace("’", "")))
    }


def detect_minor_statement(
    text: str, *, before: Sequence[str] = (), asked: str = "", lexicon: Lexicon | None = None
) -> MinorSignal:
    """Whether a viewer says, or strongly hints at, being under 18; ages from 5 to 17, in digits or
    words.

    `before` is what the viewer wrote last, oldest first: a statement may be spread over messages.
    `asked` is what they were told last: a number answers who asked for an age.
    """
    known = lexicon or shipped_lexicon()
    if _has_match(known.age_asked, {_flatten_text(asked)}) and _has_match(
        known.minor_answer, _figure_variants(_flatten_text(text))
    ):
        return MinorSignal.STATED
    alone = _minor_signal(text, known)
    last = " ".join(before[-MAX_MESSAGE_SPREAD:])
    if (
        alone is MinorSignal.STATED
        or not last
        or _minor_signal(last, known) is not MinorSignal.NONE
    ):
        return alone  # what was said before was heard then
    together = _minor_signal(f"{last} {text}", known)
    return alone if together is MinorSignal.NONE else together


def _minor_signal(text: str, known: Lexicon) -> MinorSignal:
    ways = _figure_variants(_flatten_text(text))
    if _has_match(known.minor_stated, ways):
        return MinorSignal.STATED
    return MinorSignal.HINTED if _has_match(known.minor_hinted, ways) else MinorSignal.NONE


def _has_match(patterns: Iterable["re.Pattern[str]"], ways: Iterable[str]) -> bool:
    return any(pattern.search(seen) for pattern in patterns for seen in ways)


def _figure_variants(seen: str) -> set[str]:
    """A text as it stands, with figures and letters that stand for one another put right, and with
    words for them."""
    tidy = _ONE_M.sub("i", _ONE.sub("1", _PARTED.sub(r"1\1", seen)))
    return {seen, tidy, _WITH_FIGURES.sub(lambda found: found[0].translate(_LETTERS), tidy)}


def is_bot_question(text: str, *, lexicon: Lexicon | None = None) -> bool:
    """Whether a viewer asks to know if a machine answers."""
    known = lexicon or shipped_lexicon()
    seen = _flatten_text(text)
    return any(pattern.search(seen) for pattern in known.bot)


def _flatten_text(text: str) -> str:
    return " ".join(fold_case(text).split())
