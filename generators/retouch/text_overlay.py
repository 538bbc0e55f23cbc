"""Text on pictures and on frames of a clip, in DejaVu Sans, because Pillow's default font lacks
accents."""

import unicodedata
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from foundation.errors import BadInput, Unavailable

MAX_OVERLAY_TEXT = 140
MAX_LINES = 6
"""Maximum number of characters in a caption, and maximum number of its lines."""

FONTS = (Path(__file__).parent / "DejaVuSans-Bold.ttf",)
"""The bundled font (its licence is beside it), so that text and clips are equal on every machine.
"""

_NOBODYS = "\uffff"
"""A code point for which no font has a glyph."""

_LETTER = 0.046
_LEADING = 1.28
_ROOM = 0.86
"""Height of letters relative to the shorter edge; line height relative to letters; width of lines
relative to the picture."""

_FOOT = 0.24
"""Share of the height that remains free at the bottom, where vertical video platforms display
buttons and names."""

_INK = (255, 255, 255, 255)
_PAPER = (12, 12, 16, 168)


def check_text_overlay(words: str, size: tuple[int, int]) -> None:
    """Raise BadInput `clip.caption_long` or `clip.letters` for text that does not fit a picture of
    `size` in pixels, and Unavailable if the font is missing."""
    plain = _normalize_text(words)
    if len(plain) > MAX_OVERLAY_TEXT:
        raise BadInput("clip.caption_long", most=MAX_OVERLAY_TEXT)
    if lacking := find_missing_letters(plain):
        raise BadInput("clip.letters", letters=" ".join(lacking[:8]))
    if (
        plain
        and len(_wrap_lines(plain, font_of(_letter_height(size)), size[0] * _ROOM)) > MAX_LINES
    ):
        raise BadInput("clip.caption_long", most=MAX_OVERLAY_TEXT)


def find_missing_letters(text: str) -> list[str]:
    """Return the sorted letters of a composed text that the font lacks. Raises Unavailable if the
    font is missing."""
    return sorted({letter for letter in text if not letter.isspace() and not _has_glyph(letter)})


def draw_text_overlay(words: str, size: tuple[int, int]) -> Image.Image:
    """Return a transparent layer of `size` in pixels with the text on a dark band. Raises the
    errors of `check_text_overlay`."""
    check_text_overlay(words, size)
    wide, high = size
    height = _letter_height(size)
    font = font_of(height)
    lines = _wrap_lines(_normalize_text(words), font, wide * _ROOM)
    layer = Image.new("RGBA", size)
    draw = ImageDraw.Draw(layer)
    step = round(height * _LEADING)
    pad = round(height * 0.7)
    longest = max(font.getlength(line) for line in lines)
    bottom = round(high * (1 - _FOOT if high > wide else 0.93))
    top = bottom - step * len(lines) - pad
    left = round((wide - longest) / 2) - pad
    right = round((wide + longest) / 2) + pad
    draw.rounded_rectangle((left, top, right, bottom), radius=pad // 2, fill=_PAPER)
    for number, line in enumerate(lines):
        at = (wide / 2, top + pad / 2 + step * (number + 0.5))
        draw.text(at, line, font=font, fill=_INK, anchor="mm")
    return layer


def _letter_height(size: tuple[int, int]) -> int:
    return round(min(size) * _LETTER)


def _normalize_text(words: str) -> str:
    """Return the text in Unicode composed form on one line: accents are combined with their
    letters, and line breaks are removed."""
    return " ".join(unicodedata.normalize("NFC", words).split())


def _wrap_lines(words: str, font: ImageFont.FreeTypeFont, room: float) -> list[str]:
    """Return lines not wider than `room`. A single word that is too wide is broken."""
    lines = []
    line = ""
    for word in words.split():
        if line and font.getlength(f"{line} {word}") <= room:
            line = f"{line} {word}"
            continue
        lines += [line] if line else []
        line = ""
        for letter in word:
            if line and font.getlength(line + letter) > room:
                lines.append(line)
                line = ""
            line += letter
    return [*lines, line] if line else lines


@cache
def _has_glyph(letter: str) -> bool:
    """Return True if the font has this letter and not only a replacement box."""
    font = font_of(32)
    return bytes(font.getmask(letter)) != bytes(font.getmask(_NOBODYS))


@cache
def font_of(height: int, places: Sequence[Path] = FONTS) -> ImageFont.FreeTypeFont:
    """Return the font with letters of this height in pixels. Raises Unavailable if no font file
    exists."""
    for path in places:
        if path.is_file():
            return ImageFont.truetype(str(path), height)
    raise Unavailable("clip.no_font")
