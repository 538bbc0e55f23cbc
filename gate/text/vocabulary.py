"""The words of the supported languages, as a file of sorted digests: asked whether they hold a
word, never read out.

Each entry is the first four bytes of a word's BLAKE2b, so a word that is not in it is taken for
known in `len(entries) / 2**32` of the cases: 1 in 7,000 with the 600,000 entries that are shipped.
The file is mapped, not read: processes share its pages, and one that judges no text loads none.
`tools/vocabulary_builder.py` builds it.
"""

import hashlib
import mmap
from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

WIDTH = 4
"""Bytes of an entry."""
COMPOUND_MARK = "+"
"""Before a word that German compounds are made of."""


def word_digest(word: str) -> bytes:
    """What stands in the file for a word."""
    return hashlib.blake2b(word.encode(), digest_size=WIDTH).digest()


def pack_vocabulary(words: Iterable[str]) -> bytes:
    """The file of some words; the same words in any order give the same bytes."""
    return b"".join(sorted({word_digest(word) for word in words}))


@dataclass(frozen=True)
class Vocabulary:
    """A file of words, pinned by its SHA-256; opened and compared with its pin when the first word
    is asked for."""

    path: Path
    sha256: str
    slang: frozenset[str] = field(default=frozenset(), repr=False)
    """Chat language, beside the file."""

    def contains(self, word: str) -> bool:
        """Whether a word, casefolded, is in the file. Raises ValueError when the file is not the
        pinned one."""
        entries = self._mapped_entries
        wanted = word_digest(word)
        at = bisect_left(
            range(len(self)), wanted, key=lambda n: entries[n * WIDTH : (n + 1) * WIDTH]
        )
        return entries[at * WIDTH : (at + 1) * WIDTH] == wanted

    def is_compound_part(self, part: str) -> bool:
        """Whether German compounds are made of the word. Raises ValueError when the file is not the
        pinned one."""
        return self.contains(COMPOUND_MARK + part)

    def __len__(self) -> int:
        return len(self._mapped_entries) // WIDTH

    @cached_property
    def _mapped_entries(self) -> mmap.mmap:
        with self.path.open("rb") as file:
            mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        if hashlib.sha256(mapped).hexdigest() != self.sha256:
            raise ValueError(f"{self.path.name} is not the vocabulary required by the lexicon")
        return mapped
