"""Every text check takes linear time, for any repeated content."""

import re
import time
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from gate.contract import custom_emoji
from gate.text import (
    age_patterns,
    ages,
    bare_hosts,
    disclosures,
    encodings,
    language_check,
    lexicon,
    link_readings,
    normalization,
    text_rating,
    urls,
    word_forms,
)
from subscribers.replies import reply_checks

SHORT = 600
LONG = 4800
"""Characters of the longer text, eight times the shorter one."""
MAX_GROWTH = 24
"""Maximum ratio of the two durations: 8 is linear, 64 quadratic, and the rest is noise."""
TODAY = date(2026, 12, 1)
FAST = 0.02
"""Seconds below which durations are not compared."""

UNITS = [
    ".", "a.", "-", "a-", "_", " ", "\n", "a\n", "a ", "1", "1 ", "1.", "1, ", "!", "…", "(", "((a", "[", "{", "<", "<a",
    "&", "&amp;", "&#1", "&#9", "@", "a@", "#", ":", ":a", ":a:", "*", "a*", "*a ", "%41", "=41", "\\", "/", "a/", "a://",
    "http://a.be ", "http://a", "https://a/)", "a.be ", "t.me/a ", "xn--a", "+", "|", "0x41 ", "aB", "é", "e\u0301", "\u0301\u0323", "\u200d", "\ufe0f",
    "❤️", "a🏽", "👩\u200d", "1️⃣", "中", "。", "ai ", "not ", "no ia ", "mit ki ", "but ", "i'm only ", "j'ai que ", "your age ", "are you ", "really ", "a dot com ",
    "sommerkleid", "qzxv ", "haha", "€", "1€", "www.", "QUJD", "dGVz ", ".- ", "⠁", "|-|", "U+0041 ", "{a}", "..a", "'", "18 ",
    "15 ", "15 ans ", "fifteen ", "born in 2011 ", "3 mai 2011 ", "twenty-", "for 15 years ", "m,", "born ",
    "ß", "ø", "a.b/", "no.me ", "x-ray ", "a*b", "\x00", "[a](b)", "&lt;b ", "9" * 40 + " ",
]  # fmt: skip


def emptied(check: Callable[[str], Any]) -> Callable[[str], Any]:
    def run(text: str) -> Any:
        normalization.normalized_views.cache_clear()
        return check(text)

    return run


CHECKS: dict[str, Callable[[str], Any]] = {
    "rating": emptied(lambda text: text_rating.rate_texts([text], today=TODAY)),
    "window": emptied(lambda text: text_rating.rate_texts(["a"], before=[text], today=TODAY)),
    "obfuscation": normalization.is_obfuscated,
    "encodings": encodings.decode_segments,
    "language": lambda text: language_check.read_language([text]),
    "links": lambda text: link_readings.extract_links([text]),
    "spelled links": lambda text: list(bare_hosts.iter_spelt_hosts(text)),
    "crisis": emptied(text_rating.is_crisis_message),
    "ages": lambda text: ages.find_ages(text, TODAY),
    "age": lambda text: text_rating.detect_minor_statement(text, today=TODAY),
    "age question": lambda text: text_rating.detect_minor_statement("15", asked=text, today=TODAY),
    "bot": text_rating.is_bot_question,
    "disclosures": lambda text: disclosures.read_disclosure([text]),
    "reply": lambda text: reply_checks.find_reply_fault(text, instructions=text[:200]),
    "custom emoji": lambda text: [
        custom_emoji.find_custom_emoji(each, [text]) for each in ("discord", "mastodon")
    ],
    "canonical URL": urls.canonical_url,
    "adult host": urls.is_adult_host,
    "shortener": urls.is_shortener,
    "own page": lambda text: urls.is_own_adult_page(text, ("a.be",)),
    "known word": lambda text: word_forms.is_known_word(text, lexicon.shipped_lexicon().vocabulary),
}
PARTS = {
    "rating": 9,
    "crisis": 9,
    "window": 9,
    "language": 3,
    "age": 3,
    "ages": 3,
    "reply": 2,
}
"""Slower checks run on one of this many units; the heavy tests use all units."""


def duration(check: Callable[[str], Any], text: str) -> float:
    began = time.thread_time()
    check(text)
    return time.thread_time() - began


def grows_too_fast(check: Callable[[str], Any], unit: str, tail: str) -> bool:
    """Return True if the check takes much more than eight times as long for eight times the text."""
    long = (unit * (LONG // len(unit) + 1))[:LONG] + tail
    if (took := duration(check, long)) < FAST:
        return False
    short = long[:SHORT] + tail
    for _ in range(3):  # other load on the machine can distort one measurement
        if took <= MAX_GROWTH * max(duration(check, short), FAST / MAX_GROWTH):
            return False
        took = min(took, duration(check, long))
    return True


@pytest.mark.parametrize("name", CHECKS)
def test_check_is_linear(name: str) -> None:
    check = CHECKS[name]
    check("a warm start")
    parts = PARTS.get(name, 1)
    units = UNITS[list(CHECKS).index(name) % parts :: parts]
    assert [unit for unit in units if grows_too_fast(check, unit, "!a")] == []


@pytest.mark.heavy
@pytest.mark.parametrize("tail", ["", "!a", " \x01", "a"])
@pytest.mark.parametrize("name", CHECKS)
def test_check_is_linear_for_any_repetition(name: str, tail: str) -> None:
    assert [unit for unit in UNITS if grows_too_fast(CHECKS[name], unit, tail)] == []


@pytest.mark.parametrize(
    "text",
    [
        "." * 20_000,
        *(
            pytest.param(text, marks=pytest.mark.heavy)
            for text in ("a." * 8000, "a-" * 8000, "\u0301\u0323" * 8000, "1(" * 8000)
        ),
    ],
    ids=lambda text: ascii(text[:4]),
)
def test_long_text_is_checked_quickly(text: str) -> None:
    for name in ("rating", "language", "links", "reply", "shortener"):
        assert duration(CHECKS[name], text) < 2.5, name


def patterns() -> dict[str, "re.Pattern[str]"]:
    """Return every compiled pattern of the checks by its qualified name."""
    modules = (
        age_patterns, ages, bare_hosts, custom_emoji, disclosures, encodings, language_check, lexicon,
        normalization, text_rating, urls, word_forms, reply_checks,
    )  # fmt: skip
    found = {
        f"{module.__name__}.{name}": value
        for module in modules
        for name, value in vars(module).items()
        if isinstance(value, re.Pattern)
    }
    known = lexicon.shipped_lexicon()
    found |= {f"bot.{at}": one for at, one in enumerate(known.bot)}
    found |= {f"ages.{at}": group.pattern for at, group in enumerate(known.ages.groups)}
    found |= {f"ages.{name}": getattr(known.ages, name) for name in AGE_PATTERNS}
    found |= {
        f"negators.{name}": one for name, one in known.disclosures.negators_by_language.items()
    }
    return found | {
        f"disclosures.{name}.{at}": pattern
        for name in ("mark_patterns", "denial_patterns", "mention_patterns")
        for at, pattern in enumerate(getattr(known.disclosures, name))
    }


AGE_PATTERNS = (
    "numerals", "keywords", "written_numbers", "stated_elsewhere", "hinted_elsewhere",
    "cues_elsewhere", "verbatim_cues", "questions", "answer",
)  # fmt: skip
ANCHORED = {"_WITH_HOST", "_NAME", "_LAUGHTER"}
"""Patterns that are matched only at the beginning of a text."""


def searched(name: str, pattern: "re.Pattern[str]") -> Callable[[str], Any]:
    """Return the function that searches a text for the pattern."""
    return pattern.fullmatch if name.rpartition(".")[2] in ANCHORED else pattern.findall


def hostile_units(pattern: str) -> set[str]:
    """Return fragments of the pattern's literals, to be repeated."""
    literals = re.findall(
        r"[\w' ]{2,}|[.,:;!?@#*/(\[{<&=|-]", re.sub(r"\\[A-Za-z]|\(\?\W?", " ", pattern)
    )
    words = sorted(set(literals), key=len, reverse=True)[:6]
    return {*words, *(f"{word} " for word in words), "a", " ", ".", "1", "a.", "1 "} - {""}


@pytest.mark.heavy
def test_every_pattern_is_linear() -> None:
    found = patterns()
    assert len(found) > 120
    slow = [
        (name, unit)
        for name, pattern in found.items()
        for unit in sorted(hostile_units(pattern.pattern))
        if grows_too_fast(searched(name, pattern), unit, "!a")
    ]
    assert slow == []


@pytest.mark.parametrize(
    "reference", ["&#" + "9" * 5000 + ";", "&#x" + "f" * 5000 + ";", "&#1114112;"]
)
def test_character_reference_beyond_unicode_is_accepted(reference: str) -> None:
    assert not text_rating.rate_texts([f"a {reference} b"], today=TODAY).prohibited
    assert language_check.read_language([f"Good morning {reference} to you"]).words
