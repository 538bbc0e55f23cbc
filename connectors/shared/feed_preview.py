"""Feed previews: the visible part of a post's text, its folded rest, covered pictures, content
warning and link card."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import regex

from connectors.contract.connector import Connector
from connectors.contract.feed_layout import FeedLayout, FoldRule
from connectors.shared import options, unit_checks
from foundation.i18n.web_addresses import iterate_web_addresses, list_web_addresses
from gate.contract.units import Unit

_TAG = regex.compile(r"(?<![\w&/#@])[#@]\w[\w.@-]*\b")


@runtime_checkable
class SupportsContentWarning(Protocol):
    """A platform that can show a content warning in place of a text until the reader opens it."""

    def content_warning(self, unit: Unit) -> str:
        """Return the content warning, or "" for none."""
        ...


@dataclass(frozen=True)
class LinkCard:
    """The preview card of a linked page, with title and text by the post's author."""

    address: str
    title: str
    text: str = ""


@runtime_checkable
class SupportsLinkCard(Protocol):
    """A platform where a post contains its link card."""

    def link_card(self, unit: Unit) -> LinkCard | None:
        """Return the link card of a unit, or None."""
        ...


@dataclass(frozen=True)
class TextPiece:
    """A part of a text. `marked` is True for URLs, hashtags and mentions, which the platform
    highlights."""

    text: str
    marked: bool = False


def feed_text(showing: FeedLayout, title: str, body: str) -> tuple[str, str]:
    """Return the separate title ("" for none) and the text of a post as its platform shows them."""
    match showing.title:
        case "own":
            return title, body
        case "first":
            return unit_checks.split_title(title, body)
        case "line":
            return "", "\n\n".join(text for text in (title, body) if text)
        case "instead":
            return "", body or title
        case _:
            return "", body


def fold_feed_text(text: str, at: FoldRule | None, *, warned: bool = False) -> tuple[str, str]:
    """Return the visible part of a text and its folded rest. They are split between grapheme
    clusters."""
    if at is None or (warned and not at.warned):
        return text, ""
    end = len(text)
    if at.lines and text.count("\n") >= at.lines:
        end = [found.start() for found in regex.finditer("\n", text)][at.lines - 1]
    if at.length and at.measure(text[:end]) > at.length:
        end = _fit_length(text[:end], at)
    return text[:end], text[end:]


def _fit_length(text: str, at: FoldRule) -> int:
    """Return the number of code points of the longest beginning, in whole grapheme clusters, that
    is within the limit."""
    ends = [found.end() for found in regex.finditer(r"\X", text)]
    low = 0
    high = len(ends)
    while (
        low < high
        # Binary search: the length grows with the text, except that a URL which is cut off may
        # count more than the whole one.
    ):
        middle = (low + high + 1) // 2
        if at.measure(text[: ends[middle - 1]]) <= at.length:
            low = middle
        else:
            high = middle - 1
    return ends[low - 1] if low else 0


def text_pieces(text: str) -> Iterator[TextPiece]:
    """Yield the parts of a text, with URLs, hashtags and mentions marked. Joined, they are the
    whole text."""
    links = list(iterate_web_addresses(text))
    tags = [
        found.span()
        for found in _TAG.finditer(text)
        if not any(start < found.end() and found.start() < end for start, end in links)
    ]
    at = 0
    for start, end in sorted([*links, *tags]):
        if start > at:
            yield TextPiece(text[at:start])
        yield TextPiece(text[start:end], marked=True)
        at = end
    if at < len(text):
        yield TextPiece(text[at:])


def first_address(text: str) -> str:
    """Return the first URL of a text, or ""."""
    return next(iter(list_web_addresses(text)), "")


def is_covered(showing: FeedLayout, unit: Unit) -> bool:
    """Return True if the pictures of a unit are blurred until the reader taps them."""
    marked = any(flag.startswith(begin) for flag in unit.flags for begin in showing.covers)
    return marked or bool(showing.cover and options.unit_options(unit).get_flag(showing.cover))


def content_warning(unit: Unit, connector: Connector | None) -> str:
    """Return the content warning of a unit, or "" for none."""
    return connector.content_warning(unit) if isinstance(connector, SupportsContentWarning) else ""


def link_card(unit: Unit, connector: Connector | None) -> LinkCard | None:
    """Return the link card of a unit, or None."""
    return connector.link_card(unit) if isinstance(connector, SupportsLinkCard) else None
