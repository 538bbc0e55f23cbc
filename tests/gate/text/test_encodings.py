"""Encoded terms are found in any encoding; ordinary numbers, drawings and abbreviations are not
held."""

import base64
import codecs
from dataclasses import replace
from datetime import date

import pytest

from gate.contract.units import Rating
from gate.text import lexicon, text_rating
from gate.text.encodings import decode_segments
from gate.text.language_check import read_language
from gate.text.lexicon import shipped_lexicon

TODAY = date(2026, 12, 1)

TERM = "QUIET-HARBOUR-B"
KNOWN = replace(shipped_lexicon(), terms=(lexicon.fold_term("explicit", TERM),))
LOWER = TERM.lower()
LETTERS = [letter for letter in TERM if letter.isalpha()]
NATO = "quebec uniform india echo tango hotel alpha romeo bravo oscar uniform romeo bravo"
MORSE = "--.- ..- .. . - / .... .- .-. -... --- ..- .-. / -..."
LINES = (
    "Quick walk\nunder trees\nin the sun\nevery day\nthe best\nhalf hour\nall mine\nreally\nbut "
    "then\nout\nup\nrun\nbye"
)
WORDS = "Quite unusual, I ended the holiday at Rome, by only using railways. Bravo!"


def in_parts(encoded: str) -> str:
    return " ".join(encoded[at : at + 4] for at in range(0, len(encoded), 4))


def shifted(by: int) -> str:
    return "".join(chr((ord(one) - 65 + by) % 26 + 65) if one.isalpha() else one for one in TERM)


WRITTEN = {
    "braille": "".join(chr(0x2800 + dots) for dots in (31, 37, 10, 17, 30)) + "⠓⠁⠗⠃⠕⠥⠗⠃",
    "morse": MORSE,
    "morse with dots": MORSE.replace(".", "•").replace("-", "—"),
    "base64 in parts": in_parts(base64.b64encode(TERM.encode()).decode()),
    "base64 backwards": base64.b64encode(TERM.encode()).decode()[::-1],
    "base64 of utf-16": base64.b64encode(TERM.encode("utf-16-be")).decode(),
    "base64 twice": base64.b64encode(base64.b64encode(TERM.encode())).decode(),
    "base32": base64.b32encode(TERM.encode()).decode(),
    "hexadecimal": TERM.encode().hex(" "),
    "binary": " ".join(f"{code:08b}" for code in TERM.encode()),
    "decimal": " ".join(map(str, TERM.encode())),
    "decimal with commas": ", ".join(map(str, TERM.encode())),
    "octal": " ".join(f"{code:o}" for code in TERM.encode()),
    "alphabet positions": " ".join(str(ord(letter) - 64) for letter in LETTERS),
    "escapes": "".join(f"\\u{ord(one):04x}" for one in TERM),
    "code points": " ".join(f"U+{ord(one):04X}" for one in TERM),
    "quoted printable": "".join(f"={code:02X}" for code in TERM.encode()),
    "rot13": codecs.encode(TERM, "rot13"),
    "spelling alphabet": NATO,
    "drawn letters": "Q|_|13T-|-|/\\|2|3()|_||2-|3",
    "upside down": "q-ɹnoqɹɐɥ-ʇǝᴉnb",
    "letters among words": " then ".join(LETTERS),
    "in a comment": "QUIET-HAR<!-- x -->BOUR-B",
    "in an instruction": "QUIET-HAR<?x?>BOUR-B",
    "base32 in small letters": base64.b32encode(TERM.encode()).decode().lower(),
    "base64 of utf-16 little-endian": base64.b64encode(TERM.encode("utf-16-le")).decode(),
    "base64 three times": base64.b64encode(
        base64.b64encode(base64.b64encode(TERM.encode()))
    ).decode(),
    "morse with commas": MORSE.replace(" / ", " ").replace(" ", ", "),
    "morse in pictures": MORSE.replace(".", "⚫").replace("-", "➖"),
    "hexadecimal with dashes": TERM.encode().hex("-"),
    "hexadecimal as in programs": "".join(f"\\u{{{code:x}}}" for code in TERM.encode()),
    "codes apart": " and then ".join(map(str, TERM.encode())),
    "codes unbroken": "".join(map(str, TERM.encode())),
    "binary unbroken": "".join(f"{code:08b}" for code in TERM.encode()),
    "alphabet positions apart": " ✨ ".join(f"({ord(letter) - 64})" for letter in LETTERS),
    "alphabet positions unbroken": "".join(f"{ord(letter) - 64:02}" for letter in LETTERS),
    "alphabet positions from zero": " ".join(str(ord(letter) - 65) for letter in LETTERS),
    "alphabet positions from the end": " ".join(str(91 - ord(letter)) for letter in LETTERS),
    "alphabet positions in keycaps": " ".join(
        "".join(f"{digit}\ufe0f\u20e3" for digit in str(ord(one) - 64)) for one in LETTERS
    ),
    "shifted by one": shifted(1),
    "shifted by nineteen": shifted(19),
    "reversed alphabet": "".join(chr(155 - ord(one)) if one.isalpha() else one for one in TERM),
    "rot13 with digits": codecs.encode(TERM, "rot13").translate(str.maketrans("EO", "30")),
    "masked letters": "QU*ET-H#RB_UR-B",
    "letters masked by emoji": "QU❤️ET HARB🌚UR B",
    "around parentheses": "QUIET-HAR (good morning) BOUR-B",
    "letters in links": "".join(f"[{letter}](x)" for letter in LETTERS),
    "forum markup": "[b][/b]".join(LETTERS),
    "first letters of a list": "\n".join(
        f"{at}. {line}" for at, line in enumerate(LINES.split("\n"), 1)
    ),
    "first letters of sentences": LINES.replace("\n", " it is. ").title().replace("It Is", "it is"),
    "last letters of words": " ".join(f"so{letter.lower()}" for letter in LETTERS),
    "capitals": " ".join(f"go{letter}od" for letter in LETTERS),
    "first letters of lines": LINES,
    "first letters of words": WORDS,
}


@pytest.mark.parametrize("written", WRITTEN.values(), ids=WRITTEN.keys())
def test_encoded_term_is_found(written: str) -> None:
    assert text_rating.rate_texts([written], lexicon=KNOWN, today=TODAY).rating is Rating.E
    other = replace(KNOWN, terms=(lexicon.fold_term("explicit", "SUNNY-MEADOW-C"),))
    assert text_rating.rate_texts([written], lexicon=other, today=TODAY).rating is Rating.G


@pytest.mark.parametrize(
    "ordinary",
    [
        "Call me: 06 12 34 56 78, or 0170 1234567",
        "Lotto: 7 14 21 28 35, bonus 3",
        "Menu (vegan) | soup | 12 € | salad <3",
        "... and then - well - nothing ... --",
        "A b c, o e a i: y yo o tú",
        "100 101 110 111 were the room numbers",
        "c:\\users\\me and \\o/ ¯\\_(ツ)_/¯",
        "Meet at Hotel India, Oscar and Mike come too",
        "Mon 10-18, Tue 10-20, Sat 9-13, Sun 11-15; 24 seats, 2 rooms",
        "IBAN DE89 3704 0044 0532 0130 00, order 20261121000417358812",
        "*good* morning, _really_ good — 5*5=25, 100% :) ❤️you❤️all❤️",
        "iPhone 15 (the blue one) [sold] {gone} #GoodVibesOnly",
    ],
)
def test_ordinary_signs_and_numbers_are_general(ordinary: str) -> None:
    found = text_rating.rate_texts(
        [ordinary],
        lexicon=replace(shipped_lexicon(), terms=(*shipped_lexicon().terms, *KNOWN.terms)),
        today=TODAY,
    )
    assert (found.rating, found.obfuscated, found.prohibited) == (Rating.G, False, "")


def test_term_in_other_script_is_found_only_where_present() -> None:
    foreign = replace(KNOWN, terms=(lexicon.fold_term("explicit", "あなたの写真が大好きです"),))
    assert (
        text_rating.rate_texts(["Good morning to all of you"], lexicon=foreign, today=TODAY).rating
        is Rating.G
    )
    assert (
        text_rating.rate_texts(
            ["look: あなたの 写真が 大好きです!"], lexicon=foreign, today=TODAY
        ).rating
        is Rating.E
    )


def test_short_term_in_initials_must_span_sentence() -> None:
    short = replace(KNOWN, terms=(lexicon.fold_term("explicit", "quiet"),))
    spelt = "Quite unusual, I ended there"
    assert text_rating.rate_texts([spelt], lexicon=short, today=TODAY).rating is Rating.E
    for longer in (f"{spelt} again", f"So {spelt.lower()}"):
        assert text_rating.rate_texts([longer], lexicon=short, today=TODAY).rating is Rating.G
    assert text_rating.rate_texts(["so quiet here"], lexicon=short, today=TODAY).rating is Rating.E


@pytest.mark.parametrize(
    "bad", ["\\ud800", "U+FFFFFF", "\\u{110000}", "=FF=FE=FD=FC", "300 301 302 303 304", "xn--\x00"]
)
def test_invalid_characters_are_omitted(bad: str) -> None:
    for reading in decode_segments(bad):
        reading.encode()


@pytest.mark.parametrize(
    "unit",
    ["1 ", "a b ", "- ", ".", "|", "AAAA ", "=41", "\\u0041", "<", "⠁", "x-ray ", "7" * 9 + " "],
)
def test_huge_text_is_decoded_in_linear_time(unit: str) -> None:
    """With quadratic time this test would not end."""
    decode_segments(unit * (200_000 // len(unit)))


def test_encodings_do_not_affect_language_check() -> None:
    assert not read_language(["Dzisiaj mam dla was nowe zdjęcia"]).supported


@pytest.mark.parametrize(
    "written",
    [
        "so <quiet> here",
        "<b quiet>",
        "&amp;lt;i qu1et&amp;gt;",
        "#SoQuiet",
        "so1quiet1here",
        "q*iet",
        "qu🌚et",
        "q**et",
    ],
)
def test_short_term_is_found_between_signs(written: str) -> None:
    short = replace(KNOWN, terms=(lexicon.fold_term("explicit", "quiet"),))
    assert text_rating.rate_texts([written], lexicon=short, today=TODAY).rating is Rating.E


@pytest.mark.parametrize("written", ["q****", "*uie*", "quite", "d'quet", "#quie", "q*i*"])
def test_short_term_is_not_guessed_from_too_few_letters(written: str) -> None:
    short = replace(
        KNOWN, terms=(lexicon.fold_term("explicit", "quiet"), lexicon.fold_term("explicit", "tie"))
    )
    assert text_rating.rate_texts([written], lexicon=short, today=TODAY).rating is Rating.G


@pytest.mark.parametrize("foreign", ["<x {}>", "<!-- {} -->", "&lt;x {}&gt;"])
def test_foreign_text_in_angle_brackets_is_detected(foreign: str) -> None:
    assert read_language(["Good <b>morning</b> to all of you<br/>my friends"]).supported
    assert not read_language(
        ["Good morning " + foreign.format("Dzisiaj mam dla was nowe zdjęcia")]
    ).supported


@pytest.mark.parametrize(
    "unit",
    ["x", "6", "<a", "QUJD", "AaBb", "abcdefg2", "a*", "65 ", ".- ", "&amp;", "a\n", "%41", "a@a."],
)
def test_very_long_repetitive_text_is_rated(unit: str) -> None:
    """A pattern that restarted at each letter took minutes for these texts, enough to block a
    worker."""
    whole = unit * (200_000 // len(unit))
    assert text_rating.rate_texts([whole], lexicon=KNOWN, today=TODAY).rating is Rating.G
    assert (
        text_rating.rate_texts([f"{whole} {TERM}"], lexicon=KNOWN, today=TODAY).rating is Rating.E
    )
