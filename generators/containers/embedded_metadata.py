"""Metadata embedded in a picture, video or sound of any supported container. Pure.

Texts, comments and tags are returned with their keys; EXIF, XMP and IPTC as whole blocks. Damaged
metadata ends the reading without an error, because metadata is never published. Sources: EXIF 2.32,
XMP specification part 3, IPTC IIM 4.2, and those of the containers.
"""

import binascii
import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Literal

from foundation.errors import BadInput
from generators.containers import boxes, gif, heif, mp4, png, webp
from generators.containers.boxes import Box
from generators.containers.camera_trailers import FileEnd
from generators.containers.heif import read_metadata_items
from generators.containers.webm import iter_tags

MAX_VALUE = 4 * 2**20
"""Maximum bytes of a value, also after decompression. A workflow of hundreds of nodes has about one
megabyte."""

MAX_ENTRIES = 2_000
_MAX_DEPTH = 8
_EXIF = b"Exif\0\0"
_XMP = b"http://ns.adobe.com/xap/1.0/\0"
_EXTENDED_XMP = b"http://ns.adobe.com/xmp/extension/\0"
_EXTENDED_HEAD = 40
_PHOTOSHOP = b"Photoshop 3.0\0"
_XMP_BOX = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")
_XMP_KEY = "xml:com.adobe.xmp"
_GIF_XMP = b"XMP DataXMP"
_BOXES_OF_BOXES = frozenset({b"moov", b"trak", b"udta", b"mdia", b"moof", b"traf"})
_UNREAD = frozenset({b"mdat", b"free", b"skip", b"wide", b"minf", b"stbl", b"mvhd", b"hdlr"})
_LANGUAGE_FIRST = frozenset({b"titl", b"dscp", b"cprt", b"perf", b"auth", b"gnre", b"albm"})
"""Boxes of 3GPP with a version and a language before the text (3GPP TS 26.244 §8)."""

_DAMAGE = (
    *(struct.error, IndexError, KeyError, ValueError, StopIteration, RuntimeError),
    *(png.BadChecksum, BadInput),
)
Block = Literal["text", "exif", "xmp", "iptc"]


@dataclass(frozen=True)
class MetadataEntry:
    """A text with its key in lower case, or a whole block of EXIF (from its TIFF header), XMP or
    IPTC."""

    block: Block
    value: bytes = field(repr=False)
    key: str = ""


def iter_metadata(data: bytes) -> Iterator[MetadataEntry]:
    """Yield the metadata of a file of any supported container, at most `MAX_ENTRIES`."""
    for starts, read in _READERS:
        if starts(data):
            yield from _iter_undamaged(read(data))
            return


def _iter_undamaged(entries: Iterator[MetadataEntry]) -> Iterator[MetadataEntry]:
    try:
        for entry in islice(entries, MAX_ENTRIES):
            if entry.value:
                yield MetadataEntry(entry.block, entry.value[:MAX_VALUE], entry.key)
    except _DAMAGE:
        return


def _text(key: str | bytes, value: bytes) -> MetadataEntry:
    name = key if isinstance(key, str) else key.decode("latin-1")
    return MetadataEntry("text", value, name.strip("\0 ").lower())


def _read_jpeg(data: bytes) -> Iterator[MetadataEntry]:
    """Read the segments before the first scan; XMP of more than 64 KB is in several."""
    extended = dict[int, bytes]()
    at = 2
    while data[at] == 0xFF and data[at + 1] != 0xDA:
        marker = data[at + 1]
        if marker == 0xFF:
            at += 1
            continue
        (length,) = struct.unpack_from(">H", data, at + 2)
        body = data[at + 4 : at + 2 + length]
        at += 2 + length
        if marker == 0xFE:
            yield _text("comment", body)
        elif marker == 0xE1 and body.startswith(_EXIF):
            yield MetadataEntry("exif", body[len(_EXIF) :])
        elif marker == 0xE1 and body.startswith(_XMP):
            yield MetadataEntry("xmp", body[len(_XMP) :])
        elif marker == 0xE1 and body.startswith(_EXTENDED_XMP):
            part = body[len(_EXTENDED_XMP) :]
            extended[struct.unpack_from(">I", part, 36)[0]] = part[_EXTENDED_HEAD:]
        elif marker == 0xED and body.startswith(_PHOTOSHOP):
            yield MetadataEntry("iptc", body[len(_PHOTOSHOP) :])
    yield MetadataEntry("xmp", b"".join(extended[offset] for offset in sorted(extended)))


def _read_png(data: bytes) -> Iterator[MetadataEntry]:
    for kind, body in png.iter_chunks(data, FileEnd()):
        if kind == b"eXIf":
            yield MetadataEntry("exif", body.removeprefix(_EXIF))
        elif kind == b"tEXt":
            key, _, value = body.partition(b"\0")
            yield from _png_text(key, value)
        elif kind == b"zTXt":
            key, _, value = body.partition(b"\0")
            yield from _png_text(key, _decompress(value[1:]))
        elif kind == b"iTXt":
            key, _, rest = body.partition(b"\0")
            value = rest[2:].split(b"\0", 2)[2]
            yield from _png_text(key, _decompress(value) if rest[0] else value)


def _png_text(key: bytes, value: bytes) -> Iterator[MetadataEntry]:
    """Return a text, or the block that a text chunk contains: XMP, or "Raw profile type …" in
    hexadecimal, as ImageMagick writes it."""
    name = key.decode("latin-1").lower()
    if name == _XMP_KEY:
        yield MetadataEntry("xmp", value)
    elif name.startswith("raw profile type "):
        raw = binascii.unhexlify(b"".join(value.split()[2:]))
        kind = name.rpartition(" ")[2]
        if kind in ("exif", "app1"):
            is_xmp = raw.startswith(_XMP)
            yield MetadataEntry(
                "xmp" if is_xmp else "exif", raw.removeprefix(_XMP).removeprefix(_EXIF)
            )
        elif kind in ("xmp", "iptc"):
            yield MetadataEntry("xmp" if kind == "xmp" else "iptc", raw)
    else:
        yield _text(name, value)


def _decompress(value: bytes) -> bytes:
    try:
        return zlib.decompressobj().decompress(value, MAX_VALUE)
    except zlib.error:
        return b""


def _read_webp(data: bytes) -> Iterator[MetadataEntry]:
    for kind, body in webp.iter_chunks(data, FileEnd()):
        if kind == b"EXIF":
            yield MetadataEntry("exif", body.removeprefix(_EXIF))
        elif kind == b"XMP ":
            yield MetadataEntry("xmp", body)


def _read_gif(data: bytes) -> Iterator[MetadataEntry]:
    for block in gif.iter_blocks(data, FileEnd()):
        if block.kind == gif.APPLICATION_BLOCK and data[block.body + 1 :].startswith(_GIF_XMP):
            # XMP is not in sub-blocks; a table after it leads every reader of them to its end.
            yield MetadataEntry("xmp", data[block.body + 12 : block.end])
        elif block.kind in (gif.COMMENT_BLOCK, gif.TEXT_BLOCK):
            yield _text("comment", b"".join(gif.iter_sub_blocks(data, block)))


def _read_movie(data: bytes) -> Iterator[MetadataEntry]:
    yield from _read_boxes(data, 0, len(data), _MAX_DEPTH)


def _read_boxes(data: bytes, start: int, end: int, depth: int) -> Iterator[MetadataEntry]:
    """Read `udta` and `meta` boxes wherever they are, and XMP in its `uuid` box."""
    for box in boxes.iter_boxes(data, start, end):
        if box.kind in _BOXES_OF_BOXES and depth:
            inner = _read_user_data if box.kind == b"udta" else _read_boxes
            yield from inner(data, box.body, box.end, depth - 1)
        elif box.kind == b"meta":
            yield from _read_item_list(data, box)
        elif box.kind == b"uuid" and data[box.body : box.body + 16] == _XMP_BOX:
            yield MetadataEntry("xmp", data[box.body + 16 : box.end])


def _read_user_data(data: bytes, start: int, end: int, depth: int) -> Iterator[MetadataEntry]:
    for box in boxes.iter_boxes(data, start, end):
        body = data[box.body : box.end]
        if box.kind == b"meta":
            yield from _read_item_list(data, box)
        elif box.kind == b"XMP_":
            yield MetadataEntry("xmp", body)
        elif box.kind in _LANGUAGE_FIRST:
            yield _text(box.kind, body[6:])
        elif box.kind[:1] == b"\xa9" and len(body) > 4:
            # QuickTime: a length and a language before each text
            (length,) = struct.unpack_from(">H", body)
            yield _text(box.kind, body[4 : 4 + length] if length <= len(body) - 4 else body)
        elif box.kind not in _UNREAD:
            yield _text(box.kind, body)


def _read_item_list(data: bytes, meta: Box) -> Iterator[MetadataEntry]:
    """Read the values of `ilst`, whose items have names of their own, names in `----`, or numbers
    of names in `keys`."""
    # QuickTime's box has no version field before its children.
    plain = data[meta.body + 4 : meta.body + 8] == b"hdlr"
    names = list[bytes]()
    for box in boxes.iter_boxes(data, meta.body if plain else meta.body + 4, meta.end):
        if box.kind == b"keys":
            names = [
                data[key.body : key.end] for key in boxes.iter_boxes(data, box.body + 8, box.end)
            ]
        elif box.kind == b"ilst":
            for item in boxes.iter_boxes(data, box.body, box.end):
                number = int.from_bytes(item.kind, "big")
                name = names[number - 1] if 0 < number <= len(names) else item.kind
                yield from _read_item(data, item, name)
        elif box.kind == b"xml ":
            yield MetadataEntry("xmp", data[box.body + 4 : box.end])


def _read_item(data: bytes, item: Box, name: bytes) -> Iterator[MetadataEntry]:
    for box in boxes.iter_boxes(data, item.body, item.end):
        if box.kind == b"name":
            name = data[box.body + 4 : box.end]
        elif box.kind == b"data":
            yield _text(name, data[box.body + 8 : box.end])


def _read_heif(data: bytes) -> Iterator[MetadataEntry]:
    for kind, value in read_metadata_items(data):
        yield MetadataEntry("exif" if kind == b"Exif" else "xmp", value)
    yield from _read_boxes(data, 0, len(data), _MAX_DEPTH)


def _read_webm(data: bytes) -> Iterator[MetadataEntry]:
    for key, value in iter_tags(data):
        yield _text(key, value)


def _read_ogg(data: bytes) -> Iterator[MetadataEntry]:
    """Read the comments of Vorbis and Opus (RFC 7845 §5.2), in the first pages."""
    body = bytearray()
    at = 0
    for _ in range(64):
        if data[at : at + 4] != b"OggS":
            break
        count = data[at + 26]
        size = sum(data[at + 27 : at + 27 + count])
        body += data[at + 27 + count : at + 27 + count + size]
        at += 27 + count + size
    start = max(body.find(b"OpusTags") + 8, body.find(b"\x03vorbis") + 7)
    (vendor,) = struct.unpack_from("<I", body, start)
    start += 4 + vendor
    (count,) = struct.unpack_from("<I", body, start)
    start += 4
    for _ in range(min(count, MAX_ENTRIES)):
        (length,) = struct.unpack_from("<I", body, start)
        key, _, value = bytes(body[start + 4 : start + 4 + length]).partition(b"=")
        yield _text(key, value)
        start += 4 + length


_READERS: tuple[tuple[Callable[[bytes], bool], Callable[[bytes], Iterator[MetadataEntry]]], ...] = (
    (lambda data: data.startswith(b"\xff\xd8\xff"), _read_jpeg),
    (lambda data: data.startswith(png.PNG_SIGNATURE), _read_png),
    (webp.is_webp, _read_webp),
    (lambda data: data[:6] in gif.GIF_SIGNATURES, _read_gif),
    (heif.is_heif, _read_heif),
    (mp4.is_movie, _read_movie),
    (lambda data: data.startswith(b"\x1a\x45\xdf\xa3"), _read_webm),
    (lambda data: data.startswith(b"OggS"), _read_ogg),
)
"""The signature and the reader of each container."""
