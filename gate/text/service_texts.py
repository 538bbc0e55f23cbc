"""Service texts: catalogue sentences that may be sent when all other texts are blocked.

The code of a service text begins with `service.`. Each sentence is pinned by its digest, so that a
changed sentence is refused until someone has reviewed and pinned it (`python -m
gate.text.service_texts`). The only picture allowed is the system's replacement picture for copies
that a platform does not delete. It is pinned likewise.
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
from gate.text.link_readings import extract_links

PINS = Path(__file__).parents[1] / "policy" / "service.yaml"
PREFIX = "service."
BUTTON = "service.button."
"""Prefix of button labels. A label must not be sent as a message, because one label consists only
of a slot."""

SAFETY = "service.safety."
"""Prefix of texts that protect a reader or a depicted person: helplines, age, replaced content.

Emergency stops do not block them.
"""

# Telegram bots can delete a message for 48 hours only, but edit it without a time limit.
REMOVED = f"{SAFETY}removed."
"""Prefix of the texts that replace a copy that a platform does not delete."""

SLOT = r"([^\n<>{}\\]{1,64})"
"""Pattern of a slot: a name, number, amount or short title on one line, without an address."""

AGE_PAGE = "age_page"
"""A slot that contains the address of the page where this reader proves their age, and nothing
else."""

_AGE_PAGE = r"(?P<age_page>https?://[A-Za-z0-9.:\-]{1,100}/age/[A-Za-z0-9_-]{32})"


REPORT_PAGE = "report_page"
"""A slot that contains the address of the removal request form, which is the same for all readers.
"""

_REPORT_PAGE = r"(?P<report_page>https?://[A-Za-z0-9.:\-]{1,100}/report)"

_OWN_PAGES = {AGE_PAGE: _AGE_PAGE, REPORT_PAGE: _REPORT_PAGE}


def is_safety_text(code: str) -> bool:
    """Return True if the code is that of a text that protects a reader."""
    return code.startswith(SAFETY)


@cache
def pinned_digests() -> Mapping[str, Mapping[str, str]]:
    """Return the pinned digests of the service sentences, by code and language."""
    listed: Mapping[str, Mapping[str, str]] = (
        yaml.safe_load(PINS.read_text("utf-8"))["sentences"] or {}
    )
    return listed


def sentence_digest(sentence: str) -> str:
    """Return the SHA-256 digest of a sentence, as it is pinned."""
    return hashlib.sha256(sentence.encode()).hexdigest()


@cache
def _compile_patterns(code: str) -> tuple["re.Pattern[str]", ...]:
    """Return one pattern per language whose current sentence matches its pin."""
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
    """Return True if a text is the pinned sentence of a code in one of the languages.

    The slots must match `SLOT` or an address of the installation's own pages. `own_hosts` are the
    hosts of these pages.
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
    """Return the pinned replacement picture. A file that changed since the review does not match
    it."""
    return Medium(**yaml.safe_load(PINS.read_text("utf-8"))["picture"])


def _shows_only(unit: Unit) -> bool:
    """Return True if a unit shows no media, or only the pinned picture in place of a live copy.

    A replacement unit must have no buttons and no earlier texts.
    """
    replaces = unit.subject.kind == replacement_picture.REPLACEMENT_STEP
    if replaces != unit.service.startswith(REMOVED):
        return False
    if not replaces or unit.buttons or unit.before:
        return not replaces and not unit.media
    return unit.media in ((), (pinned_picture(),))


def is_pure_service_unit(unit: Unit, *, own_hosts: Sequence[str] = ()) -> bool:
    """Return True if a unit consists of its service sentence alone; its buttons must have service
    labels."""
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
    """Pin the current service sentences and the picture, after a review of the changes."""
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
