"""Visible text includes recent emoji, joined emoji and joining letters, but no hidden characters."""

from time import thread_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foundation.i18n.visible_text import is_one_line, remove_invisible

RECENT = "🩷🩵🫨🪇🪿🫚🐦‍🔥🙂‍↔️🍋‍🟩🫩🪾🫆🪉"
"""Emoji of Unicode 15, 15.1 and 16."""
WHOLE = [
    "🏳️‍🌈 Pride",
    "❤️‍🔥 Hot",
    "🩷 VIP",
    "کتاب‌ها",
    "👩🏽‍❤️‍💋‍👨🏿",
    "क्‍ष",
    "1️⃣",
    "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",
    "Ünïcødé — Łódź",
    RECENT,
]
HIDDEN = "\u200b\u2060\u00ad\u202e\u2066\ufeff\U000e0041\ufdd0\ue000\x00\x1b"


@pytest.mark.parametrize("text", WHOLE)
def test_visible_text_is_unchanged(text: str) -> None:
    assert is_one_line(text)
    assert remove_invisible(text) == text


@given(
    words=st.lists(st.sampled_from(WHOLE), min_size=1, max_size=4),
    hidden=st.sampled_from(HIDDEN + "\n\u2028\x85"),
)
def test_hidden_characters_and_breaks_are_no_line(words: list[str], hidden: str) -> None:
    text = f"a{hidden}" + " ".join(words)
    assert not is_one_line(text)
    kept = remove_invisible(text)
    assert kept in ("a" + " ".join(words), text)
    assert (kept == text) == hidden.isspace()


@pytest.mark.parametrize("joiner", ["\u200d", "\u200c"])
@given(letters=st.text(st.characters(categories=["Lu", "Ll"], max_codepoint=0x24F), min_size=2))
def test_joiners_between_other_letters_are_removed(joiner: str, letters: str) -> None:
    assert not is_one_line(joiner.join(letters))
    assert remove_invisible(joiner.join(letters)) == letters


@pytest.mark.parametrize(
    "unit", ["\u200d", "❤️\u200d", "🏴\U000e0041", "ک\u200c", "a\u202e", "\ufe0f"]
)
def test_cleaning_time_is_linear(unit: str) -> None:
    start = thread_time()
    is_one_line(unit * 20_000 + "\n")
    remove_invisible(unit * 20_000)
    assert thread_time() - start < 2
