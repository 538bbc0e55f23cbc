"""Uploads of the fake TikTok: announcement, parts in order, and status.

Documented: fields and their types, sizes and number of parts, responses to parts, the validity of
the URL for an hour without a token, the states and failure reasons, and that only the IDs of
public, moderated posts are reported. It reproduces behaviour that clients often get wrong: the last
byte publishes the post; a second `init` creates a second post; parts that were already received are
rejected (416), as is any part after the end (404), so that a client that lost a response must query
the status.

Unverified: the number of bytes in a megabyte, 416 for a part of another size than announced, 404
for a wrong `upload_token`, PROCESSING_UPLOAD forever for an unused URL, the required Content-Length
of parts, `invalid_params` for a paid partnership with a private audience, and that comments which
the account does not allow are rejected; TikTok's page says that they are only disabled, as duets
and stitches are here.

Source: https://developers.tiktok.com/doc/content-posting-api-reference-direct-post,
https://developers.tiktok.com/doc/content-posting-api-media-transfer-guide,
https://developers.tiktok.com/doc/content-posting-api-reference-get-video-status
"""

import hashlib
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from tests.fakes.tiktok.limits import Json, Refusal, wrong
from tests.fakes.tiktok.state import NOBODY, Member, Post, TikTokState

UPLOAD = "/video/"
MIB = 1024 * 1024
LEAST, MOST, LARGEST, MOST_PARTS = 5 * MIB, 64 * MIB, 4 * 1024 * MIB, 1000
LONGEST_TITLE = 2200
CONSULTED = timedelta(minutes=10)
"""Validity of a query of the account's options."""
RANGE = re.compile(r"bytes (\d{1,12})-(\d{1,12})/(\d{1,12})")
KINDS = frozenset({"video/mp4", "video/quicktime", "video/webm"})
SWITCHES = ("disable_duet", "disable_comment", "disable_stitch")
POST: Mapping[str, type] = {
    "title": str,
    "privacy_level": str,
    **dict.fromkeys((*SWITCHES, "is_aigc", "brand_content_toggle", "brand_organic_toggle"), bool),
    "video_cover_timestamp_ms": int,
}
SOURCE: Mapping[str, type] = {
    "source": str,
    "video_url": str,
    **dict.fromkeys(("video_size", "chunk_size", "total_chunk_count"), int),
}


@dataclass
class Upload:
    """An upload. `ready` is the end of processing, set when all parts were received."""

    publish_id: str
    upload_id: str
    secret: str
    owner: Member
    at: datetime
    fields: Json
    size: int
    chunk: int
    count: int
    came: list[tuple[datetime, int]] = field(default_factory=list)
    """Arrival times of parts, with the total size at each time."""
    digest: Any = field(default_factory=hashlib.sha256, repr=False)
    head: bytes = b""
    ready: datetime | None = None
    failure: str = ""
    post: Post | None = None

    def kept(self, when: datetime) -> int:
        """Return the number of bytes received at a time."""
        return max((size for at, size in self.came if at <= when), default=0)

    def ends(self, first: int) -> int:
        """Return the announced end of the part that starts at `first`. The last part includes the
        remainder."""
        place = first // self.chunk
        return self.size if place >= self.count - 1 else (place + 1) * self.chunk

    def told(self, when: datetime) -> Json:
        """Return the status at a time."""
        told: Json = {"status": "PROCESSING_UPLOAD", "uploaded_bytes": self.kept(when)}
        if self.ready is None or when < self.ready:
            return told
        if self.failure:
            return told | {
                "status": "FAILED",
                "fail_reason": self.failure,
                "publicaly_available_post_id": [],
            }
        shown = self.post is not None and self.post.public(when)
        ids = [int(self.post.id)] if self.post is not None and shown else []
        return told | {"status": "PUBLISH_COMPLETE", "publicaly_available_post_id": ids}


@dataclass
class Uploads(TikTokState):
    """The state with uploads. Tests set its limits and faults as attributes."""

    url: str = ""
    uploads: dict[str, Upload] = field(default_factory=dict)
    """Uploads by `publish_id`."""
    address_lives: timedelta = timedelta(hours=1)
    strays_to: str = ""
    """Foreign host in new upload URLs instead of this server."""

    def init(self, mine: Member, body: Json) -> Json:
        """Start an upload and return its URL. Raise Refusal."""
        self.shaped(body, {"post_info": dict, "source_info": dict}, "")
        post, source = body.get("post_info", {}), body.get("source_info", {})
        self.shaped(post, POST, "post_info.")
        self.shaped(source, SOURCE, "source_info.")
        if source.get("source") == "PULL_FROM_URL":
            raise wrong("url_ownership_unverified", "The ownership of the URL is not verified.")
        self._check_parts(source)
        self.may_post(mine)
        self._check_post(mine, post)
        number, name = (str(secrets.randbelow(9 * 10**18) + 10**18) for _ in range(2))
        made = Upload(
            publish_id=f"v_pub_file~v2-1.{number}",
            upload_id=name,
            secret=secrets.token_hex(16),
            owner=mine,
            at=self.clock(),
            fields=post,
            size=source["video_size"],
            chunk=source["chunk_size"],
            count=source["total_chunk_count"],
        )
        self.uploads[made.publish_id] = made
        address = (
            f"{self.strays_to or self.url}{UPLOAD}?upload_id={name}&upload_token={made.secret}"
        )
        return {"publish_id": made.publish_id, "upload_url": address}

    def shaped(self, value: Any, fields: Mapping[str, type], place: str) -> None:
        """Check that an object has only these fields with these types. Raise Refusal."""
        if not isinstance(value, dict):
            raise self.breach(f"{place or 'the body'} is no object")
        for name, one in value.items():
            if name not in fields:
                raise self.breach(f"{place}{name} is not known")
            # `True` is an int in Python but not in TikTok's JSON.
            if type(one) is not fields[name]:
                raise self.breach(f"{place}{name} is no {fields[name].__name__}")

    def _check_parts(self, source: Json) -> None:
        if source.get("source") != "FILE_UPLOAD":
            raise self.breach("source_info.source is FILE_UPLOAD or PULL_FROM_URL")
        size, chunk, count = (
            source.get(one, 0) for one in ("video_size", "chunk_size", "total_chunk_count")
        )
        if "video_url" in source or not 0 < size <= LARGEST:
            raise self.breach("source_info.video_size is needed, and no video_url")
        whole = chunk == size <= MOST
        if not whole and not (LEAST <= chunk <= MOST and chunk <= size):
            raise self.breach(f"source_info.chunk_size {chunk} does not fit {size} bytes")
        if count != size // chunk or count > MOST_PARTS:
            raise self.breach(f"source_info.total_chunk_count is not {size // chunk}")

    def _check_post(self, mine: Member, post: Json) -> None:
        now = self.clock()
        if mine.consulted is None or now - mine.consulted > CONSULTED:
            raise self.breach("creator_info was not asked for before the post")
        if len(post.get("title", "").encode("utf-16-le", "surrogatepass")) > 2 * LONGEST_TITLE:
            raise self.breach(f"post_info.title is longer than {LONGEST_TITLE}")
        if "privacy_level" not in post:
            self.broken.append("post_info.privacy_level is needed")
        privacy = post.get("privacy_level", "")
        if privacy not in mine.options:
            raise wrong(
                "privacy_level_option_mismatch",
                "privacy_level is not among the options of creator_info.",
            )
        if mine.comment_disabled and not post.get("disable_comment", False):
            raise self.breach(
                "post_info.disable_comment is false, and the creator takes no comments"
            )
        if privacy == NOBODY and post.get("brand_content_toggle", False):
            raise self.breach("post_info.brand_content_toggle is true, and nobody would see it")
        if not self.is_audited(mine) and not (privacy == NOBODY and mine.private):
            raise wrong(
                "unaudited_client_can_only_post_to_private_accounts", "The client is not audited."
            )

    def put(
        self, query: Mapping[str, str], headers: Mapping[str, str], data: bytes
    ) -> tuple[int, dict[str, str]]:
        """Store a part and return the status and headers. Raise Refusal."""
        if "authorization" in headers:
            self.broken.append("a token shown to an upload")
            raise Refusal(400)
        found = self.addressed(query)
        if found is None or found.ready is not None:
            raise Refusal(404)
        now = self.clock()
        if now - found.at >= self.address_lives:
            raise Refusal(403)
        first, end = self._span(found, headers, len(data))
        if first != found.kept(now):
            raise Refusal(416)
        if end != found.ends(first):
            self.broken.append(
                f"a part ends at {end}, and not at {found.ends(first)} as was announced"
            )
            raise Refusal(416)
        if not found.came:
            found.head = data[:12]
        found.digest.update(data)
        found.came.append((now, end))
        if end == found.size:
            self._finish(found)
        return 206 if end < found.size else 201, {
            "content-range": f"bytes 0-{end - 1}/{found.size}"
        }

    def addressed(self, query: Mapping[str, str]) -> Upload | None:
        """Return the upload of a URL, or None."""
        key = (query.get("upload_id"), query.get("upload_token"))
        return next(
            (one for one in self.uploads.values() if (one.upload_id, one.secret) == key), None
        )

    def _span(self, found: Upload, headers: Mapping[str, str], size: int) -> tuple[int, int]:
        told = RANGE.fullmatch(headers.get("content-range", ""))
        kind, length = headers.get("content-type", ""), headers.get("content-length", "")
        fits = (
            told is not None
            and int(told[3]) == found.size
            and int(told[2]) - int(told[1]) + 1 == size
        )
        if told is None or not fits or kind not in KINDS or length != str(size):
            self.broken.append(
                f"a part of {size} bytes: {kind}, {length} bytes, "
                f"{headers.get('content-range', '')}"
            )
            raise Refusal(400)
        return int(told[1]), int(told[2]) + 1

    def _finish(self, found: Upload) -> None:
        """Determine the result of an upload after its last byte."""
        mine, said, now = found.owner, found.fields, self.clock()
        found.ready = now + timedelta(seconds=self.processing_seconds)
        digest = found.digest.hexdigest()
        self.named[digest] = found.publish_id
        found.failure = "" if found.head[4:8] == b"ftyp" else "file_format_check_failed"
        if self.failing:
            found.failure = self.failing.pop(0)
        if found.failure:
            return
        found.post = Post(
            id=str(73 * 10**17 + secrets.randbelow(10**17)),
            publish_id=found.publish_id,
            owner=mine,
            at=found.ready,
            told_at=found.ready + timedelta(seconds=self.moderation_seconds),
            data=digest,
            size=found.size,
            title=said.get("title", ""),
            privacy=said["privacy_level"],
            ai=said.get("is_aigc", False),
            paid=said.get("brand_content_toggle", False),
            own_brand=said.get("brand_organic_toggle", False),
            no_comments=mine.comment_disabled or said.get("disable_comment", False),
            no_duets=mine.duet_disabled or mine.private or said.get("disable_duet", False),
            no_stitches=mine.stitch_disabled or mine.private or said.get("disable_stitch", False),
            cover_ms=said.get("video_cover_timestamp_ms", 0),
        )
        mine.made.append(found.post)

    def status(self, mine: Member, body: Json, lag: float) -> Json:
        """Return the status of an upload as of `lag` seconds ago. Raise Refusal."""
        self.shaped(body, {"publish_id": str}, "")
        found = self.uploads.get(body.get("publish_id", ""))
        if found is None:
            raise wrong("invalid_publish_id", "The publish_id does not exist.")
        if found.owner is not mine:
            raise wrong("token_not_authorized_for_specified_publish_id", "It is somebody else's.")
        return found.told(self.clock() - timedelta(seconds=lag))
