"""Visible characters of a fan reach the model: recent and joined emoji, joined letters."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from subscribers.replies.prompt import strip_invisible

SEEN = ["🩷", "hi 🫨🩵", "❤️‍🔥", "🏳️‍🌈", "کتاب‌ها", "🙂‍↔️", "été"]


@given(st.lists(st.sampled_from(SEEN), min_size=1, max_size=5))
def test_visible_characters_are_kept(words: list[str]) -> None:
    text = "\n".join(words)
    assert strip_invisible(text) == text


@pytest.mark.parametrize("hidden", ["\u200b", "\u202e", "\u2066", "\u00ad", "\u115f", "\x07", "\t"])
def test_invisible_characters_are_removed(hidden: str) -> None:
    assert strip_invisible(f"a{hidden}b🩷") == "ab🩷"
