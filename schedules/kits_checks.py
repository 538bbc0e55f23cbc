"""What a model's texts must pass before anybody is offered them. Pure, but for the connector's own counting."""

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from foundation import languages
from foundation.words import Message
from gate import text as gate_text
from generators import text_guard
from schedules import kits_minors, likeness
from schedules.kits_brief import LANGUAGES
from schedules.likeness import Kind, Print
from schedules.weeks_brief import forbidden

MOST_TAGS = 8
MOST_SHARED = 0.8
"""Share of the words of two texts, each seen from the other, above which one says the other again."""

_FEW = 5
"""Words: fewer are in common by chance."""
_TELLS = 20
"""Letters: of fewer, no guess at their language is worth anything."""
_UNKEPT = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\ud800-\udfff\u202a-\u202e\u2066-\u2069]")
"""Signs no database keeps, and those that turn text around."""
_TAG = re.compile(r"[^\W_]\w{0,49}")

Count = Callable[[str], tuple[int, int]]
"""How much a text counts on a place, the marks of the place included, and the most it takes."""


@dataclass(frozen=True)
class Said:
    """A text of the creator, as it is compared."""

    text: str
    print: Print


@dataclass(frozen=True)
class Rules:
    """What is asked of every text: its language ("" for any), words that are never used, what was said lately.

    `sources` are the question's own words: what mostly repeats them is an echo.
    """

    language: str
    forbidden: tuple[str, ...] = ()
    said: tuple[Said, ...] = ()
    sources: tuple[str, ...] = ()


def said_of(texts: Iterable[str]) -> tuple[Said, ...]:
    """Texts as they are compared; empty ones are none."""
    return tuple(Said(text, likeness.print_of(text)) for text in dict.fromkeys(texts) if text.strip())


def clean(text: str) -> str:
    """A text as a field may hold it: no signs that no database keeps, no blanks around."""
    kept = _UNKEPT.sub("", unicodedata.normalize("NFC", text.replace("\t", " ").replace("\r\n", "\n")))
    return "\n".join(line.rstrip() for line in kept.splitlines()).strip()


def wrong(
    texts: Mapping[str, str], rules: Rules, *, counts: Mapping[str, Sequence[Count]] | None = None
) -> Message | None:
    """The first reason why nobody may be offered these texts (by field); None where they are fit.

    `counts` are the places a field may go to.
    """
    shown = list(texts.values())
    never = _never_said(shown, rules)
    if never is not None:
        return never
    if not _in_language(shown, rules.language):
        return Message("kit.wrote_language", {"language": rules.language})
    if any(text_guard.loops(text) for text in shown):
        return Message("kit.wrote_loop")
    for length, most in (count(texts[field]) for field, places in (counts or {}).items() for count in places):
        if length > most:
            return Message("kit.wrote_long", {"length": length, "most": most})
    if any(repeats(text, rules.said) for text in shown):
        return Message("kit.wrote_again")
    return None


def wrong_tags(written: str, rules: Rules) -> Message | None:
    """The same of hashtags as they are written: they are of no language, and the same ones come again."""
    return wrong({"all": written.replace("#", " ")}, replace(rules, language="", said=()))


def _never_said(shown: Sequence[str], rules: Rules) -> Message | None:
    """Why nobody may read this at all: nothing, minors, words that are never used, addresses out of nowhere."""
    if not any(shown):
        return Message("kit.empty")
    if kits_minors.speaks_of(shown):
        return Message("kit.wrote_never")
    word = forbidden("\n".join(shown), rules.forbidden)
    if word is not None:
        return Message("kit.wrote_forbidden", {"word": word})
    if set(gate_text.links(shown)) - set(gate_text.links(rules.sources)):
        return Message("kit.wrote_link")
    return None


def _in_language(texts: Sequence[str], language: str) -> bool:
    """Whether none of these texts is surely in another language, and all of them together most likely in this one."""
    if not language:
        return True
    for text in texts:
        seen, likely = languages.among(text, LANGUAGES)
        if _letters(text) >= _TELLS and seen != language and likely >= languages.SURE:
            return False
    together = "\n".join(texts)
    return _letters(together) < _TELLS or languages.among(together, LANGUAGES)[0] == language


def _letters(text: str) -> int:
    """Letters, where one of a script without blanks between words tells as much as three."""
    return sum(3 if sign >= "\u2e80" else 1 for sign in text if sign.isalpha())


def repeats(text: str, said: Iterable[Said]) -> bool:
    """Whether a text says again what was said: the same words, nearly the same, or hardly any others."""
    mine, words = likeness.print_of(text), len(text_guard.tokens(text))
    for one in said:
        if likeness.alike(mine, one.print) in (Kind.WORDS, Kind.NEARLY):
            return True
        if words >= _FEW and text_guard.shared(text, one.text) > MOST_SHARED < text_guard.shared(one.text, text):
            return True
    return False


def tags(found: Iterable[str]) -> list[str] | None:
    """Hashtags as they are written, each once; None where one of them is none: blanks, signs, figures alone."""
    kept: dict[str, str] = {}
    for one in found:
        bare = clean(one).removeprefix("#")
        if not _TAG.fullmatch(bare) or bare.isdigit():
            return None
        kept.setdefault(bare.casefold(), f"#{bare}")
    return list(kept.values())[:MOST_TAGS]
