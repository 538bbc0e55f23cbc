"""Language detection returns a supported language, or None for short or foreign texts."""

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
def test_english_and_french_texts_are_detected(text: str, language: str) -> None:
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
def test_short_and_foreign_texts_have_no_language(text: str) -> None:
    assert language_detection.detect_language(text) is None


@given(st.text(max_size=200))
def test_any_text_is_accepted(text: str) -> None:
    assert language_detection.detect_language(text) in (None, *LANGUAGES)


def test_only_beginning_of_long_text_is_read() -> None:
    assert (
        language_detection.detect_language("tu as d'autres photos de la mer ? " * 100_000) == "fr"
    )
