"""Words tell their language or they do not; what is neither of ours is not taken for one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foundation import languages
from foundation.words import LANGUAGES


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("bonjour", "fr"),
        ("tu as d'autres photos de la mer ?", "fr"),
        ("Je voudrais savoir quand sort la suite", "fr"),
        ("how are you", "en"),
        ("do you have more pictures of the sea?", "en"),
    ],
)
def test_words_that_tell_their_language(text: str, language: str) -> None:
    assert languages.of(text) == language


@pytest.mark.parametrize(
    "text", ["", "hi", "ok", "salut", "😀", "/stop", "guten Tag, wie geht es dir", "olá, tudo bem com você?", "\x00"]
)
def test_too_few_words_and_other_languages_tell_nothing(text: str) -> None:
    assert languages.of(text) is None


@given(st.text(max_size=200))
def test_any_text_is_taken(text: str) -> None:
    assert languages.of(text) in (None, *LANGUAGES)


def test_a_long_text_costs_no_more_than_its_beginning() -> None:
    assert languages.of("tu as d'autres photos de la mer ? " * 100_000) == "fr"
