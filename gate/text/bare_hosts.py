"""Addresses without a scheme: `mia.studio`, `example.co.uk/x`, or spelled out as `mia dot studio`.

Platforms turn such a host into a link. The valid endings are those of the Public Suffix List
(https://publicsuffix.org), from the snapshot in the library `publicsuffixlist`; nothing is fetched.
"""

import re
import unicodedata
from collections.abc import Iterator
from functools import cache

from publicsuffixlist import PublicSuffixList

from gate.text.lexicon import shipped_lexicon

MAX_HOST_LENGTH = 253
"""Characters allowed in a host name (RFC 1035)."""
MAX_HOST_LABELS = 16
"""Labels that are read from the end of a host name."""
URL_END = r"[^\s<>\"'()\[\]]"
"""Pattern of a character that an address in a text may contain."""

_MARKS = "".join(
    chr(code) for code in range(0x300, 0x1C00) if unicodedata.category(chr(code)) in ("Mn", "Mc")
)
r"""Vowel signs and other marks of the scripts that domain names use; `\w` does not match them."""
_HOST = re.compile(rf"(?<![@\w{_MARKS}.-])(?:[\w{_MARKS}-]++\.)++[\w{_MARKS}-]*+")
_NUMBERS = re.compile(r"(?:\d{1,3}\.){3}\d{1,3}")
_ENDING = re.compile(r"\.[a-z]{2,63}$", re.IGNORECASE)
_WWW = re.compile(r"www\.[\w-]+\.", re.IGNORECASE)
"""After "www.", or with a path, any ending is accepted, because it may be that of a private
network."""
_PATH_BEGINS = re.compile(r"(?::\d{1,5})?/")
_AFTER = re.compile(rf"(?::\d{{1,5}}(?=/))?/{URL_END}*")
_SENTENCE_GOES_ON = re.compile(r"[ \t]{1,8}[^\W\d_]")
_INTRODUCES = re.compile(
    r"(?:\b(?:at|on|to|via|see|visit|follow|sur|chez|voir|auf|bei|su|em)|[:>→👉])[ \t]{0,3}$",
    re.IGNORECASE,
)
"""Text after which a dotted name is an address, and not two sentences without a space between them.
"""
_INTRODUCTION = 12
_SPELT_DOT = re.compile(
    r"(?<![\w-])([\w-]{2,63}+)\s{0,3}(?:[(\[{]\s?(?:\.|dot|point|punto|punkt|ponto)\s?[)\]}]"
    r"|\s(?:\.|dot|point|punto|punkt|ponto)\s)\s{0,3}([^\W\d_]{2,24}+)(?![\w-])",
    re.IGNORECASE,
)


@cache
def _suffixes() -> PublicSuffixList:
    return PublicSuffixList(accept_unknown=False, only_icann=True)


def registrable_domain(host: str) -> str:
    """Return the registrable domain of a host name, with its public suffix.

    Return "" for a bare suffix and for an ending that does not exist.
    """
    labels = host.lower().rstrip(".").split(".")[-MAX_HOST_LABELS:]
    name = ".".join(labels)
    if len(name) > MAX_HOST_LENGTH or not all(labels):
        return ""
    return _suffixes().privatesuffix(name) or ""


def iter_bare_hosts(text: str) -> Iterator[tuple[int, int]]:
    """Yield the start and end of each address without a scheme, in order, with its port and path.

    A missing space after a full stop ("love it.it was") is not an address. It is recognized by two
    common words, the second one also a country code, and by the sentence that continues.
    """
    at = 0
    while match := _HOST.search(text, at):
        host = match[0].rstrip(".-")
        start, at = match.span()
        end = start + len(host)
        goes_on = end == at
        if _is_address(host, text, (start, end), goes_on=goes_on):
            path = _AFTER.match(text, end) if goes_on else None
            at = end if path is None else path.end()
            yield start, at


def _is_address(host: str, text: str, span: tuple[int, int], *, goes_on: bool) -> bool:
    """Return True if platforms turn a dotted name into a link.

    `goes_on` is True if no full stop follows the name.
    """
    start, end = span
    if (goes_on and _PATH_BEGINS.match(text, end)) or _WWW.match(host):
        return bool(_NUMBERS.fullmatch(host) or _ENDING.search(host) or registrable_domain(host))
    is_mail = goes_on and text.startswith("@", end)
    return (
        not is_mail
        and bool(registrable_domain(host))
        and not _is_missing_space(host, text, start, end)
    )


def iter_spelt_hosts(text: str) -> Iterator[str]:
    """Yield the hosts with a spelled-out dot, in brackets or with spaces around: `mia (dot)
    studio`."""
    for match in _SPELT_DOT.finditer(text):
        name = match[1]
        ending = match[2].lower()
        bracketed = any(sign in match[0] for sign in "([{")
        spelt = match[0].lower().split()[1:2] == ["dot"] and len(ending) > 2
        if registrable_domain(f"{name}.{ending}") and (bracketed or spelt or not _is_word(ending)):
            yield f"{name}.{ending}"


def _is_missing_space(host: str, text: str, start: int, end: int) -> bool:
    labels = host.split(".")
    if len(labels) != 2:
        return False
    if labels[0].isdigit() and len(labels[1]) == 2:  # "at 3.am"
        return True
    before, ending = labels
    if len(ending) != 2 or not _is_word(before) or not _is_word(ending):
        return False
    follows = _SENTENCE_GOES_ON.match(text, end)
    introduced = _INTRODUCES.search(text[max(start - _INTRODUCTION, 0) : start])
    return ending.istitle() or (
        follows is not None and follows[0][-1].islower() and introduced is None
    )


def _is_word(label: str) -> bool:
    """Return True if a supported language has the word, apart from endings common in addresses."""
    return label.lower() not in _ENDINGS_IN_PRINT and shipped_lexicon().vocabulary.contains(
        label.lower()
    )


_ENDINGS_IN_PRINT = frozenset({"com", "net", "org", "biz", "fr", "uk", "io", "tv", "gg", "ly"})
"""Endings that are in the vocabulary because people write addresses; they are not words."""
