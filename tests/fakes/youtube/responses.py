"""Representation of the fake YouTube's videos, channels and lists, with the requested parts only.

Dimensions and lengths of videos are invented, because the fake does not decode them.
"""

import hashlib
import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from tests.fakes.youtube.spec import Json, api_error
from tests.fakes.youtube.state import Member, Video

VIDEO_PARTS = (
    *("snippet", "status", "processingDetails", "statistics", "contentDetails", "fileDetails"),
    "paidProductPlacementDetails",
)
CHANNEL_PARTS = ("snippet", "status", "statistics", "contentDetails")
ITEM_PARTS = ("snippet", "status", "contentDetails")


def stamp(at: datetime) -> str:
    """Format an instant as YouTube does: whole seconds, UTC."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def check_parts(parts: Sequence[str], known: Sequence[str]) -> None:
    """Raise Refusal if an unknown part is requested."""
    if not parts:
        raise api_error(400, "required", "Required parameter: part", "global", at="parameter part")
    for part in parts:
        if part not in ("id", *known):
            raise api_error(
                400, "unknownPart", f"'{part[:40]}'", "youtube.part", at="parameter part"
            )


def video_told(video: Video, parts: Sequence[str], *, own: bool) -> Json:
    """Return a video, for its owner or for another user."""
    told: Json = {"kind": "youtube#video", "id": video.id}
    makers: dict[str, Callable[[], Json]] = {
        "snippet": lambda: _video_snippet(video),
        "status": lambda: _video_status(video, own=own),
        "processingDetails": lambda: _processing(video),
        "statistics": lambda: _statistics(video, own=own),
        "contentDetails": lambda: _content(video),
        "fileDetails": lambda: {
            "fileName": video.file_name,
            "fileSize": str(video.size),
            "fileType": "video",
        },
    }
    return _tagged(told | {part: makers[part]() for part in parts if part in makers})


def channel_told(member: Member, parts: Sequence[str]) -> Json:
    """Return the channel of an account."""
    told: Json = {"kind": "youtube#channel", "id": member.channel_id}
    views = sum(one.statistics["viewCount"] for one in member.posts.values())
    texts = {"title": member.name, "description": ""}
    every: dict[str, Json] = {
        "snippet": texts
        | {"customUrl": f"@{member.name.lower()}", "publishedAt": stamp(member.since)}
        | {
            "thumbnails": _thumbnails(f"https://yt3.ggpht.com/{member.channel_id}"),
            "localized": texts,
        },
        "status": {
            "privacyStatus": "public",
            "isLinked": True,
            "longUploadsStatus": "longUploadsUnspecified",
        },
        "statistics": {"viewCount": str(views), "subscriberCount": _rounded(member)}
        | {"hiddenSubscriberCount": member.hides_subscribers, "videoCount": str(len(member.posts))},
        "contentDetails": {"relatedPlaylists": {"likes": "", "uploads": member.uploads_playlist}},
    }
    return _tagged(told | {part: every[part] for part in parts if part in every})


def item_told(video: Video, position: int, parts: Sequence[str]) -> Json:
    """Return a video as an item of its channel's uploads playlist."""
    owner = video.owner
    number = f"{owner.uploads_playlist}.{video.id}".encode().hex()
    told: Json = {"kind": "youtube#playlistItem", "id": number}
    named = {"channelId": owner.channel_id, "channelTitle": owner.name}
    every: dict[str, Json] = {
        "snippet": {
            "publishedAt": stamp(video.published_at),
            "title": video.title,
            "description": video.description,
        }
        | named
        | {"playlistId": owner.uploads_playlist, "position": position, "thumbnails": _frames(video)}
        | {"resourceId": {"kind": "youtube#video", "videoId": video.id}}
        | {"videoOwnerChannelId": owner.channel_id, "videoOwnerChannelTitle": owner.name},
        "status": {"privacyStatus": video.privacy},
        "contentDetails": {"videoId": video.id, "videoPublishedAt": stamp(video.published_at)},
    }
    return _tagged(told | {part: every[part] for part in parts if part in every})


def listed(kind: str, items: list[Json], *, total: int, rows: int, following: str = "") -> Json:
    """Return a page of a list. An empty list has no `items` where the real API omits them."""
    told: Json = {"kind": f"youtube#{kind}ListResponse", "items": items}
    if kind == "channel" and not items:
        del told["items"]
    if following:
        told["nextPageToken"] = following
    return _tagged(told | {"pageInfo": {"totalResults": total, "resultsPerPage": rows}})


def _video_snippet(video: Video) -> Json:
    texts = {"title": video.title, "description": video.description}
    told: Json = {
        "publishedAt": stamp(video.published_at),
        "channelId": video.owner.channel_id,
        **texts,
    }
    told |= {
        "thumbnails": _frames(video),
        "channelTitle": video.owner.name,
        "categoryId": video.category,
    }
    if video.tags:
        told["tags"] = list(video.tags)
    return told | {"liveBroadcastContent": "none", "localized": texts}


def _video_status(video: Video, *, own: bool) -> Json:
    state = video.upload_status
    told: Json = {"uploadStatus": state, "privacyStatus": video.privacy, "license": video.license}
    told |= {"embeddable": video.embeddable, "publicStatsViewable": video.stats_viewable}
    told["madeForKids"] = bool(video.made_for_kids)
    if state == "rejected":
        told["rejectionReason"] = video.rejection
    if state == "failed":
        told["failureReason"] = video.failure
    if own and video.made_for_kids is not None:
        told["selfDeclaredMadeForKids"] = video.made_for_kids
    if video.synthetic is not None:
        told["containsSyntheticMedia"] = video.synthetic
    return told


def _processing(video: Video) -> Json:
    states = {
        "uploaded": "processing",
        "processed": "succeeded",
        "failed": "failed",
        "rejected": "terminated",
    }
    told: Json = {"processingStatus": states[video.upload_status]}
    if told["processingStatus"] == "processing":
        left = (video.ready - video.clock()).total_seconds()
        told["processingProgress"] = {
            "partsTotal": "1000",
            "partsProcessed": "1",
            "timeLeftMs": str(int(left * 1000)),
        }
    if told["processingStatus"] == "failed":
        told["processingFailureReason"] = "transcodeFailed"
    ready = "inProgress" if told["processingStatus"] == "processing" else "available"
    return told | {"fileDetailsAvailability": ready, "thumbnailsAvailability": ready}


def _rounded(member: Member) -> str:
    """Return the number of subscribers, rounded down to three significant digits, or 0 if it is
    hidden."""
    shown = 0 if member.hides_subscribers else member.subscribers
    unit = 10 ** max(0, len(str(shown)) - 3)
    return str(shown // unit * unit)


def _statistics(video: Video, *, own: bool) -> Json:
    return {
        name: str(many) for name, many in video.statistics.items() if own or name != "dislikeCount"
    }


def _content(video: Video) -> Json:
    done = video.upload_status == "processed"
    told: Json = {
        "duration": "PT15S" if done else "P0D",
        "dimension": "2d",
        "definition": "hd",
        "caption": "false",
    }
    return told | {"licensedContent": False, "contentRating": {}, "projection": "rectangular"}


def _frames(video: Video) -> Json:
    return _thumbnails(f"https://i.ytimg.com/vi/{video.id}/default.jpg")


def _thumbnails(url: str) -> Json:
    return {"default": {"url": url, "width": 120, "height": 90}}


def _tagged(told: dict[str, Any]) -> Json:
    digest = hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()
    return {"kind": told["kind"], "etag": digest[:27], **told}
