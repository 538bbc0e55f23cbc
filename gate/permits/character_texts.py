"""Check of the texts that describe a fictional character, such as an imported character card.

A model reads all of them, so one text about a minor makes the whole character inadmissible.
"""

import re
import unicodedata
from collections.abc import Iterable

from foundation.db.database import Scope
from foundation.errors import Refused
from gate.policy import agency_lexicon
from gate.text.text_rating import MinorSignal, detect_minor_statement, rate_texts

ADULT = 18

_NUMBERS = {
    **{str(number): number for number in range(1, ADULT)},
    "ten": 10,
    "eleven": 11,
    "twelve": 12,
    "thirteen": 13,
    "fourteen": 14,
    "fifteen": 15,
    "sixteen": 16,
    "seventeen": 17,
    "dix": 10,
    "onze": 11,
    "douze": 12,
    "treize": 13,
    "quatorze": 14,
    "quinze": 15,
    "seize": 16,
    "dix-sept": 17,
}
_NUMBER = "(?:" + "|".join(sorted(map(re.escape, _NUMBERS), key=len, reverse=True)) + ")"
_PERSON = (
    r"(?:fille|garcon|ado(?:lescente?)?|lyceen(?:ne)?|collegien(?:ne)?|etudiante?|eleve|enfant"
    r"|jeune|femme|homme|personnage|mineure?)"
)
_AGES = re.compile(
    rf"\baged?\W{{0,3}}{_NUMBER}\b(?! years? (?:ago|before|later))"
    rf"|\b{_NUMBER}[\s-]*(?:years?[\s-]*old|yrs?[\s-]*old|y/o|yo)\b"
    rf"|\bturn(?:s|ed|ing)? {_NUMBER}\b"
    rf"|\b(?<!y )(?:a|ont|avait|agee?s? de|{_PERSON} de|age\s*:)\s*{_NUMBER} ans\b"
    rf"|[,(] ?{_NUMBER} ans\b"
    rf"|\bage\s*:\s*{_NUMBER}\b"
)
"""Ages under 18 of a described person, in English and French without accents. "Il y a 10 ans" is a
date, not an age."""

_MINOR_WORDS = re.compile(
    r"\b(?:loli(?:ta|con)?s?|shota(?:con)?s?|under-?aged?|pre-?teens?|pre-?ados?|school ?girls?"
    r"|school ?boys?|(?:middle|high) ?school(?:er|ers| girls?| boys?| students?)"
    r"|lyceen(?:ne)?s?|collegien(?:ne)?s?|(?:est|une?|fille|garcon) mineure?|minor (?:girl|boy))\b"
)
"""Words for minors in English and French without accents. In a description of a character they need
no sexual context."""


def check_character_texts(scope: Scope, texts: Iterable[str]) -> None:
    """Raise Refused for a character described as a minor, and for prohibited content."""
    shown = [text for text in texts if text]
    lexicon = agency_lexicon.current_lexicon(scope)
    found = rate_texts(shown, lexicon=lexicon)
    if found.prohibited == "category":
        raise Refused("gate.character_prohibited")
    young = found.prohibited == "minor" or any(
        describes_minor(text) or detect_minor_statement(text, lexicon=lexicon) is MinorSignal.STATED
        for text in shown
    )
    if young:
        raise Refused("gate.character_minor")


def describes_minor(text: str) -> bool:
    """Return True if a description states an age under 18 or calls a person a minor."""
    plain = unicodedata.normalize("NFKD", text.casefold().replace("’", "'"))
    plain = "".join(sign for sign in plain if not unicodedata.combining(sign))
    shown = " ".join(plain.split())
    return bool(_AGES.search(shown) or _MINOR_WORDS.search(shown))
