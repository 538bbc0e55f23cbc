"""Decode text written as codes, numbers, signs or drawings, for matching only.

Undecodable parts are skipped: a wrong guess adds a view without matches and hides nothing.
"""

import base64
import binascii
import quopri
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from urllib.parse import unquote

import regex

_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{8,}={0,2}")
_BASE64_IN_PARTS = re.compile(
    r"(?<![A-Za-z0-9+/])(?:[A-Za-z0-9+/]{4,}+\s+){2,}[A-Za-z0-9+/]{2,}={0,2}"
)
_BASE32 = re.compile(r"(?:[A-Z2-7]{8,}|(?=[a-z]{0,40}[2-7])[a-z2-7]{12,})={0,6}")
_HEXADECIMAL = re.compile(r"(?:(?:\\x|0x)?[0-9a-fA-F]{2}[\s:,]{0,2}){8,}")
_PUNYCODE = re.compile(r"xn--[a-z0-9-]{1,250}", re.IGNORECASE)
_ESCAPED = re.compile(r"\\u\{?([0-9a-fA-F]{4,6})\}?|U\+([0-9a-fA-F]{4,6})\s?")
_QUOTED = re.compile(r"(?:=[0-9A-Fa-f]{2}){4,}")
_NUMBERS = re.compile(r"(?<!\d)\d{1,8}(?:[\s,;.:/|-]{1,3}\d{1,8}){3,}")
_NUMBER = re.compile(r"(?<!\d)\d{1,8}(?!\d)")
_UNBROKEN = re.compile(r"\d{16,}")
_PREFIXED = re.compile(
    r"(?<![0-9A-Za-z])(?:0?[xX]|[uU]\+?\{?(?:00)?)?([2-7][0-9A-Fa-f])[hH]?(?![0-9A-Za-z])"
)
"""The hexadecimal code of a visible character, in the notations of programs and people."""
_NOT_TEXT = regex.compile(r"[\p{Cc}\p{Cn}\p{Co}\p{Cs}--\s]", regex.VERSION1)
"""Characters that text does not contain.

The Unicode table of `regex` is newer than Python's, which classifies recent emoji as unassigned.
"""
_KEYCAP = "\u20e3"
_BRAILLE = re.compile("[\u2801-\u283f]+")
_MORSE = re.compile(r"(?:[.\-·•⚫⚪🔴–—_➖▬]{1,5}[\s/|,;]{1,3}){3,}[.\-·•⚫⚪🔴–—_➖▬]{1,5}")
_SPELT = re.compile(r"[^\W\d_]+")
_DRAWN = re.compile(r"[|\\]|><|\}\{|\)\(|\[\]|\(\)|(?<=\w)[(<](?=\w)")

_IN_BRAILLE = dict(
    zip((1, 3, 9, 25, 17, 11, 27, 19, 10, 26, 5, 7, 13,
         29, 21, 15, 31, 23, 14, 30, 37, 39, 58, 45, 61, 53),
        "abcdefghijklmnopqrstuvwxyz", strict=True)
)  # fmt: skip
"""Braille dots 1 to 6 as bits, in Unicode order: https://www.unicode.org/charts/PDF/U2800.pdf"""
_MORSE_LETTERS = (
    ".- -... -.-. -.. . ..-. --. .... .. .--- -.- .-.. -- -. --- .--. --.- .-. ... - ..- ...- .-- "
    "-..- -.-- --.."
)
_IN_MORSE = dict(zip(_MORSE_LETTERS.split(), "abcdefghijklmnopqrstuvwxyz", strict=True))
"""International Morse code: https://www.itu.int/rec/R-REC-M.1677"""
_ALPHABET = (
    "alpha alfa bravo charlie delta echo foxtrot golf hotel india juliet juliett kilo lima mike "
    "november oscar papa"
    " quebec romeo sierra tango uniform victor whiskey whisky xray yankee zulu"
)
_SPELLING = frozenset(_ALPHABET.split())
_TURNED = re.compile("[ɥʇʍʎɹʞɯɟƃᴉɾ]")
_UPRIGHT = str.maketrans(
    "ɐqɔpǝɟƃɥᴉɾʞlɯuodbɹsʇnʌʍxʎ∀ƎſפHIſ˥WԀɹS┴∩ΛMX⅄", "abcdefghijklmnopqrstuvwxyaejghijlmprstuvwxy"
)
"""Upside-down letters. The resulting word is then matched in reverse, as every view is."""
_SHAPES = (
    (r"|\/|", "m"), ("/\\/\\", "m"), (r"\/\/", "w"), (r"|\|", "n"), ("|-|", "h"), ("|_|", "u"),
    (r"\/", "v"), ("/\\", "a"), ("><", "x"), ("}{", "x"), (")(", "x"), ("|<", "k"), ("|{", "k"),
    ("|3", "b"), ("|)", "d"), ("|>", "p"), ("|=", "f"), ("|2", "r"), ("|_", "l"), ("()", "o"),
    ("[]", "o"), ("(", "c"), ("<", "c"), ("|", "l"),
)  # fmt: skip
"""Letters that are drawn with several signs, the longest first."""
_BASES = ((10, frozenset("0123456789"), 2), (8, frozenset("01234567"), 2), (2, frozenset("01"), 7))
"""Bases of character codes: base, its digits, and the minimum number of digits of a code."""
MEANT = 8
"""Minimum characters of a text decoded from separate numbers; shorter ones occur by chance."""
LONGEST_REMEMBERED = 64
"""Characters of the longest segment whose decodings are remembered: most are ordinary words, which
recur."""

_LEAST = 4
"""Minimum consecutive numbers or words that can spell a text."""


def decode_segments(shown: str) -> set[str]:
    """Return every decoding of the encoded segments of a text.

    Entities and markup must have been removed from the text.
    """
    found = {unquote(shown)} if "%" in shown else set()
    for pattern, read in _ASCII_READERS if shown.isascii() else _READERS:
        if pattern is _QUOTED and "=" not in shown:
            continue
        parts = {part: [*read(part)] for part in pattern.findall(shown)}
        found |= {reading for readings in parts.values() for reading in readings}
        # A term may be spread over several segments and the text between them.
        if len(parts) > 1 or pattern is _BRAILLE:
            found.add(pattern.sub(_first_of(parts), shown))
    if "\\u" in shown or "U+" in shown:
        found.add(_ESCAPED.sub(_decode_escape, shown))
    if _TURNED.search(shown):
        found.add(shown.translate(_UPRIGHT))
    if _DRAWN.search(shown):
        found.add(_replace_shapes(shown))
    found |= {
        _decode_spelling(shown),
        *(said for said in _decode_all_numbers(shown) if len(said) >= MEANT),
    }
    return found - {"", shown}


def _first_of(readings: Mapping[str, Sequence[str]]) -> Callable[["re.Match[str]"], str]:
    return lambda found: next(filter(None, readings.get(found[0], ())), found[0])


def decode_base64_segments(text: str) -> str:
    """Return the text with each readable base64 segment replaced by its decoded form."""
    return _BASE64.sub(lambda found: _decode_base64(found[0]) or found[0], text)


def _decode_base64_offsets(segment: str) -> Iterable[str]:
    """Decode from each of four offsets, forwards and reversed.

    A letter before the segment would otherwise shift its groups of four.
    """
    if len(segment) > LONGEST_REMEMBERED:
        return _decode_offsets(segment)
    return _remembered_offsets(segment)


def _decode_offsets(segment: str) -> tuple[str, ...]:
    return tuple(
        _decode_base64(one[skipped:])
        for one in (segment, segment[::-1].lstrip("="))
        for skipped in range(4)
    )


_remembered_offsets = lru_cache(maxsize=4096)(_decode_offsets)


def _decode_base64(segment: str) -> str:
    body = segment.rstrip("=").replace("-", "+").replace("_", "/")
    try:
        return _decode_bytes(base64.b64decode(body + "=" * (-len(body) % 4), validate=True))
    except (binascii.Error, ValueError):
        return ""


def _decode_base32(segment: str) -> Iterable[str]:
    body = segment.rstrip("=")
    try:
        return [_decode_bytes(base64.b32decode(body + "=" * (-len(body) % 8), casefold=True))]
    except (binascii.Error, ValueError):
        return []


def _decode_hexadecimal(segment: str) -> Iterable[str]:
    return [_decode_bytes(bytes.fromhex(re.sub(r"\\x|0x|[\s:,]", "", segment)))]


def _decode_punycode(segment: str) -> Iterable[str]:
    try:
        return [segment[4:].encode().decode("punycode")]
    except UnicodeError:
        return []


def _decode_numbers(segment: str) -> Iterable[str]:
    """Yield readings as character codes in base ten, eight or two, and as positions in the
    alphabet."""
    parts = re.findall(r"\d+", segment)
    for base, digits, least in _BASES:
        if all(set(part) <= digits and len(part) >= least for part in parts):
            codes = [int(part, base) for part in parts]
            if all(code <= 0x7E for code in codes):
                yield _decode_bytes(bytes(codes))
    if all(len(part) <= 2 and 1 <= int(part) <= 26 for part in parts):
        yield "".join(chr(96 + int(part)) for part in parts)


def _decode_all_numbers(shown: str) -> Iterable[str]:
    """Yield the readings of all numbers in a text, ignoring the text between them.

    An unbroken run of digits is also split into groups of two, three and eight. Numbers are read as
    character codes and as positions in the alphabet, counted from one, from zero or from its end.
    """
    text = shown.replace(_KEYCAP, "")
    yield "".join(chr(int(code, 16)) for code in _PREFIXED.findall(text))
    cuts = {2, 3, 8} if _UNBROKEN.search(text) else {1}
    for width in cuts:
        numbers = _NUMBER.findall(_UNBROKEN.sub(_split_digits(width), text))
        if len(numbers) >= _LEAST:
            yield from _texts_from_numbers(numbers)


def _split_digits(width: int) -> Callable[["re.Match[str]"], str]:
    return lambda found: " ".join(
        found[0][at : at + width] for at in range(0, len(found[0]), width)
    )


def _texts_from_numbers(numbers: Sequence[str]) -> Iterable[str]:
    for base, digits, least in _BASES:
        codes = [
            int(part, base) for part in numbers if len(part) >= least and digits.issuperset(part)
        ]
        yield "".join(chr(code) for code in codes if 0x20 <= code <= 0x7E)
    places = [int(part) for part in numbers if len(part) <= 2]
    for first, step in ((96, 1), (97, 1), (123, -1)):
        letters = (first + step * place for place in places)
        yield "".join(chr(letter) for letter in letters if 97 <= letter <= 122)


def _decode_braille(segment: str) -> Iterable[str]:
    return ["".join(_IN_BRAILLE.get(ord(one) - 0x2800, " ") for one in segment)]


def _decode_morse(segment: str) -> Iterable[str]:
    letters = re.split(r"[\s/|,;]+", re.sub("[·•⚫⚪🔴]", ".", re.sub("[–—_➖▬]", "-", segment)))
    return ["".join(_IN_MORSE.get(one, "") for one in letters)]


_READERS: tuple[tuple["re.Pattern[str]", Callable[[str], Iterable[str]]], ...] = (
    (_BASE64, _decode_base64_offsets),
    (_BASE64_IN_PARTS, lambda segment: [_decode_base64("".join(segment.split()))]),
    (_BASE32, _decode_base32),
    (_HEXADECIMAL, _decode_hexadecimal),
    (_PUNYCODE, _decode_punycode),
    (_QUOTED, lambda segment: [_decode_bytes(quopri.decodestring(segment))]),
    (_NUMBERS, _decode_numbers),
    (_BRAILLE, _decode_braille),
    (_MORSE, _decode_morse),
)


_ASCII_READERS = tuple(one for one in _READERS if one[0] is not _BRAILLE)


def _decode_escape(found: "re.Match[str]") -> str:
    code = int(found[1] or found[2], 16)
    return chr(code) if code <= 0x10FFFF and not 0xD800 <= code <= 0xDFFF else ""


def _replace_shapes(text: str) -> str:
    for drawn, letter in _SHAPES:
        text = text.replace(drawn, letter)
    return text


def _decode_spelling(text: str) -> str:
    """Return the text spelled by alphabet words ("echo x-ray papa") and by single letters."""
    words = [
        word.casefold()
        for word in _SPELT.findall(text.replace("x-ray", "xray").replace("X-ray", "xray"))
    ]
    named = "".join(word[0] for word in words if word in _SPELLING)
    alone = "".join(word for word in words if len(word) == 1)
    return " ".join(found for found in (named, alone) if len(found) >= _LEAST)


def _decode_bytes(data: bytes) -> str:
    """Return the text of some bytes: UTF-8, or UTF-16 of ASCII letters. Return "" if they are not
    text."""
    if len(data) > 3 and not (any(data[::2]) and any(data[1::2])):
        data = data.replace(b"\0", b"")
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return ""
    return "" if _NOT_TEXT.search(text) else text
