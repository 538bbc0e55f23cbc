"""The normalized views of a text on which terms are matched; the published text is unchanged."""

import codecs
import html
import itertools
import operator
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Literal, NamedTuple

import regex

from gate.contract import text_marks
from gate.text.encodings import decode_segments

# Look-alikes by shape, after UTS #39. Capitals are replaced before case folding: a small eta looks
# like n, a capital Eta like H.
_CAPITALS = str.maketrans("ΑΒΕΖΗΙΚΜΝΟΡΤΥΧАВЕЗІЈКМНОРСТУХЅԌ", "abezhikmnoptyxabe3ijkmhopctyxsg")
_ALIKE = str.maketrans(
    "αβγεηικμνορστυχωζ"
    + "авгезіїјкмнпорстухһԁԛԝѕьґ"
    + "ոօսհցյ"
    + "ɑɡɩıɪłøđħƒ℮ʟɴʀꜱʏɢʜᴀʙᴄᴅᴇᴊᴋᴍᴏᴘᴛᴜᴠᴡᴢɐəɛɔ∀∃∈∂∑∆∩∪⊂",
    "abyenikuvopotuxwz"
    + "abre3iijkmhnopctyxhdqwsbr"
    + "noumgj"
    + "agiiilodhfelnrsyghabcdejkmoptuvwzaeeoaeedeanuc",
)
_LATIN_BLOCKS = ((0xC0, 0x2B0), (0x1D00, 0x1DC0), (0x2C60, 0x2C80), (0xA720, 0xAB70))
"""Unicode blocks of extended Latin letters, each as start and exclusive end."""
_MODIFIED_LATIN = re.compile(
    r"LATIN (?:SMALL|CAPITAL|LETTER SMALL CAPITAL)(?: LETTER)? (?:SMALL CAPITAL )?"
    r"(?:(?:REVERSED|TURNED|SIDEWAYS|OPEN|BARRED|DOTLESS|TAILLESS|BROKEN|STIRRUP|CLOSED|MIDDLE"
    r"|TOP HALF|BOTTOM HALF) )*([A-Z])(?: (?:WITH|BAR).*)?"
)
_LEET = str.maketrans("0134567892@$!|+€£¢¥µ×§", "oieasgtbgzasiiteicyuxs")
_STYLED = {0x1F170 + i: chr(97 + i) for i in range(26)} | {
    0x1F150 + i: chr(97 + i) for i in range(26)
}
_FLAGS = {0x1F1E6 + i: chr(97 + i) for i in range(26)}
_LETTERS = _STYLED | _FLAGS  # squared, circled and regional indicator letters
_LETTER = re.compile("[\U0001f150-\U0001f1ff]")
"""The range of squared, circled and regional indicator letters.

Most texts contain none, and a search is faster than a translation.
"""

_TAG = re.compile(r"</?[A-Za-z?!][^<>]{0,2000}>")
_ANGLES = re.compile("[<>]")
_HUMPS = re.compile(r"(?<=[a-zß-ÿ])(?=[A-ZÀ-Þ])|(?<=[^\W\d_])(?=\d)|(?<=\d)(?=[^\W\d_])")
_ASIDES = tuple(
    re.compile(found) for found in (r"\([^()]{0,200}\)", r"\[[^\[\]]{0,200}\]", r"\{[^{}]{0,200}\}")
)
"""Text in brackets: forum markup, link targets, parentheses inside a term."""
_TAG_CHARACTERS = re.compile("[\U000e0020-\U000e007e]+")
_FLAG_OF_A_REGION = re.compile(
    "\U0001f3f4[\U000e0030-\U000e0039\U000e0061-\U000e007a]{1,6}\U000e007f"
)
_BIDI = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_SPLIT_WORD = re.compile(
    "[A-Za-z\u00c0-\u024f][\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]+[A-Za-z\u00c0-\u024f]"
)
_DIRECTED = re.compile("[A-Za-z\u00c0-\u024f\u202a-\u202e\u2066-\u2069]")
"""Controls that open or close a direction, and Latin letters."""

_OVERRIDES = "\u202d\u202e"
_ISOLATES = "\u2066\u2067\u2068"
_ISOLATE_END = "\u2069"
_EMBEDDINGS = "\u202a\u202b"
_EMBEDDING_END = "\u202c"
_RIGHT_TO_LEFT = re.compile("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufeff]")
_PICTURE = (
    "[\u00a9\u00ae\u203c\u2049\u2122\u2139\u2190-\u21ff\u2300-\u23ff\u24c2\u25a0-\u27bf"
    "\u2900-\u297f\u2b00-\u2bff\u3030\u303d\u3297\u3299\U0001f000-\U0001faff]"
)
_EMOJI = re.compile(
    f"[0-9#*]\ufe0f?\u20e3|(?:{_PICTURE}[\ufe0e\ufe0f]?[\U0001f3fb-\U0001f3ff]?)"
    f"(?:\u200d{_PICTURE}[\ufe0e\ufe0f]?[\U0001f3fb-\U0001f3ff]?)*"
)
_IGNORABLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e"
    "\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0"
    "\ufff0-\ufff8\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
_MARKED = re.compile("[&<:]")
"""Characters that may begin an entity, a tag or a letter alias."""

_SKIN_TONES = re.compile("[\U0001f3fb-\U0001f3ff]")
_WORD = re.compile(r"[^\W_]+")
_EACH_WORD = re.compile(r"([^\W_]+)")
_FIRST = re.compile(r"(?:\W*\d+\W+)?[\W_]*([^\W_])")
"""The first letter of a line after bullets, quotation marks and list numbers."""
_SENTENCES = re.compile(r"(?<![.!?…])[.!?…]++\s+")
_ALIAS_OR_PICTURE = re.compile(f":[A-Za-z][A-Za-z0-9_+-]{{0,40}}:|{_PICTURE}")
_LETTER_ALIAS = re.compile(r":(?:regional_indicator|letter|squared|negative_squared)_([A-Za-z]):")
_LONE_LETTERS = re.compile(r"\b[^\W_](?: [^\W_]\b){2,}")
_BLANK = re.compile(r"\s")
_REPEATED = re.compile(r"(.)(?=\1)")
"""A character before the same one. To delete these is faster than to replace each run."""
_NO_LETTERS = bytes(set(range(128)) - set(range(97, 123)))
_STEPS = [step % 26 + 97 for step in (*range(26), *range(-25, 0))]
"""The letter of each difference between two letters; negative ones count from the end."""
_BACKWARDS = bytes.maketrans(
    bytes(range(97, 123)), bytes((97 - code) % 26 + 97 for code in range(97, 123))
)
MIN_INITIALS = 4
"""Minimum number of first letters that may spell a term."""
DEPTH = 3
"""Maximum layers of nested encodings that are decoded."""
CENSOR_MARK = "*"
_BLOTS = re.compile(rf"(?<=[^\W_])(?:{_EMOJI.pattern}|[*#_~^%?•·●○■□█▇▒░@.$=×+!|&])++(?=[^\W_])")
_EDGE_SIGNS = "*•●○■□█▇▒░×"
_FIRST_BLOT = re.compile(
    rf"(?<![\w{_EDGE_SIGNS}#@])[{_EDGE_SIGNS}]([^\W_]{{2,}}+)(?![\w{_EDGE_SIGNS}])"
)
_LAST_BLOT = re.compile(
    rf"(?<![\w{_EDGE_SIGNS}])([^\W_]{{2,}}+)[{_EDGE_SIGNS}](?![\w{_EDGE_SIGNS}])"
)
"""A word with one sign in place of its last letter; `_FIRST_BLOT` is for the first. `*bold*` has
two."""
_NUMBER = re.compile(r"(?<![^\W_])\d++(?:[.=×%~^&]\d++)++(?![^\W_])")
"""A price or a version: a sign between two digits hides no letter if no letter is adjacent."""
_SUM_SIGNS = re.compile(r"[+|]")
_SUM = re.compile(r"(?<![^\s(\[])\d++(?:[+|]\d++)++(?=[\s.,;:!?)\]€$£%=]|$)")
"""A sum or a column of numbers, in which the sign between two digits is not a letter."""
_BLOTTED_WORD = re.compile(r"[^\W_](?:[^\W_]|\*)*+")
MAX_STACKED_MARKS = 30
"""Consecutive combining marks that are read, as in the stream-safe text format.

Normalization takes quadratic time in their number:
https://www.unicode.org/reports/tr15/#Stream_Safe_Text_Format
"""
_STACKED_MARKS = regex.compile(rf"(\p{{M}}{{{MAX_STACKED_MARKS}}})\p{{M}}+")
_HUGE_REFERENCE = re.compile(r"&#(?:[xX]0*[0-9a-fA-F]{7,}|0*[0-9]{8,});?")
"""A character reference above the last code point, which `html.unescape` cannot convert."""


class ViewWord(NamedTuple):
    """A word in the form that is matched.

    `source` is the word before digits and signs were replaced by letters. `glued` is True if no
    white space precedes the word, or if it and the previous word are each alone on their line.
    """

    letters: str
    source: str
    glued: bool


WordRow = tuple[ViewWord, ...]


@dataclass(frozen=True)
class NormalizedViews:
    """The views of a text.

    - `spaced`: words separated by single spaces, with a space at either end.
    - `joined`: letters and digits without separators.
    - `edges`: the strings that first letters of words or last letters of lines form. Short terms
      are not matched in them.
    """

    spaced: frozenset[str]
    stretched: frozenset[str]
    """As `spaced`, with repeated letters."""
    joined: frozenset[str]
    edges: frozenset[str] = frozenset()
    steps: frozenset[str] = frozenset()
    """Distances between consecutive letters, which no shift of the alphabet changes."""
    blotted: frozenset[str] = frozenset()
    """Words and joined letters with `CENSOR_MARK` for each hidden letter; with repeated letters."""
    rows: frozenset["WordRow"] = frozenset()
    """The words of each reading in order, with repeated letters."""
    initials: frozenset[str] = frozenset()
    """First letters of the words of a line or sentence, of all lines, and the capitals, each as a
    whole."""
    edge_blots: frozenset[str] = frozenset()
    """Words with `CENSOR_MARK` for their first or last letter; with repeated letters."""


def strip_markup(text: str) -> str:
    """Return the text without markup, entities and invisible characters.

    Tag characters and letter aliases such as `:letter_a:` become letters.
    """
    if _is_plain(text):
        return text  # The remaining steps concern non-ASCII characters only.
    text = _TAG.sub("", unescape_references(text))
    text = _LETTER_ALIAS.sub(r"\1", text) if ":" in text else text
    text = _TAG_CHARACTERS.sub(lambda found: "".join(chr(ord(c) - 0xE0000) for c in found[0]), text)
    text = text.translate(_LETTERS) if _LETTER.search(text) else text
    return visible_letters(text)


def _is_plain(text: str) -> bool:
    return text.isascii() and not _MARKED.search(text)


def visible_letters(text: str) -> str:
    """Return the text in Unicode form NFKC without invisible characters."""
    return text if text.isascii() else _IGNORABLE.sub("", normalize_unicode("NFKC", text))


def normalize_unicode(form: Literal["NFC", "NFD", "NFKC", "NFKD"], text: str) -> str:
    """Return a Unicode normal form, in time linear in the length of the text."""
    return unicodedata.normalize(form, _STACKED_MARKS.sub(r"\1", text))


def unescape_references(text: str) -> str:
    """Replace HTML character references as `html.unescape` does; invalid ones become U+FFFD."""
    return html.unescape(_HUGE_REFERENCE.sub("\ufffd", text)) if "&" in text else text


def fold_case(text: str) -> str:
    """Return the text in lower case without markup, accents and invisible characters.

    Letters and digits are not replaced. Idempotent.
    """
    if _is_plain(text):
        return text.lower()
    # Each pass may uncover more for the next one; real text is not nested deeper than this.
    for _ in range(64):
        after = _without_marks(strip_markup(text).casefold())
        if after == text:
            return after
        text = after
    return text


def _without_marks(text: str) -> str:
    if text.isascii():
        return text
    decomposed = normalize_unicode("NFD", text).translate(_combining_marks())
    return unicodedata.normalize("NFC", decomposed)


@cache
def _combining_marks() -> Mapping[int, None]:
    """Return a translation table that removes combining marks and skin tones in all planes."""
    planes = [*range(0x300, 0x1E950), *range(0xE0100, 0xE01F0)]
    dropped = dict.fromkeys(code for code in planes if unicodedata.category(chr(code))[0] == "M")
    return {**dropped, **dict.fromkeys(range(0x1F3FB, 0x1F400))}


def fold_lookalikes(text: str) -> str:
    """Return the folded text with look-alikes of other alphabets replaced by Latin letters.

    Idempotent.
    """
    if _is_plain(text):
        return text.lower()
    return fold_case(fold_case(strip_markup(text).translate(_CAPITALS)).translate(_lookalikes()))


@cache
def _lookalikes() -> Mapping[int, int | str]:
    """Return the replacements of look-alikes.

    They include Latin letters with a stroke, hook or tail, which have no decomposition; their
    Unicode names identify them.
    """
    found: dict[int, int | str] = {}
    for first, last in _LATIN_BLOCKS:
        for code in range(first, last):
            if name := _MODIFIED_LATIN.fullmatch(unicodedata.name(chr(code), "")):
                found[code] = name[1].lower()
    return {**found, **_ALIKE}


def fold_leetspeak(folded: str) -> str:
    """Replace digits and symbols that represent letters, and "l", which looks like it, by "i"."""
    return folded.translate(_LEET).replace("l", "i")


def spaced_words(folded: str) -> str:
    """Return the words separated by single spaces, without repeated letters.

    Runs of single letters become one word. Idempotent.
    """
    return collapse_repeats(_join_lone_letters(separated_words(folded)))


def separated_words(folded: str) -> str:
    """Return the words as `spaced_words` does, but leave single letters separate.

    A letter next to a term must not hide it. Idempotent.
    """
    return collapse_repeats(f" {' '.join(_WORD.findall(folded))} ")


def _join_lone_letters(words: str) -> str:
    return _LONE_LETTERS.sub(lambda found: found[0].replace(" ", ""), words)


def collapse_repeats(text: str) -> str:
    """Reduce each run of one character to a single character. Idempotent."""
    return _REPEATED.sub("", text)


def joined_letters(folded: str) -> str:
    """Return the letters and digits without separators and repeats."""
    return collapse_repeats("".join(_WORD.findall(folded)))


# A text is rated several times in a row: for the marks, then for the decision of each account.
@lru_cache(maxsize=16)
def normalized_views(text: str) -> NormalizedViews:
    """Return every view of a text, including decoded segments, edges and the mirror image.

    Some platforms do not render markup, so the text between angle brackets is also read.
    """
    found = [_build_views(text)]
    if "<" in (shown := _unescape_deeply(text)) and (verbatim := _ANGLES.sub(" ", shown)) != shown:
        found.append(_build_views(verbatim))
    return found[0] if len(found) == 1 else _merge_views(*found)


def _merge_views(one: NormalizedViews, other: NormalizedViews) -> NormalizedViews:
    return NormalizedViews(
        one.spaced | other.spaced,
        one.stretched | other.stretched,
        one.joined | other.joined,
        one.edges | other.edges,
        one.steps | other.steps,
        one.blotted | other.blotted,
        one.rows | other.rows,
        one.initials | other.initials,
        one.edge_blots | other.edge_blots,
    )


def _build_views(text: str) -> NormalizedViews:
    text = _SUM.sub(lambda found: _SUM_SIGNS.sub(" ", found[0]), text)
    shown = strip_markup(text)
    lines = [_WORD.findall(line) for line in shown.splitlines()]
    first_letters = _first_letters(shown)
    stretched: set[str] = set()
    runs: set[str] = set()
    rows: set[WordRow] = set()
    forms = {*_decode_layers(text), first_letters, _emoji_names(text), *_without_asides(shown)}
    for form in forms - {""}:
        seen = fold_lookalikes(form)
        for folded in (seen, fold_leetspeak(seen)):
            words = _WORD.findall(folded)
            apart = f" {' '.join(words)} "
            stretched |= {apart, _join_lone_letters(apart)}
            runs.add(collapse_repeats("".join(words)))
        if (verbatim := unescape_references(form).casefold()) != seen:
            runs.add(joined_letters(verbatim))
        rows |= word_rows(seen)
        turned = joined_letters(codecs.encode(seen, "rot13"))
        runs |= {turned, fold_leetspeak(turned)}
    humps = _WORD.findall(fold_lookalikes(_HUMPS.sub(" ", shown)))
    stretched |= {f" {' '.join(humps)} "}
    edges = {joined_letters(fold_lookalikes(edge)) for edge in _edge_letters(shown, lines)}
    both_ways = [frozenset(found | {one[::-1] for one in found}) for found in (runs, edges)]
    initials = _initials(shown, lines, first_letters)
    return NormalizedViews(
        frozenset(collapse_repeats(words) for words in stretched),
        frozenset(stretched),
        both_ways[0],
        both_ways[1],
        frozenset(letter_steps(fold_lookalikes(text))),
        frozenset(_censored_words(shown)),
        frozenset(rows),
        frozenset(fold_lookalikes(first) for first in initials),
        frozenset(_edge_censored_words(shown)),
    )


def word_rows(seen: str) -> set[WordRow]:
    """Return the words of a folded text in order, with and without leetspeak replaced."""
    return {_word_row(seen, letters) for letters in {seen, fold_leetspeak(seen)}}


def _word_row(seen: str, letters: str) -> WordRow:
    """Return the words of `letters`, which has a letter for each one of `seen`."""
    parts = _EACH_WORD.split(letters)
    words = parts[1::2]
    if not words:
        return ()
    if letters is seen:
        sources = words
    else:
        ends = list(itertools.accumulate(map(len, parts)))
        sources = [seen[start:end] for start, end in zip(ends[::2], ends[1::2], strict=False)]
    breaks = {gap: _count_breaks(gap) for gap in set(parts[::2])}
    # The number of line breaks before and after each word.
    around = [1, *(breaks[gap] for gap in parts[2:-1:2]), 1]
    lone = [before > 0 < after for before, after in itertools.pairwise(around)]
    glued = (
        before < 0 or (before == 1 and lone[at] and at > 0 and lone[at - 1])
        for at, before in enumerate(around[:-1])
    )
    return tuple(map(ViewWord._make, zip(words, sources, glued, strict=True)))


def _count_breaks(gap: str) -> int:
    """Return the number of line breaks between two words, or -1 without white space."""
    return len(f"{gap}.".splitlines()) - 1 if _BLANK.search(gap) else -1


def _decode_layers(text: str) -> set[str]:
    """Return the text and all decodings of its encoded segments, up to `DEPTH` layers."""
    found = newest = {text}
    for _ in range(DEPTH):
        newest = {inner for once in newest for inner in decode_segments(strip_markup(once))} - found
        found = found | newest
    return found


def _unescape_deeply(text: str) -> str:
    for _ in range(DEPTH):  # Deeper layers are shown as entities.
        text = unescape_references(text)
    return text


def _without_asides(shown: str) -> set[str]:
    return {aside.sub("", shown) for aside in _ASIDES} - {shown}


def letter_steps(seen: str) -> set[str]:
    """Return the distances between consecutive letters, in both directions and for the reversed
    alphabet."""
    found = set()
    for letters in {joined_letters(seen), joined_letters(seen.translate(_LEET))}:
        codes = letters.encode("ascii", "ignore").translate(None, _NO_LETTERS)
        steps = bytes(map(_STEPS.__getitem__, map(operator.sub, codes[1:], codes)))
        for run in (steps.decode(), steps.translate(_BACKWARDS).decode()):
            found |= {run, run[::-1]}
    return found


def _censored_words(shown: str) -> Iterable[str]:
    """Yield the text with hidden letters marked, as words and joined.

    Signs and emoji inside words count as hidden letters.
    """
    marked = _BLOTS.sub(
        lambda found: CENSOR_MARK * len(_EMOJI.sub(CENSOR_MARK, found[0])),
        _NUMBER.sub(" ", shown),
    )
    if CENSOR_MARK in marked:
        words = _BLOTTED_WORD.findall(fold_leetspeak(fold_lookalikes(marked)))
        yield f" {' '.join(words)} "
        yield "".join(words)


def _edge_censored_words(shown: str) -> Iterable[str]:
    """Yield the words with only their first or last letter hidden by a sign."""
    for word in _FIRST_BLOT.findall(shown):
        yield CENSOR_MARK + fold_leetspeak(fold_lookalikes(word))
    for word in _LAST_BLOT.findall(shown):
        yield fold_leetspeak(fold_lookalikes(word)) + CENSOR_MARK


def _initials(shown: str, lines: Sequence[Sequence[str]], first_letters: str) -> Iterable[str]:
    """Return the first letters of each line and sentence, of all lines, and all capitals.

    `lines` contains the words of each line. Strings too short to spell a term are skipped.
    """
    sentences = [_WORD.findall(part) for part in _SENTENCES.split(shown)]
    runs = ["".join(word[0] for word in words) for words in (*lines, *sentences)]
    runs += [first_letters, _capitals(shown)]
    return (run for run in runs if len(run) >= MIN_INITIALS)


def _capitals(shown: str) -> str:
    return "".join(filter(str.isupper, shown))


def _first_letters(shown: str) -> str:
    """Return the first letter or digit of each line, or "" for three lines or fewer."""
    lines = shown.splitlines()
    found = [_FIRST.match(line) for line in lines] if len(lines) > 3 else []
    return "".join(first[1] for first in found if first is not None)


def leading_letter(text: str) -> str:
    """Return the first letter or digit of a text, folded, or "" for none."""
    first = _FIRST.match(strip_markup(text))
    return fold_lookalikes(first[1])[:1] if first is not None else ""


def _edge_letters(shown: str, lines: Sequence[Sequence[str]]) -> Iterable[str]:
    """Yield the first letters of words and sentences, the last letters of words and lines, and the
    capitals."""
    yield "".join([word[0] for words in lines for word in words])
    yield "".join([word[-1] for words in lines for word in words])
    yield "".join([words[-1][-1] for words in lines if words])
    yield "".join(
        first[1] for part in _SENTENCES.split(shown) if (first := _FIRST.match(part)) is not None
    )
    yield _capitals(shown)


def _emoji_names(text: str) -> str:
    """Return the names of the emoji in a text, so that a term matches an emoji by its name."""
    if text.isascii() and ":" not in text:
        return ""
    pictures = (found[0] for found in _ALIAS_OR_PICTURE.finditer(_SKIN_TONES.sub("", text)))
    return " ".join(
        one.strip(":") if one[0] == ":" else unicodedata.name(one, "") for one in pictures
    )


def is_obfuscated(text: str) -> bool:
    """Return True if the text hides how it reads, even if no term matches; a member then reviews
    it."""
    if text_marks.has_text_mark(text):  # A text mark is tied to the visible text and hides nothing.
        text = text_marks.remove_text_mark(text)
    shown = unescape_references(text)
    if _has_odd_direction(shown):
        return True
    rest = _EMOJI.sub("", _FLAG_OF_A_REGION.sub("", shown))
    if _TAG_CHARACTERS.search(rest) or _has_stacked_marks(rest):
        return True
    allowed = 2 * -(-max(len(shown), 1) // 100)
    words = len(_WORD.findall(rest))
    # one pair around each word and around the text
    marks = min(len(_BIDI.findall(rest)), 2 * words + 2)
    return len(_IGNORABLE.findall(rest)) - marks > allowed or any(
        map(_has_mixed_scripts, _WORD.findall(normalize_unicode("NFKC", rest)))
    )


def _has_odd_direction(text: str) -> bool:
    """Return True if direction controls may change how a text reads.

    Keyboards, contact lists and file properties add marks and balanced isolates around names,
    numbers and emoji (UAX #9 §2.6), which move no letter. These are suspicious: an override around
    Latin letters, a control that closes without an opening one or stays open in a text without
    right-to-left letters, and a control inside a Latin word.
    """
    if not _BIDI.search(text):
        return False
    if _SPLIT_WORD.search(text):
        return True
    depth = {_ISOLATE_END: 0, _EMBEDDING_END: 0}
    overridden = False
    for sign in _DIRECTED.findall(text):
        if sign in depth:
            depth[sign] -= 1
            overridden = overridden and sign != _EMBEDDING_END
        elif sign in _ISOLATES:
            depth[_ISOLATE_END] += 1
        elif sign in _EMBEDDINGS or sign in _OVERRIDES:
            depth[_EMBEDDING_END] += 1
            overridden = overridden or sign in _OVERRIDES
        elif overridden:  # a Latin letter
            return True
        if min(depth.values()) < 0:
            return True
    return any(depth.values()) and not _RIGHT_TO_LEFT.search(text)


def _has_stacked_marks(text: str) -> bool:
    """Return True if a character has more than two combining marks."""
    marks = 0
    for character in normalize_unicode("NFD", text):
        marks = marks + 1 if unicodedata.combining(character) else 0
        if marks > 2:
            return True
    return False


_LOOKING_LATIN = frozenset(
    {"GREEK", "CYRILLIC", "ARMENIAN", "CHEROKEE", "CANADIAN", "COPTIC", "LISU", "DESERET", "OLD",
     "RUNIC", "TIFINAGH", "ETHIOPIC", "GEORGIAN", "OSAGE", "VAI", "CARIAN",
     "LYCIAN", "LYDIAN", "WARANG", "GOTHIC"}
)  # fmt: skip
"""First words of the Unicode names of letters that look like Latin ones."""


@cache
def _script_name(character: str) -> str:
    name = unicodedata.name(character, "")
    return name.split(" ", 1)[0] if character.isalpha() else ""


def _has_mixed_scripts(word: str) -> bool:
    """Return True if a word mixes Latin letters with letters of a similar-looking alphabet.

    The micro and ohm signs are units and do not count.
    """
    if word.isascii():
        return False
    scripts = {_script_name(character) for character in word if character not in "µμΩ"}
    return "LATIN" in scripts and bool(scripts & _LOOKING_LATIN)
