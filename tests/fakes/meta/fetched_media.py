"""Media that the fakes of Meta's platforms fetch by URL, and the checks of their formats.

A picture is fetched as a whole and checked immediately. A video is fetched in ranges during its
processing, as Meta's fetcher is reported to do; its type, length and size are checked, its codecs
are not.
"""

import io
import struct

from PIL import Image

from foundation.http.http_client import HttpClient, HttpRequest, HttpResponse

MOST_PICTURE, MOST_FILM = 8 * 2**20, 300 * 2**20
"""Maximum sizes in bytes. For videos it is the lowest limit in Meta's documents."""

SHORTEST, LONGEST = 3.0, 900.0
"""Minimum and maximum length of a video in seconds."""

MOST_STORY, LONGEST_STORY = 100_000_000, 60.0
"""Maximum size in bytes and length in seconds of a video story."""

PIECE = 4 * 2**20
PATIENCE = 5.0
_AGENT = {"user-agent": "facebookexternalhit/1.1"}


class GraphApiError(Exception):
    """An error response of the Graph API."""

    def __init__(
        self, code: int, sub: int = 0, *, status: int = 400, message: str = "refused"
    ) -> None:
        super().__init__(message)
        told = {"message": message, "type": "OAuthException", "code": code, "fbtrace_id": "A"}
        self.status, self.sub = status, sub
        self.body = {"error": told | ({"error_subcode": sub} if sub else {})}


def fetch_picture(http: HttpClient, url: str, *, story: bool = False) -> bytes:
    """Fetch a JPEG with an accepted aspect ratio; a story accepts any. Raise GraphApiError."""
    reply = http.send(HttpRequest("GET", url, _AGENT, b"", PATIENCE))
    if not isinstance(reply, HttpResponse) or reply.status != 200:
        raise GraphApiError(9004, 2207052, message="The media could not be fetched from this URI")
    if reply.headers.get("content-type") != "image/jpeg" or len(reply.body) > MOST_PICTURE:
        raise GraphApiError(9004, 2207005, message="image format not supported")
    try:
        shape = Image.open(io.BytesIO(reply.body))
    except OSError as error:
        raise GraphApiError(9004, 2207005, message="image format not supported") from error
    if shape.format != "JPEG" or not (story or 0.79 <= shape.width / shape.height <= 1.92):
        raise GraphApiError(36003, 2207009, message="aspect ratio")
    return reply.body


def fetch_video(
    http: HttpClient, url: str, *, most: int = MOST_FILM, longest: float = LONGEST
) -> bytes:
    """Fetch an MP4 with an accepted length and size. Raise GraphApiError."""
    whole = fetch_pieces(http, url)
    if len(whole) > most or not SHORTEST <= video_seconds(whole) <= longest:
        raise GraphApiError(352, 2207026, message="The video format is not supported")
    return whole


def fetch_pieces(http: HttpClient, url: str) -> bytes:
    """Fetch an MP4 in ranges without checking it. Raise GraphApiError."""
    whole, of = b"", 1
    while len(whole) < of:
        wanted = {"range": f"bytes={len(whole)}-{len(whole) + PIECE - 1}"}
        reply = http.send(HttpRequest("GET", url, _AGENT | wanted, b"", PATIENCE))
        if not isinstance(reply, HttpResponse) or reply.status not in (200, 206) or not reply.body:
            raise GraphApiError(-2, 2207003, message="It takes too long to download the media")
        if reply.headers.get("content-type") != "video/mp4":
            raise GraphApiError(352, 2207026, message="The video format is not supported")
        part = reply.status == 206
        whole = whole + reply.body if part else reply.body
        of = int(reply.headers["content-range"].rpartition("/")[2]) if part else len(whole)
    return whole


def video_seconds(data: bytes) -> float:
    """Return the length of an MP4 by its movie header (ISO/IEC 14496-12, 8.2.2), or 0 for anything
    else."""
    place = data.find(b"mvhd")
    if data[4:8] != b"ftyp" or place < 0:
        return 0.0
    layout = ">4x8xII" if data[place + 4] == 0 else ">4x16xIQ"
    scale, length = struct.unpack_from(layout, data, place + 4)
    return float(length / scale) if scale else 0.0


def make_clip(length: float) -> bytes:
    """Return a minimal MP4 of a length in seconds: headers without frames."""
    header = struct.pack(">IIIII", 0, 0, 0, 1000, round(length * 1000)) + bytes(80)
    boxes = (
        (b"ftyp", b"mp42" + bytes(4) + b"mp42isom"),
        (b"moov", _box(b"mvhd", header)),
        (b"mdat", bytes(1000)),
    )
    return b"".join(_box(name, body) for name, body in boxes)


def _box(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", 8 + len(body)) + name + body
