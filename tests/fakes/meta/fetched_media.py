"""What the fake Instagram fetches from addresses it was given, and what of it can be shown.

A picture comes in one piece and is judged at once. A film comes piece by piece, as Meta's own
fetcher is said to ask for it, while it is worked through; its kind, length and weight are judged,
its codecs are not.
"""

import io
import struct

from PIL import Image

from foundation.http.http_client import HttpClient, HttpRequest, HttpResponse

MOST_PICTURE, MOST_FILM = 8 * 2**20, 300 * 2**20
"""Bytes of either; of a film, the least that anybody was told."""

SHORTEST, LONGEST = 3.0, 900.0
"""Seconds of a film."""

MOST_STORY, LONGEST_STORY = 100_000_000, 60.0
"""Bytes and seconds of a film that is a story."""

PIECE = 4 * 2**20
PATIENCE = 5.0
_AGENT = {"user-agent": "facebookexternalhit/1.1"}


class GraphApiError(Exception):
    """The Graph API says no."""

    def __init__(
        self, code: int, sub: int = 0, *, status: int = 400, message: str = "refused"
    ) -> None:
        super().__init__(message)
        told = {"message": message, "type": "OAuthException", "code": code, "fbtrace_id": "A"}
        self.status, self.sub = status, sub
        self.body = {"error": told | ({"error_subcode": sub} if sub else {})}


def fetch_picture(http: HttpClient, url: str, *, story: bool = False) -> bytes:
    """A JPEG of a shape they show, any of a story. Raises Refused."""
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
    """An MP4 of a length and a weight they take. Raises Refused."""
    whole = fetch_pieces(http, url)
    if len(whole) > most or not SHORTEST <= video_seconds(whole) <= longest:
        raise GraphApiError(352, 2207026, message="The video format is not supported")
    return whole


def fetch_pieces(http: HttpClient, url: str) -> bytes:
    """Whatever lies there as an MP4, piece by piece. Raises Refused."""
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
    """How long an MP4 lasts, by its movie header (ISO/IEC 14496-12, 8.2.2); 0 of anything else."""
    place = data.find(b"mvhd")
    if data[4:8] != b"ftyp" or place < 0:
        return 0.0
    layout = ">4x8xII" if data[place + 4] == 0 else ">4x16xIQ"
    scale, length = struct.unpack_from(layout, data, place + 4)
    return float(length / scale) if scale else 0.0


def make_clip(length: float) -> bytes:
    """The least that counts as a film of so many seconds: its headers, and no frame."""
    header = struct.pack(">IIIII", 0, 0, 0, 1000, round(length * 1000)) + bytes(80)
    boxes = (
        (b"ftyp", b"mp42" + bytes(4) + b"mp42isom"),
        (b"moov", _box(b"mvhd", header)),
        (b"mdat", bytes(1000)),
    )
    return b"".join(_box(name, body) for name, body in boxes)


def _box(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", 8 + len(body)) + name + body
