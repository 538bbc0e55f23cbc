"""Layout of post previews in the style of a platform's feed, for the templates. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit
from uuid import UUID

from connectors.contract.feed_layout import FeedLayout
from connectors.shared import feed_preview
from connectors.shared.feed_preview import LinkCard, TextPiece
from gate.contract.units import Medium
from schedules.drafts.previews import PostPreview

Seen = Mapping[UUID, tuple[str, str]]
"""Address and alt text of each asset that can be shown."""


@dataclass(frozen=True)
class PreviewMedia:
    """A picture, video or audio file of the preview; `shape` is width divided by height, "" if
    unknown."""

    address: str
    alt: str
    mime: str
    shape: str

    @property
    def is_video(self) -> bool:
        """Return True for a video."""
        return self.mime.startswith("video/")

    @property
    def is_audio(self) -> bool:
        """Return True for audio."""
        return self.mime.startswith("audio/")


@dataclass(frozen=True)
class PreviewPart:
    """A part of a post as shown in the feed.

    `above` is visible at once, `below` after expanding. `length` is the text's length as the
    platform counts it and `most` the maximum; `pictures` is the number of media.
    """

    number: int
    comment: bool
    title: str
    above: Sequence[TextPiece]
    below: Sequence[TextPiece]
    shots: Sequence[PreviewMedia]
    card: str
    """The host of the link card; "" for none."""
    made: LinkCard | None
    """The content of the card, if the post's author wrote one."""
    warning: str
    length: int
    most: int
    pictures: int


def build_feed_preview(one: PostPreview, seen: Seen) -> list[PreviewPart]:
    """Build the preview of every part of a post on an account, in order."""
    media = dict(zip(one.said.all_assets, one.all_media, strict=False))
    counts = (one.length, one.most, len(one.media))
    first = one.said.all_assets if one.joined else one.said.media
    words = feed_preview.feed_text(one.showing, one.title, one.body)
    found = [
        _build_preview_part(
            one.showing,
            words,
            one.warning,
            _build_preview_media(one.showing, first, media, seen),
            counts,
            made=one.card,
        )
    ]
    for part, piece in zip(one.parts, one.said.parts, strict=False):
        shots = _build_preview_media(one.showing, piece.media, media, seen)
        counts = (part.length, part.most, len(part.media))
        words = ("", part.body)  # replies in a thread have no title
        found.append(
            _build_preview_part(
                one.showing,
                words,
                part.warning,
                shots,
                counts,
                number=part.number,
                comment=part.comment,
            )
        )
    return found


def _build_preview_part(
    showing: FeedLayout,
    said: tuple[str, str],
    warning: str,
    shots: Sequence[PreviewMedia],
    counts: tuple[int, int, int],
    *,
    number: int = 1,
    comment: bool = False,
    made: LinkCard | None = None,
) -> PreviewPart:
    title, body = said
    above, below = feed_preview.fold_feed_text(body, showing.fold, warned=bool(warning))
    told = feed_preview.first_address(body) if showing.cards and not shots else ""
    link = made.address if made is not None else told
    return PreviewPart(
        number,
        comment,
        title,
        tuple(feed_preview.text_pieces(above)),
        tuple(feed_preview.text_pieces(below)),
        shots,
        _link_host(link),
        made,
        warning,
        *counts,
    )


def _link_host(link: str) -> str:
    """Return the host of an address; "" if the address is invalid."""
    try:
        return urlsplit(link).hostname or ""
    except ValueError:
        return ""


def _build_preview_media(
    showing: FeedLayout, assets: Sequence[UUID], media: Mapping[UUID, Medium], seen: Seen
) -> tuple[PreviewMedia, ...]:
    known = [one for one in assets if one in seen]
    first = next((_aspect_ratio(showing, media.get(one)) for one in known), "")
    return tuple(
        PreviewMedia(
            *seen[one],
            mime=media[one].mime if one in media else "",
            shape=first if showing.first_shapes else _aspect_ratio(showing, media.get(one)),
        )
        for one in known
    )


def _aspect_ratio(showing: FeedLayout, medium: Medium | None) -> str:
    """Return the displayed width divided by height, within the limits of the feed."""
    if medium is None or not (medium.width and medium.height):
        return ""
    shape = medium.width / medium.height
    if showing.shapes is not None:
        narrowest, widest = showing.shapes
        shape = min(max(shape, narrowest), widest)
    return f"{shape:.4f}"
