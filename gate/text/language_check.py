"""Check that every sentence is in a supported language: most of its words are in the vocabularies.

Counting known words works where language detection fails: short messages, slang and mixed languages
consist mostly of known words. A sentence in another language does not, however small a part of the
text it is. All functions are pure.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from gate.text.encodings import decode_base64_segments
from gate.text.lexicon import Lexicon, shipped_lexicon
from gate.text.link_readings import remove_links
from gate.text.normalization import (
    fold_lookalikes,
    normalize_unicode,
    spaced_words,
    strip_markup,
    unescape_references,
)
from gate.text.word_forms import is_known_word, is_slang_word, strip_accents

# Measured on texts that were not used for tuning: 10 of 1,000 messages and none of 180 captions are
# held; 69 of 70 foreign sentences are found.
MAX_UNKNOWN_WORDS = 5
"""One word in this many may be unknown: a name, a typing error, a new word."""
WINDOW = 6
"""Consecutive words that are checked for a passage in an unsupported language."""
MAX_IN_WINDOW = 3
"""Unknown words allowed in a window; more of them count as an unreadable passage."""

_SENTENCE = re.compile(r"(?<![.!?;…])[.!?;…]++(?=\s|$)|[\n\r。؟]+")
_NO_WORDS = re.compile(r"[\w.+-]{1,64}@[\w-]{1,64}\.[\w.-]+|[#@][\w.·-]+|:[a-z0-9_+-]+:")
"""Email addresses, hashtags, handles and named emoji."""
_MARKUP = re.compile(
    r"</?(?:a|b|blockquote|br|code|em|i|p|pre|s|span|strong|tg-spoiler|u)\s*/?>", re.IGNORECASE
)
_BRACKETS = re.compile("[<>]")
"""Angle brackets. Most platforms do not render markup, so the text between them is visible."""
_SPELT = re.compile(r"(?<!\w)[^\W\d_](?:[ ._-]+[^\W\d_](?!\w)){3,}")
"""Four or more consecutive single letters."""
_TOKEN = re.compile(r"[^\W_]+(?:['’ʼ`´][^\W_]+)*")
_LEET = tuple(str.maketrans("013457", f"o{one}east") for one in "il")
_LETTERS = re.compile(r"[^\W\d_]+")
_LATIN = re.compile("[a-z\u00aa\u00ba\u00df-\u024f\u1e00-\u1eff]+")
_INTERLEAVED = re.compile(
    r"[^\W\d_]\d+[^\W\d_]+\d|\d[^\W\d_]+\d+[^\W\d_]|[^\W\d_]{2}\d+[^\W\d_]{2}"
)


@dataclass(frozen=True)
class LanguageReading:
    """The number of words in a unit, and whether every sentence is in a supported language."""

    words: int
    supported: bool


@dataclass(frozen=True)
class _Word:
    """One casefolded word.

    `capital` is True if it is written like a name. `weight` is the number of words that it counts
    for in scripts without spaces.
    """

    form: str
    capital: bool
    weight: int = 1


@dataclass(frozen=True)
class _Sentence:
    """The counted words of a sentence, the unknown ones, and whether these are close together."""

    words: int
    unknown: int
    crowded: bool = False


@dataclass(frozen=True)
class _Reader:
    """The vocabulary: words of the lexicon and of its languages. Names count as known in every
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
    """Return the word count of the texts and whether each sentence is in a supported language.

    `names` are names of people and accounts that the reader or the author knows. Names and chat
    slang are not counted.

    Sentences of fewer than five words are counted together, in any position: a single unknown word
    would exceed the limit of one in five, and splitting a long foreign sentence must not let it
    pass. A short sentence with three unknown words fails. If the unit has fewer than five words in
    all, each must be known, because an unknown word may be the whole message.
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
    """Return the text without links, markup and other parts that are not words of a language."""
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
    """Yield the words of a token.

    The parts around an apostrophe are checked separately; the letter or two that elision leaves are
    skipped.
    """
    if _INTERLEAVED.search(token):
        yield _Word(
            token.casefold(), capital=False
        )  # Alternating letters and digits: slang in the vocabulary, or unknown.
        return
    numbered = any(map(str.isdigit, token))
    pieces = _LETTERS.findall(token)
    for piece in pieces:
        form = normalize_unicode("NFC", piece.casefold())
        latin = _LATIN.fullmatch(form) is not None
        if len(set(form)) == 1 or (
            latin and (len(pieces) > 1 or numbered) and len(form) <= (3 if numbered else 2)
        ):
            continue  # single or repeated letters (emoticons too), units, elisions
        yield _Word(form, capital=piece[0].isupper(), weight=1 if latin else 1 + len(form) // 4)


def _measure_sentence(words: Sequence[_Word], reader: _Reader) -> _Sentence:
    words = [word for word in words if reader.counts(word.form)]
    known = [reader.knows(word.form) for word in words]
    sure = sum(known)
    # Only part of the unknown capitalized words may be names: a title in capitals is not all names.
    may_be_names = max(1, sure // 2) if sure else 0
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
