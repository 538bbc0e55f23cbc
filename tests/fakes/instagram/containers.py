"""Parameters of the fake Instagram's containers by kind, checked against Meta's description if it
is available."""

import json
import os
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from tests.fakes.instagram import stories
from tests.fakes.meta.fetched_media import GraphApiError

SHARED = (os.environ.get("GREENROOM_SHARED", ""), str(Path(__file__).parents[4] / "shared"))
NEWER = frozenset({"is_ai_generated"})
"""Parameters announced after the description was written (changelog of 22 June 2026)."""

KINDS: Mapping[tuple[str, bool], str] = {
    ("", False): "image_url",
    ("", True): "image_url",
    ("REELS", False): "video_url",
    ("VIDEO", True): "video_url",
    ("CAROUSEL", False): "children",
}
"""Source parameter of a container by its `media_type` and whether it is a carousel item. A reel
cannot be an item, and a single video is always a reel."""

OF_REELS, OF_PICTURES = frozenset({"share_to_feed", "thumb_offset"}), frozenset({"alt_text"})
"""Parameters that only reels and only pictures accept."""


@cache
def _parameters() -> frozenset[str]:
    """Return the parameters of a container in Meta's description. Empty if the description is not
    available."""
    for place in filter(None, SHARED):
        path = Path(place) / "platforms/specs/instagram/IGUserForIGOnlyAPI.json"
        if path.is_file():
            apis = json.loads(path.read_text("utf-8"))["apis"]
            media = next(
                api for api in apis if (api["method"], api.get("endpoint")) == ("POST", "media")
            )
            return frozenset(each["name"] for each in media["params"]) | NEWER
    return frozenset()


def check(told: Mapping[str, Any]) -> None:
    """Raise GraphApiError for a parameter that Meta's description lacks."""
    unknown = set(told) - _parameters() if _parameters() else set()
    if unknown:
        raise GraphApiError(100, message=f"no such parameter: {sorted(unknown)}")


def source(told: Mapping[str, Any]) -> str:
    """Return the source parameter of a container. Raise GraphApiError for an unknown kind or a
    parameter it does not accept."""
    if stories.is_story(told):
        return stories.source(told)
    kind, item = str(told.get("media_type", "")), told.get("is_carousel_item") is True
    source = KINDS.get((kind, item), "")
    if not source or not told.get(source):
        raise GraphApiError(
            100,
            2207023,
            message="the media type is not one of the expected ones, or its media are missing",
        )
    others = {"image_url", "video_url", "children"} - {source}
    others |= (OF_REELS if kind != "REELS" else frozenset()) | (
        OF_PICTURES if source != "image_url" else frozenset()
    )
    if others & set(told):
        raise GraphApiError(100, message=f"not for this media type: {sorted(others & set(told))}")
    return source
