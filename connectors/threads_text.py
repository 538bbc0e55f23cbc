"""How Threads counts what is said: 500 characters, of which an emoji takes as many as it has bytes; five links. Pure.

Source: https://developers.facebook.com/docs/threads/posts, and of links
https://developers.facebook.com/documentation/threads/create-posts/text-attachments
"""

import regex

MOST_TEXT, MOST_ALT, MOST_LINKS = 500, 1000, 5
_EMOJI = regex.compile(r"\p{Extended_Pictographic}|\p{Regional_Indicator}|\u20E3")
_LINK = regex.compile(r"(?:https?://|\bwww\.)[^\s<>\"]+", regex.IGNORECASE)


def length(text: str) -> int:
    """How much a text counts."""
    seen = regex.findall(r"\X", text)
    return sum(len(one.encode()) if _EMOJI.search(one) else len(one) for one in seen)


def links(text: str) -> int:
    """How many different addresses stand in a text."""
    return len({found.rstrip(".,;:!?)]}") for found in _LINK.findall(text)})
