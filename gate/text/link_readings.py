"""Addresses in texts, as strictly as any reader or platform may understand them.

Where an address ends is decided by `foundation/i18n/web_addresses.py`. Platforms differ: text right
after that end may belong to the address there. Then both readings count, so that a registered
address never covers a longer one.
"""

import re
from collections.abc import Iterable, Iterator

from foundation.i18n.web_addresses import address_end, iterate_web_addresses
from gate.text.bare_hosts import URL_END, iter_bare_hosts, iter_spelt_hosts
from gate.text.normalization import visible_letters

_RUN = re.compile(
    rf"(?:[a-z][a-z0-9+.-]{{1,20}}://|\b(?:https?|ftp|tg|mailto|tel|sms):/?){URL_END}+",
    re.IGNORECASE,
)
"""An address with any scheme, and everything that stands right after it."""

_PUNCTUATION = ".,;:!?…»"
_OUTSIDE = re.compile(r"[.,;:!?…»'\"*|~`]*")
_OUTSIDE_ON = {
    # Our connector marks each address itself.
    "bluesky": re.compile(r".*", re.DOTALL),
    # twitter-text: paths consist of Latin and Cyrillic letters, digits and ASCII signs.
    "x": re.compile(r"[^0-9A-Za-z_\u00c0-\u024f\u0400-\u04ff]*"),
}
"""Characters that never belong to an address on a platform if they stand right before or after
it."""

Span = tuple[int, int]


def extract_links(texts: Iterable[str], *, platform: str = "") -> tuple[str, ...]:
    """Return every address in the texts, in order, without invisible characters.

    With a platform, text next to an address that no link there contains is ignored.
    """
    found: dict[str, None] = {}
    for text in texts:
        shown = _readable_text(text)
        whole = list(_iterate_with_scheme(shown, platform))
        rest = _blank_spans(shown, whole)
        bare = _iterate_bare(rest, platform)
        for source, spans in ((shown, whole), (rest, bare)):
            for start, end in spans:
                found[source[start:end].rstrip(_PUNCTUATION)] = None
    return tuple(found)


def has_address(text: str) -> bool:
    """Return True if a text contains an address, including one with a spelled-out dot."""
    return bool(extract_links([text])) or any(iter_spelt_hosts(visible_letters(text)))


def remove_links(text: str) -> str:
    """Return the text with each address replaced by a space."""
    shown = _readable_text(text)
    rest = _blank_spans(shown, _iterate_with_scheme(shown, ""))
    return _blank_spans(rest, iter_bare_hosts(rest))


def _readable_text(text: str) -> str:
    return visible_letters(text).replace("。", ".")  # browsers treat it as a dot


def _iterate_with_scheme(shown: str, platform: str) -> Iterator[Span]:
    """Yield the spans of all readings of each address with a scheme, the shortest first."""
    web = iterate_web_addresses(shown)
    following = next(web, None)
    for match in _RUN.finditer(shown):
        run = match.span()
        inside = []
        while following is not None and following[0] < run[1]:
            inside.append(following)
            following = next(web, None)
        yield from _readings(shown, run, inside, platform)


def _iterate_bare(rest: str, platform: str) -> Iterator[Span]:
    for start, end in iter_bare_hosts(rest):
        path = rest.find("/", start, end)
        shortest = end if path < 0 else address_end(rest, start, path)
        yield from _readings(rest, (start, end), [(start, shortest)], platform)


def _readings(text: str, run: Span, inside: list[Span], platform: str) -> Iterator[Span]:
    """Yield the addresses in a run, and the run itself if a platform may link it."""
    yield from inside
    outside = []
    at = run[0]
    for start, end in inside:
        outside.append(text[at:start])
        at = end
    outside.append(text[at : run[1]])
    never_inside = _OUTSIDE_ON.get(platform, _OUTSIDE)
    if not inside or at > run[1] or not never_inside.fullmatch("".join(outside)):
        yield run


def _blank_spans(text: str, spans: Iterable[Span]) -> str:
    """Return a text with a space for each span. Spans that begin inside an earlier one extend
    it."""
    pieces = []
    at = 0
    for start, end in spans:
        if start >= at:
            pieces.append(text[at:start])
        at = max(at, end)
    return " ".join([*pieces, text[at:]])
