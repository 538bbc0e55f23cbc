"""Names are one line of visible text without direction marks; email addresses are single addresses."""

import unicodedata
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foundation.errors import BadInput
from tenants.agencies.names import (
    MAX_NAME_LENGTH,
    RESERVED_HANDLES,
    check_handle,
    make_handle,
    normalize_email,
    normalize_name,
)

MARKS = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
CONTROLS = "".join(map(chr, [*range(9), *range(14, 28), 0x7F, *range(0x80, 0x85), 0xD800, 0xDFFF]))


@given(st.text(max_size=3), st.sampled_from(MARKS + CONTROLS), st.text(max_size=3))
def test_direction_marks_and_control_characters_are_rejected(
    before: str, odd: str, after: str
) -> None:
    with pytest.raises(BadInput, match=r"name\.unfit"):
        normalize_name(f"A{before}{odd}{after}z")


@given(st.text(st.characters(blacklist_categories=["Cc", "Cs"], blacklist_characters=MARKS)))
def test_valid_name_is_normalized_once_to_one_line(typed: str) -> None:
    name = f"L {typed[:50]} é"
    found = normalize_name(name)
    assert found == normalize_name(found) == unicodedata.normalize("NFC", found)
    assert len(found.splitlines()) == 1
    assert "  " not in found


@pytest.mark.parametrize(
    "typed", ["", " ", "\u200b", "\ufeff\xa0", "\u0301", "x" * (MAX_NAME_LENGTH + 1)]
)
def test_empty_and_overlong_names_are_rejected(typed: str) -> None:
    with pytest.raises(BadInput):
        normalize_name(typed)


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        (" Léa\n Martin ", "Léa Martin"),
        ("Le\u0301a", "Léa"),
        ("نور\u200cا", "نور\u200cا"),
        ("דנה\u200f", "דנה\u200f"),
        ("👩‍👧", "👩‍👧"),
        ("<b>Ann</b>", "<b>Ann</b>"),
    ],
)
def test_names_in_any_script_are_preserved(typed: str, name: str) -> None:
    assert normalize_name(typed) == name


@given(st.sampled_from('\r\n\t ,;:<>()[]\\"\0\u2028\u202e\x7f@'), st.integers(0, 15))
def test_email_address_with_separators_is_rejected(odd: str, at: int) -> None:
    whole = "lea@maison.example"
    typed = whole[: at + 1] + odd + whole[at + 1 :]
    with pytest.raises(BadInput, match=r"member\.bad_email"):
        normalize_email(typed)
    assert normalize_email(f" {whole} ") == whole


@given(st.sampled_from(sorted(RESERVED_HANDLES)), st.data())
def test_reserved_handle_is_refused_in_every_spelling(handle: str, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(handle)))
    spellings = [
        handle,
        handle.upper(),
        handle.title(),
        f"{handle[:at]}-{handle[at:]}",
        f"{handle}-",
    ]
    for spelling in spellings:
        with pytest.raises(BadInput, match=r"creator\.handle"):
            check_handle(spelling)


@given(
    st.sampled_from(sorted(RESERVED_HANDLES)),
    st.sampled_from(["\u0301", "\u0308", "\u200b", " ", ""]),
    st.booleans(),
    st.uuids(),
)
def test_handle_made_from_a_reserved_name_is_not_reserved(
    handle: str, mark: str, upper: bool, key: UUID
) -> None:
    name = handle[:1] + mark + handle[1:]
    made = make_handle(name.upper() if upper else name, key)
    check_handle(made)
    assert made.replace("-", "") != handle.replace("-", "")
