"""Names of banned people are read in every disguise, and other names are not mistaken for them."""

import base64
import codecs
from collections.abc import Callable
from datetime import date

import pytest

from benchmarks.text_corpus import ordinary_texts
from gate.text.banned_names import remove_other_names
from gate.text.lexicon import Lexicon, shipped_lexicon
from gate.text.text_rating import TextSequence, rate_texts

TODAY = date(2026, 12, 1)

NAMES = ("Lou Martin", "Zoé Dupré", "Jean-Luc Ménard", "María del Mar", "Ødegaard", "abe")


def lexicon_with(*names: str) -> Lexicon:
    return shipped_lexicon().with_coded_terms(
        tuple(("banned", base64.b64encode(name.encode()).decode()) for name in names)
    )


DISGUISES: dict[str, Callable[[str], str]] = {
    "as written": str,
    "capitals": str.upper,
    "small letters": str.lower,
    "accents": lambda name: name.replace("a", "á").replace("e", "è").replace("o", "ö"),
    "hyphens": lambda name: name.replace(" ", "-"),
    "hashtag": lambda name: "#" + name.replace(" ", "").replace("-", ""),
    "possessive": lambda name: f"{name}'s",
    "lines": lambda name: name.replace(" ", "\n"),
    "digits": lambda name: name.replace("o", "0").replace("a", "4").replace("e", "3"),
    "Cyrillic": lambda name: name.replace("a", "а").replace("e", "е").replace("o", "о"),
    "zero width": "\u200b".join,
}
LONG_DISGUISES: dict[str, Callable[[str], str]] = {
    "spaced out": lambda name: " ".join(name.replace(" ", "")),
    "reversed": lambda name: name[::-1],
    "rot13": lambda name: codecs.encode(name, "rot13"),
    "base64": lambda name: base64.b64encode(name.encode()).decode(),
}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("disguise", DISGUISES)
def test_name_is_read_in_every_disguise(name: str, disguise: str) -> None:
    lexicon = lexicon_with(name)
    written = DISGUISES[disguise](name)
    for text in (written, f"A picture of {written} at the sea"):
        assert rate_texts([text], lexicon=lexicon, today=TODAY).banned, text
    assert not rate_texts([written], today=TODAY).banned


@pytest.mark.parametrize("disguise", LONG_DISGUISES)
def test_long_name_is_read_joined_and_reversed(disguise: str) -> None:
    written = LONG_DISGUISES[disguise]("Lou Martin")
    assert rate_texts(
        [f"see {written} here"], lexicon=lexicon_with("Lou Martin"), today=TODAY
    ).banned


def test_name_split_over_fields_and_messages_is_read() -> None:
    lexicon = lexicon_with("Lou Martin")
    assert rate_texts(["with Lou", "Martin"], lexicon=lexicon, today=TODAY).banned
    assert rate_texts(["Martin"], before=["my friend Lou"], lexicon=lexicon, today=TODAY).banned
    posts = TextSequence(tuple("LOUMARTI"), ("N",))
    assert rate_texts(["N"], sequences=[posts], lexicon=lexicon, today=TODAY).banned


@pytest.mark.parametrize(
    "text",
    ["Lou Martinez", "Loulou Martinez by the sea", "Martin Lou", "Lou and Martin", "Louis Martin"],
)
def test_name_of_another_person_is_not_banned(text: str) -> None:
    lexicon = lexicon_with("Lou Martin")
    assert not rate_texts([text], lexicon=lexicon, today=TODAY).banned
    assert rate_texts([f"{text}, Lou Martin"], lexicon=lexicon, today=TODAY).banned
    assert rate_texts([f"{text}, l o u m a r t i n"], lexicon=lexicon, today=TODAY).banned


def test_only_ordinary_words_make_another_name() -> None:
    lexicon = lexicon_with("Lou Martin")
    assert rate_texts(["xlou martinx"], lexicon=lexicon, today=TODAY).banned
    assert remove_other_names("a Lou Martinez b", lexicon) == "a  b"
    assert remove_other_names("a Lou Martin b", lexicon) == "a Lou Martin b"


def test_name_changes_no_rating() -> None:
    assert rate_texts(["Lou Martin"], lexicon=lexicon_with("Lou Martin"), today=TODAY).rating == "G"


def test_name_without_letters_is_ignored() -> None:
    assert lexicon_with("!!!").terms == shipped_lexicon().terms


def test_ordinary_texts_name_nobody() -> None:
    lexicon = lexicon_with(*NAMES)
    assert [
        text for text in ordinary_texts() if rate_texts([text], lexicon=lexicon, today=TODAY).banned
    ] == []
