"""Normalization of disguised texts: decoded segments, emoji names, line initials and hidden
characters."""

import pytest

from gate.text import normalization, word_forms
from gate.text.encodings import decode_base64_segments, decode_segments

READ = {
    "1 2 3 26": {"abcz"},
    "1 2 3 27": set(),
    "0 1 2 3": set(),
    "1 2 3 100": set(),
    "104 101 108 108 111": {"hello"},
    "110 145 154 154 157": {"Hello"},
    "1101000 1100101 1101100 1101100": {"hell"},
    "104, 101, 108, 108, 126": {"hell~"},
    "104, 101, 108, 108, 127": set(),
    "6869207468657265206d65": {"hi there me", "DEJDAHAA"},
    "1 2 3 4 5 6 7 8": {"abcdefgh", "bcdefghi", "zyxwvuts"},
    "72, then 101 and 108 108 111 32 121 111 117": {"Hello you", "llo you"},
    "0803120426050702": {"hcldzegb", "sxowavty"},
    "xn--bcher-kva": {"bücher"},
    "=68=65=6C=6C=6F": {"hello"},
    "=FF=FE=FD=FC": set(),
    "=00=01=02=03": set(),
    "\\u0068\\u0069": {"hi"},
    "U+0068 U+0069": {"hi"},
    "\\u{10FFFF}a": {"\U0010ffffa"},
    "\\u{110000}a": {"a"},
    "\\ud800!": {"!"},
    "⠓⠊ ⠽⠕⠥": {"hi", "you", "hi you"},
    ".... . .-.. .-.. ---": {"hello"},
    "|-|3|_|_0": {"h3u_0"},
    "hotel echo lima lima oscar": {"hello"},
    "echo x-ray papa echo": {"expe"},
    "a b c d": {"abcd"},
    "a b c": set(),
    "aGVsbG8gdGhlcmU=": {"hello there"},
    "NBSWY3DPEB2GQZLSMU======": {"hello there"},
    "ollǝɥ": {"olleh"},
    "a%20b": {"a b"},
    "plain words here": set(),
}


@pytest.mark.parametrize("written", READ)
def test_encoded_segments_are_decoded_exactly(written: str) -> None:
    assert decode_segments(written) == READ[written]


def test_decoded_segments_include_text_between_them() -> None:
    assert "hello!! and there!!" in decode_segments("aGVsbG8hIQ== and dGhlcmUhIQ==")
    assert decode_base64_segments("say aGVsbG8gdGhlcmU= now") == "say hello there now"
    assert decode_base64_segments("say nothing123 now") == "say nothing123 now"


@pytest.mark.parametrize(("written", "says"), [
    ("U+48 x65h u006c \\u{6C} 6f 20 ex 79-6f", "Hello yo"),
    ("6\u20e3 and 8\u20e3 2\u20e32\u20e3, 3, 7, 2, 6, 12", "fhvcgbfl"),
])  # fmt: skip
def test_separate_numbers_are_decoded_as_one_sequence(written: str, says: str) -> None:
    assert says in decode_segments(written)


@pytest.mark.parametrize(("text", "first", "edges"), [
    ("a\nb\nc\nd", "abcd", ["abcd", "abcd", "abcd", "a", ""]),
    ("a\nb\nc", "", ["abc", "abc", "abc", "a", ""]),
    ("- “Hello\n• 2day\n\n*zz\nq", "H2zq", ["H2zq", "oyzq", "oyzq", "H", "H"]),
    ("1. One\n2) two\n3 - three\n10: four", "Ottf", ["1O2t3t1f", "1e2o3e0r", "eoer", "1O", "O"]),
    (" x", "", ["x", "x", "x", "x", ""]),
    ("one two\nsix", "", ["ots", "eox", "ox", "o", ""]),
    ("Up it goes. And then? So be it", "", ["UigAtSbi", "ptsdnoet", "t", "UAS", "UAS"]),
])  # fmt: skip
def test_first_and_last_letters_of_lines_are_read(text: str, first: str, edges: list[str]) -> None:
    assert normalization._first_letters(text) == first
    lines = [normalization._WORD.findall(line) for line in text.splitlines()]
    assert list(normalization._edge_letters(text, lines)) == edges


@pytest.mark.parametrize(("text", "names"), [
    ("plain", ""), ("a:b", ""), ("hi 🍆 :peach: x", "AUBERGINE peach"), ("🍑", "PEACH"), (":peach: :eggplant:",
                                                                                     "peach eggplant"),
])  # fmt: skip
def test_emoji_are_replaced_by_names(text: str, names: str) -> None:
    assert normalization._emoji_names(text) == names


HIDDEN = {
    "right-to-left override in Latin text": ("abc\u202edef", True),
    "right-to-left override in Hebrew text": ("\u05d0\u202e\u05d1", False),
    "two invisible characters": ("a\u200bb\u200bc", False),
    "three invisible characters": ("a\u200bb\u200bc\u200bd", True),
    "three in a long text": ("a" * 101 + "\u200b" * 3, False),
    "four in a long text": ("a" * 101 + "\u200b" * 4, False),
    "five in a long text": ("a" * 101 + "\u200b" * 5, True),
    "hundred letters": ("a" * 97 + "\u200b" * 3, True),
    "tags": ("a\U000e0061", True),
    "the flag of a region": (
        "\U0001f3f4\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",
        False,
    ),
    "two marks": ("e\u0301\u0323", False),
    "three marks": ("e\u0301\u0323\u0302", True),
    "three marks on two letters": ("e\u0301\u0323x\u0302", False),
    "mixed": ("p\u0430y", True),
    "greek alone": ("\u03b1\u03b2", False),
    "micro": ("5\u00b5m", False),
    "family": ("\U0001f468\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466", False),
    "plain": ("Good morning", False),
    "nothing": ("", False),
}


@pytest.mark.parametrize("name", HIDDEN)
def test_obfuscation_starts_at_first_character_above_limit(name: str) -> None:
    text, hides = HIDDEN[name]
    assert normalization.is_obfuscated(text) is hides


@pytest.mark.parametrize(("text", "spaced", "apart", "joined"), [
    ("good  morning", " god morning ", " god morning ", "godmorning"),
    ("h e l l o", " helo ", " h e l l o ", "helo"),
    ("a b", " a b ", " a b ", "ab"),
    ("", " ", " ", ""),
])  # fmt: skip
def test_letters_are_joined_and_repetitions_reduced(
    text: str, spaced: str, apart: str, joined: str
) -> None:
    assert (
        normalization.spaced_words(text),
        normalization.separated_words(text),
        normalization.joined_letters(text),
    ) == (spaced, apart, joined)


def test_lookalikes_and_signs_become_letters() -> None:
    assert normalization.fold_lookalikes("РАУ") == "pay"
    assert normalization.fold_lookalikes("Ηello") == "hello"
    assert normalization.fold_leetspeak("h3110 w0r1d") == "heiio worid"
    assert normalization.fold_case("ÀÉ<b>x</b>&amp;\u200b") == "aex&"
    assert normalization.strip_markup("<!-- x -->a:letter_b:") == "ab"


@pytest.mark.parametrize(("word", "origins"), [
    ("perritas", {"perro", "perra", "perre", "perr"}),
    ("kätzchen", {"kätz", "katz", "katzo", "kätzo"}),
    ("dammelo", set()),
    ("vederlo", {"veder", "vedere"}),
    ("guardandolo", {"guardando", "guardandoe"}),
    ("machste", {"machst"}),
    ("gibts", {"gibt"}),
])  # fmt: skip
def test_inflected_words_are_reduced_to_base_forms(word: str, origins: set[str]) -> None:
    found = set(word_forms._base_forms(word))
    assert origins <= found
    assert all(one == one.casefold() for one in found)


def test_accents_are_stripped_and_stretched_letters_reduced() -> None:
    assert word_forms.strip_accents("ísima ñ ü ø") == "isima n u ø"
    assert list(word_forms._unstretched_forms("soooo")) == ["soooo", "soo", "so"]


@pytest.mark.parametrize(("word", "endings", "left"), [
    ("perritas", ("itas",), ["perr"]), ("gatitas", ("itas",), []), ("perritas", ("ito",), []),
    ("camión", ("",), ["camión", "camion"]),
])  # fmt: skip
def test_suffix_is_stripped_if_stem_is_long_enough(
    word: str, endings: tuple[str, ...], left: list[str]
) -> None:
    assert sorted(word_forms._strip_endings(word, endings)) == sorted(left)
