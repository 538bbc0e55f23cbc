"""Text lengths as Threads and X count them.

Threads allows 500 characters, where an emoji counts as its number of bytes, and five links
(https://developers.facebook.com/docs/threads/posts,
https://developers.facebook.com/documentation/threads/create-posts/text-attachments).

X counts most letters of alphabets as one, other characters and emoji as two, and every URL as 23
(https://docs.x.com/fundamentals/counting-characters, twitter-text, configuration 3).
"""

import unicodedata

import regex

from foundation.i18n.web_addresses import iterate_web_addresses, list_web_addresses
from gate.contract.text_marks import remove_text_mark

THREADS_MAX_TEXT = 500
THREADS_MAX_ALT = 1000
THREADS_MAX_LINKS = 5
_THREADS_EMOJI = regex.compile(r"\p{Extended_Pictographic}|\p{Regional_Indicator}|\u20E3")


def threads_text_length(text: str) -> int:
    """Return the length of a text as Threads counts it."""
    seen = regex.findall(r"\X", text)
    return sum(len(one.encode()) if _THREADS_EMOJI.search(one) else len(one) for one in seen)


def count_links(text: str) -> int:
    """Return the number of different URLs in a text."""
    return len(set(list_web_addresses(text, www=True)))


X_LINK_LENGTH = 23
_LIGHT = ((0, 4351), (8192, 8205), (8208, 8223), (8242, 8247))
"""Ranges of code points that count as one."""

_ACCENTED = r"\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u024f\p{Cyrillic}"
_PATH = rf"(?:/(?:[a-z0-9{_ACCENTED}!*';:=+,.$/%#\[\]\-–_~@|&]*[a-z0-9{_ACCENTED}+\-=_#/])?)?"
_QUERY = r"(?:\?[a-z0-9!?*'@();:&=+$/%#\[\]\-_.,~|]*[a-z0-9\-_&=#/])?"
_HOST = r"(?:[\p{L}\p{N}_-]+\.)+(?:[a-z]{2,63}|\p{L}{2,63})(?![a-z0-9@+-])"
_BARE = r"(?<![a-z0-9@#$_./-])(?:[a-z0-9\u00c0-\u024f-]+\.)+[a-z]{2,63}(?![a-z0-9@_-])"
_EXTENT = regex.compile(rf"{_HOST}(?::\d+)?{_PATH}{_QUERY}", regex.IGNORECASE)
_WITHOUT_SCHEME = regex.compile(rf"{_BARE}(?::\d+)?{_PATH}{_QUERY}", regex.IGNORECASE)
"""The texts of which X makes a link. X links host names with an existing top-level domain. These
patterns contain no list of them: they match every possible name, and one without `https://` counts
at least its full length. A character directly after a URL, such as an emoji, is not part of it."""

_EMOJI = regex.compile(r"\p{Extended_Pictographic}|\p{Regional_Indicator}|[0-9#*]\ufe0f?\u20e3")


def x_text_length(text: str) -> int:
    """Return the length of a text as X counts it."""
    said = unicodedata.normalize("NFC", text)
    whole, bare = _list_x_links(said)
    pieces = []
    at = 0
    for start, end in sorted([*whole, *bare]):
        pieces.append(said[at:start])
        at = end
    rest = sum(map(_character_weight, regex.findall(r"\X", "".join([*pieces, said[at:]]))))
    long = sum(
        max(sum(map(_character_weight, said[start:end])) - X_LINK_LENGTH, 0) for start, end in bare
    )
    return rest + X_LINK_LENGTH * len(whole + bare) + long


def has_link(text: str) -> bool:
    """Return True if X may recognize a link in a text. Every possible host name counts, so the
    price of a post is never underestimated."""
    return any(_list_x_links(unicodedata.normalize("NFC", text)))


def _list_x_links(text: str) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
    """Return the start and end of the links with a scheme, and of those without."""
    whole = list(iterate_web_addresses(text, extent=_EXTENT))
    bare = []
    at = 0
    for start, end in [*whole, (len(text), len(text))]:
        bare += [found.span() for found in _WITHOUT_SCHEME.finditer(text, at, start)]
        at = end
    return whole, bare


def _character_weight(character: str) -> int:
    if _EMOJI.search(character):
        return 2
    return sum(
        1 if any(first <= ord(point) <= last for first, last in _LIGHT) else 2
        for point in character
    )


def normalize_message_text(text: object) -> str:
    """Return a chat message in the form used for comparisons. The invisible mark is removed,
    because some servers drop it."""
    return remove_text_mark(str(text or "").strip()).strip()


def normalize_x_text(text: str) -> str:
    """Return a text in the form used for comparisons, without the changes that X makes to URLs and
    spaces."""
    said = remove_text_mark(unicodedata.normalize("NFC", text).strip())
    bare = said.casefold().replace("https://", "").replace("http://", "")
    return " ".join(word.rstrip("/") for word in bare.split())
