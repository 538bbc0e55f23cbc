"""Service texts: sentences of the catalogues that go out as they stand, when nothing else may.

A code is one of ours when it begins with `service.`. Its sentence is pinned by digest, so that a changed sentence is
refused until somebody read it and pinned it anew (`python -m gate.service`).
"""

import hashlib
import re
import string
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

import yaml

from foundation.words import LANGUAGES, catalogue
from gate.text import links
from gate.units import Unit

PINS = Path(__file__).parent / "policy" / "service.yaml"
PREFIX = "service."
BUTTON = "service.button."
"""Labels; they stand on buttons and are no message of their own: one of them is nothing but a slot."""

SAFETY = "service.safety."
"""What protects a reader (helplines, age): no emergency stop keeps it back."""

SLOT = r"([^\n<>{}\\]{1,64})"
"""What a marked slot may hold: a name, a number, an amount, a short title; no line of its own, and no address."""

AGE_PAGE = "age_page"
"""The one slot that holds an address: the page of ours where this one reader proves their age, and nothing else."""

_AGE_PAGE = r"(?P<age_page>https?://[A-Za-z0-9.:\-]{1,100}/age/[A-Za-z0-9_-]{32})"


def is_safety(code: str) -> bool:
    """Whether the sentence protects a reader."""
    return code.startswith(SAFETY)


@cache
def pins() -> Mapping[str, Mapping[str, str]]:
    """The pinned digest of each service sentence by code and language."""
    listed: Mapping[str, Mapping[str, str]] = yaml.safe_load(PINS.read_text("utf-8"))["sentences"] or {}
    return listed


def digest(sentence: str) -> str:
    """What is pinned of a sentence: SHA-256 of its bytes."""
    return hashlib.sha256(sentence.encode()).hexdigest()


@cache
def _patterns(code: str) -> tuple["re.Pattern[str]", ...]:
    """One pattern per language whose sentence is still the pinned one."""
    found = []
    for language, pinned in pins().get(code, {}).items():
        sentence = catalogue(language).get(code, "")
        if sentence and digest(sentence) == pinned:
            parts = string.Formatter().parse(sentence)
            found.append(re.compile("".join(re.escape(text) + _slot(name) for text, name, _, _ in parts)))
    return tuple(found)


def _slot(name: str | None) -> str:
    if name is None:
        return ""
    return _AGE_PAGE if name == AGE_PAGE else SLOT


def renders(code: str, text: str, *, own_hosts: Sequence[str] = ()) -> bool:
    """Whether a text is the pinned sentence of a code in one of the languages, its slots filled shortly.

    `own_hosts` are those our own pages lie on.
    """
    found = [match for pattern in _patterns(code) if (match := pattern.fullmatch(text)) is not None]
    return any(_slots_are_ours(match, own_hosts) for match in found)


def _slots_are_ours(match: "re.Match[str]", own_hosts: Sequence[str]) -> bool:
    page = match.groupdict().get(AGE_PAGE)
    if page is not None and urlsplit(page).netloc not in own_hosts:
        return False
    return not links(value for value in match.groups() if value != page)


def says_only(unit: Unit, *, own_hosts: Sequence[str] = ()) -> bool:
    """Whether a unit is its service sentence and nothing else; its buttons bear service sentences too."""
    body_only = len(unit.texts) == 1 and not unit.media and unit.invoice is None
    ours = unit.service.startswith(PREFIX) and not unit.service.startswith(BUTTON)
    if not body_only or not ours or not renders(unit.service, unit.texts[0].body, own_hosts=own_hosts):
        return False
    labels = [code for code in pins() if code.startswith(BUTTON)]
    return all(any(renders(code, button.label) for code in labels) for button in unit.buttons)


def write_pins() -> None:
    """Pin every service sentence as it stands now: run after reading what changed."""
    codes = sorted(code for code in catalogue(LANGUAGES[0]) if code.startswith(PREFIX))
    sentences = {code: {language: digest(catalogue(language)[code]) for language in LANGUAGES} for code in codes}
    head = "# Service sentences as somebody read them: code, language, SHA-256. Pin anew with: python -m gate.service\n"
    PINS.write_text(head + yaml.safe_dump({"sentences": sentences}, sort_keys=True), "utf-8")


if __name__ == "__main__":
    write_pins()
