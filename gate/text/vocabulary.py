"""The words of the supported languages, as a file of sorted digests that answers membership tests.

Each entry is the first four bytes of a word's BLAKE2b digest. A word that is not in the file counts
as known with a probability of `len(entries) / 2**32`: 1 in 6,400 with the 670,000 shipped entries.
The file is memory-mapped: processes share its pages, and a process that rates no text does not load
it. `tools/vocabulary_builder.py` builds the file.
"""

import hashlib
import mmap
from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

WIDTH = 4
"""Size of an entry in bytes."""
COMPOUND_MARK = "+"
"""Prefix of an entry for a word that is a part of German compounds."""


def word_digest(word: str) -> bytes:
    """Return the entry of a word."""
    return hashlib.blake2b(word.encode(), digest_size=WIDTH).digest()


def pack_vocabulary(words: Iterable[str]) -> bytes:
    """Return the contents of a vocabulary file. The order of the words does not matter."""
    return b"".join(sorted({word_digest(word) for word in words}))


@dataclass(frozen=True)
class Vocabulary:
    """A vocabulary file, pinned by its SHA-256 digest. The file is opened and verified at the first
    test."""

    path: Path
    sha256: str
    slang: frozenset[str] = field(default=frozenset(), repr=False)
    """Chat slang, which is not in the file."""

    def contains(self, word: str) -> bool:
        """Return True if the file contains a casefolded word.

        Raises ValueError if the file does not match its pin.
        """
        entries = self._mapped_entries
        wanted = word_digest(word)
        at = bisect_left(
            range(len(self)), wanted, key=lambda n: entries[n * WIDTH : (n + 1) * WIDTH]
        )
        return entries[at * WIDTH : (at + 1) * WIDTH] == wanted

    def is_compound_part(self, part: str) -> bool:
        """Return True if German compounds are formed with the word.

        Raises ValueError if the file does not match its pin.
        """
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
