"""Checks of still pictures by their structure, before any decoder runs. Pure.

Supported are JPEG, PNG, WebP, GIF, HEIC and AVIF; file names are ignored. Other formats, a second
file after the end of the picture, animations, and too many pixels are refused. A file is complete
if all its pixels are there: a missing end mark is added, and data after the end is dropped
(generators/containers/camera_trailers.py).
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
from dataclasses import dataclass, field

from foundation.errors import BadInput
from generators.containers import camera_trailers, gif, heif, png, webp
from generators.containers.camera_trailers import FileEnd
from generators.containers.color_codes import ColorCode, read_png_color
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

_END_OF_IMAGE = b"\xff\xd9"
_FRAMES = frozenset({*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC})


@dataclass(frozen=True)
class PictureContainer:
    """A complete still picture. `kind` is Pillow's name of the format; sizes are in pixels, from
    the header. `own` is the picture alone: without data after its end, with the end mark that it
    needs."""

    kind: str
    width: int
    height: int
    still: HeifStill | None = None
    """Additional data from the boxes of a HEIC or AVIF file."""
    own: bytes = field(default=b"", repr=False)
    color: ColorCode | None = None
    has_end: bool = True
    """False for a JPEG without its end mark, which may lack pixels."""


def inspect_picture(data: bytes, *, name: str) -> PictureContainer:
    """Return the container of `data`; `name` is only for error messages. Raises BadInput with one
    of the codes above."""
    if len(data) > MAX_PICTURE_BYTES:
        raise BadInput("photo.too_heavy", file=name)
    try:
        if data.startswith(b"\xff\xd8\xff"):
            found = _inspect_jpeg(data, name)
        elif data.startswith(png.PNG_SIGNATURE):
            found = _inspect_png(data, name)
        elif webp.is_webp(data):
            found = _inspect_webp(data, name)
        elif data[:6] in gif.GIF_SIGNATURES:
            width, height, gif_end = gif.inspect_gif(data, name=name)
            own = _cut_trailer(data, gif_end, name)
            found = PictureContainer("GIF", width, height, own=own)
        elif heif.is_heif(data):
            still = heif.inspect_heif(data, name=name)
            found = PictureContainer(
                still.kind, still.width, still.height, still, own=still.own, color=still.color
            )
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
    end = FileEnd()
    for _ in range(_MOST_PARTS):
        if data[at] != 0xFF:
            raise BadInput("photo.corrupt", file=name)
        at = _find_end(_FILL, data, at)  # Fill bytes before a marker are allowed.
        if scans and at == len(data):
            end.missing = _END_OF_IMAGE[1:]
            break
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
            following = _MARKER.search(data, at)
            if following is None:
                at = len(data)
                end.missing = _END_OF_IMAGE
                break
            at = following.start()
    else:
        raise BadInput("photo.corrupt", file=name)
    if not scans:
        raise BadInput("photo.corrupt", file=name)
    end.offset = at
    own = _cut_trailer(data, end, name, appends_media=True)
    return PictureContainer("JPEG", *size, own=own, has_end=not end.missing)


def _cut_trailer(data: bytes, end: FileEnd, name: str, *, appends_media: bool = False) -> bytes:
    """Return the picture alone. Raises BadInput `photo.trailing` if another file follows."""
    if camera_trailers.hides_file(data, end.offset, appends_media=appends_media):
        raise BadInput("photo.trailing", file=name)
    return end.cut(data)


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
    """Walk the chunks with their checksums to IEND."""
    end = FileEnd()
    size = (0, 0)
    pixels = False
    color: ColorCode | None = None
    try:
        for number, (kind, body) in enumerate(png.iter_chunks(data, end)):
            if number >= _MOST_PARTS or (size == (0, 0)) != (kind == b"IHDR"):
                raise BadInput("photo.corrupt", file=name)
            if kind == b"IHDR":
                size = struct.unpack_from(">II", body)
            if kind == b"cICP":
                color = read_png_color(body)
            if kind in (b"acTL", b"fcTL", b"fdAT"):
                raise BadInput("photo.animated", file=name)
            pixels = pixels or kind == b"IDAT"
    except png.BadChecksum as error:
        raise BadInput("photo.corrupt", file=name) from error
    own = _cut_trailer(data, end, name)
    if not pixels:
        raise BadInput("photo.corrupt", file=name)
    return PictureContainer("PNG", *size, own=own, color=color)


def _inspect_webp(data: bytes, name: str) -> PictureContainer:
    """Walk the RIFF chunks: there must be exactly one picture."""
    end = FileEnd()
    sizes = list[tuple[int, int]]()
    canvas = (0, 0)
    for number, (kind, body) in enumerate(webp.iter_chunks(data, end)):
        if number >= _MOST_PARTS:
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
    own = webp.repair_length(_cut_trailer(data, end, name))
    if len(sizes) != 1:
        raise BadInput("photo.animated" if sizes else "photo.corrupt", file=name)
    if canvas not in ((0, 0), sizes[0]):
        raise BadInput("photo.corrupt", file=name)
    return PictureContainer("WEBP", *sizes[0], own=own)


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
