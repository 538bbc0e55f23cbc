"""Words of a search: hostile input is harmless, and case and accents do not matter."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as some

from foundation.i18n.search_words import (
    MAX_SEARCH_LENGTH,
    MAX_WORDS,
    MIN_SEARCH_LENGTH,
    clean_search,
    matches_search,
)


@given(some.text(some.characters(exclude_categories=()), max_size=300))
def test_search_has_no_hostile_characters_and_a_limited_length(typed: str) -> None:
    words = clean_search(typed)
    assert words == "" or MIN_SEARCH_LENGTH <= len(words) <= MAX_SEARCH_LENGTH
    assert len(words.split()) <= MAX_WORDS
    assert not {unicodedata.category(sign) for sign in words} & {"Cc", "Cs"}
    assert clean_search(words) == words


@pytest.mark.parametrize(
    ("text", "words", "found"),
    [
        ("L’Été à la mer", "ete", True),
        ("L’Été à la mer", "MER été", True),
        ("L’Été à la mer", "er", False),
        ("Zoé Petit", "zo pe", True),
        ("Zoé Petit", "zoe marie", False),
        ("Clés API", "api", True),
    ],
)
def test_words_are_found_by_their_beginning(text: str, words: str, found: bool) -> None:
    assert matches_search(text, words) == found
