"""Web addresses in texts: where each begins and ends, among punctuation, markup and scripts without
spaces. An address may follow any character.

Every search for addresses in a text uses these functions. What a platform itself makes a link of is
a pattern in the platform's table, passed as `extent`.
"""

from collections.abc import Iterator

import regex

_NO_SPACES = r"\p{Hiragana}\p{Katakana}ー\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}"
_DENSE = rf"{_NO_SPACES}\p{{Han}}\p{{Hangul}}"
_LETTERS = rf"[[\p{{L}}\p{{M}}\p{{N}}]--[{_DENSE}]--[\uff00-\uffef]]"
_ASCII = r"""[!#-%'()*+,\-./0-9:;=?@A-Z\[\\\]_a-z~&$]"""
_SEGMENT = r"(?<=[/=])[\p{Han}\p{Hangul}]+"
_BEGINNING = regex.compile(r"https?://", regex.IGNORECASE)
_BEGINNING_OR_WWW = regex.compile(r"https?://|(?<![\w.])www\.(?=\w)", regex.IGNORECASE)
_REST = regex.compile(
    rf"(?!\*\*|~~)(?:(?!\*\*|~~|\]\(){_ASCII}|{_LETTERS}|{_SEGMENT})+", regex.IGNORECASE | regex.V1
)
"""Addresses as RFC 3986 allows them, and letters of scripts with spaces. Chinese and Korean may
only begin a part of the path: after other letters, they are the text that goes on. The doubled
marks of Markdown, `|` (Discord, Telegram) and backquotes end an address."""

_WHOLE = regex.compile(rf"https?://(?:{_ASCII}|[\p{{L}}\p{{M}}\p{{N}}])+", regex.IGNORECASE)
_ENDINGS = ".,;:!?…'*~"
_CLOSING = {")": "(", "]": "["}


def iterate_web_addresses(
    text: str, *, extent: "regex.Pattern[str] | None" = None, www: bool = False
) -> Iterator[tuple[int, int]]:
    """Yield the start and end of each address that begins with http:// or https://, or with `www`
    also of those that begin with www.

    Punctuation of the sentence and marks of markup around it stay outside; a closing bracket
    belongs to an address that contains its opening one. `extent` replaces this rule by the rule of
    a platform: it matches what follows `http://` in an address. An address never includes a later
    one, unless it is part of its path or query.
    """
    beginning = _BEGINNING_OR_WWW if www else _BEGINNING
    at = 0
    while found := beginning.search(text, at):
        start, at = found.span()
        if extent is None:
            end = address_end(text, start, at)
        else:
            rest = extent.match(text, at)
            end = at if rest is None else rest.end()
        if end > at:
            yield start, end
            at = end


def address_end(text: str, start: int, begins: int) -> int:
    """Return the end of the address that starts at `start`, or `begins` if nothing of it follows
    there. `begins` is the place after its scheme."""
    rest = _REST.match(text, begins)
    if rest is None:
        return begins
    # Single underscores are common in addresses: only those that close an emphasis are marks.
    emphasis = 0
    while emphasis < start and text[start - 1 - emphasis] == "_":
        emphasis += 1
    return begins + _trimmed_length(rest[0], emphasis)


def list_web_addresses(text: str, *, www: bool = False) -> list[str]:
    """Return the addresses in a text, in order."""
    return [text[start:end] for start, end in iterate_web_addresses(text, www=www)]


def replace_web_addresses(
    text: str, by: str, *, extent: "regex.Pattern[str] | None" = None, www: bool = False
) -> str:
    """Return a text with each address replaced; the parameters are those of
    `iterate_web_addresses`."""
    pieces = []
    at = 0
    for start, end in iterate_web_addresses(text, extent=extent, www=www):
        pieces += [text[at:start], by]
        at = end
    return "".join([*pieces, text[at:]])


def is_web_address(text: str) -> bool:
    """Return True if a text is one address that begins with http:// or https:// and contains only
    characters of addresses."""
    return _WHOLE.fullmatch(text) is not None


def _trimmed_length(address: str, emphasis: int) -> int:
    end = len(address)
    opened = {closing: address.count(opening) for closing, opening in _CLOSING.items()}
    closed = {closing: address.count(closing) for closing in _CLOSING}
    while end:
        last = address[end - 1]
        if last in _ENDINGS:
            end -= 1
        elif emphasis and address.endswith("_" * emphasis, 0, end):
            end -= emphasis
            emphasis = 0
        elif closed.get(last, 0) > opened.get(last, 0):
            closed[last] -= 1
            end -= 1
        else:
            break
    return end
