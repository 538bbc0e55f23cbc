"""The invisible, machine-readable mark of texts that a model wrote, bound to their content.

Article 50(2) of the EU AI Act requires providers to mark synthetic text "in a machine-readable
format", for older systems from 2 December 2026 on. A chat message has no metadata, and a signed
C2PA manifest (about 3 KB) is longer than a message may be. The mark is therefore a run of variation
selectors, the characters in which C2PA embeds manifests in plain text, after the last word: "AI", a
version, and five bytes of the SHA-256 of the text. It survives copying; changing a word invalidates
it. It contains nothing that does not follow from the text, so it cannot carry hidden data.

Sources: https://eur-lex.europa.eu/eli/reg/2024/1689/oj (article 50),
https://spec.c2pa.org/specifications/specifications/2.4/specs/C2PA_Specification.html (embedding
manifests into unstructured text).
"""

import hashlib
import re
import unicodedata

_MAGIC = b"AI\x01"
_DIGEST = 5
_LENGTH = len(_MAGIC) + _DIGEST
_RUN = re.compile(f"[\ufe00-\ufe0f\U000e0100-\U000e01ef]{{{_LENGTH}}}\\Z")


def add_text_mark(text: str) -> str:
    """Return the text with its mark at the end. An existing mark is replaced."""
    plain = remove_text_mark(text).rstrip()
    return plain + _encode_bytes(_MAGIC + _digest(plain)) if plain else ""


def has_text_mark(text: str) -> bool:
    """Return True if the text carries the mark of exactly this text."""
    return remove_text_mark(text) != text and add_text_mark(text) == text


def remove_text_mark(text: str) -> str:
    """Return the text without a mark at its end, even if the mark belongs to another text."""
    found = _RUN.search(text)
    marked = found is not None and found[0].startswith(_encode_bytes(_MAGIC))
    return text[:-_LENGTH] if marked else text


def _digest(plain: str) -> bytes:
    """Digest the text after normalisation, because platforms may compose accents and change
    whitespace."""
    words = " ".join(unicodedata.normalize("NFC", plain).split())
    return hashlib.sha256(words.encode()).digest()[:_DIGEST]


def _encode_bytes(data: bytes) -> str:
    """Encode each byte as one variation selector, as C2PA does."""
    return "".join(chr(0xFE00 + byte if byte < 16 else 0xE0100 + byte - 16) for byte in data)
