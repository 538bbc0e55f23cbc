"""Checks of still pictures by their structure, before any decoder runs. Pure.

Supported are JPEG, PNG, WebP, GIF, HEIC and AVIF; file names are ignored. Other formats, truncated
files, a second file after the end of the picture, animations, and too many pixels are refused. Data
that cameras and phones append to a picture is ignored (generators/containers/camera_trailers.py).
Codes of BadInput, all with the file's name as `file`:

- photo.unsupported: none of these formats
- photo.too_large: more than 50 megapixels
- photo.too_heavy: more than 64 MiB
- photo.corrupt: truncated or damaged
- photo.trailing: another file after the end of the picture
- photo.animated: an animation, or several pictures
"""

import re
import struct
import zlib
from dataclasses import dataclass

from foundation.errors import BadInput
from generators.containers import camera_trailers, gif, heif
from generators.containers.heif import MAX_PIXELS, HeifStill

MAX_PICTURE_BYTES = 64 * 2**20
_MOST_SCANS = 64
"""Maximum number of scans. A progressive JPEG has about ten; thousands would keep a decoder busy
for minutes."""
_MOST_PARTS = 100_000
"""Maximum number of parts in a file. A PNG file of 64 MiB in chunks of 8 KiB has 8,192; millions of
empty parts would keep this parser and a decoder busy for a long time."""

_FILL = re.compile(rb"\xff*")
_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
"""Pattern of the next marker after a scan, which is neither a stuffed byte nor a restart marker."""

_PNG = b"\x89PNG\r\n\x1a\n"
_FRAMES = frozenset({*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC})


@dataclass(frozen=True)
class PictureContainer:
    """A complete still picture. `kind` is Pillow's name of the format; sizes are in pixels, from
    the header. `end` is the offset at which the picture ends, or None for the end of the file."""

    kind: str
    width: int
    height: int
    still: HeifStill | None = None
    """Additional data from the boxes of a HEIC or AVIF file."""
    end: int | None = None


def inspect_picture(data: bytes, *, name: str) -> PictureContainer:
    """Return the container of `data`; `name` is only for error messages. Raises BadInput with one
    of the codes above."""
    if len(data) > MAX_PICTURE_BYTES:
        raise BadInput("photo.too_heavy", file=name)
    try:
        if data.startswith(b"\xff\xd8\xff"):
            found = _inspect_jpeg(data, name)
        elif data.startswith(_PNG):
            found = _inspect_png(data, name)
        elif data[:4] == b"RIFF" and data[8:12] == b"WEBP":
            found = _inspect_webp(data, name)
        elif data[:6] in gif.GIF_SIGNATURES:
            found = PictureContainer("GIF", *gif.inspect_gif(data, name=name))
        elif heif.is_heif(data):
            still = heif.inspect_heif(data, name=name)
            found = PictureContainer(still.kind, still.width, still.height, still)
        else:
            raise BadInput("photo.unsupported", file=name)
    except (IndexError, KeyError, StopIteration, struct.error) as error:
        raise BadInput("photo.corrupt", file=name) from error
    if found.width < 1 or found.height < 1:
        raise BadInput("photo.corrupt", file=name)
    if found.width * found.height > MAX_PIXELS:
        raise BadInput("photo.too_large", file=name)
    return found


def _inspect_jpeg(data: bytes, name: str) -> PictureContainer:
    """Walk the segments to the end-of-image marker. Cameras append more pictures after it (CIPA
    DC-007: previews, HDR gain maps), and phones append a video."""
    at = 2
    size = (0, 0)
    scans = 0
    for _ in range(_MOST_PARTS):
        if data[at] != 0xFF:
            raise BadInput("photo.corrupt", file=name)
        at = _find_end(_FILL, data, at)  # Fill bytes before a marker are allowed.
        marker = data[at]
        at += 1
        if marker == 0xD9:
            break
        if marker == 0x01 or 0xD0 <= marker <= 0xD8:
            raise BadInput("photo.corrupt", file=name)
        (length,) = struct.unpack_from(">H", data, at)
        body = data[at + 2 : at + length]
        if length < 2 or len(body) != length - 2:
            raise BadInput("photo.corrupt", file=name)
        if marker in _FRAMES:
            size = _read_frame_size(body, size, name)
        at += length
        if marker == 0xDA:
            scans += 1
            if scans > _MOST_SCANS:
                raise BadInput("photo.corrupt", file=name)
            at = _find_end(_MARKER, data, at) - 2
    else:
        raise BadInput("photo.corrupt", file=name)
    if not scans:
        raise BadInput("photo.corrupt", file=name)
    if camera_trailers.hides_file(data, at):
        raise BadInput("photo.trailing", file=name)
    return PictureContainer("JPEG", *size, end=at)


def _read_frame_size(body: bytes, before: tuple[int, int], name: str) -> tuple[int, int]:
    if before != (0, 0):
        # Two frames: a hierarchical file with several pictures.
        raise BadInput("photo.animated", file=name)
    height, width = struct.unpack_from(">HH", body, 1)
    return width, height


def _find_end(what: re.Pattern[bytes], data: bytes, at: int) -> int:
    """Return the end offset of the next match. Raises IndexError if there is none."""
    found = what.search(data, at)
    if found is None:
        raise IndexError
    return found.end()


def _inspect_png(data: bytes, name: str) -> PictureContainer:
    """Walk the chunks with their checksums to IEND; only padding may follow."""
    at = len(_PNG)
    size = (0, 0)
    pixels = False
    for _ in range(_MOST_PARTS):
        length, kind = struct.unpack_from(">I4s", data, at)
        body = data[at + 8 : at + 8 + length]
        (checksum,) = struct.unpack_from(">I", data, at + 8 + length)
        if zlib.crc32(kind + body) != checksum:
            raise BadInput("photo.corrupt", file=name)
        at += 12 + length
        if (size == (0, 0)) != (kind == b"IHDR"):
            raise BadInput("photo.corrupt", file=name)
        if kind == b"IHDR":
            size = struct.unpack_from(">II", body)
        if kind in (b"acTL", b"fcTL", b"fdAT"):
            raise BadInput("photo.animated", file=name)
        pixels = pixels or kind == b"IDAT"
        if kind == b"IEND":
            break
    else:
        raise BadInput("photo.corrupt", file=name)
    if not camera_trailers.is_padding(data, at):
        raise BadInput("photo.trailing", file=name)
    if not pixels:
        raise BadInput("photo.corrupt", file=name)
    return PictureContainer("PNG", *size)


def _inspect_webp(data: bytes, name: str) -> PictureContainer:
    """Walk the RIFF chunks: there must be exactly one picture, and only padding after the size
    given in the header."""
    (told,) = struct.unpack_from("<I", data, 4)
    end = told + 8
    if end > len(data):
        raise BadInput("photo.corrupt", file=name)
    if not camera_trailers.is_padding(data, end):
        raise BadInput("photo.trailing", file=name)
    at = 12
    sizes = list[tuple[int, int]]()
    canvas = (0, 0)
    parts = 0
    while at < end:
        parts += 1
        if parts > _MOST_PARTS:
            raise BadInput("photo.corrupt", file=name)
        kind, length = struct.unpack_from("<4sI", data, at)
        body = data[at + 8 : at + 8 + length]
        if len(body) != length:
            raise BadInput("photo.corrupt", file=name)
        if kind in (b"ANIM", b"ANMF") or (kind == b"VP8X" and body[0] & 0x02):
            raise BadInput("photo.animated", file=name)
        if kind == b"VP8X":
            canvas = (
                1 + int.from_bytes(body[4:7], "little"),
                1 + int.from_bytes(body[7:10], "little"),
            )
        if kind in (b"VP8 ", b"VP8L"):
            sizes.append(_read_vp8_size(kind, body, name))
        at += 8 + length + length % 2
    if len(sizes) != 1:
        raise BadInput("photo.animated" if sizes else "photo.corrupt", file=name)
    if canvas not in ((0, 0), sizes[0]):
        raise BadInput("photo.corrupt", file=name)
    return PictureContainer("WEBP", *sizes[0])


def _read_vp8_size(kind: bytes, body: bytes, name: str) -> tuple[int, int]:
    if kind == b"VP8L":
        if body[0] != 0x2F:
            raise BadInput("photo.corrupt", file=name)
        bits = int.from_bytes(body[1:5], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if body[3:6] != b"\x9d\x01\x2a":
        raise BadInput("photo.corrupt", file=name)
    width, height = struct.unpack_from("<HH", body, 6)
    return width & 0x3FFF, height & 0x3FFF
