"""What a feed says: RSS 2.0, RSS 1.0 and Atom, read as data from people nobody knows. Pure.

A document type is refused whole: entities that grow, or that name files, come with one. Markup is
taken out of every text; what is left are words.
"""

import hashlib
import re
from codecs import BOM_UTF8
from collections.abc import Iterator
from dataclasses import dataclass
from html import unescape
from html.parser import HTMLParser
from urllib.parse import urlsplit
from xml.etree.ElementTree import Element, ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring

from foundation.errors import BadInput

MAX_ENTRIES = 500
"""Entries of a feed that are looked at, the first ones."""

MAX_ENTRY_TITLE = 300
MAX_ENTRY_SUMMARY = 500
MAX_ENTRY_LINK = 2_000
_SILENT = frozenset({"script", "style", "template", "noscript"})
_BLOCKS = frozenset({"p", "br", "div", "li", "tr", "h1", "h2", "h3", "h4", "blockquote"})
_WHOLE = frozenset(
    {"{http://www.w3.org/2005/Atom}content", "{http://purl.org/rss/1.0/modules/content/}encoded"}
)
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")


@dataclass(frozen=True)
class ParsedEntry:
    """An entry: `guid` is the digest of what the feed calls it, `link` "" where it has none we
    would hand on."""

    guid: str
    title: str
    summary: str
    link: str

    @property
    def text(self) -> str:
        """What a draft of it says."""
        return "\n\n".join(part for part in (self.title, self.summary, self.link) if part)


@dataclass(frozen=True)
class ParsedFeed:
    """A feed as it was read, the newest entry first as a rule."""

    title: str
    entries: tuple[ParsedEntry, ...]


def parse_feed(data: bytes) -> ParsedFeed:
    """Read a feed. Raises BadInput for what is none, and for one with a document type."""
    try:
        root = fromstring(data.removeprefix(BOM_UTF8).lstrip(), forbid_dtd=True)
    except DefusedXmlException as refused:
        page = (
            getattr(refused, "name", "").lower() == "html"
        )  # somebody pasted the address of the page itself
        raise BadInput("feed.not_a_feed" if page else "feed.has_doctype") from refused
    except (ParseError, ValueError, LookupError) as broken:  # LookupError: an encoding nobody knows
        raise BadInput("feed.not_a_feed") from broken
    place = root if _local_name(root) in ("feed", "RDF") else _find_child(root, "channel")
    if place is None or _local_name(root) not in ("rss", "RDF", "feed"):
        raise BadInput("feed.not_a_feed")
    about = _find_child(root, "channel") if _local_name(root) == "RDF" else place
    title = _strip_markup(_child_text(about, "title"), MAX_ENTRY_TITLE) if about is not None else ""
    found: dict[str, ParsedEntry] = {}
    for entry in _iterate_entries(place):
        found.setdefault(entry.guid, entry)
    return ParsedFeed(title, tuple(found.values()))


def _iterate_entries(place: Element) -> Iterator[ParsedEntry]:
    count = 0
    for node in place:
        if _local_name(node) not in ("item", "entry"):
            continue
        count += 1
        if count > MAX_ENTRIES:
            return
        link = _entry_link(node)
        title = _strip_markup(_child_text(node, "title"), MAX_ENTRY_TITLE)
        summary = _strip_markup(
            _child_text(node, "description")
            or _child_text(node, "summary")
            or _entry_content(node),
            MAX_ENTRY_SUMMARY,
        )
        called = (
            _child_text(node, "guid") or _child_text(node, "id") or link or f"{title}\n{summary}"
        ).strip()
        if called and (title or summary):
            yield ParsedEntry(hashlib.sha256(called.encode()).hexdigest(), title, summary, link)


def _local_name(node: Element) -> str:
    """The name without its namespace."""
    return str(node.tag).rpartition("}")[2]


def _find_child(node: Element, name: str) -> Element | None:
    return next((child for child in node if _local_name(child) == name), None)


def _child_text(node: Element, name: str) -> str:
    """All text below a child; markup that Atom carries as elements is left out with its signs."""
    child = _find_child(node, name)
    return "".join(child.itertext()) if child is not None else ""


def _entry_content(node: Element) -> str:
    """The whole of an entry, which some say without a summary of it."""
    child = next((child for child in node if child.tag in _WHOLE), None)
    return "".join(child.itertext()) if child is not None else ""


def _entry_link(node: Element) -> str:
    links = [child for child in node if _local_name(child) == "link"]
    said = [
        (child.get("rel", "alternate"), (child.get("href") or child.text or "").strip())
        for child in links
    ]
    address = next((href for rel, href in said if rel == "alternate" and href), "")
    try:
        parts = urlsplit(address)
    except ValueError:
        return ""
    well = parts.scheme in ("http", "https") and parts.netloc and not re.search(r"\s", address)
    return (
        address if well and len(address) <= MAX_ENTRY_LINK and not _CONTROL.search(address) else ""
    )


class _Plain(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.said: list[str] = []
        self._silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _SILENT:
            self._silent += 1
        elif tag in _BLOCKS:
            self.said.append("\n")

    def handle_endtag(self, tag: str) -> None:
        if tag in _SILENT:
            self._silent = max(self._silent - 1, 0)

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self.said.append(data)


def _strip_markup(marked: str, most: int) -> str:
    """Text without its markup, on one line, whole words only."""
    reader = _Plain()
    looked = marked[: 40 * most]
    if len(looked) < len(marked) and looked.rfind("<") > looked.rfind(">"):
        looked = looked[: looked.rfind("<")]  # cut in its middle, a sign would be read as words
    reader.feed(looked)
    reader.close()
    line = " ".join(_CONTROL.sub("", unescape("".join(reader.said))).split())
    if len(line) <= most:
        return line
    return (
        line[: most - 1].rpartition(" ")[0].rstrip(" ,;:") + "…"
        if " " in line[: most - 1]
        else line[:most]
    )
