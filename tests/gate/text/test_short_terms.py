"""Terms of every length are found in every disguise; ordinary texts contain none."""

import base64
import codecs
import random
import re
import unicodedata
from collections.abc import Callable
from dataclasses import replace
from datetime import date

import pytest
import yaml

from benchmarks import term_alarms
from benchmarks.text_corpus import ORDINARY_TEXTS, false_alarm_rates, ordinary_texts
from gate.contract.units import Rating
from gate.text import lexicon, text_rating
from gate.text.lexicon import KINDS, SHIPPED_LEXICON_PATH, Lexicon, shipped_lexicon

TODAY = date(2026, 12, 1)

LENGTHS = range(4, 21)
LANGUAGES = ("en", "fr", "es", "de", "it", "pt")
SIGNS = "*@.$=×#_"


def made_up(length: int, seed: int) -> str:
    """Return a random word of this length that exists in no language. It has no doubled letter and
    none of the letters that signs and digits replace."""
    chance = random.Random(f"{length}:{seed}")
    while True:
        word = "".join(
            chance.choice("bdfkmpvwhz"[at % 2 :: 2] if at % 3 else "ue") for at in range(length)
        )
        halves = (word, word[::-1], codecs.encode(word, "rot13"))
        if not re.search(r"(.)\1", word) and not any(map(_is_ordinary, halves)):
            return word


def _is_ordinary(word: str) -> bool:
    return shipped_lexicon().is_ordinary_word(word)


def knowing(*terms: str) -> Lexicon:
    """Return the shipped lexicon with only these explicit terms."""
    return replace(
        shipped_lexicon(), terms=tuple(lexicon.fold_term("explicit", term) for term in terms)
    )


def stroked(word: str) -> str:
    """Return the word in letters with a stroke or a hook, where they exist."""
    forms: dict[str, str] = {}
    for code in range(0x180, 0x2B0):
        name = unicodedata.name(chr(code), "")
        found = re.fullmatch(r"LATIN SMALL LETTER ([A-Z]) WITH (?:STROKE|HOOK|TAIL)", name)
        if found:
            forms.setdefault(found[1].lower(), chr(code))
    return "".join(forms.get(letter, letter) for letter in word)


def spelt_by(word: str) -> str:
    """Return a line whose words begin with the letters of the word."""
    return " ".join(f"{letter}ost" for letter in word)


def in_middle(sign: str) -> Callable[[str], str]:
    return lambda word: f"so {word[:2]}{sign}{word[3:]} now"


DISGUISES: dict[str, Callable[[str], str]] = {
    "plain": lambda word: f"so {word} now",
    "compound": lambda word: f"a very super{word}party here",
    "prefix": lambda word: f"un{word} it",
    "suffix": lambda word: f"all the {word}ings",
    "hashtag": lambda word: f"#my{word}time",
    "split by a hyphen": lambda word: f"so {word[:2]}-{word[2:]} now",
    "split by points": lambda word: f"so {'.'.join(word)} now",
    "split by signs": lambda word: f"so {'@'.join(word)} now",
    "split by blanks": lambda word: f"so {' '.join(word)} now",
    "split in two": lambda word: f"so {word[: len(word) // 2]} {word[len(word) // 2 :]} now",
    "split over lines": lambda word: f"{word[:2]}\n{word[2:]}",
    "reversed": lambda word: f"so {word[::-1]} now",
    "rot13": lambda word: f"so {codecs.encode(word, 'rot13')} now",
    "initials": spelt_by,
    "initials of a sentence": lambda word: f"Good morning to you. {spelt_by(word)}. Bye now!",
    "initials of lines": lambda word: "\n".join(f"{letter}ost of it" for letter in word),
    "drawn out": lambda word: f"so {word[:2]}{word[2] * 3}{word[3:]} now",
    "starred first letter": lambda word: f"so *{word[1:]} now",
    "starred last letter": lambda word: f"so {word[:-1]}* now",
    "stroked letters": lambda word: f"so {stroked(word)} now",
    "skin tones between letters": lambda word: f"so {'🏽'.join(word)} now",
    "a skin tone inside": lambda word: f"so {word[:2]}🏿{word[2:]} now",
    "an emoji for a letter": lambda word: f"so {word[:2]}🍑🏻{word[3:]} now",
    **{f"{sign} for a letter": in_middle(sign) for sign in SIGNS},
}


TERMS = {length: made_up(length, 0) for length in LENGTHS}
KNOWN = {length: knowing(term) for length, term in TERMS.items()}


@pytest.mark.parametrize("disguise", DISGUISES)
def test_term_of_any_length_is_found(disguise: str) -> None:
    for length, term in TERMS.items():
        written = DISGUISES[disguise](term)
        found = text_rating.rate_texts([written], lexicon=KNOWN[length], today=TODAY)
        assert found.rating is Rating.E, written
        other = KNOWN[length + 1 if length < max(LENGTHS) else length - 1]
        assert text_rating.rate_texts([written], lexicon=other, today=TODAY).rating is Rating.G, (
            written
        )


@pytest.mark.parametrize(
    ("term", "ordinary"),
    [
        ("cock", "A peacock, two cocktails and a goodcocktailbar"),
        ("moon", "mon amour, on the monday"),
        ("till", "til tomorrow, 'tis"),
        ("penis", "The pen is mightier"),
        ("live", "evil is a word, and vile too"),
        ("tits", "#hits and *its* own"),
        ("quiet", "quite a party, d'quet"),
    ],
)
def test_ordinary_words_containing_term_are_allowed(term: str, ordinary: str) -> None:
    assert text_rating.rate_texts([ordinary], lexicon=knowing(term), today=TODAY).rating is Rating.G


@pytest.mark.parametrize("sign", [*".=×%~^&", ",", ":", "-", "/", "+", "|"])
def test_number_with_sign_is_no_hidden_term(sign: str) -> None:
    """Prices, versions, times and sums: a sign between digits hides no letter."""
    chance = random.Random(sign)
    numbers = [f"{whole}{sign}{rest:02}" for whole in range(10) for rest in range(100)]
    numbers += [
        sign.join(str(chance.randrange(1000)) for _ in range(chance.randrange(2, 5)))
        for _ in range(300)
    ]
    held = [
        one
        for one in numbers
        if text_rating.rate_texts([f"It costs {one} today"], today=TODAY).rating is not Rating.G
    ]
    assert held == []


def test_starred_term_in_digits_is_found() -> None:
    assert text_rating.rate_texts(["7*75"], today=TODAY).rating is not Rating.G


def test_doubled_letter_of_term_is_required() -> None:
    known = knowing("kvooz")
    assert text_rating.rate_texts(["so kvoooz now"], lexicon=known, today=TODAY).rating is Rating.E
    assert (
        text_rating.rate_texts(["so k v o o z now"], lexicon=known, today=TODAY).rating is Rating.E
    )
    assert text_rating.rate_texts(["so kvoz now"], lexicon=known, today=TODAY).rating is Rating.G


def coded_terms() -> dict[str, dict[str, str]]:
    content = yaml.safe_load(SHIPPED_LEXICON_PATH.read_text("utf-8"))
    terms: dict[str, dict[str, str]] = content["coded_terms"]
    assert {listed["source"] for listed in terms.values()} <= content["sources"].keys()
    assert all(set(source) == {"name", "url", "licence"} for source in content["sources"].values())
    return terms


def test_shipped_lexicon_has_terms_in_six_languages() -> None:
    listed = coded_terms()
    assert set(listed) == set(LANGUAGES)
    for language, kinds in listed.items():
        counts = {kind: len(kinds[kind].split()) for kind in KINDS}
        assert sum(counts.values()) >= 150, language
        assert all(counts.values()), (language, counts)


def test_encoded_lexicon_terms_are_found_and_never_stored_plain() -> None:
    listed = coded_terms().values()
    coded = [
        term
        for kinds in listed
        for kind in KINDS
        if kind != "minor_context"
        for term in kinds[kind].split()
    ]
    for one in random.Random(7).sample(coded, 100):
        term = base64.b64decode(one, validate=True).decode()
        found = text_rating.rate_texts([f"and {term} there"], today=TODAY)
        assert found.rating is not Rating.G, one
        assert term not in SHIPPED_LEXICON_PATH.read_text("utf-8").partition("coded_terms:")[2]


def test_ordinary_texts_are_not_held() -> None:
    texts = ordinary_texts()
    rated = [
        text for text in texts if text_rating.rate_texts([text], today=TODAY).rating is not Rating.G
    ]
    assert len(rated) / len(texts) <= 0.005, rated


@pytest.mark.heavy
@pytest.mark.parametrize("part", ["tune", "check"])
def test_ordinary_texts_are_rated_general(part: str) -> None:
    rates = false_alarm_rates(ORDINARY_TEXTS / part)
    assert rates["holds_per_1000_messages"] <= 10
    assert rates["holds_per_100_captions"] <= 2
    assert rates["benign_block_ppm"] == 0


@pytest.mark.heavy
def test_false_alarms_per_disguise_are_below_threshold() -> None:
    texts = ordinary_texts()[::3]
    rates = term_alarms.alarm_rates(texts, lengths=(4, 8), wanted=300)
    short = {name: rate for name, rate in rates[4].items() if name != term_alarms.JOINED}
    assert sum(short.values()) <= 5, short
    assert rates[8][term_alarms.JOINED] <= 1


@pytest.mark.parametrize("length", LENGTHS)
@pytest.mark.parametrize("newest_first", [False, True])
def test_term_split_over_posts_is_found(length: int, newest_first: bool) -> None:
    term = made_up(length, 11)
    known = knowing(term)
    letters = term[::-1] if newest_first else term
    *earlier, last = letters
    sequence = text_rating.TextSequence(tuple(earlier), (last,), newest_first=newest_first)
    rating = text_rating.rate_texts([last], sequences=[sequence], lexicon=known, today=TODAY).rating
    assert rating is Rating.E
    shorter = replace(sequence, earlier=tuple(earlier[:-1]))
    rating = text_rating.rate_texts([last], sequences=[shorter], lexicon=known, today=TODAY).rating
    assert rating is Rating.G
