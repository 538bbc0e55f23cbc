"""Service texts: sentences of the catalogues that go out as they stand, when nothing else may.

A code is one of ours when it begins with `service.`. Its sentence is pinned by digest, so that a
changed sentence is refused until somebody read it and pinned it anew (`python -m
gate.text.service_texts`). No picture goes with one but the house's own, pinned likewise, where it
takes the place of what a platform does not delete.
"""

import hashlib
import re
import string
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

import yaml

from foundation.i18n.translation import LANGUAGES, load_catalogue
from gate.contract import replacement_picture
from gate.contract.units import Medium, Unit
from gate.text.text_rating import extract_links

PINS = Path(__file__).parents[1] / "policy" / "service.yaml"
PREFIX = "service."
BUTTON = "service.button."
"""Labels; they stand on buttons and are no message of their own: one of them is nothing but a
slot."""

SAFETY = "service.safety."
"""What protects a reader or whoever was shown (helplines, age, what stands where something was
removed): no emergency stop keeps it back."""

REMOVED = f"{SAFETY}removed."
"""What is said in the place of a copy that a platform does not delete."""

SLOT = r"([^\n<>{}\\]{1,64})"
"""What a marked slot may hold: a name, a number, an amount, a short title; no line of its own, and
no address."""

AGE_PAGE = "age_page"
"""A slot that holds an address: the page of ours where this one reader proves their age, and
nothing else."""

_AGE_PAGE = r"(?P<age_page>https?://[A-Za-z0-9.:\-]{1,100}/age/[A-Za-z0-9_-]{32})"


REPORT_PAGE = "report_page"
"""Another: our form for removal requests, the same for everybody."""

_REPORT_PAGE = r"(?P<report_page>https?://[A-Za-z0-9.:\-]{1,100}/report)"

_OWN_PAGES = {AGE_PAGE: _AGE_PAGE, REPORT_PAGE: _REPORT_PAGE}


def is_safety_text(code: str) -> bool:
    """Whether the sentence protects a reader."""
    return code.startswith(SAFETY)


@cache
def pinned_digests() -> Mapping[str, Mapping[str, str]]:
    """The pinned digest of each service sentence by code and language."""
    listed: Mapping[str, Mapping[str, str]] = (
        yaml.safe_load(PINS.read_text("utf-8"))["sentences"] or {}
    )
    return listed


def sentence_digest(sentence: str) -> str:
    """What is pinned of a sentence: SHA-256 of its bytes."""
    return hashlib.sha256(sentence.encode()).hexdigest()


@cache
def _compile_patterns(code: str) -> tuple["re.Pattern[str]", ...]:
    """One pattern per language whose sentence is still the pinned one."""
    found = []
    for language, pinned in pinned_digests().get(code, {}).items():
        sentence = load_catalogue(language).get(code, "")
        if sentence and sentence_digest(sentence) == pinned:
            parts = string.Formatter().parse(sentence)
            found.append(
                re.compile(
                    "".join(re.escape(text) + _slot_pattern(name) for text, name, _, _ in parts)
                )
            )
    return tuple(found)


def _slot_pattern(name: str | None) -> str:
    if name is None:
        return ""
    return _OWN_PAGES.get(name, SLOT)


def is_pinned_sentence(code: str, text: str, *, own_hosts: Sequence[str] = ()) -> bool:
    """Whether a text is the pinned sentence of a code in one of the languages, its slots filled
    shortly.

    `own_hosts` are those our own pages lie on.
    """
    found = [
        match
        for pattern in _compile_patterns(code)
        if (match := pattern.fullmatch(text)) is not None
    ]
    return any(_slots_are_ours(match, own_hosts) for match in found)


def _slots_are_ours(match: "re.Match[str]", own_hosts: Sequence[str]) -> bool:
    pages = {page for name, page in match.groupdict().items() if name in _OWN_PAGES}
    if any(urlsplit(page).netloc not in own_hosts for page in pages):
        return False
    return not extract_links(value for value in match.groups() if value not in pages)


@cache
def pinned_picture() -> Medium:
    """The house's own picture as somebody looked at it: a file that changed since is another
    one."""
    return Medium(**yaml.safe_load(PINS.read_text("utf-8"))["picture"])


def _shows_only(unit: Unit) -> bool:
    """Whether a unit shows no picture, or the pinned one in the place of a copy; such a unit does
    nothing else."""
    replaces = unit.subject.kind == replacement_picture.REPLACEMENT_STEP
    if replaces != unit.service.startswith(REMOVED):
        return False
    if not replaces or unit.buttons or unit.before:
        return not replaces and not unit.media
    return unit.media in ((), (pinned_picture(),))


def is_pure_service_unit(unit: Unit, *, own_hosts: Sequence[str] = ()) -> bool:
    """Whether a unit is its service sentence and nothing else; its buttons bear service sentences
    too."""
    body_only = len(unit.texts) == 1 and not (
        unit.references or unit.invoice or unit.price or unit.options
    )
    body_only = body_only and _shows_only(unit)
    ours = unit.service.startswith(PREFIX) and not unit.service.startswith(BUTTON)
    if (
        not body_only
        or not ours
        or not is_pinned_sentence(unit.service, unit.texts[0].body, own_hosts=own_hosts)
    ):
        return False
    labels = [code for code in pinned_digests() if code.startswith(BUTTON)]
    return all(
        any(is_pinned_sentence(code, button.label) for code in labels) for button in unit.buttons
    )


def write_pins() -> None:
    """Pin every service sentence, and the picture, as they stand now: run after reading and seeing
    what changed."""
    codes = sorted(code for code in load_catalogue(LANGUAGES[0]) if code.startswith(PREFIX))
    sentences = {
        code: {language: sentence_digest(load_catalogue(language)[code]) for language in LANGUAGES}
        for code in codes
    }
    ours = replacement_picture.replacement_medium()
    drawn = {
        name: value for name, value in asdict(ours).items() if name not in ("alt", "ai", "name")
    }
    head = (
        "# Reviewed service sentences: code, language, SHA-256. Update with: "
        "python -m gate.text.service_texts\n"
    )
    PINS.write_text(
        head + yaml.safe_dump({"picture": drawn, "sentences": sentences}, sort_keys=True), "utf-8"
    )


if __name__ == "__main__":
    write_pins()
