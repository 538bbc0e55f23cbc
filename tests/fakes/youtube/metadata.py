"""Conversion of a video's metadata from the API. Parts are replaced completely, so missing fields
receive their defaults.

Documented: maximum lengths, `<` and `>`, the rejection of an update without a title or a category,
and that a missing `privacyStatus` means `public`, also in an update.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from tests.fakes.youtube.spec import Refusal, api_error

CATEGORIES = frozenset(
    ["1", "2", "10", "15", "17", "19", "20", "22", "23", "24", "25", "26", "27", "28", "29"]
)
"""Categories that a video can have in most countries."""
LONGEST_TITLE, LONGEST_DESCRIPTION, LONGEST_TAGS = 100, 5000, 500
"""Maximum characters of the title, bytes (UTF-8) of the description, and characters of all tags."""


def metadata(
    said: Mapping[str, Any], parts: Sequence[str], *, new: bool, forbidden: list[str]
) -> dict[str, Any]:
    """Return the fields of a video from the named parts of a body. Raise Refusal."""
    told: dict[str, Any] = {}
    if "snippet" in parts:
        told |= _snippet(_object(said, "snippet"), new=new)
    if "status" in parts:
        told |= _status(_object(said, "status"), forbidden)
    if "paidProductPlacementDetails" in parts:
        paid = _object(said, "paidProductPlacementDetails").get("hasPaidProductPlacement", False)
        if not isinstance(paid, bool):
            raise api_error(400, "invalidVideoMetadata", "The request metadata is invalid.")
        told["paid"] = paid
    return told


def _snippet(said: Mapping[str, Any], *, new: bool) -> dict[str, Any]:
    title, description, tags = (
        said.get("title", ""),
        said.get("description", ""),
        said.get("tags", []),
    )
    if (
        not isinstance(title, str)
        or not title.strip()
        or len(title) > LONGEST_TITLE
        or _pointed(title)
    ):
        raise _invalid(
            "Title", "The request metadata specifies an invalid or empty video title.", "title"
        )
    if (
        not isinstance(description, str)
        or len(description.encode()) > LONGEST_DESCRIPTION
        or _pointed(description)
    ):
        raise _invalid(
            "Description",
            "The request metadata specifies an invalid video description.",
            "description",
        )
    good = isinstance(tags, list) and all(
        isinstance(one, str) and one.strip() and not _pointed(one) for one in tags
    )
    if not good or _length(tags) > LONGEST_TAGS:
        raise _invalid("Tags", "The request metadata specifies invalid video keywords.", "tags")
    category = said.get("categoryId", "22" if new else None)
    if category not in CATEGORIES:
        message = "The <code>snippet.categoryId</code> property specifies an invalid category ID."
        raise _invalid("CategoryId", message, "categoryId")
    return {"title": title, "description": description, "tags": tuple(tags), "category": category}


def _status(said: Mapping[str, Any], forbidden: list[str]) -> dict[str, Any]:
    if said.get("publishAt"):
        forbidden.append("status.publishAt")
        raise api_error(
            400,
            "invalidPublishAt",
            "The request metadata specifies an invalid scheduled publishing time.",
        )
    privacy, usage = said.get("privacyStatus", "public"), said.get("license", "youtube")
    booleans = (
        "containsSyntheticMedia",
        "selfDeclaredMadeForKids",
        "embeddable",
        "publicStatsViewable",
    )
    fits = all(isinstance(said.get(name, False), bool) for name in booleans)
    if (
        privacy not in ("public", "unlisted", "private")
        or usage not in ("youtube", "creativeCommon")
        or not fits
    ):
        raise api_error(400, "invalidVideoMetadata", "The request metadata is invalid.")
    return {
        "privacy": privacy,
        "synthetic": said.get("containsSyntheticMedia"),
        "made_for_kids": said.get("selfDeclaredMadeForKids"),
        "embeddable": said.get("embeddable", True),
        "license": usage,
        "stats_viewable": said.get("publicStatsViewable", True),
    }


def _object(said: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    told = said.get(name, {})
    if not isinstance(told, dict):
        raise api_error(400, "invalidVideoMetadata", "The request metadata is invalid.")
    return told


def _invalid(what: str, message: str, place: str) -> Refusal:
    return api_error(400, f"invalid{what}", message, at=f"other body.snippet.{place}")


def _pointed(text: str) -> bool:
    return "<" in text or ">" in text


def _length(tags: list[str]) -> int:
    """Return the length of all tags with commas between them and quotation marks around those with
    spaces."""
    return sum(len(one) + 2 * (" " in one) for one in tags) + max(0, len(tags) - 1)
