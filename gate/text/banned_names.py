"""Tell the names of banned people from longer names that contain them by chance.

"Lou Martinez" is not "Lou Martin", although the letters of one contain those of the other.
"""

import re

from gate.text.lexicon import BANNED, Lexicon
from gate.text.normalization import collapse_repeats, fold_lookalikes

_WORD = re.compile(r"[^\W_]+")


def remove_other_names(text: str, lexicon: Lexicon) -> str:
    """Return a text without the names of other people that contain the name of a banned person.

    Such a name consists of as many words, and those that are longer are ordinary words or names.
    """
    names = {
        tuple(words.split())
        for term in lexicon.terms
        if term.kind == BANNED
        for words in term.words
    }
    spans = [word.span() for word in _WORD.finditer(text)]
    words = [collapse_repeats(fold_lookalikes(text[start:end])) for start, end in spans]
    other = [
        (at, at + len(name))
        for name in names
        for at in range(len(words) - len(name) + 1)
        if _is_other_name(words[at : at + len(name)], name, lexicon)
    ]
    kept: list[str] = []
    end = 0
    for first, last in sorted(other):
        kept.append(text[end : spans[first][0]])
        end = max(end, spans[last - 1][1])
    return "".join([*kept, text[end:]])


def _is_other_name(words: list[str], name: tuple[str, ...], lexicon: Lexicon) -> bool:
    """Return True if each word is that of the name or an ordinary word that contains it, and one of
    them is longer."""
    if tuple(words) == name:
        return False
    return all(
        word == part or (part in word and lexicon.is_ordinary_word(word))
        for word, part in zip(words, name, strict=True)
    )
