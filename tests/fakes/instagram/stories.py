"""Stories of the fake Instagram: container parameters, representation, and expiry after a day."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from tests.fakes.instagram.responses import shown
from tests.fakes.meta.fetched_media import GraphApiError

LASTS = timedelta(hours=24)
TAKES = frozenset({"media_type", "image_url", "video_url", "is_ai_generated", "user_tags"})
"""Parameters of a story container. Captions, alt text, collaborators and covers are for posts only.
"""

METRICS = frozenset(
    {"views", "reach", "replies", "shares", "follows", "profile_visits", "navigation"}
)
LEAST_VIEWERS = 5
"""Number of viewers below which insights are empty."""


def is_story(told: Mapping[str, Any]) -> bool:
    """Return True if the container is for a story."""
    return told.get("media_type") == "STORIES"


def source(told: Mapping[str, Any]) -> str:
    """Return the source parameter of a story. Raise GraphApiError."""
    if unknown := set(told) - TAKES:
        raise GraphApiError(100, message=f"not for this media type: {sorted(unknown)}")
    tags = told.get("user_tags", [])
    if not isinstance(tags, list) or not all(
        isinstance(one, dict) and one.get("username") for one in tags
    ):
        raise GraphApiError(100, message="(#100) Param user_tags must be a list of users")
    found = [name for name in ("image_url", "video_url") if told.get(name)]
    if len(found) != 1:
        raise GraphApiError(
            100,
            2207023,
            message="the media type is not one of the expected ones, or its media are missing",
        )
    return found[0]


def publish_story(
    number: str, username: str, told: Mapping[str, Any], at: datetime
) -> dict[str, Any]:
    """Return a published story. Each has the same caption, as in some real accounts."""
    return {
        "id": number,
        "timestamp": at.strftime("%Y-%m-%dT%H:%M:%S+0000"),
        "permalink": f"https://www.instagram.com/stories/{username}/{number}",
        "caption": "story",
        "like_count": 3,
        "media_type": "VIDEO" if "video_url" in told else "IMAGE",
        "media_product_type": "STORY",
        "is_ai_generated": told.get("is_ai_generated") is True,
        "_at": at,
        "_viewers": 12,
    }


def live_stories(stories: Sequence[Mapping[str, Any]], now: datetime) -> list[Mapping[str, Any]]:
    """Return the visible stories, oldest first."""
    return [one for one in stories if now - one["_at"] < LASTS]


def find_story(
    stories: Sequence[Mapping[str, Any]], number: str, now: datetime
) -> Mapping[str, Any]:
    """Return a visible story. Raise GraphApiError."""
    found = next((one for one in live_stories(stories, now) if one["id"] == number), None)
    if found is None:
        raise GraphApiError(
            100, 33, message=f"Unsupported get request. Object with ID '{number}' does not exist"
        )
    return found


def answer(
    parts: Sequence[str],
    told: Mapping[str, Any],
    stories: Sequence[Mapping[str, Any]],
    now: datetime,
    *,
    insights: bool,
) -> dict[str, Any] | None:
    """Return the response to a request about a story, or None for any other request. Raise
    GraphApiError."""
    if not any(one["id"] == parts[0] for one in stories):
        return None
    one = find_story(stories, parts[0], now)
    if len(parts) == 1:
        return shown(one, str(told.get("fields", "")))
    if parts[1:] != ["insights"]:
        raise GraphApiError(100, message="Unsupported request: a story has no such edge")
    wanted = str(told.get("metric", "")).split(",")
    if unknown := set(wanted) - METRICS:
        raise GraphApiError(
            100,
            message=f"(#100) metric[0] must be one of: {sorted(METRICS)}, not {sorted(unknown)}",
        )
    if not insights:
        raise GraphApiError(
            10, message="(#10) Application does not have permission for this action"
        )
    if one["_viewers"] < LEAST_VIEWERS:
        raise GraphApiError(10, message="(#10) Not enough viewers for the media to show insights")
    values = {"views": one["_viewers"], "shares": 1}
    data = [
        {"name": name, "period": "lifetime", "values": [{"value": values.get(name, 0)}]}
        for name in wanted
    ]
    return {"data": data}
