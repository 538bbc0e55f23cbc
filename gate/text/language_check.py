"""Whether every sentence is in a language that the lexicons read: most of its words are in their
vocabularies. Pure.

Counting known words is fair where guessing a language is not: short messages, slang and mixed
languages are mostly made of known words, a sentence of another language is not, however little of
the whole text it is.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from gate.text.encodings import decode_base64_segments
from gate.text.lexicon import Lexicon, shipped_lexicon
from gate.text.normalization import (
    fold_lookalikes,
    normalize_unicode,
    spaced_words,
    strip_markup,
    unescape_references,
)
from gate.text.text_rating import remove_links
from gate.text.word_forms import is_known_word, is_slang_word, strip_accents

MAX_UNKNOWN_WORDS = 5
"""One word in so many may be unknown: a name, a slip, a new word."""
WINDOW = 6
MAX_IN_WINDOW = 3
"""More unknown words than this in so many running ones are a sentence of their own, whatever stands
around them."""

_SENTENCE = re.compile(r"(?<![.!?;…])[.!?;…]++(?=\s|$)|[\n\r。؟]+")
_NO_WORDS = re.compile(r"[\w.+-]{1,64}@[\w-]{1,64}\.[\w.-]+|[#@][\w.·-]+|:[a-z0-9_+-]+:")
"""Addresses of mail, hashtags, handles and named emoji."""
_MARKUP = re.compile(
    r"</?(?:a|b|blockquote|br|code|em|i|p|pre|s|span|strong|tg-spoiler|u)\s*/?>", re.IGNORECASE
)
_BRACKETS = re.compile("[<>]")
"""Hardly any place knows markup: there, whatever stands between these is read."""
_SPELT = re.compile(r"(?<!\w)[^\W\d_](?:[ ._-]+[^\W\d_](?!\w)){3,}")
"""Four letters and more that stand alone in a row."""
_TOKEN = re.compile(r"[^\W_]+(?:['’ʼ`´][^\W_]+)*")
_LEET = tuple(str.maketrans("013457", f"o{one}east") for one in "il")
_LETTERS = re.compile(r"[^\W\d_]+")
_LATIN = re.compile("[a-z\u00aa\u00ba\u00df-\u024f\u1e00-\u1eff]+")
_INTERLEAVED = re.compile(
    r"[^\W\d_]\d+[^\W\d_]+\d|\d[^\W\d_]+\d+[^\W\d_]|[^\W\d_]{2}\d+[^\W\d_]{2}"
)


@dataclass(frozen=True)
class LanguageReading:
    """What is known of the words of a unit: how many there are, and whether each sentence could be
    read."""

    words: int
    supported: bool


@dataclass(frozen=True)
class _Word:
    """One word, casefolded. `capital`: written like a name. `weight`: words it stands for, in
    unspaced scripts."""

    form: str
    capital: bool
    weight: int = 1


@dataclass(frozen=True)
class _Sentence:
    """How many words counted, how many of them are unknown, and whether the unknown ones stand
    close together."""

    words: int
    unknown: int
    crowded: bool = False


@dataclass(frozen=True)
class _Reader:
    """What can be read: the words of the lexicon and of its vocabulary; names are at home in every
    language."""

    lexicon: Lexicon
    names: frozenset[str]

    def counts(self, word: str) -> bool:
        return word not in self.names and not is_slang_word(word, self.lexicon.vocabulary)

    def knows(self, word: str) -> bool:
        if (
            is_known_word(word, self.lexicon.vocabulary)
            or spaced_words(fold_lookalikes(word)).strip() in self.lexicon.term_words
        ):
            return True
        folded = [word.translate(leet) for leet in _LEET] if any(map(str.isdigit, word)) else []
        return any(
            each.isalpha() and is_known_word(each, self.lexicon.vocabulary) for each in folded
        )


def read_language(
    texts: Iterable[str], *, names: Iterable[str] = (), lexicon: Lexicon | None = None
) -> LanguageReading:
    """Say whether each sentence of some texts is in the supported languages; `names` are of people
    and accounts known to the reader or the writer.

    Sentences of fewer than five words are counted together, wherever they stand: alone one unknown
    word would be more than a fifth of them, and cut into pieces a long one must not pass; one with
    three unknown words passes beside no others. In a unit that has fewer than five words in all,
    each has to be known: there, an unknown word may be all that is said. Names and chat slang are
    not counted at all: both are at home in every language.
    """
    reader = _Reader(
        lexicon or shipped_lexicon(),
        frozenset(piece for name in names for piece in _name_forms(name)),
    )
    parts = [part for text in texts for part in _SENTENCE.split(_extract_prose(text))]
    sentences = [_measure_sentence(words, reader) for words in map(_split_words, parts) if words]
    total = sum(sentence.words for sentence in sentences)
    short = [sentence for sentence in sentences if sentence.words < MAX_UNKNOWN_WORDS]
    pooled = _Sentence(sum(each.words for each in short), sum(each.unknown for each in short))
    strange = [each for each in sentences if _is_strange(each)]
    return LanguageReading(
        total,
        not strange and not _too_strange(pooled, forgiven=1 if total >= MAX_UNKNOWN_WORDS else 0),
    )


def _is_strange(sentence: _Sentence) -> bool:
    if sentence.words < MAX_UNKNOWN_WORDS:
        return sentence.unknown >= MAX_IN_WINDOW
    return sentence.crowded or _too_strange(sentence)


def _too_strange(sentence: _Sentence, *, forgiven: int = 0) -> bool:
    return sentence.unknown > max(sentence.words // MAX_UNKNOWN_WORDS, forgiven)


def _extract_prose(text: str) -> str:
    """The text without what is no words of a language."""
    shown = decode_base64_segments(
        strip_markup(_BRACKETS.sub(" ", _MARKUP.sub("", unescape_references(text))))
    )
    words = _NO_WORDS.sub(" ", remove_links(shown))
    return _SPELT.sub(lambda found: re.sub(r"[ ._-]", "", found[0]), words)


def _name_forms(name: str) -> Iterable[str]:
    for piece in _LETTERS.findall(normalize_unicode("NFC", name)):
        yield from (piece.casefold(), strip_accents(piece.casefold()))


def _split_words(sentence: str) -> list[_Word]:
    return [word for token in _TOKEN.findall(sentence) for word in _words_of_token(token)]


def _words_of_token(token: str) -> Iterable[_Word]:
    """The words of a token: what an apostrophe joins is judged apart, but for the letter or two
    that elision leaves."""
    if _INTERLEAVED.search(token):
        yield _Word(
            token.casefold(), capital=False
        )  # letters and digits in turn: known as slang, or not at all
        return
    numbered = any(map(str.isdigit, token))
    pieces = _LETTERS.findall(token)
    for piece in pieces:
        form = normalize_unicode("NFC", piece.casefold())
        latin = _LATIN.fullmatch(form) is not None
        if len(set(form)) == 1 or (
            latin and (len(pieces) > 1 or numbered) and len(form) <= (3 if numbered else 2)
        ):
            continue  # a letter alone or drawn out (also in drawn faces), a unit, what elision left
        yield _Word(form, capital=piece[0].isupper(), weight=1 if latin else 1 + len(form) // 4)


def _measure_sentence(words: Sequence[_Word], reader: _Reader) -> _Sentence:
    words = [word for word in words if reader.counts(word.form)]
    known = [reader.knows(word.form) for word in words]
    sure = sum(known)
    may_be_names = (
        max(1, sure // 2) if sure else 0
    )  # the rest must say enough: a title in capitals is not all names
    unknown: list[bool] = []
    for at, (word, certain) in enumerate(zip(words, known, strict=True)):
        if not certain and word.capital and may_be_names and (at or sure > 1):
            may_be_names -= 1
            continue
        unknown += [not certain] * word.weight
    crowded = any(
        sum(unknown[at : at + WINDOW]) > MAX_IN_WINDOW
        for at in range(max(len(unknown) - WINDOW + 1, 0))
    )
    return _Sentence(len(unknown), sum(unknown), crowded)
