"""A creator's name as a watermark: small text in a corner, readable on light and
dark backgrounds."""

import unicodedata
from dataclasses import dataclass

from PIL import Image, ImageDraw, ImageFilter, ImageFont

from foundation.errors import BadInput
from foundation.i18n.visible_text import is_one_line
from generators.retouch import text_overlay

WATERMARK_CORNERS = ("bottom_right", "bottom_left", "top_right", "top_left")
MAX_WATERMARK_LENGTH = 40
MIN_SIZE_PERCENT = 2
MAX_SIZE_PERCENT = 12
"""Limits on the text height, in percent of the picture's shorter side."""

MIN_OPACITY_PERCENT = 20
"""Minimum opacity in percent: a fainter watermark cannot be read and protects nothing."""

AWAY = 0.6
"""Distance from the edges, relative to the text height."""

WIDEST = 0.6
"""Maximum width relative to the picture; longer text is drawn in a smaller size."""


@dataclass(frozen=True)
class Watermark:
    """A watermark with `text` in a `corner`. `size` is in percent of the shorter side, `opacity` in
    percent. Raises BadInput for invalid values."""

    text: str
    corner: str = "bottom_right"
    size: int = 4
    opacity: int = 70

    def __post_init__(self) -> None:
        words = self.text.strip()
        if (
            not words
            or len(words) > MAX_WATERMARK_LENGTH
            or not is_one_line(words)
            or words != self.text
        ):
            raise BadInput("watermark.bad_text", most=MAX_WATERMARK_LENGTH).about("text")
        right = (
            MIN_SIZE_PERCENT <= self.size <= MAX_SIZE_PERCENT
            and MIN_OPACITY_PERCENT <= self.opacity <= 100
        )
        if self.corner not in WATERMARK_CORNERS or not right:
            raise BadInput("watermark.bad_look")


def check_watermark_letters(mark: Watermark) -> None:
    """Raise BadInput `watermark.letters` for letters that the font lacks, and Unavailable if the
    font is missing."""
    if lacking := text_overlay.find_missing_letters(_composed(mark.text)):
        raise BadInput("watermark.letters", letters=" ".join(lacking[:8])).about("text")


def _composed(text: str) -> str:
    return unicodedata.normalize("NFC", text)


def draw_watermark(image: Image.Image, mark: Watermark) -> Image.Image:
    """Return a new RGB picture with the text in white with a soft dark outline, readable on any
    background. Raises the errors of `check_watermark_letters`."""
    check_watermark_letters(mark)
    text = _composed(mark.text)
    font = _fit_font(mark, image.size)
    left, top, right, bottom = font.getbbox(text)
    wide = right - left
    high = bottom - top
    away = max(2, round(high * AWAY))
    x = image.width - away - wide if mark.corner.endswith("right") else away
    y = image.height - away - high if mark.corner.startswith("bottom") else away
    words = Image.new("L", image.size)
    ImageDraw.Draw(words).text((x - left, y - top), text, font=font, fill=255)
    rim = words.filter(ImageFilter.MaxFilter(3)).filter(
        ImageFilter.GaussianBlur(max(1.0, high / 14))
    )
    found = image.convert("RGB")
    for colour, mask, share in (((0, 0, 0), rim, 1.6), ((255, 255, 255), words, 1.0)):
        found.paste(
            colour,
            mask=mask.point(lambda one, share=share: min(255, one * share) * mark.opacity / 100),
        )
    return found


def _fit_font(mark: Watermark, size: tuple[int, int]) -> ImageFont.FreeTypeFont:
    """Return the font in the requested size, or smaller if the text would be too wide."""
    high = max(8.0, min(size) * mark.size / 100)
    font = text_overlay.font_of(round(high))
    wide = font.getlength(_composed(mark.text))
    return (
        font
        if wide <= size[0] * WIDEST
        else text_overlay.font_of(round(max(6.0, high * size[0] * WIDEST / wide)))
    )
