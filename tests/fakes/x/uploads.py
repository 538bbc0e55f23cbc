"""Segmented uploads of videos and pictures to the fake X, and the processing of videos.

Documented: the requests and responses, that a video cannot be used before its state is `succeeded`,
that an upload stays open for 15 days and a video can be used for a day, and 512 MB, although the
latest page says 8 GB. Older pages limit a segment to 5 MB; others observed 413 without a body for 5
MiB in a form, so the fake counts the whole request.

The following is unverified; clients must not rely on it:

- Type and length are required (the description requires nothing), and videos of other types are
  rejected.
- Segments can arrive in any order and are identified by their index; the last one of each index
  counts, and the total size is checked at the end only; a rejected end leaves the upload open. A
  second end returns the same response (`finalize_again`).
- An unknown, foreign or expired upload returns the error for invalid media IDs (`missing_upload`),
  as does the state of an incomplete one. A post with a video that is not ready or failed is
  rejected with the same error.
- Only videos are processed; pictures, including GIFs, are ready immediately, or rejected at the end
  if they are invalid.
- The failure reason of a video is in the response's `errors`, as described, or in
  `processing_info`, as in older documentation (`failure_inside`). Metadata of videos are accepted
  during processing and after a failure.
- `shared` has no effect; `additional_owners` may use the media as if they owned them.

Not covered: the content of videos: codecs, their length, which is checked when it is posted (403),
and their dimensions.
"""

import base64
import binascii
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from tests.fakes.x.spec import JSON, MULTIPART, ParsedRequest
from tests.fakes.x.state import (
    FILM,
    NO_MEDIA,
    WHOLE,
    Json,
    Medium,
    Member,
    Refusal,
    XState,
    invalid,
    media_key,
    not_found,
    pictured,
    problem,
)

PICTURES = ("image/jpeg", "image/png", "image/gif", "image/webp")
TYPES = {
    FILM: ("video/mp4", "video/quicktime"),
    "tweet_gif": ("image/gif",),
    "tweet_image": PICTURES,
}
ASKED = frozenset({"media_type", "total_bytes", "media_category", "shared", "additional_owners"})
SEGMENTS = 1000
FAILED = "file is invalid"


@dataclass
class Upload:
    """The received part of an upload. `length` is the declared total size in bytes."""

    id: str
    owner: str
    category: str
    mime: str
    length: int
    also: frozenset[str]
    at: datetime
    segments: dict[int, bytes] = field(default_factory=dict, repr=False)


@dataclass
class SegmentedUploads(XState):
    """The state with segmented uploads. Tests set its limits and faults as attributes."""

    uploads: dict[str, Upload] = field(default_factory=dict)
    """Incomplete uploads."""
    slow: int = 0
    """Number of polls of a video that report `in_progress` before one reports `succeeded`."""
    spoils: bool = False
    """True if the processing of videos fails."""
    failure_inside: bool = False
    """True if `processing_info` contains the failure reason of a video, contrary to the
    description, instead of `errors`."""
    most_segment: int = 5 * 2**20
    """Maximum size of a segment in bytes."""
    most_request: int = 5 * 2**20
    """Maximum size of a request with a segment in bytes. Beyond it, the proxy in front of the API
    responds without a body."""
    upload_live: timedelta = timedelta(days=15)
    """Validity of an incomplete upload."""
    missing_upload: int = 400
    """Status for an unknown upload: 400 or 404."""
    finalize_again: int = 200
    """Status for ending an upload twice: 200 or 400."""

    def let_in(self, parts: list[str], size: int) -> None:
        """Raise Refusal if the proxy rejects a request of this size."""
        if (
            parts[:3] == ["2", "media", "upload"]
            and parts[-1] == "append"
            and size > self.most_request
        ):
            raise Refusal(413, {})

    def in_segments(self, asked: ParsedRequest, mine: Member) -> Json:
        """Answer a request about a segmented upload. Raise Refusal."""
        match asked.method, asked.parts[3:]:
            case "POST", ["initialize"]:
                return {"data": self.initialize(mine, asked.said if asked.kind == JSON else None)}
            case "POST", [upload, "append"]:
                return {"data": self.append(mine, upload, _index(asked), bytes_of(asked))}
            case "POST", [upload, "finalize"]:
                return self.finalize(mine, upload)
            case "GET", []:
                return self.look(mine, asked.query.get("media_id", ""))
            case _:
                raise Refusal(404, problem(404, "Not Found"))

    def initialize(self, mine: Member, said: Any) -> Json:
        """Start an upload. Raise Refusal."""
        if not isinstance(said, dict) or set(said) - ASKED:
            raise invalid(f"Request body must be a JSON object of {', '.join(sorted(ASKED))}.")
        mime, length = said.get("media_type"), said.get("total_bytes")
        category = str(said.get("media_category", _usual(mime)))
        if category not in TYPES or mime not in TYPES[category]:
            raise invalid(
                "Such media are not taken here.", media_type=str(mime), media_category=category
            )
        if type(length) is not int or not 1 <= length <= self.most_bytes[category]:
            raise invalid("The size of the media is not allowed.", total_bytes=str(length)[:40])
        made = Upload(
            self.snowflake(), mine.id, category, str(mime), length, _others(said), self.clock()
        )
        self.uploads[made.id] = made
        told = {"id": made.id, "media_key": media_key(category, made.id)}
        return told | {"expires_after_secs": int(self.upload_live.total_seconds())}

    def append(self, mine: Member, upload_id: str, index: int, data: bytes) -> Json:
        """Store a segment, replacing one with the same index. Raise Refusal."""
        made = self._upload(mine, upload_id)
        if not 1 <= len(data) <= self.most_segment:
            raise invalid(f"A segment has 1 to {self.most_segment} bytes.", media=str(len(data)))
        made.segments[index] = data
        return {"expires_at": int((made.at + self.upload_live).timestamp())}

    def finalize(self, mine: Member, upload_id: str) -> Json:
        """Assemble the segments and start the processing of a video. Raise Refusal."""
        known = self._whole(mine, upload_id)
        if known is not None and self.finalize_again == 200:
            return self._told(known)
        made = self._upload(mine, upload_id)
        data = b"".join(segment for _, segment in sorted(made.segments.items()))
        if len(data) != made.length or set(made.segments) != set(range(len(made.segments))):
            raise invalid("Segments do not add up to provided total file size.", id=upload_id)
        mime, size = (made.mime, (0, 0)) if made.category == FILM else pictured(made.category, data)
        if mime != made.mime:
            raise invalid(f"Not of type {made.mime}.", id=upload_id)
        medium = Medium(
            made.id, made.owner, mime, made.category, size, self.clock(), data, also=made.also
        )
        if made.category == FILM:
            medium.state, medium.polls = "pending", self.slow
        del self.uploads[made.id]
        return self._told(self.keep(medium))

    def look(self, mine: Member, media_id: str) -> Json:
        """Return the state of a media file of the account. Each poll advances its processing. Raise
        Refusal."""
        medium = self._whole(mine, media_id)
        if medium is None:
            raise self._missing(media_id)
        if medium.state in {"pending", "in_progress"}:
            fails = self.spoils or b"ftyp" not in medium.data[:12]
            medium.state = "in_progress" if medium.polls > 0 else "failed" if fails else "succeeded"
            medium.polls -= 1
        return self._told(medium)

    def _told(self, medium: Medium) -> Json:
        left = medium.at + self.media_live - self.clock()
        told: Json = {"id": medium.id, "media_key": medium.key, "size": len(medium.data)}
        told["expires_after_secs"] = math.ceil(left.total_seconds())
        if medium.category != FILM:
            return {
                "data": told
                | {"image": {"image_type": medium.mime, "w": medium.size[0], "h": medium.size[1]}}
            }
        info: Json = {"state": medium.state}
        told["processing_info"] = info
        if medium.state == "succeeded":
            return {"data": told | {"video": {"video_type": medium.mime}}}
        if medium.state != "failed":
            info["check_after_secs"] = 1
            return {"data": told}
        if self.failure_inside:
            info["error"] = {"code": 1, "name": "InvalidMedia", "message": FAILED}
            return {"data": told}
        return {
            "data": told,
            "errors": [problem(400, "Invalid Request", FAILED, "invalid-request")],
        }

    def _upload(self, mine: Member, upload_id: str) -> Upload:
        made = self.uploads.get(upload_id)
        if made is None or made.owner != mine.id or self.clock() - made.at >= self.upload_live:
            raise self._missing(upload_id)
        return made

    def _whole(self, mine: Member, media_id: str) -> Medium | None:
        known = self.media.get(media_id)
        if known is None or known.owner != mine.id or self.clock() - known.at >= self.media_live:
            return None
        return known

    def _missing(self, upload_id: str) -> Refusal:
        if self.missing_upload == 404:
            return Refusal(404, not_found("media", "id", upload_id) | {"status": 404})
        return invalid(NO_MEDIA, id=upload_id)


def bytes_of(asked: ParsedRequest) -> bytes:
    """Return the `media` field of a form or JSON body. Raise Refusal."""
    if asked.kind == MULTIPART:
        return asked.files.get("media", b"")
    try:
        return base64.b64decode(str(_object(asked).get("media", "")), validate=True)
    except (binascii.Error, ValueError) as error:
        raise invalid("media is not base64.") from error


def _index(asked: ParsedRequest) -> int:
    """Return the index of a segment: a number, or digits in a form. Raise Refusal."""
    told = _object(asked).get("segment_index")
    if asked.kind == MULTIPART and isinstance(told, str) and WHOLE.fullmatch(told):
        told = int(told)
    if type(told) is not int or not 0 <= told < SEGMENTS:
        raise invalid(
            f"segment_index is a number from 0 to {SEGMENTS - 1}.", segment_index=str(told)[:40]
        )
    return told


def _object(asked: ParsedRequest) -> Mapping[str, Any]:
    if not isinstance(asked.said, dict) or asked.kind not in (JSON, MULTIPART):
        raise invalid("Request body must be a form or a JSON object.")
    return asked.said


def _usual(mime: object) -> str:
    """Return the default category of a media type."""
    return next((category for category, types in TYPES.items() if mime in types), "")


def _others(said: Mapping[str, Any]) -> frozenset[str]:
    also = said.get("additional_owners", [])
    if not isinstance(also, list) or not all(
        isinstance(each, str) and WHOLE.fullmatch(each) for each in also
    ):
        raise invalid("additional_owners is a list of ids.")
    if not isinstance(said.get("shared", False), bool):
        raise invalid("shared is true or false.")
    return frozenset(also)
