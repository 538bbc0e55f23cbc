"""Rate a text and detect obfuscation, crisis messages, statements of minor age and questions about
bots.

All lexicons run on every text, in every view, on each field and on all fields together.
`gate/text/language_check.py` checks that the words are in a supported language.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum

from gate.contract.units import Rating, Unit, highest_rating
from gate.text import ages
from gate.text.age_patterns import AgeSubject
from gate.text.banned_names import remove_other_names
from gate.text.lexicon import BANNED, Lexicon, shipped_lexicon
from gate.text.normalization import (
    fold_case,
    fold_lookalikes,
    is_obfuscated,
    leading_letter,
    normalized_views,
    spaced_words,
)

_SENTENCE = re.compile(r"(?<![.!?;…])[.!?;…]++\s+|\n+")
PIECE = 2
"""Maximum words of an earlier message that may be one piece of a split term."""
MAX_MESSAGE_SPREAD = 2
"""Number of earlier messages in which a statement may have begun."""
_RATED = {"explicit": Rating.E, "nudity": Rating.N, "suggestive": Rating.S}


class MinorSignal(StrEnum):
    """The strength of a viewer's indication that they are under 18."""

    NONE = "none"
    HINTED = "hinted"
    STATED = "stated"


@dataclass(frozen=True)
class TextRating:
    """The rating of a unit's texts. `prohibited` is "minor", "category" or ""."""

    rating: Rating
    prohibited: str = ""
    contextual: bool = False
    """True if a term is harmless on its own but not allowed together with suggestive content."""
    obfuscated: bool = False
    """True if a text hides how it reads."""
    banned: bool = False
    """True if a text names a person who must never be depicted."""


@dataclass(frozen=True)
class TextSequence:
    """Short texts that a reader sees next to the texts of a unit.

    `earlier` is sorted oldest first. With `newest_first`, the earlier texts also appear below the
    unit's own texts.
    """

    earlier: tuple[str, ...]
    own: tuple[str, ...]
    newest_first: bool = False


MIN_SEQUENCE_LETTERS = 4
"""Minimum letters of terms that are matched across several posts or fields.

Windows of up to 30 ordinary short lines gave at most 4 false alarms per 1,000 windows.
"""


_NUMBERING = re.compile(r"(?<=[^\W\d_]{3})[ \t]+\d+(?:[.,:/-]\d+)*$")
"""The number after the words of a line ("Episode 27.3"). The digits of numbered posts, read as
letters one below the other, spelled terms by chance."""


def rate_texts(
    texts: Sequence[str],
    *,
    before: Sequence[str] = (),
    sequences: Sequence[TextSequence] = (),
    initials: Sequence[str] = (),
    today: date,
    lexicon: Lexicon | None = None,
) -> TextRating:
    """Rate every text of a unit, in display order.

    `before` contains the texts that the same reader read last, oldest first. A term counts if it is
    in one field, in all fields joined, or completed by this unit after `before` or in one of the
    `sequences`. `initials` are the first letters of consecutive posts, the last one that of this
    unit.
    """
    known = lexicon or shipped_lexicon()
    shown = [text for text in texts if text]
    read = list(shown)
    if len(shown) > 1:  # Platforms differ in which field they show first.
        read += ["\n".join(shown), "\n".join(reversed(shown))]
    kinds = {kind for text in read for kind in _matched_kinds(text, today, known)}
    if before and shown:
        kinds |= _completed_kinds(before, shown, today, known)
    for one in sequences:
        kinds |= _sequence_kinds(one, known)
    kinds |= {term.kind for letters in initials for term in known.index.find_spelt(letters)}
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
        and _has_adjacent_terms([*before, *shown], today, known)
    ):
        prohibited = "minor"
    found = highest_rating([_RATED[kind] for kind in kinds & _RATED.keys()])
    return TextRating(
        rating=Rating.X if prohibited else found,
        prohibited=prohibited,
        contextual="minor_context" in kinds,
        obfuscated=any(map(is_obfuscated, shown)),
        banned=BANNED in kinds
        and _names_banned_person(shown, before, sequences, initials, today=today, known=known),
    )


def unit_initial(unit: Unit) -> str:
    """Return the first letter of the body of a unit or, without one, of its first text; "" if it
    has no text."""
    return leading_letter(unit.text_of("body") or next(filter(None, unit.visible_texts), ""))


def _names_banned_person(
    shown: Sequence[str],
    before: Sequence[str],
    sequences: Sequence[TextSequence],
    initials: Sequence[str],
    *,
    today: date,
    known: Lexicon,
) -> bool:
    """Return True if the texts name a banned person even without the longer names of others."""

    def clean(texts: Sequence[str]) -> tuple[str, ...]:
        return tuple(remove_other_names(text, known) for text in texts)

    others = tuple(
        replace(one, earlier=clean(one.earlier), own=clean(one.own)) for one in sequences
    )
    read = (clean(shown), clean(before), others)
    if read == (tuple(shown), tuple(before), tuple(sequences)):
        return True
    return rate_texts(
        read[0], before=read[1], sequences=others, initials=initials, today=today, lexicon=known
    ).banned


def _matched_kinds(text: str, today: date, known: Lexicon) -> set[str]:
    kinds = {term.kind for term in known.index.count_text(text)}
    return kinds | {"minor_context"} if ages.describes_minor(text, today, lexicon=known) else kinds


def _completed_kinds(
    before: Sequence[str], shown: Sequence[str], today: date, known: Lexicon
) -> set[str]:
    """Return the kinds of the terms that these texts complete.

    The earlier texts are matched twice, all of them and then only the short ones, because full
    sentences between the pieces of a term must not hide it.
    """
    pieces = [line for line in before if len(line.split()) <= PIECE]
    kinds = _added_kinds(before, shown, known)
    if 0 < len(pieces) < len(before):
        kinds |= _added_kinds(pieces, shown, known)
    last = "\n".join(before[-MAX_MESSAGE_SPREAD:])
    if ages.describes_minor(
        "\n".join([last, *shown]), today, lexicon=known
    ) and not ages.describes_minor(last, today, lexicon=known):
        kinds.add("minor_context")
    return kinds


def _sequence_kinds(one: TextSequence, known: Lexicon) -> set[str]:
    """Return the kinds of the terms that a unit completes in a sequence."""
    least = MIN_SEQUENCE_LETTERS
    earlier, own = (
        tuple(_NUMBERING.sub("", line) for line in part) for part in (one.earlier, one.own)
    )
    kinds = _added_kinds(earlier, own, known, least=least)
    # Feeds show the newest post first.
    if one.newest_first:
        older = tuple(reversed(earlier))
        kinds |= _added_kinds(older, own, known, below=True, least=least)
    return kinds


def _added_kinds(
    before: Sequence[str],
    shown: Sequence[str],
    known: Lexicon,
    *,
    below: bool = False,
    least: int = 0,
) -> set[str]:
    """Return the kinds of the terms that occur more often with these texts than without.

    Only terms of at least `least` letters count. With `below`, the earlier texts follow the new
    ones.
    """
    lines = [*shown, *before] if below else [*before, *shown]
    together = known.index.count_text("\n".join(lines))
    if not together:
        return set()
    earlier = known.index.count_text("\n".join(before))
    return {
        term.kind for term in together - earlier if max(map(len, term.letters), default=0) >= least
    }


def _has_adjacent_terms(texts: Sequence[str], today: date, known: Lexicon) -> bool:
    """Return True if a contextual and a sexual term are in the same or in adjacent sentences.

    A term that is spread over several sentences has no position and counts as adjacent. Such terms
    are matched in the text without the sentences that contain a whole term, so that no whole term
    elsewhere hides them.
    """
    sentences = [part for text in texts for part in _SENTENCE.split(text) if part.strip()]
    kinds = [_matched_kinds(sentence, today, known) for sentence in sentences]
    context = {at for at, found in enumerate(kinds) if "minor_context" in found}
    sexual = {at for at, found in enumerate(kinds) if found & _RATED.keys()}
    if not context or not sexual or any({at - 1, at, at + 1} & sexual for at in context):
        return True
    rest = [
        _matched_kinds(
            "\n".join(part for at, part in enumerate(sentences) if at not in whole),
            today,
            known,
        )
        for whole in (context, sexual)
    ]
    return "minor_context" in rest[0] or bool(rest[1] & _RATED.keys())


def is_crisis_message(text: str, *, lexicon: Lexicon | None = None) -> bool:
    """Return True if a message mentions self-harm or suicide, in any supported language."""
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
    text: str,
    *,
    before: Sequence[str] = (),
    asked: str = "",
    today: date,
    lexicon: Lexicon | None = None,
) -> MinorSignal:
    """Return how clearly a writer indicates that they are under 18.

    `before` contains the writer's last messages, oldest first, because a statement may be spread
    over several messages. `asked` is the last message to the writer: after a question about age, a
    bare number is an answer. Years of birth are compared with `today`.
    """
    known = lexicon or shipped_lexicon()
    if asked and ages.is_minor_answer(text, asked, lexicon=known):
        return MinorSignal.STATED
    alone = _minor_signal(text, today, known)
    last = " ".join(before[-MAX_MESSAGE_SPREAD:])
    if (
        alone is MinorSignal.STATED
        or not last
        or _minor_signal(last, today, known) is not MinorSignal.NONE
    ):
        return alone  # Earlier messages were checked when they arrived.
    together = _minor_signal(f"{last} {text}", today, known)
    return alone if together is MinorSignal.NONE else together


def _minor_signal(text: str, today: date, known: Lexicon) -> MinorSignal:
    own = [
        mention
        for mention in ages.find_ages(text, today, lexicon=known)
        if mention.subject is AgeSubject.WRITER
    ]
    if any(mention.certain for mention in own):
        return MinorSignal.STATED
    return MinorSignal.HINTED if own else MinorSignal.NONE


def is_bot_question(text: str, *, lexicon: Lexicon | None = None) -> bool:
    """Return True if a viewer asks whether the replies are automated."""
    known = lexicon or shipped_lexicon()
    seen = " ".join(fold_case(text).split())
    return any(pattern.search(seen) for pattern in known.bot)
