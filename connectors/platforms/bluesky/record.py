"""Records of Bluesky posts: key, time, facets, media, link card and labels.

A record follows from its unit and the resolved mentions alone. A second build returns the same
bytes, so a repeat does not create a second post.

The author of the post writes the title and text of a link card; the linked page is not requested.
The card's URL is the first one in the text, so it has passed the same review. Source:
https://docs.bsky.app/docs/advanced-guides/posts#website-card-embeds, lexicon
app.bsky.embed.external
"""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import regex

from connectors.contract.capabilities import PostOption
from connectors.platforms.bluesky.text import build_facets, first_link
from connectors.shared import options
from connectors.shared.feed_preview import LinkCard
from foundation.i18n.translation import Message
from gate.contract.units import Medium, Unit

CARD_TITLE_OPTION = "card_title"
CARD_TEXT_OPTION = "card_text"
CARD_OPTIONS = (
    PostOption(CARD_TITLE_OPTION, "text", most=100, read=True, example="My calendar"),
    PostOption(CARD_TEXT_OPTION, "text", most=300, read=True, example="Every picture of the year"),
)
PICTURE_BYTES = 1_000_000


def link_card(unit: Unit) -> LinkCard | None:
    """Return the link card of a unit, or None."""
    said = options.unit_options(unit)
    address = first_link(unit.text_of("body"))
    return (
        LinkCard(address, said.get_text(CARD_TITLE_OPTION), said.get_text(CARD_TEXT_OPTION))
        if said.get_text(CARD_TITLE_OPTION) and address
        else None
    )


def card_problem(unit: Unit) -> Message | None:
    """Return the reason why a unit cannot have its link card, or None."""
    said = options.unit_options(unit)
    if said.get_text(CARD_TEXT_OPTION) and not said.get_text(CARD_TITLE_OPTION):
        return Message("bluesky.card_untitled")
    if not said.get_text(CARD_TITLE_OPTION):
        return None
    if not first_link(unit.text_of("body")):
        return Message("bluesky.card_unlinked")
    if len(unit.media) > 1 or any(not medium.mime.startswith("image/") for medium in unit.media):
        return Message("bluesky.card_pictures")
    heavy = next((medium for medium in unit.media if medium.size > PICTURE_BYTES), None)
    return (
        Message("connectors.medium_unfit", {"mime": heavy.mime, "size": heavy.size})
        if heavy is not None
        else None
    )


POST_COLLECTION = "app.bsky.feed.post"
VIDEO_MIME = "video/mp4"
MAX_GRAPHEMES = 300
MAX_BYTES = 3000
"""The maximum size of a post's text in UTF-8, from the lexicon."""

LABELS = frozenset({"sexual", "nudity", "porn", "graphic-media"})
LABEL_FLAG = "selfLabels"

_DIGITS = "234567abcdefghijklmnopqrstuvwxyz"
_TID = regex.compile(rf"[234567abcdefghij][{_DIGITS}]{{12}}")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def record_key(key: str, at: datetime) -> str:
    """Return the record key for a time (UTC-aware) and `key`: 53 bits of microseconds and 10 bits
    of the key's hash.

    Source: https://atproto.com/specs/tid
    """
    micros = (at - _EPOCH) // timedelta(microseconds=1)
    clock = int.from_bytes(hashlib.sha256(key.encode()).digest()[:2], "big") & 1023
    number = (micros & ((1 << 53) - 1)) << 10 | clock
    return "".join(_DIGITS[number >> shift & 31] for shift in range(60, -1, -5))


def record_key_time(key: str) -> datetime | None:
    """Return the time of a record key (UTC-aware), or None if the key is invalid."""
    if not _TID.fullmatch(key):
        return None
    number = 0
    for digit in key:
        number = number << 5 | _DIGITS.index(digit)
    return _EPOCH + timedelta(microseconds=number >> 10)


def build_record(
    unit: Unit,
    blobs: Sequence[Mapping[str, Any]],
    at: datetime,
    under: Mapping[str, Any] | None = None,
    people: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Return the record of a post created at `at`. `blobs` contains the uploaded files in the order
    of the unit's media.

    `under` contains the root and the parent of a reply. `people` maps handles to account IDs.
    """
    text = unit.text_of("body")
    made: dict[str, Any] = {
        "$type": POST_COLLECTION,
        "text": text,
        "createdAt": at.isoformat().replace("+00:00", "Z"),
    }
    if languages := options.unit_options(unit).get_list("languages") or [unit.language] * bool(
        unit.language
    ):
        made["langs"] = languages
    if found := build_facets(text, people or {}):
        made["facets"] = found
    if (card := link_card(unit)) is not None:
        made["embed"] = _build_link_card_embed(card, blobs)
    elif unit.media:
        made["embed"] = _build_media_embed(list(zip(unit.media, blobs, strict=True)))
    if values := self_labels(unit.flags):
        made["labels"] = {
            "$type": "com.atproto.label.defs#selfLabels",
            "values": [{"val": value} for value in values],
        }
    if under is not None:
        made["reply"] = dict(under)
    return made


def self_labels(flags: Sequence[str]) -> list[str]:
    """Return the self-labels among the gate's flags, sorted."""
    pairs = (flag.partition("=") for flag in flags)
    return sorted({value for name, _, value in pairs if name == LABEL_FLAG and value in LABELS})


def record_labels(made: Mapping[str, Any]) -> frozenset[str]:
    """Return the self-labels of a record."""
    match made.get("labels"):
        case {"values": list() as values}:
            return frozenset(str(each.get("val")) for each in values if isinstance(each, Mapping))
        case _:
            return frozenset()


def first_missing_label(flags: Sequence[str]) -> str:
    """Return the first flag that a record cannot contain, or ""."""
    pairs = {flag: flag.partition("=") for flag in flags}
    return next(
        (
            flag
            for flag, (name, _, value) in pairs.items()
            if name != LABEL_FLAG or value not in LABELS
        ),
        "",
    )


def _build_link_card_embed(card: LinkCard, blobs: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the embed of a link card, with the post's picture if it has one."""
    shown: dict[str, Any] = {"uri": card.address, "title": card.title, "description": card.text}
    if blobs:
        shown["thumb"] = dict(blobs[0])
    return {"$type": "app.bsky.embed.external", "external": shown}


def _build_media_embed(uploaded: Sequence[tuple[Medium, Mapping[str, Any]]]) -> dict[str, Any]:
    """Return the embed of one video or of the pictures."""
    medium, blob = uploaded[0]
    if medium.mime == VIDEO_MIME:
        return {"$type": "app.bsky.embed.video", **_build_media_item(medium, "video", blob)}
    return {
        "$type": "app.bsky.embed.images",
        "images": [_build_media_item(one, "image", blob) for one, blob in uploaded],
    }


def _build_media_item(medium: Medium, kind: str, blob: Mapping[str, Any]) -> dict[str, Any]:
    shown = {"alt": medium.alt, kind: dict(blob)}
    if medium.width > 0 and medium.height > 0:
        shown["aspectRatio"] = {"width": medium.width, "height": medium.height}
    return shown
