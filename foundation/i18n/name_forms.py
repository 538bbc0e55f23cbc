"""Names as they are compared: whatever their case and Unicode normal form. Pure.

macOS writes é in file names as two characters, most programs as one (Unicode Standard Annex 15).
"""

import unicodedata
from typing import Literal

_FORMS: tuple[Literal["NFC", "NFD", "NFKC", "NFKD"], ...] = ("NFC", "NFD", "NFKC", "NFKD")


def fold_name(name: str) -> str:
    """Return what two ways of writing a name have in common (The Unicode Standard §3.13, D146)."""
    folded = unicodedata.normalize("NFKD", unicodedata.normalize("NFD", name).casefold())
    return unicodedata.normalize("NFKC", folded.casefold())


def list_normal_forms(text: str) -> list[str]:
    """Return a text as written and in each normal form, without repeats."""
    return list(dict.fromkeys((text, *(unicodedata.normalize(form, text) for form in _FORMS))))
