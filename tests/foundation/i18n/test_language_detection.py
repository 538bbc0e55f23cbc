"""Words tell their language or they do not; what is neither of ours is not taken for one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foundation.i18n import language_detection
from foundation.i18n.translation import LANGUAGES


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
    assert language_detection.detect_language(text) == language


@pytest.mark.parametrize(
    "text",
    [
        "",
        "hi",
        "ok",
        "salut",
        "😀",
        "/stop",
        "guten Tag, wie geht es dir",
        "olá, tudo bem com você?",
        "\x00",
    ],
)
def test_too_few_words_and_other_languages_tell_nothing(text: str) -> None:
    assert language_detection.detect_language(text) is None


@given(st.text(max_size=200))
def test_any_text_is_taken(text: str) -> None:
    assert language_detection.detect_language(text) in (None, *LANGUAGES)


def test_a_long_text_costs_no_more_than_its_beginning() -> None:
    assert (
        language_detection.detect_language("tu as d'autres photos de la mer ? " * 100_000) == "fr"
    )
