"""Feeds of a site: Atom (RFC 4287) and JSON Feed 1.1. Entry IDs do not change if the
address does."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from xml.etree import ElementTree as xml

from gate.contract.units import Rating
from web.site.items import ItemEntry

ATOM = "http://www.w3.org/2005/Atom"
ENTRIES_PER_PAGE = 50
"""Number of entries on one feed page."""

_NAMES = {Rating.G: "general", Rating.S: "suggestive"}
_AI = ("none", "assisted", "generated")


@dataclass(frozen=True)
class FeedHeader:
    """The metadata of a feed. URLs are absolute; `authority` and `permanent` form the IDs (RFC
    4151)."""

    title: str
    author: str
    home: str
    self_url: str
    language: str
    authority: str
    permanent: str
    opened_at: datetime
    older: str = ""


def entry_id(head: FeedHeader, entry: ItemEntry) -> str:
    """Return the permanent tag URI of an entry (RFC 4151). It does not depend on the entry's
    address."""
    return _build_tag_uri(head, entry.published_at, entry.content_id)


def _build_tag_uri(head: FeedHeader, at: datetime, name: str) -> str:
    return f"tag:{head.authority},{at.astimezone(UTC).year}:{name}"


def ai_level(entry: ItemEntry) -> str:
    """Return the highest AI share of the entry's text and files: none, assisted or generated."""
    marks = [medium.ai for medium in entry.media]
    if entry.ai and not any(mark != "none" for mark in marks):
        marks.append("generated")
    return max(marks, key=_AI.index, default="none")


def atom_feed(head: FeedHeader, entries: Sequence[ItemEntry], *, base: str) -> bytes:
    """Render the Atom document. Equal items produce equal bytes."""
    xml.register_namespace("", ATOM)
    feed = xml.Element(f"{{{ATOM}}}feed", {"xml:lang": head.language})
    _add_text_element(feed, "id", _build_tag_uri(head, head.opened_at, head.permanent))
    _add_text_element(feed, "title", head.title)
    _add_text_element(xml.SubElement(feed, f"{{{ATOM}}}author"), "name", head.author)
    _add_text_element(
        feed,
        "updated",
        _format_instant(max((entry.edited_at for entry in entries), default=head.opened_at)),
    )
    for rel, href, mime in (
        ("self", head.self_url, "application/atom+xml"),
        ("alternate", head.home, "text/html"),
        ("next", head.older, "application/atom+xml"),
    ):
        if href:
            xml.SubElement(feed, f"{{{ATOM}}}link", {"rel": rel, "href": href, "type": mime})
    for entry in entries:
        _add_atom_entry(feed, head, entry, base)
    body: bytes = xml.tostring(feed, encoding="utf-8", xml_declaration=True)
    return body


def _add_atom_entry(feed: xml.Element, head: FeedHeader, entry: ItemEntry, base: str) -> None:
    node = xml.SubElement(feed, f"{{{ATOM}}}entry")
    _add_text_element(node, "id", entry_id(head, entry))
    _add_text_element(node, "title", _entry_title(entry))
    _add_text_element(node, "published", _format_instant(entry.published_at))
    _add_text_element(node, "updated", _format_instant(entry.edited_at))
    address = {"rel": "alternate", "href": f"{head.home}p/{entry.content_id}", "type": "text/html"}
    xml.SubElement(node, f"{{{ATOM}}}link", address)
    for medium in entry.media:
        attributes = {
            "rel": "enclosure",
            "href": base + medium.url_path,
            "type": medium.mime,
            "length": str(medium.size),
        }
        if medium.alt:
            attributes["title"] = _strip_illegal_characters(medium.alt)
        xml.SubElement(node, f"{{{ATOM}}}link", attributes)
    _add_category(node, _NAMES[entry.rating], f"{base}/rating")
    if ai_level(entry) != "none":
        _add_category(node, f"ai-{ai_level(entry)}", f"{base}/ai")
    xml.SubElement(node, f"{{{ATOM}}}content", {"type": "text"}).text = _strip_illegal_characters(
        entry.text
    )


def _add_category(node: xml.Element, term: str, scheme: str) -> None:
    xml.SubElement(node, f"{{{ATOM}}}category", {"term": term, "scheme": scheme})


def json_feed(head: FeedHeader, entries: Sequence[ItemEntry], *, base: str) -> bytes:
    """Render the JSON Feed 1.1 document (jsonfeed.org/version/1.1)."""
    feed: dict[str, object] = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": head.title,
        "home_page_url": head.home,
        "feed_url": head.self_url,
        "language": head.language,
        "authors": [{"name": head.author, "url": head.home}],
        "items": [_build_json_item(head, entry, base) for entry in entries],
    }
    if head.older:
        feed["next_url"] = head.older
    return json.dumps(feed, ensure_ascii=False, separators=(",", ":")).encode()


def _build_json_item(head: FeedHeader, entry: ItemEntry, base: str) -> dict[str, object]:
    item: dict[str, object] = {
        "id": entry_id(head, entry),
        "url": f"{head.home}p/{entry.content_id}",
        "title": _entry_title(entry),
        "content_text": entry.text,
        "date_published": _format_instant(entry.published_at),
        "date_modified": _format_instant(entry.edited_at),
        "_greenroom": {
            "rating": entry.rating.value,
            "ai_generated": ai_level(entry),
            "version": entry.version,
        },
    }
    if entry.media:
        item["attachments"] = [
            {
                "url": base + medium.url_path,
                "mime_type": medium.mime,
                "title": medium.alt or _entry_title(entry),
                "size_in_bytes": medium.size,
                "_greenroom": {"ai_generated": medium.ai},
            }
            for medium in entry.media
        ]
    images = [medium for medium in entry.media if medium.mime.startswith("image/")]
    if images:
        item["image"] = base + images[0].url_path
    return item


def _entry_title(entry: ItemEntry) -> str:
    return entry.title or " ".join(entry.text.split())[:60] or "…"


def _format_instant(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%S}Z"


def _add_text_element(parent: xml.Element, name: str, text: str) -> None:
    xml.SubElement(parent, f"{{{ATOM}}}{name}").text = _strip_illegal_characters(text)


def _strip_illegal_characters(text: str) -> str:
    """Remove characters that XML 1.0 does not allow (section 2.2), which would break feed
    readers."""
    return "".join(
        c
        for c in text
        if c in "\t\n\r" or " " <= c <= "\ud7ff" or "\ue000" <= c <= "\ufffd" or c >= "\U00010000"
    )
