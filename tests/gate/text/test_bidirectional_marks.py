"""Bidirectional marks added by keyboards and contact lists are ordinary; those that hide text are
obfuscation."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gate.text.normalization import is_obfuscated

MARKS = "\u200e\u200f\u061c"
PAIRS = {"\u2066": "\u2069", "\u2067": "\u2069", "\u2068": "\u2069", "\u202a": "\u202c", "\u202b": "\u202c"}  # fmt: skip
WORDS = st.sampled_from(
    ["Rendez-vous", "à", "18h", "+33 6 12 34 56 78", "(live)", "Bonjour", "شيرين", "דנה", "2026-11-29"]
)  # fmt: skip


@given(
    words=st.lists(WORDS, min_size=1, max_size=8),
    opener=st.sampled_from(sorted(PAIRS)),
    at=st.integers(0, 7),
)
@settings(max_examples=60, deadline=None)
def test_word_in_balanced_marks_is_ordinary(words: list[str], opener: str, at: int) -> None:
    place = at % len(words)
    words[place] = f"{opener}{words[place]}{PAIRS[opener]}"
    assert not is_obfuscated(" ".join(words))


@given(
    words=st.lists(WORDS, min_size=1, max_size=8),
    mark=st.sampled_from(MARKS),
    before=st.booleans(),
)
@settings(max_examples=60, deadline=None)
def test_mark_next_to_word_is_ordinary(words: list[str], mark: str, before: bool) -> None:
    text = " ".join(f"{mark}{word}" if before else f"{word}{mark}" for word in words)
    assert not is_obfuscated(text)


@given(word=st.text("abcdefgh", min_size=2, max_size=8), control=st.sampled_from("\u202d\u202e"))
@settings(max_examples=30, deadline=None)
def test_override_is_obfuscation_next_to_right_to_left_text(word: str, control: str) -> None:
    for text in (f"{control}{word}\u202c", f"שלום {control}{word}\u202c", f"{word} {control}"):
        assert is_obfuscated(text)


@given(
    word=st.text("abcdefghéü", min_size=2, max_size=8),
    mark=st.sampled_from(MARKS + "".join(PAIRS) + "\u2069\u202c"),
    at=st.integers(1, 7),
)
@settings(max_examples=60, deadline=None)
def test_control_inside_latin_word_is_obfuscation(word: str, mark: str, at: int) -> None:
    place = 1 + (at - 1) % (len(word) - 1)
    assert is_obfuscated(f"{word[:place]}{mark}{word[place:]}")


@pytest.mark.parametrize("closer", ["\u2069", "\u202c"])
def test_unbalanced_mark_is_obfuscation(closer: str) -> None:
    assert is_obfuscated(f"hello {closer} there")
    assert is_obfuscated("\u2067hello there")


def test_many_marks_are_obfuscation() -> None:
    assert is_obfuscated("hello " + "\u200e" * 40 + " there")
