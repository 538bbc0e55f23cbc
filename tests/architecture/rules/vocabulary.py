"""Words of the first version that are no longer used in identifiers, docstrings, comments,
catalogues and documents.

This file is the only list. To remove a word that proves harmless, give the reason in the commit.
"""

import re

BANNED = (
    "anew",
    "whoever",
    "whosoever",
    "nobody",
    "somebody",
    "the house",
    "a yes",
    "the yes",
    "yeses",
    "the room",
    "the rooms",
    "other rooms",
    "in hand",
    "under way",
    "gives way",
    "lies there",
    "stands there",
    "stands outside",
    "meanwhile",
    "is told",
    "are told",
    "was told",
    "is heard",
    "thrown away",
    "put away",
    "put aside",
    "brought in",
    "goes on with",
    "what comes",
    "what is said",
    "of its own accord",
)
"""Words and phrases in lower case, with their replacements: "again" (anew), "a member", "a user" or
"no one" (nobody, somebody), "the installation" (the house), "approval" (a yes), "package" (the
room), "in progress" (in hand, under way), "is notified" (is told), "is received" (is heard),
"archive" or "delete" (put away, thrown away)."""

OPENINGS = frozenset({"what", "whether", "who", "whom", "whose", "where", "which", "how", "when"})
"""Words that must not open a docstring, which begins with a verb or with the noun it describes."""

BANNED_NAME = re.compile(
    r"(^|_)(anew|yeses|told|said|asked|heard|aside|anyway|nobody|somebody|whoever)($|_)"
)
"""Words of names of functions and classes, in lower case with underscores."""

_PATTERN = re.compile(rf"\b(?:{'|'.join(map(re.escape, BANNED))})\b", re.IGNORECASE)


def banned_words(text: str) -> list[str]:
    """Return the banned words of a text in order, as written. Line breaks count as spaces."""
    return _PATTERN.findall(re.sub(r"\s+", " ", text))
