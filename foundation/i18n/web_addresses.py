"""Web addresses in texts: where each begins and ends, among punctuation, markup and scripts without
spaces. An address may follow any character."""

from collections.abc import Iterator

import regex

_NO_SPACES = r"\p{Hiragana}\p{Katakana}ー\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}"
_DENSE = rf"{_NO_SPACES}\p{{Han}}\p{{Hangul}}"
_LETTERS = rf"[[\p{{L}}\p{{M}}\p{{N}}]--[{_DENSE}]--[\uff00-\uffef]]"
_ASCII = r"""[!#-%'()*+,\-./0-9:;=?@A-Z\[\\\]_a-z~&$]"""
_SEGMENT = r"(?<=[/=])[\p{Han}\p{Hangul}]+"
_ADDRESS = regex.compile(
    rf"https?://(?!\*\*|~~)(?:(?!\*\*|~~|\]\(){_ASCII}|{_LETTERS}|{_SEGMENT})+",
    regex.IGNORECASE | regex.V1,
)
"""Addresses as RFC 3986 allows them, and letters of scripts with spaces. Chinese and Korean may
only begin a part of the path: after other letters, they are the text that goes on. The doubled
marks of Markdown, `|` (Discord, Telegram) and backquotes end an address."""

_ENDINGS = ".,;:!?…'*~"
_CLOSING = {")": "(", "]": "["}


def iterate_web_addresses(text: str) -> Iterator[tuple[int, int]]:
    """Yield the start and end of each address that begins with http:// or https://.

    Punctuation of the sentence and marks of markup around it stay outside; a closing bracket
    belongs to an address that contains its opening one.
    """
    for found in _ADDRESS.finditer(text):
        start = found.start()
        address = _trim_address(found[0], text[:start])
        if address.partition("://")[2]:
            yield start, start + len(address)


def list_web_addresses(text: str) -> list[str]:
    """Return the addresses in a text, in order."""
    return [text[start:end] for start, end in iterate_web_addresses(text)]


def _trim_address(address: str, before: str) -> str:
    # Single underscores are common in addresses: only those that close an emphasis are marks.
    emphasis = len(before) - len(before.rstrip("_"))
    while address:
        shorter = address.rstrip(_ENDINGS)
        if emphasis and shorter.endswith("_" * emphasis):
            shorter = shorter[:-emphasis]
            emphasis = 0
        opening = _CLOSING.get(shorter[-1:], "")
        if opening and shorter.count(opening) < shorter.count(shorter[-1]):
            shorter = shorter[:-1]
        if shorter == address:
            break
        address = shorter
    return address
