"""Uploads by resumable sessions, as the fake YouTube takes them.

Documented: the requests and their answers, that pieces are multiples of 256 KiB but for the last,
that a session needs no token, that it may have kept less than was sent, and that one which ended
still tells of its video.

Covers by thumbnails.set: who may not have them is 403 `forbidden`, a video that is not there 404,
as its page says.

Unverified: what a cover is answered that is too heavy or no picture (`invalidImage`), what a piece
is that does not begin where the session is (`wrong_start`), that another length than was announced
is 400, that 404 is all that a lost session says (410 of others: `lost_status`), that a session
counts for the day when it is opened, that the file's name comes from the header `Slug` (people saw
it; `unknown` otherwise).
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
    """A file on its way. `length` is what was announced; `answer` is there once all of it came."""

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
        """What it has, as a header says it; nothing where nothing came."""
        return {"range": f"bytes=0-{len(self.data) - 1}"} if self.data else {}


@dataclass
class Uploads(YouTubeState):
    """A world that takes videos in. Its limits and its bad habits are attributes that tests set."""

    url: str = ""
    sessions: dict[str, Session] = field(default_factory=dict)
    upload_limit: int | None = None
    """Videos that one channel may upload in a day."""
    session_lives: timedelta = timedelta(days=7)
    forgets_session: bool = False
    """Whether no session is known any more."""
    lost_status: int = 404
    """What a session that is not known says: 404 or 410."""
    strays_to: str = ""
    """Where a new session is said to be, in the place of this server."""
    persists: int | None = None
    """Bytes that are kept of one piece at most: whoever sends on from where they stopped is
    lost."""
    wrong_start: int = 308
    """What a piece is answered that does not begin where the session is: 308 or 400."""

    def open(self, mine: Member, app: App, asked: ParsedRequest) -> str:
        """Where the bytes of a new video go. Raises Refusal."""
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
        """The session of a request. Raises Refusal."""
        if asked.header:
            self.forbidden.append("a token shown to a session")
        found = self.sessions.get(asked.query.get("upload_id", ""))
        if found is None or self.forgets_session or self.clock() - found.at >= self.session_lives:
            raise api_error(self.lost_status, "notFound", "Not Found", "global")
        return found

    def put(self, session: Session, asked: ParsedRequest) -> tuple[int, Json | None]:
        """Take a piece in, or say how far it is: status, and the video once it is whole. Raises
        Refusal."""
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
        """Give a video of one's own a cover, in the place of the last. Raises Refusal."""
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
        """The video of a session whose last byte came."""
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
    """The length of the file to come, where it is told. Raises Refusal."""
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
