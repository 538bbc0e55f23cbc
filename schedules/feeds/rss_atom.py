"""Parser of RSS and Atom feeds, which come from untrusted servers; built on feedparser. Pure.

Malformed feeds are parsed as far as possible. A document type is allowed, but a feed that declares
entities is refused. Markup is removed from all texts.
"""

import hashlib
import io
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from html import unescape
from typing import Any
from urllib.parse import urlsplit
from xml.sax import SAXException
from xml.sax.handler import feature_external_ges, feature_namespaces
from xml.sax.xmlreader import InputSource

from defusedxml.common import DefusedXmlException
from defusedxml.expatreader import DefusedExpatParser
from feedparser.api import LooseFeedParser, StrictFeedParser
from feedparser.encodings import convert_to_utf8

from foundation.errors import BadInput
from foundation.i18n.html_text import convert_html_to_text

MAX_ENTRIES = 500
"""Maximum number of entries read from a feed, from the top of the document."""

MAX_ENTRY_TITLE = 300
MAX_ENTRY_SUMMARY = 500
MAX_ENTRY_LINK = 2_000
_MAX_ELEMENT = 40 * MAX_ENTRY_SUMMARY + 1_000
"""Maximum number of characters read from one element: markup can be many times longer than its
text."""

_MAX_DEPTH = 5_000
"""Maximum nesting depth: unclosed elements are common, and the parsing time grows with the square
of the depth."""

_SUMMARIES = ("summary", "content", "itunes_summary", "media_description")
"""Elements with the text of an entry, in order of preference."""

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
_DAMAGE = (ArithmeticError, AssertionError, AttributeError, LookupError, TypeError, ValueError)
"""Exceptions that feedparser raises for bytes that are not a feed."""


@dataclass(frozen=True)
class ParsedEntry:
    """An entry: `guid` is a digest of its ID; `link` is "" if the entry has no valid one."""

    guid: str
    title: str
    summary: str
    link: str

    @property
    def text(self) -> str:
        """Return the text of the draft made from this entry."""
        return "\n\n".join(part for part in (self.title, self.summary, self.link) if part)


@dataclass(frozen=True)
class ParsedFeed:
    """A parsed feed, usually with the newest entry first."""

    title: str
    entries: tuple[ParsedEntry, ...]


class _EnoughEntriesError(Exception):
    """Ends the parsing after `MAX_ENTRIES`."""


class _OwnTexts:
    """Parser mixin that keeps the texts of an entry separate from those of its media.

    In feedparser, the title and description of a picture (`media:`) or the podcast summary
    (`itunes:`) replace the texts of the entry if they are first, and the address in an attribute
    replaces that of a `link` element. This mixin stores them under separate names. A guid is never
    resolved against the feed's address, so that it stays the same when the feed moves. Reads at
    most `MAX_ENTRIES`.
    """

    entities: Mapping[str, str] = {}
    entries: list[dict[str, Any]]
    elementstack: list[list[Any]]
    depth: int
    push: Any
    _get_context: Any
    _permalink = False

    def pop(self, element: str, strip_whitespace: int = 1) -> Any:
        """End an element; its text is cut at `_MAX_ELEMENT` characters."""
        pieces = self.elementstack[-1][2] if self.elementstack else []
        left = _MAX_ELEMENT
        for number, piece in enumerate(pieces):
            pieces[number] = piece[:left]
            left -= len(pieces[number])
            if not left:
                del pieces[number + 1 :]
                break
        return super().pop(element, strip_whitespace)  # type: ignore[misc]  # of feedparser's mixin

    def unknown_starttag(self, tag: str, attrs: Any) -> None:
        """Begin an element. Raises ValueError if it is nested too deeply."""
        if self.depth > _MAX_DEPTH:
            raise ValueError(tag)
        super().unknown_starttag(tag, attrs)  # type: ignore[misc]  # of feedparser's mixin

    def skippedEntity(self, name: str) -> None:
        """Read an HTML entity that the document type does not declare."""
        self.handle_entityref(name)  # type: ignore[attr-defined]  # of feedparser's mixin

    def _start_item(self, attrs: dict[str, str]) -> None:
        if len(self.entries) >= MAX_ENTRIES:
            raise _EnoughEntriesError
        super()._start_item(attrs)  # type: ignore[misc]  # of feedparser's mixin

    _start_entry = _start_item

    def _end_link(self) -> None:
        if self.pop("link"):
            context = self._get_context()
            context["own_link"] = context.get("link", "")

    def _start_id(self, _attrs: dict[str, str]) -> None:
        self._permalink = False
        self.push("id", 1)

    def _start_guid(self, attrs: dict[str, str]) -> None:
        self._permalink = attrs.get("ispermalink", "true").lower() == "true"
        self.push("id", 1)

    def _end_id(self) -> None:
        named = self.pop("id")
        if self._permalink and named:
            self._get_context()["permalink"] = named

    _end_guid = _end_id

    def _start_media_title(self, _attrs: dict[str, str]) -> None:
        self.push("media_title", 1)

    def _end_media_title(self) -> None:
        self.pop("media_title")

    def _start_media_description(self, _attrs: dict[str, str]) -> None:
        self.push("media_description", 1)

    def _end_media_description(self) -> None:
        self.pop("media_description")

    def _start_itunes_summary(self, _attrs: dict[str, str]) -> None:
        self.push("itunes_summary", 1)

    def _end_itunes_summary(self) -> None:
        self.pop("itunes_summary")

    def _sync_author_detail(self, key: str = "author") -> None:
        """Skip the parsing of authors: feedparser's pattern for email addresses takes quadratic
        time."""


class _StrictParser(_OwnTexts, StrictFeedParser):  # type: ignore[misc]  # feedparser has no types
    pass


class _LooseParser(_OwnTexts, LooseFeedParser):  # type: ignore[misc]  # feedparser has no types
    pass


def parse_feed(data: bytes, *, address: str = "", content_type: str = "") -> ParsedFeed:
    """Parse a feed that was downloaded from `address` with this content type.

    Raises BadInput if it is not a feed or its document type declares entities.
    """
    headers = {"content-type": content_type or "application/xml"}
    try:
        decoded = convert_to_utf8(headers, data.lstrip(), {})
        parsed = _parse_strictly(decoded, address) or _parse_loosely(decoded, address)
        # If the document ends inside an entry, drop that incomplete entry.
        entries = parsed.entries[:-1] if parsed.inentry else parsed.entries
        found: dict[str, ParsedEntry] = {}
        for entry in _iterate_entries(entries, parsed.version):
            found.setdefault(entry.guid, entry)
        title = _plain_text(parsed.feeddata, "title", parsed.version, MAX_ENTRY_TITLE)
    except DefusedXmlException as refused:
        raise BadInput("feed.has_doctype") from refused
    except _DAMAGE as broken:
        raise BadInput("feed.not_a_feed") from broken
    if not parsed.version or not (parsed.feeddata or parsed.entries):
        raise BadInput("feed.not_a_feed")
    return ParsedFeed(title, tuple(found.values()))


def _parse_strictly(data: bytes, address: str) -> Any:
    """Parse XML, or return None if it is not well-formed. Raises DefusedXmlException."""
    parser = _StrictParser(address, None, "utf-8")
    parser.resolve_relative_uris = parser.sanitize_html = False
    reader = DefusedExpatParser(forbid_dtd=False, forbid_entities=True, forbid_external=False)
    reader.setFeature(feature_namespaces, True)
    reader.setFeature(feature_external_ges, False)
    reader.setContentHandler(parser)
    reader.setErrorHandler(parser)
    source = InputSource()
    source.setByteStream(io.BytesIO(data))
    try:
        reader.parse(source)
    except _EnoughEntriesError:
        parser.inentry = 0
    except SAXException:
        return None
    return parser


def _parse_loosely(data: bytes, address: str) -> Any:
    parser = _LooseParser(address, None, "utf-8", {})
    parser.resolve_relative_uris = parser.sanitize_html = False
    try:
        parser.feed(data.decode("utf-8", "replace"))
    except _EnoughEntriesError:
        parser.inentry = 0
    return parser


def _iterate_entries(entries: list[dict[str, Any]], version: str) -> Iterator[ParsedEntry]:
    for entry in entries:
        link = _clean_link(
            entry.get("own_link") or entry.get("link") or entry.get("permalink") or ""
        )
        title = _plain_text(entry, "title", version, MAX_ENTRY_TITLE)
        texts = (_plain_text(entry, key, version, MAX_ENTRY_SUMMARY) for key in _SUMMARIES)
        summary = next(filter(None, texts), "")
        called = (entry.get("id") or link or f"{title}\n{summary}").strip()
        if called and (title or summary):
            digest = hashlib.sha256(called.encode(errors="replace")).hexdigest()
            yield ParsedEntry(digest, title, summary, link)


def _plain_text(holder: Mapping[str, Any], key: str, version: str, most: int) -> str:
    """Return the text of an element on one line.

    Atom declares which texts contain no markup (RFC 4287 §3.1).
    """
    text = holder.get(key) or ""
    detail = holder.get(f"{key}_detail") or {}
    if isinstance(text, list):
        detail = text[0]
        text = detail.get("value", "")
    literal = version.startswith("atom") and detail.get("type") == "text/plain"
    return _shorten(text if literal else _strip_markup(text, most), most)


def _clean_link(address: str) -> str:
    """Return a valid web address of bounded length, or "" for any other value."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return ""
    well = parts.scheme in ("http", "https") and parts.netloc and not re.search(r"\s", address)
    return (
        address if well and len(address) <= MAX_ENTRY_LINK and not _CONTROL.search(address) else ""
    )


def _strip_markup(marked: str, most: int) -> str:
    """Return the text without markup. At most 40 times `most` characters are parsed."""
    looked = marked[: 40 * most]
    if len(looked) < len(marked) and looked.rfind("<") > looked.rfind(">"):
        looked = looked[: looked.rfind("<")]  # A tag that is cut in its middle would become text.
    return unescape(convert_html_to_text(looked))


def _shorten(text: str, most: int) -> str:
    """Return the text on one line, cut between words."""
    line = " ".join(_CONTROL.sub("", text).split())
    if len(line) <= most:
        return line
    return (
        line[: most - 1].rpartition(" ")[0].rstrip(" ,;:") + "…"
        if " " in line[: most - 1]
        else line[:most]
    )
