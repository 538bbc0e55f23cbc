"""Letters of a watermark are drawn, or refused before drawing; never as empty boxes."""

import unicodedata

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from foundation.errors import BadInput
from generators.retouch import text_overlay, watermarks
from generators.retouch.watermarks import Watermark

PLAIN = Image.new("RGB", (240, 160), (90, 90, 90))


def draw_text(text: str) -> np.ndarray:
    return np.asarray(watermarks.draw_watermark(PLAIN, Watermark(text, size=12)))


@given(
    text=st.text(
        st.characters(min_codepoint=0x21, max_codepoint=0x52F, categories=["Lu", "Ll", "Lo"]),
        min_size=1,
        max_size=6,
    )
)
@settings(max_examples=40, deadline=None)
def test_each_letter_is_drawn_or_refused(text: str) -> None:
    missing = text_overlay.find_missing_letters(unicodedata.normalize("NFC", text))
    if missing:
        with pytest.raises(BadInput, match="letters"):
            draw_text(text)
    else:
        assert not np.array_equal(draw_text(text), np.asarray(PLAIN))


@pytest.mark.parametrize("text", ["© Aurélie", "Мия", "Łucja", "Ștefan Đỗ", "Ελένη"])
def test_european_names_have_distinct_letters(text: str) -> None:
    shapes = {draw_text(letter).tobytes() for letter in set(text) - {" "}}
    assert len(shapes) == len(set(text) - {" "})  # missing glyphs would all be the same box
    assert np.array_equal(draw_text(text), draw_text(unicodedata.normalize("NFD", text)))


@pytest.mark.parametrize("text", ["美咲", "मीरा", "मि", "🩷 mia"])
def test_letters_missing_from_the_font_are_refused(text: str) -> None:
    with pytest.raises(BadInput, match="letters"):
        watermarks.check_watermark_letters(Watermark(text))
