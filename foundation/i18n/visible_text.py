"""Visible characters of a text, by the Unicode table of the `regex` package.

That table is newer than Python's, which does not know recent emoji. Joiners count as visible where
they affect the rendering: between emoji (Unicode Technical Standard 51 §2.3) and between letters of
joining scripts (Unicode 16.0 §23.2). Elsewhere invisible characters hide words from people but not
from programs. `is_one_line` accepts direction marks; `remove_invisible` removes them.
"""

import regex

_LETTER = (
    r"[\p{Arabic}\p{Syriac}\p{Mongolian}\p{Devanagari}\p{Bengali}\p{Gurmukhi}\p{Gujarati}\p{Oriya}"
    r"\p{Tamil}\p{Telugu}\p{Kannada}\p{Malayalam}\p{Sinhala}\p{Khmer}\p{Myanmar}\p{M}]"
)
_JOINER = (
    r"(?<=[\p{Extended_Pictographic}\p{Emoji_Modifier}\ufe0f])\u200d(?=\p{Extended_Pictographic})"
    rf"|(?<={_LETTER})[\u200c\u200d](?={_LETTER})"
)
_SELECTOR = r"(?<=[\p{Emoji}\p{Extended_Pictographic}])[\ufe0e\ufe0f]"
_FLAG_TAGS = r"(?<=\U0001f3f4)[\U000e0020-\U000e007e]{1,8}\U000e007f"
_MARK = r"[\u061c\u200e\u200f]"
_FILLERS = r"\u115f\u1160\u3164\uffa0\u180b-\u180f\ufe00-\ufe0f\U000e0100-\U000e01ef"
_ONE_LINE = regex.compile(rf"(?:[^\p{{C}}\p{{Zl}}\p{{Zp}}]|{_MARK}|{_JOINER}|{_FLAG_TAGS})*+")
_SHAPE_OR_UNSEEN = regex.compile(
    rf"({_JOINER}|{_SELECTOR}|{_FLAG_TAGS})|[\p{{C}}{_FILLERS}--\s]", regex.VERSION1
)


def is_one_line(text: str) -> bool:
    """Return True if a text has no control characters, line breaks or invisible characters.

    Characters that shape adjacent letters or emoji are allowed.
    """
    return _ONE_LINE.fullmatch(text) is not None


def remove_invisible(text: str) -> str:
    """Remove invisible characters, including direction marks, but not white space."""
    return str(_SHAPE_OR_UNSEEN.sub(lambda found: found[1] or "", text))
