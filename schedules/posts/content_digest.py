"""The digest of the content that members approve. Any visible change changes it."""

import hashlib
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from uuid import UUID

from connectors.shared.options import ChosenOptions
from foundation.canonical_json import canonical_json
from foundation.db.database import Scope
from foundation.money import Money
from gate.contract.units import Medium
from schedules.posts import channel_overrides
from schedules.posts.channel_overrides import PostContent
from schedules.posts.models import Post
from schedules.posts.thread_parts import ThreadPart
from studio.library import assets


def content_digest(
    title: str,
    body: str,
    media: Sequence[str],
    text_ai: str,
    parts: Sequence[Sequence[object]] = (),
    *,
    otherwise: Mapping[str, Sequence[object]] = MappingProxyType({}),
    links: Mapping[str, object] = MappingProxyType({}),
) -> str:
    """Return the SHA-256 of all content that is approved; any visible change gives another digest.

    `media` holds the `media_digest` of each picture, `parts` the `part_digest` of each further
    part, both in order; `otherwise` maps each override's place to the digests of its content;
    `links` is the stored link plan.
    """
    said: list[object] = [title, body, list(media), text_ai, *map(list, parts)]
    # Empty values are left out, so that a post without overrides or links has the same digest as
    # before those features existed.
    said += [dict(otherwise)] if otherwise else []
    said += [["links", dict(links)]] if links else []
    return hashlib.sha256(canonical_json(said)).hexdigest()


def part_digest(piece: ThreadPart, media: Sequence[Medium]) -> list[object]:
    """Return the approved values of a thread part: its text, its pictures and the first-comment
    flag."""
    prints = [
        media_digest(str(asset), medium) for asset, medium in zip(piece.media, media, strict=True)
    ]
    return [piece.body, prints, piece.comment]


def media_digest(asset: str, medium: Medium) -> str:
    """Return the SHA-256 of a picture's ID, bytes and alt text."""
    return hashlib.sha256(canonical_json([asset, medium.sha256, medium.alt])).hexdigest()


def price_digest(price: Money | None) -> list[object]:
    """Return the approved values of a price: the amount, or an empty list without a price."""
    return [] if price is None else [str(price)]


def options_digest(chosen: ChosenOptions) -> list[object]:
    """Return the approved values of options: names and values, or an empty list without options."""
    said = [[name, list(value) if isinstance(value, tuple) else value] for name, value in chosen]
    return [["options", said]] if said else []


def current_digest(scope: Scope, row: Post) -> str:
    """Return the digest of a post with the current versions of its pictures.

    Raises NotFound if a picture is missing.
    """
    said = channel_overrides.base_content(row)
    others = channel_overrides.overrides_of_post(row)
    known = assets.get_renditions(
        scope, channel_overrides.collect_assets(said.media, said.parts, others), "library"
    )
    otherwise = {
        place: [
            other.title,
            other.body,
            *_build_content_digests(known, other),
            *price_digest(other.price),
            *options_digest(other.options),
        ]
        for place, other in channel_overrides.content_by_place(row)
    }
    prints, parts = _build_content_digests(known, said)
    return content_digest(
        row.title, row.body, prints, row.text_ai, parts, otherwise=otherwise, links=row.links
    )


def _build_content_digests(
    known: Mapping[UUID, Medium], said: PostContent
) -> tuple[list[str], list[list[object]]]:
    def shown(assets: Sequence[UUID]) -> list[Medium]:
        return [known[asset] for asset in assets]

    prints = [
        media_digest(str(asset), medium)
        for asset, medium in zip(said.media, shown(said.media), strict=True)
    ]
    return prints, [part_digest(piece, shown(piece.media)) for piece in said.parts]
