"""Comparison of names regardless of case and Unicode normal form.

macOS writes é in file names as two characters, most programs as one (Unicode Standard Annex 15).
"""

import unicodedata
from typing import Literal

_FORMS: tuple[Literal["NFC", "NFD", "NFKC", "NFKD"], ...] = ("NFC", "NFD", "NFKC", "NFKD")


def fold_name(name: str) -> str:
    """Return the comparison key of a name (The Unicode Standard §3.13, D146)."""
    folded = unicodedata.normalize("NFKD", unicodedata.normalize("NFD", name).casefold())
    return unicodedata.normalize("NFKC", folded.casefold())


def list_normal_forms(text: str) -> list[str]:
    """Return a text as given and in each Unicode normal form, without duplicates."""
    return list(dict.fromkeys((text, *(unicodedata.normalize(form, text) for form in _FORMS))))
