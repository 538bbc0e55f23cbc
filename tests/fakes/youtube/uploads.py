"""Resumable uploads to the fake YouTube, and thumbnails.

Documented: the requests and responses, that all pieces except the last are multiples of 256 KiB,
that a session requires no token, that it can have stored less than was sent, and that a completed
session still returns its video. For thumbnails.set, 403 `forbidden` if they are not allowed and 404
for a missing video, as its page says.

Unverified: the response to a thumbnail that is too large or invalid (`invalidImage`), the response
to a piece that does not start at the session's position (`wrong_start`), 400 for another length
than announced, 404 for a lost session (others report 410: `lost_status`), that a session counts
towards the quota when it is created, and that the file name is taken from the header `Slug` (users
observed it; `unknown` otherwise).
"""

import hashlib
import re
import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from tests.fakes.youtube.metadata import metadata
from tests.fakes.youtube.responses import video_told
from tests.fakes.youtube.spec import Json, ParsedRequest, api_error, bad_request
from tests.fakes.youtube.state import App, Member, Video, YouTubeState

PIECE = 256 * 1024
LARGEST = 274_877_906_944
UPLOAD, COVERS = "/upload/youtube/v3/videos", "/upload/youtube/v3/thumbnails/set"
LARGEST_COVER = 2 * 2**20
RANGE = re.compile(r"bytes (?:(\d{1,15})-(\d{1,15})|(\*))/(\d{1,15}|\*)")


@dataclass
class Session:
    """An upload. `length` is the announced size; `answer` is set when it is complete."""

    id: str
    owner: Member
    app: App
    at: datetime
    fields: Json
    parts: tuple[str, ...]
    length: int | None
    file_name: str
    data: bytearray = field(default_factory=bytearray, repr=False)
    answer: Json | None = None

    @property
    def kept(self) -> dict[str, str]:
        """Header with the stored range, or no headers if nothing was stored."""
        return {"range": f"bytes=0-{len(self.data) - 1}"} if self.data else {}


@dataclass
class Uploads(YouTubeState):
    """The state with uploads. Tests set its limits and faults as attributes."""

    url: str = ""
    sessions: dict[str, Session] = field(default_factory=dict)
    upload_limit: int | None = None
    """Maximum uploads of a channel per day."""
    session_lives: timedelta = timedelta(days=7)
    forgets_session: bool = False
    """True if all sessions are unknown."""
    lost_status: int = 404
    """Status for an unknown session: 404 or 410."""
    strays_to: str = ""
    """Foreign host in the URL of new sessions instead of this server."""
    persists: int | None = None
    """Maximum stored bytes of a piece. A client that continues after the bytes it sent, instead of
    the stored range, loses data."""
    wrong_start: int = 308
    """Status for a piece that does not start at the session's position: 308 or 400."""

    def open(self, mine: Member, app: App, asked: ParsedRequest) -> str:
        """Create a session and return its URL. Raise Refusal."""
        if asked.query.get("uploadType") != "resumable":
            raise bad_request("This fake takes resumable uploads only.")
        if not mine.channel_id:
            raise api_error(
                401,
                "youtubeSignupRequired",
                "Unauthorized",
                "youtube.header",
                at="header Authorization",
            )
        day = self.clock() - timedelta(days=1)
        if (
            self.upload_limit is not None
            and sum(one > day for one in mine.uploads) >= self.upload_limit
        ):
            message = "The user has exceeded the number of videos they may upload."
            raise api_error(400, "uploadLimitExceeded", message)
        length = _announced(asked)
        fields = metadata(asked.fields(), asked.parts, new=True, forbidden=self.forbidden)
        if "title" not in fields:
            raise api_error(
                400,
                "invalidTitle",
                "The request metadata specifies an invalid or empty video title.",
            )
        number, name = secrets.token_urlsafe(48), asked.headers.get("slug", "unknown")
        self.sessions[number] = Session(
            number, mine, app, self.clock(), fields, asked.parts, length, name
        )
        return f"{self.strays_to or self.url}{UPLOAD}?uploadType=resumable&upload_id={number}"

    def session(self, asked: ParsedRequest) -> Session:
        """Return the session of a request. Raise Refusal."""
        if asked.header:
            self.forbidden.append("a token shown to a session")
        found = self.sessions.get(asked.query.get("upload_id", ""))
        if found is None or self.forgets_session or self.clock() - found.at >= self.session_lives:
            raise api_error(self.lost_status, "notFound", "Not Found", "global")
        return found

    def put(self, session: Session, asked: ParsedRequest) -> tuple[int, Json | None]:
        """Store a piece or report the status. Return the status code, and the video when it is
        complete. Raise Refusal."""
        told, size = asked.headers.get("content-range", ""), len(asked.data)
        if session.answer is not None:
            return 200, session.answer
        if told:
            found = RANGE.fullmatch(told)
            if found is None:
                raise bad_request("Failed to parse Content-Range header.")
            first, last, asks, total = found.groups()
        else:
            first, last, asks, total = "0", str(size - 1), None, str(size)
        self._length(session, total)
        if asks:
            if size:
                raise bad_request("A question about a session has no body.")
            return 308, None
        if size == 0:
            raise api_error(
                400, "mediaBodyRequired", "The request does not include the video content."
            )
        end = int(last) + 1
        whole = session.length is not None and end == session.length
        if end - int(first) != size or (session.length is not None and end > session.length):
            raise bad_request("The Content-Range header does not fit the body.")
        if not whole and size % PIECE:
            raise bad_request(f"Pieces but for the last are multiples of {PIECE} bytes.")
        return self._taken(session, int(first), asked.data)

    def cover(self, mine: Member, asked: ParsedRequest) -> Json:
        """Set the thumbnail of a video of the account. Raise Refusal."""
        found = mine.videos.get(asked.query.get("videoId", ""))
        if found is None:
            raise api_error(404, "videoNotFound", "The video cannot be found.", "youtube.thumbnail")
        if not mine.may_cover:
            message = (
                "The authenticated user doesnt have permissions to upload and set custom video "
                "thumbnails."
            )
            raise api_error(403, "forbidden", message, "youtube.thumbnail")
        if not asked.data:
            raise api_error(
                400, "mediaBodyRequired", "The request does not include the image content."
            )
        kind = asked.headers.get("content-type", "")
        if kind not in ("image/jpeg", "image/png") or len(asked.data) > LARGEST_COVER:
            raise api_error(
                400, "invalidImage", "The provided image content is invalid.", "youtube.thumbnail"
            )
        found.cover = hashlib.sha256(asked.data).hexdigest()
        self.named[found.cover] = found.id
        return {"kind": "youtube#thumbnailSetResponse", "etag": "cover", "items": [{}]}

    def _length(self, session: Session, total: str) -> None:
        if total != "*":
            session.length = int(total) if session.length is None else session.length
            if session.length != int(total):
                raise bad_request("Another length than was announced.")

    def _taken(self, session: Session, first: int, data: bytes) -> tuple[int, Json | None]:
        if first != len(session.data):
            if self.wrong_start == 400:
                raise bad_request(f"The session is at {len(session.data)}, not at {first}.")
            return 308, None
        session.data += data if self.persists is None else data[: self.persists]
        if session.length is None or len(session.data) < session.length:
            return 308, None
        made = self._made(session)
        session.answer = video_told(made, session.parts, own=True)
        session.data.clear()
        return 201, session.answer

    def _made(self, session: Session) -> Video:
        """Return the video of a completed session."""
        mine, now = session.owner, self.clock()
        number = secrets.token_urlsafe(8)[:11]
        digest, ready = hashlib.sha256(session.data).hexdigest(), now + timedelta(seconds=self.slow)
        made = Video(
            number, mine, now, ready, digest, len(session.data), session.file_name, self.clock
        )
        made.locked, made.rejection, made.failure = (
            not session.app.verified,
            self.rejects,
            self.fails,
        )
        made.set(session.fields, verified=session.app.verified)
        mine.videos[number] = made
        mine.uploads.append(now)
        self.named[digest] = number
        mine.settle()
        return made


def _announced(asked: ParsedRequest) -> int | None:
    """Return the announced length of the file, if there is one. Raise Refusal."""
    mime, length = (
        asked.headers.get(f"x-upload-content-{name}", "") for name in ("type", "length")
    )
    if not (mime.startswith("video/") or mime == "application/octet-stream"):
        message = (
            f"Media type '{mime[:40]}' is not supported. Valid media types: [video/*, "
            "application/octet-stream]"
        )
        raise bad_request(message, "badContent")
    if not length:
        return None
    if not (length.isascii() and length.isdecimal()) or int(length[:15]) > LARGEST:
        raise bad_request("Invalid X-Upload-Content-Length.")
    if int(length) == 0:
        raise api_error(400, "mediaBodyRequired", "The request does not include the video content.")
    return int(length)
