"""Words that stand on pictures and on the frames of a clip: DejaVu Sans, which has the accents that
Pillow's own font lacks."""

import unicodedata
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from foundation.errors import BadInput, Unavailable

MAX_OVERLAY_TEXT = 140
MAX_LINES = 6
"""Characters of one caption, and the lines it may take."""

FONTS = (Path(__file__).parent / "DejaVuSans-Bold.ttf",)
"""Brought along (its licence beside it): the same letters, and the same bytes of a clip, on every
machine."""

_NOBODYS = "\uffff"
"""A code point no font has a letter for."""

_LETTER = 0.046
_LEADING = 1.28
_ROOM = 0.86
"""Of the shorter edge: the height of letters; of that: from line to line; of the width: what lines
may take."""

_FOOT = 0.24
"""Of the height: what stays free below, where the buttons and names of upright places lie."""

_INK = (255, 255, 255, 255)
_PAPER = (12, 12, 16, 168)


def check_text_overlay(words: str, size: tuple[int, int]) -> None:
    """Raise BadInput `clip.caption_long` or `clip.letters` for what cannot be written on a picture
    of `size` in pixels; Unavailable without the font."""
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
    """Return the letters of a composed text that the font does not have, in order. Raises
    Unavailable without the font."""
    return sorted({letter for letter in text if not letter.isspace() and not _has_glyph(letter)})


def draw_text_overlay(words: str, size: tuple[int, int]) -> Image.Image:
    """A layer of `size` in pixels, clear but for the words on their dark band. Raises as
    `check`."""
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
    """Composed, on one line: an accent is part of its letter, and breaks are ours."""
    return " ".join(unicodedata.normalize("NFC", words).split())


def _wrap_lines(words: str, font: ImageFont.FreeTypeFont, room: float) -> list[str]:
    """The words in lines no wider than `room`; a word that is wider alone is broken where it must
    be."""
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
    """Whether the font has this letter, rather than a box that stands for what it lacks."""
    font = font_of(32)
    return bytes(font.getmask(letter)) != bytes(font.getmask(_NOBODYS))


@cache
def font_of(height: int, places: Sequence[Path] = FONTS) -> ImageFont.FreeTypeFont:
    """The font with letters of so many pixels. Raises Unavailable where it is in none of these
    places."""
    for path in places:
        if path.is_file():
            return ImageFont.truetype(str(path), height)
    raise Unavailable("clip.no_font")
