"""Representation of posts of the fake Instagram, with the requested fields."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from tests.fakes.meta.fetched_media import GraphApiError

FIELDS = frozenset(
    {
        "alt_text",
        "caption",
        "comments_count",
        "id",
        "is_comment_enabled",
        "is_shared_to_feed",
        "like_count",
    }
    | {
        "media_product_type",
        "media_type",
        "media_url",
        "owner",
        "permalink",
        "shortcode",
        "thumbnail_url",
    }
    | {"timestamp", "username", "view_count", "children", "is_ai_generated"}
)
"""Fields of Meta's description (`IGMedia`, `IGMediaForIGOnlyAPI`) and its changelog of 22 June
2026."""


def shown(post: Mapping[str, Any], fields: str) -> dict[str, Any]:
    """Return the ID and the requested fields of a post, without an empty caption. Raise
    GraphApiError for an unknown field."""
    wanted = {"id", *filter(None, fields.split(","))}
    if not wanted <= FIELDS:
        raise GraphApiError(
            100, message=f"(#100) Tried accessing nonexisting field ({min(wanted - FIELDS)})"
        )
    return {name: value for name, value in post.items() if name in wanted and value != ""}


def shape(told: Mapping[str, Any], items: Iterable[str]) -> dict[str, Any]:
    """Return the type fields of a post. A carousel also has its items, with separate IDs (`items`)."""
    kind = {"CAROUSEL": "CAROUSEL_ALBUM", "REELS": "VIDEO"}.get(
        str(told.get("media_type", "")), "IMAGE"
    )
    inner = [{"id": each} for each in items] if kind == "CAROUSEL_ALBUM" else []
    product = "REELS" if told.get("media_type") == "REELS" else "FEED"
    return {
        "media_type": kind,
        "media_product_type": product,
        **({"children": {"data": inner}} if inner else {}),
    }


def page(posts: Sequence[Mapping[str, Any]], told: Mapping[str, Any]) -> dict[str, Any]:
    """Return a page of posts, newest first. Pages of a longer list contain one post fewer than
    requested, as the documentation allows. Raise GraphApiError.

    Source: https://developers.facebook.com/docs/graph-api/results, "limit": the list ends where
    there is no `next`.
    """
    most, start = int(str(told.get("limit", 25))), int(str(told.get("after", 0)))
    end = len(posts) if start + most >= len(posts) else start + max(most - 1, 1)
    newest = posts[::-1][start:end]
    cursors = {"cursors": {"before": str(start), "after": str(end)}} if newest else {}
    more = {"next": "https://graph.instagram.com/?access_token=IGAA"} if end < len(posts) else {}
    return {
        "data": [shown(post, str(told.get("fields", ""))) for post in newest],
        "paging": {**cursors, **more},
    }
