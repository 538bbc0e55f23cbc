"""The record of a Bluesky post: its key, its moment, what in its words leads somewhere, its pictures, film or card, its
labels.

Everything follows from the unit, and from whose the names in it are: built twice it is byte for byte the same, so that
a repeat is no second post.
"""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import regex

from connectors import bluesky_cards, options
from connectors.bluesky_text import facets
from connectors.folding import Card
from gate.units import Medium, Unit

COLLECTION, FILM = "app.bsky.feed.post", "video/mp4"
MOST_GRAPHEMES, MOST_BYTES = 300, 3000
"""Of a post's text, by its lexicon."""

LABELS = frozenset({"sexual", "nudity", "porn", "graphic-media"})
LABEL_FLAG = "selfLabels"

_DIGITS = "234567abcdefghijklmnopqrstuvwxyz"
_TID = regex.compile(rf"[234567abcdefghij][{_DIGITS}]{{12}}")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


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
    unit: Unit,
    blobs: Sequence[Mapping[str, Any]],
    at: datetime,
    under: Mapping[str, Any] | None = None,
    people: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """The record of a post made at `at` with what was uploaded for it, in the order of the unit's media.

    `under` are the root and the parent of a reply, `people` the accounts by the names that its words call them by.
    """
    text = unit.text("body")
    made: dict[str, Any] = {"$type": COLLECTION, "text": text, "createdAt": at.isoformat().replace("+00:00", "Z")}
    if languages := options.said(unit).items("languages") or [unit.language] * bool(unit.language):
        made["langs"] = languages
    if found := facets(text, people or {}):
        made["facets"] = found
    if (card := bluesky_cards.card(unit)) is not None:
        made["embed"] = _external(card, blobs)
    elif unit.media:
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


def _external(card: Card, blobs: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The card of a page, with the one picture of the post where it has one."""
    shown: dict[str, Any] = {"uri": card.address, "title": card.title, "description": card.text}
    if blobs:
        shown["thumb"] = dict(blobs[0])
    return {"$type": "app.bsky.embed.external", "external": shown}


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
