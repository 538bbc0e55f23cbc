"""What readers see of a unit in a feed before they press: its words where they stand there, the
part above the fold, what is covered, and what a warning says. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import regex

from connectors.contract.connector import Connector
from connectors.contract.feed_layout import FeedLayout, FoldRule
from connectors.shared import options, unit_checks
from gate.contract.units import Unit

_PIECES = regex.compile(
    r"(?P<link>https?://[^\s<>\"]*[^\s<>\"'.,:;!?)\]}»’”…])|(?P<tag>(?<![\w&/#@])[#@]\w[\w.@-]*\b)"
)


@runtime_checkable
class SupportsContentWarning(Protocol):
    """A platform that can put a warning before the words, which a reader presses away."""

    def content_warning(self, unit: Unit) -> str:
        """What it says; "" where the words stand open."""
        ...


@dataclass(frozen=True)
class LinkCard:
    """The card of a page below the words of a post, as its author says it."""

    address: str
    title: str
    text: str = ""


@runtime_checkable
class SupportsLinkCard(Protocol):
    """A platform that shows the card of a page which a post brings along."""

    def link_card(self, unit: Unit) -> LinkCard | None:
        """What it says; None where the post brings none."""
        ...


@dataclass(frozen=True)
class TextPiece:
    """A stretch of words, and whether the platform sets it apart: an address, or a tag or name."""

    text: str
    marked: bool = False


def feed_text(showing: FeedLayout, title: str, body: str) -> tuple[str, str]:
    """The title that stands apart, and the text, as a platform shows a post of these."""
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
    """What of a text is shown, and what follows once a reader presses: together they are the text,
    and no character as readers see it is cut through."""
    if at is None or (warned and not at.warned):
        return text, ""
    end = len(text)
    if at.lines and text.count("\n") >= at.lines:
        end = [found.start() for found in regex.finditer("\n", text)][at.lines - 1]
    if at.length and at.measure(text[:end]) > at.length:
        end = _fit_length(text[:end], at)
    return text[:end], text[end:]


def _fit_length(text: str, at: FoldRule) -> int:
    """How many code points of a text that is too long are shown: the most whole characters that
    count no more."""
    ends = [found.end() for found in regex.finditer(r"\X", text)]
    low = 0
    high = len(ends)
    while (
        low < high
        # a longer beginning never counts less, but for an address that is cut through: those count
        # more
    ):
        middle = (low + high + 1) // 2
        if at.measure(text[: ends[middle - 1]]) <= at.length:
            low = middle
        else:
            high = middle - 1
    return ends[low - 1] if low else 0


def text_pieces(text: str) -> Iterator[TextPiece]:
    """A text as a feed sets it: addresses, tags and names apart from the rest; together they are
    the text."""
    at = 0
    for found in _PIECES.finditer(text):
        if found.start() > at:
            yield TextPiece(text[at : found.start()])
        yield TextPiece(found[0], marked=True)
        at = found.end()
    if at < len(text):
        yield TextPiece(text[at:])


def first_address(text: str) -> str:
    """The first address of a text; "" where it has none."""
    return next((found[0] for found in _PIECES.finditer(text) if found["link"]), "")


def is_covered(showing: FeedLayout, unit: Unit) -> bool:
    """Whether its pictures are covered until a reader presses."""
    marked = any(flag.startswith(begin) for flag in unit.flags for begin in showing.covers)
    return marked or bool(showing.cover and options.unit_options(unit).get_flag(showing.cover))


def content_warning(unit: Unit, connector: Connector | None) -> str:
    """What stands before its words; "" where they stand open."""
    return connector.content_warning(unit) if isinstance(connector, SupportsContentWarning) else ""


def link_card(unit: Unit, connector: Connector | None) -> LinkCard | None:
    """The card that it brings along; None where it has none."""
    return connector.link_card(unit) if isinstance(connector, SupportsLinkCard) else None
