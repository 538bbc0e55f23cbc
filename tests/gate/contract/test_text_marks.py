"""The machine-readable mark of AI text: bound to the text and invisible to the safety check."""

import unicodedata

from hypothesis import given, settings
from hypothesis import strategies as st

from gate.contract.text_marks import add_text_mark, has_text_mark, remove_text_mark
from gate.text.link_readings import extract_links
from gate.text.normalization import is_obfuscated, visible_letters

TEXTS = st.text(min_size=1, max_size=80).map(str.strip).filter(bool)


@settings(max_examples=50)
@given(TEXTS)
def test_mark_is_added_once_and_removed(text: str) -> None:
    plain = remove_text_mark(text).rstrip()
    marked = add_text_mark(text)
    assert has_text_mark(marked)
    assert add_text_mark(marked) == marked
    assert remove_text_mark(marked) == plain
    assert not has_text_mark(plain)


@settings(max_examples=50)
@given(TEXTS, TEXTS)
def test_mark_of_another_text_is_invalid(one: str, other: str) -> None:
    run = add_text_mark(one)[len(remove_text_mark(add_text_mark(one))) :]
    plain = remove_text_mark(other).rstrip()
    same = " ".join(unicodedata.normalize("NFC", plain).split()) == " ".join(
        unicodedata.normalize("NFC", remove_text_mark(one)).split()
    )
    assert has_text_mark(plain + run) == same
    assert remove_text_mark(plain + run) == plain


@settings(max_examples=50)
@given(st.text(st.characters(codec="latin-1", categories=["L", "P", "Zs"]), min_size=1))
def test_safety_check_ignores_mark(text: str) -> None:
    marked = add_text_mark(text)
    plain = remove_text_mark(marked)
    assert is_obfuscated(marked) == is_obfuscated(plain)
    assert extract_links([marked]) == extract_links([plain])
    assert visible_letters(marked) == visible_letters(plain)


def test_mark_survives_normalized_accents_and_blanks() -> None:
    marked = add_text_mark("Cafe\u0301  a\nla mer")
    assert has_text_mark(unicodedata.normalize("NFC", marked))
    assert has_text_mark(marked.replace("  ", " ").replace("\n", " "))
    assert not has_text_mark(marked.replace("mer", "mere"))
