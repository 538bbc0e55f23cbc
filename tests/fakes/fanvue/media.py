"""The media vault of the fake Fanvue: uploads in parts through signed URLs, followed by processing.

The object store authenticates parts by their URL only. A request with a token is rejected and
recorded in `forbidden`.
"""

import hashlib
import hmac
import io
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

from PIL import Image

from connectors.conformance.fake_servers import AdjustableClock
from tests.fakes.fanvue.spec import Json, ParsedRequest, Refusal, invalid, not_found, refused

KINDS = ("image", "video", "audio", "document")
MOST_PARTS, MOST_BYTES, LONGEST_NAME = 10_000, 1_610_612_736, 255


@dataclass
class Medium:
    """A media file of an account. `status` is created, processing, ready or error; `polls` is the
    number of reads until it is ready."""

    id: str
    owner: str
    name: str
    kind: str
    at: datetime
    data: bytes = field(default=b"", repr=False)
    status: str = "created"
    polls: int = 0
    size: tuple[int, int] | None = None


@dataclass
class Part:
    """A part of an upload in the object store."""

    data: bytes = field(repr=False)

    @property
    def etag(self) -> str:
        """Return the ETag, in quotation marks as in the header."""
        return f'"{hashlib.md5(self.data, usedforsecurity=False).hexdigest()}"'


@dataclass
class Upload:
    """An upload. `length` is the declared total size in bytes."""

    id: str
    medium: Medium
    length: int | None
    parts: dict[int, Part] = field(default_factory=dict)
    done: bool = False


@dataclass
class Vault:
    """All media and uploads. Tests set its limits and faults as attributes."""

    clock: AdjustableClock
    url: str = ""
    media: dict[str, Medium] = field(default_factory=dict)
    uploads: dict[str, Upload] = field(default_factory=dict)
    named: dict[str, str] = field(default_factory=dict)
    """ID of the latest upload, by the SHA-256 of its content."""
    forbidden: list[str] = field(default_factory=list)
    """Attempts to use features that our client must not use: scheduling, collections, templates,
    tokens sent to the store."""
    slow: int = 0
    """Number of reads that report `processing` before one reports `ready`."""
    spoils: bool = False
    """True if the processing of media fails."""
    least_part: int = 5 * 2**20
    """Minimum size in bytes of every part except the last."""
    most_part: int = 10 * 2**20
    urls_live: timedelta = timedelta(minutes=15)
    strays_to: str = ""
    """URL of a foreign host that is returned instead of the store's."""
    complete_again: int = 200
    """Status for completing an upload twice: 200 or 404."""
    _key: bytes = field(default_factory=lambda: secrets.token_bytes(32), repr=False)

    def begin(self, owner: str, said: Mapping[str, Any], *, sized: bool) -> Json:
        """Start an upload. With `sized`, its size is required. Raise Refusal."""
        name, filename, kind, length = (
            said.get(one) for one in ("name", "filename", "mediaType", "sizeBytes")
        )
        wrong = [
            f"{label}: Expected 1 to {LONGEST_NAME} characters"
            for label, each in (("name", name), ("filename", filename))
            if not isinstance(each, str) or not 1 <= len(each) <= LONGEST_NAME
        ]
        wrong += [] if kind in KINDS else ["mediaType: Invalid option"]
        if (length is not None or sized) and (
            type(length) is not int or not 1 <= length <= MOST_BYTES
        ):
            wrong.append("sizeBytes: Expected a number of bytes")
        if wrong:
            raise invalid(*wrong)
        medium = Medium(str(uuid4()), owner, str(name), str(kind), self.clock())
        made = Upload(secrets.token_urlsafe(60), medium, length if type(length) is int else None)
        self.media[medium.id], self.uploads[made.id] = medium, made
        told: Json = {"mediaUuid": medium.id, "uploadId": made.id}
        if made.length is None:
            return told
        parts = -(-made.length // self.most_part)
        return told | {"partSize": self.most_part, "maxParts": MOST_PARTS, "totalParts": parts}

    def part_url(self, owner: str, upload_id: str, number: str) -> str:
        """Return a signed URL for one part. Raise Refusal."""
        made = self._upload(owner, upload_id)
        if made.done:
            raise not_found("Upload session not found")
        if not (number.isascii() and number.isdecimal() and 1 <= int(number[:6]) <= MOST_PARTS):
            raise invalid("partNumber: Expected 1 to 10000")
        path, until = (
            f"/store/{upload_id}/{number}",
            str(int((self.clock() + self.urls_live).timestamp())),
        )
        if self.strays_to:
            return self.strays_to
        return (
            f"{self.url}{path}"
            f"?{urlencode({'expires': until, 'sig': self._signature('PUT', path, until)})}"
        )

    def put(self, asked: ParsedRequest) -> str:
        """Store a part and return its ETag. Raise Refusal."""
        if asked.header:
            self.forbidden.append("a token shown to the store")
            raise _stored(400, "InvalidArgument", "Only one auth mechanism allowed")
        until = asked.query.get("expires", "")
        good, told = self._signature(asked.method, asked.path, until), asked.query.get("sig", "")
        if len(asked.query) != 2 or not hmac.compare_digest(good.encode(), told.encode()):
            raise _stored(
                403, "SignatureDoesNotMatch", "The request signature we calculated does not match"
            )
        if self.clock().timestamp() >= int(until):
            raise _stored(403, "AccessDenied", "Request has expired")
        made = self.uploads[asked.parts[1]]
        if made.done:
            raise _stored(404, "NoSuchUpload", "The specified upload does not exist")
        if len(asked.data) > self.most_part:
            raise _stored(
                400, "EntityTooLarge", "Your proposed upload exceeds the maximum allowed size"
            )
        part = made.parts[int(asked.parts[2])] = Part(asked.data)
        return part.etag

    def complete(self, owner: str, upload_id: str, said: Mapping[str, Any]) -> Medium:
        """Assemble the parts and start processing. Raise Refusal."""
        made = self._upload(owner, upload_id)
        if made.done and self.complete_again == 404:
            raise not_found("Upload session not found")
        if made.done:
            return made.medium
        parts = self._parts(made, said.get("parts"))
        if any(len(part.data) < self.least_part for part in parts[:-1]):
            raise invalid("parts: Each part but the last has at least 5 MB")
        medium, data = made.medium, b"".join(part.data for part in parts)
        if made.length not in {None, len(data)}:
            raise invalid(f"sizeBytes: {made.length} were announced, {len(data)} came")
        made.done, medium.data, medium.status, medium.polls = True, data, "processing", self.slow
        self.named[hashlib.sha256(data).hexdigest()] = medium.id
        return medium

    def look(self, owner: str, media_id: str) -> Medium:
        """Return a media file of the account. Each read advances its processing. Raise Refusal."""
        medium = self.media.get(uuid(media_id))
        if medium is None or medium.owner != owner:
            raise not_found("Media not found")
        if medium.status == "processing" and medium.polls > 0:
            medium.polls -= 1
        elif medium.status == "processing":
            medium.size = _size(medium.data) if medium.kind == "image" else (0, 0)
            medium.status = "error" if self.spoils or medium.size is None else "ready"
        return medium

    def ready(self, owner: str, name: str, wanted: object) -> list[Medium]:
        """Return the account's media with these IDs, which must be ready and unique. Raise Refusal."""
        if not isinstance(wanted, list) or not all(isinstance(each, str) for each in wanted):
            raise invalid(f"{name}: Expected a list of uuids")
        found = [self.media[each] for each in wanted if each in self.media]
        if (
            len(found) != len(wanted)
            or len(set(wanted)) != len(wanted)
            or any(one.owner != owner for one in found)
        ):
            raise invalid(f"{name}: Some media were not found")
        if any(one.status != "ready" for one in found):
            raise invalid(f"{name}: Some media are not ready")
        return found

    def _upload(self, owner: str, upload_id: str) -> Upload:
        made = self.uploads.get(upload_id)
        if made is None or made.medium.owner != owner:
            raise not_found("Upload session not found")
        return made

    def _parts(self, made: Upload, told: object) -> list[Part]:
        if not isinstance(told, list) or not told:
            raise invalid("parts: Expected at least one part")
        found: list[Part] = []
        last = 0
        for each in told:
            number = each.get("PartNumber") if isinstance(each, dict) and len(each) == 2 else None
            if (
                type(number) is not int
                or number not in made.parts
                or each.get("ETag") != made.parts[number].etag
            ):
                raise invalid(
                    "parts: One or more of the specified parts could not be found, or its ETag "
                    "differs"
                )
            if number <= last:
                raise invalid("parts: The parts are not in ascending order")
            found.append(made.parts[number])
            last = number
        return found

    def _signature(self, method: str, path: str, until: str) -> str:
        return hmac.new(self._key, f"{method} {path} {until}".encode(), hashlib.sha256).hexdigest()


def uuid(told: str) -> str:
    """Return a valid ID of a path. Raise Refusal."""
    parts = told.split("-")
    digits = all(each and set(each) <= set("0123456789abcdef") for each in parts)
    if [len(each) for each in parts] != [8, 4, 4, 4, 12] or not digits:
        raise refused("Invalid UUID format")
    return told


def _stored(status: int, code: str, message: str) -> Refusal:
    body = (
        '<?xml version="1.0" '
        f'encoding="UTF-8"?><Error><Code>{code}</Code><Message>{message}</Message></Error>'
    )
    return Refusal(status, body)


def _size(data: bytes) -> tuple[int, int] | None:
    try:
        image = Image.open(io.BytesIO(data))
        size = image.size
        image.verify()
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        return None
    return size
