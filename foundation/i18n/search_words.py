"""The words of a search that a user typed, without hostile characters and limited in length."""

import unicodedata

MIN_SEARCH_LENGTH = 2
MAX_SEARCH_LENGTH = 100
MAX_WORDS = 8
"""Limits of a search; what exceeds them is ignored."""


def clean_search(typed: str) -> str:
    """Return the words of a search, separated by one space, without control characters and lone
    surrogates. Return "" if it has fewer than `MIN_SEARCH_LENGTH` characters."""
    kept = "".join(
        " " if unicodedata.category(sign) in ("Cc", "Cs") else sign
        for sign in typed[:MAX_SEARCH_LENGTH]
    )
    words = " ".join(kept.split()[:MAX_WORDS])
    return words if len(words) >= MIN_SEARCH_LENGTH else ""


def fold_search(text: str) -> str:
    """Return a text without case and accents, as the database function `fold_search_text` does."""
    bare = (sign for sign in unicodedata.normalize("NFKD", text) if not unicodedata.combining(sign))
    return "".join(bare).lower()


def matches_search(text: str, words: str) -> bool:
    """Return True if each word of a search begins a word of `text`, regardless of case and
    accents."""
    begun = " ".join("".join(s if s.isalnum() else " " for s in fold_search(text)).split())
    return all(f" {word}" in f" {begun}" for word in fold_search(words).split())
