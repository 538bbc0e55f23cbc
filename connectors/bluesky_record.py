"""The record of a Bluesky post: its key, its moment, what in its words leads somewhere, its pictures or film, labels.

Everything follows from the unit: built twice it is byte for byte the same, so that a repeat is no second post.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import regex

from connectors import fitting, options
from gate.units import Medium, Unit

COLLECTION, FILM = "app.bsky.feed.post", "video/mp4"
MOST_GRAPHEMES, MOST_BYTES = 300, 3000
"""Of a post's text, by its lexicon."""

MOST_TAG = 64
"""Graphemes of one hashtag."""

LABELS = frozenset({"sexual", "nudity", "porn", "graphic-media"})
LABEL_FLAG = "selfLabels"

_DIGITS = "234567abcdefghijklmnopqrstuvwxyz"
_TID = regex.compile(rf"[234567abcdefghij][{_DIGITS}]{{12}}")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LINK = regex.compile(r"(?<![\w@/])https?://[^\s<>\"'«»]+", regex.IGNORECASE)
_TAG = regex.compile(r"(?<!\S)[#＃](?!\ufe0f)(\S+)")
_MEANT = regex.compile(r"[^\d\p{P}\p{S}\p{Z}\p{C}]")
_ENDINGS = regex.compile(r"[.,;:!?…]+$")
_CLOSING = {")": "(", "]": "["}


def tid(key: str, at: datetime) -> str:
    """The record key for a moment (UTC-aware) and whatever `key` names: 53 bits of microseconds, 10 of the key.

    Source: https://atproto.com/specs/tid
    """
    micros = (at - _EPOCH) // timedelta(microseconds=1)
    clock = int.from_bytes(hashlib.sha256(key.encode()).digest()[:2], "big") & 1023
    number = (micros & ((1 << 53) - 1)) << 10 | clock
    return "".join(_DIGITS[number >> shift & 31] for shift in range(60, -1, -5))


def moment(key: str) -> datetime | None:
    """When a record key was made, UTC-aware; None for what is no such key."""
    if not _TID.fullmatch(key):
        return None
    number = 0
    for digit in key:
        number = number << 5 | _DIGITS.index(digit)
    return _EPOCH + timedelta(microseconds=number >> 10)


def record(
    unit: Unit, blobs: Sequence[Mapping[str, Any]], at: datetime, under: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """The record of a post made at `at` with what was uploaded for it, in the order of the unit's media.

    `under` are the root and the parent of a reply.
    """
    text = unit.text("body")
    made: dict[str, Any] = {"$type": COLLECTION, "text": text, "createdAt": at.isoformat().replace("+00:00", "Z")}
    if languages := options.said(unit).items("languages") or [unit.language] * bool(unit.language):
        made["langs"] = languages
    if found := facets(text):
        made["facets"] = found
    if unit.media:
        made["embed"] = _embed(list(zip(unit.media, blobs, strict=True)))
    if values := labels(unit.flags):
        made["labels"] = {
            "$type": "com.atproto.label.defs#selfLabels",
            "values": [{"val": value} for value in values],
        }
    if under is not None:
        made["reply"] = dict(under)
    return made


def labels(flags: Sequence[str]) -> list[str]:
    """The values of the labels an author puts on a post, out of the gate's marks."""
    pairs = (flag.partition("=") for flag in flags)
    return sorted({value for name, _, value in pairs if name == LABEL_FLAG and value in LABELS})


def labels_of(made: Mapping[str, Any]) -> frozenset[str]:
    """The labels its author put on a record, as it is told."""
    match made.get("labels"):
        case {"values": list() as values}:
            return frozenset(str(each.get("val")) for each in values if isinstance(each, Mapping))
        case _:
            return frozenset()


def untold(flags: Sequence[str]) -> str:
    """The first mark that a record cannot bear; "" when it bears them all."""
    pairs = {flag: flag.partition("=") for flag in flags}
    return next((flag for flag, (name, _, value) in pairs.items() if name != LABEL_FLAG or value not in LABELS), "")


def _embed(uploaded: Sequence[tuple[Medium, Mapping[str, Any]]]) -> dict[str, Any]:
    """A film, which stands alone, or pictures."""
    medium, blob = uploaded[0]
    if medium.mime == FILM:
        return {"$type": "app.bsky.embed.video", **_shown(medium, "video", blob)}
    return {"$type": "app.bsky.embed.images", "images": [_shown(one, "image", blob) for one, blob in uploaded]}


def _shown(medium: Medium, kind: str, blob: Mapping[str, Any]) -> dict[str, Any]:
    shown = {"alt": medium.alt, kind: dict(blob)}
    if medium.width > 0 and medium.height > 0:
        shown["aspectRatio"] = {"width": medium.width, "height": medium.height}
    return shown


def facets(text: str) -> list[dict[str, Any]]:
    """Addresses and hashtags of a text with their place, in bytes of its UTF-8. Mentions would need a second request
    for each name, and stay words.

    Source: https://docs.bsky.app/docs/advanced-guides/post-richtext
    """
    links = list(_links(text))
    taken = [(start, end) for start, end, _ in links]
    tags = [one for one in _tags(text) if not any(start < one[1] and one[0] < end for start, end in taken)]
    return [_facet(text, start, end, feature) for start, end, feature in sorted(links + tags, key=lambda one: one[0])]


def _facet(text: str, start: int, end: int, feature: Mapping[str, str]) -> dict[str, Any]:
    first = len(text[:start].encode())
    index = {"byteStart": first, "byteEnd": first + len(text[start:end].encode())}
    return {"index": index, "features": [dict(feature)]}


def _links(text: str) -> Iterator[tuple[int, int, dict[str, str]]]:
    for match in _LINK.finditer(text):
        uri = _trimmed(match[0])
        if len(uri) > len("https://"):
            yield match.start(), match.start() + len(uri), {"$type": "app.bsky.richtext.facet#link", "uri": uri}


def _trimmed(uri: str) -> str:
    """An address without the sentence's own punctuation after it; a bracket it opened itself is its own."""
    while uri:
        shorter = _ENDINGS.sub("", uri)
        opening = _CLOSING.get(shorter[-1:], "")
        if opening and shorter.count(opening) < shorter.count(shorter[-1]):
            shorter = shorter[:-1]
        if shorter == uri:
            break
        uri = shorter
    return uri


def _tags(text: str) -> Iterator[tuple[int, int, dict[str, str]]]:
    for match in _TAG.finditer(text):
        tag = regex.sub(r"\p{P}+$", "", match[1])
        if _MEANT.search(tag) and fitting.graphemes(tag) <= MOST_TAG and len(tag.encode()) <= 10 * MOST_TAG:
            yield match.start(), match.start(1) + len(tag), {"$type": "app.bsky.richtext.facet#tag", "tag": tag}
