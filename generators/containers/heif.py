"""Still HEIC and AVIF pictures from their boxes: a single picture with its size, orientation,
profile and EXIF. Pure.

Sources: ISO/IEC 14496-12 §8.11 (items), ISO/IEC 23008-12 (HEIF: properties, grids), AV1 Image File
Format. Every top-level box must be known, up to the last byte. The sizes of the whole picture and
of each tile are read before any decoder runs.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from foundation.errors import BadInput

MAX_PIXELS = 50_000_000
MAX_ITEMS = 2_000
"""Maximum number of items; a picture of 48 megapixels in tiles of 512 pixels has about two hundred.
"""

MAX_EXTRA_ITEMS = 4 * 2**20
"""Maximum size in bytes of a colour profile or of EXIF."""

_MOST_BOXES = 100_000
"""Maximum number of sibling boxes, the same limit as for the parts of other containers."""

_MOST_CODED = 4 * MAX_PIXELS
"""Maximum pixels of all items together: tiles, previews, depth maps."""

_TOP = frozenset({b"ftyp", b"meta", b"mdat", b"free", b"skip", b"wide", b"mpvd", b"sefd"})
"""Known top-level boxes. `mpvd` is the video of a motion photo and `sefd` a Samsung block; both are
ignored."""

_HEIC = frozenset({b"heic", b"heix", b"heim"})
_AVIF = frozenset({b"avif"})
_MARK = bytes.fromhex("d8fec3d61b0e483c92975828877ec481")
"""UUID of the box with a C2PA manifest (C2PA specification, Embedding manifests into BMFF-based
assets)."""

_SEVERAL = frozenset({b"msf1", b"hevc", b"hevx", b"avis"})
"""Brands of image sequences, which are animated."""

_EITHER = b"mif1"
_CODERS = {"HEIF": frozenset({b"hvc1", b"grid"}), "AVIF": frozenset({b"av01", b"grid"})}


@dataclass(frozen=True)
class HeifStill:
    """A picture: its coded size in pixels, the number of quarter `turns` counter-clockwise, and the
    `mirror` applied after them: 0 swaps top and bottom, 1 left and right, None is no mirroring."""

    kind: Literal["HEIF", "AVIF"]
    width: int
    height: int
    turns: int = 0
    mirror: int | None = None
    profile: bytes = field(default=b"", repr=False)
    exif: bytes = field(default=b"", repr=False)


def is_heif(data: bytes) -> bool:
    """Return True if the file type box declares a picture or an image sequence."""
    return data[4:8] == b"ftyp" and data[8:12] in {*_HEIC, *_AVIF, *_SEVERAL, _EITHER}


def inspect_heif(data: bytes, *, name: str) -> HeifStill:
    """Return the only picture of a file.

    Raises BadInput `photo.…` (generators/containers/still_images.py), or struct.error, IndexError
    or KeyError for a truncated or damaged file.
    """
    if data[8:12] in _SEVERAL:
        raise BadInput("photo.animated", file=name)
    bodies: dict[bytes, bytes] = {}
    for kind, body in _iter_boxes(data):
        if kind == b"moov":
            raise BadInput("photo.animated", file=name)
        if kind not in _TOP and not (kind == b"uuid" and body[:16] == _MARK):
            raise BadInput(
                "photo.trailing" if b"meta" in bodies else "photo.unsupported", file=name
            )
        if kind in (b"ftyp", b"meta") and kind in bodies:
            raise BadInput("photo.corrupt", file=name)
        bodies[kind] = body
    items = _Items(data, dict(_iter_boxes(bodies[b"meta"][4:])))
    if len(items.kinds) > MAX_ITEMS:
        raise BadInput("photo.too_large", file=name)
    if items.coded > _MOST_CODED or max(items.areas, default=0) > MAX_PIXELS:
        raise BadInput("photo.too_large", file=name)
    return items.shown(name)


def _iter_boxes(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield sibling boxes up to the last byte or to zero padding. Raises struct.error for a box
    that does not fit."""
    at = 0
    count = 0
    while at < len(data):
        if data[at : at + 8] == bytes(min(8, len(data) - at)) and not data[at:].strip(b"\0"):
            return
        count += 1
        if count > _MOST_BOXES:
            raise struct.error("boxes without end")
        size, kind = struct.unpack_from(">I4s", data, at)
        body = at + 8
        if size == 1:
            (size,) = struct.unpack_from(">Q", data, body)
            body += 8
        elif size == 0:
            size = len(data) - at
        if size < body - at or at + size > len(data):
            raise struct.error("a box that does not fit")
        yield kind, data[body : at + size]
        at += size


class _Items:
    """The items of a `meta` box with their properties."""

    def __init__(self, data: bytes, meta: dict[bytes, bytes]) -> None:
        self._data = data
        self._meta = meta
        self.kinds = dict(_iter_item_types(meta[b"iinf"]))
        (self.primary,) = struct.unpack_from(">I" if meta[b"pitm"][0] else ">H", meta[b"pitm"], 4)
        parts = list(_iter_boxes(meta[b"iprp"]))
        held = next(list(_iter_boxes(body)) for kind, body in parts if kind == b"ipco")
        tied: dict[int, list[int]] = {}
        for kind, body in parts:
            if kind == b"ipma":
                tied.update(_iter_item_properties(body))
        self._of = {item: [held[at - 1] for at in ties if at] for item, ties in tied.items()}
        sizes = [
            struct.unpack_from(">II", body, 4)
            for each in self._of.values()
            for k, body in each
            if k == b"ispe"
        ]
        self.areas = [wide * high for wide, high in sizes]
        self.coded = sum(self.areas)

    def shown(self, name: str) -> HeifStill:
        """Return the primary item. Raises BadInput if it is not a still picture in a supported
        codec."""
        coder = self.kinds[self.primary]
        own = self._of[self.primary]
        first = next((kind for item, kind in self.kinds.items() if kind in (b"hvc1", b"av01")), b"")
        kind: Literal["HEIF", "AVIF"] = "AVIF" if first == b"av01" else "HEIF"
        if coder not in _CODERS[kind]:
            raise BadInput("photo.unsupported", file=name)
        width, height = next(
            struct.unpack_from(">II", body, 4) for what, body in own if what == b"ispe"
        )
        turns = next((body[0] & 3 for what, body in own if what == b"irot"), 0)
        mirror = next((body[0] & 1 for what, body in own if what == b"imir"), None)
        profiles = (
            body[4:] for what, body in own if what == b"colr" and body[:4] in (b"prof", b"rICC")
        )
        profile = next(profiles, b"")
        exif = self._read_exif(name)
        if max(len(profile), len(exif)) > MAX_EXTRA_ITEMS:
            raise BadInput("photo.too_heavy", file=name)
        return HeifStill(kind, width, height, turns, mirror, profile, exif)

    def _read_exif(self, name: str) -> bytes:
        """Return the TIFF data of the EXIF item, or empty bytes if there is none. Raises BadInput
        above `MAX_EXTRA_ITEMS` bytes."""
        item = next((item for item, kind in self.kinds.items() if kind == b"Exif"), None)
        spots = dict(_iter_item_locations(self._meta[b"iloc"])) if item is not None else {}
        if item is None or item not in spots:
            return b""
        way, parts = spots[item]
        held = self._data if way == 0 else self._meta.get(b"idat", b"")
        wanted = sum(min(length, len(held)) for _, length in parts[:4])
        if wanted > MAX_EXTRA_ITEMS:  # Four extents of a whole file would be four copies of it.
            raise BadInput("photo.too_heavy", file=name)
        body = b"".join(held[start : start + length] for start, length in parts[:4])
        return body[4 + struct.unpack_from(">I", body)[0] :] if len(body) > 4 else b""


def _iter_item_types(body: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield the IDs and types of the items."""
    for kind, info in _iter_boxes(body[8 if body[0] else 6 :]):
        if kind == b"infe" and info[0] >= 2:
            (item,) = struct.unpack_from(">H" if info[0] == 2 else ">I", info, 4)
            at = 8 if info[0] == 2 else 10
            yield item, info[at : at + 4]


def _iter_item_properties(body: bytes) -> Iterator[tuple[int, list[int]]]:
    """Yield the property indexes of each item, counted from one."""
    wide = body[3] & 1
    (count,) = struct.unpack_from(">I", body, 4)
    at = 8
    number = ">I" if body[0] else ">H"
    for _ in range(min(count, MAX_ITEMS + 1)):
        (item,) = struct.unpack_from(number, body, at)
        at += struct.calcsize(number)
        many = body[at]
        ties = struct.unpack_from(f">{many}{'H' if wide else 'B'}", body, at + 1)
        at += 1 + many * (2 if wide else 1)
        yield item, [tie & (0x7FFF if wide else 0x7F) for tie in ties]


def _iter_item_locations(body: bytes) -> Iterator[tuple[int, tuple[int, list[tuple[int, int]]]]]:
    """Yield the location of each item: the construction method (0: file offset), then offsets and
    lengths."""
    version = body[0]
    (sizes, more) = body[4:6]
    offset = sizes >> 4
    length = sizes & 15
    base = more >> 4
    index = (more & 15) if version else 0
    at = 6
    number = 4 if version == 2 else 2
    count = int.from_bytes(body[at : at + number], "big")
    at = at + number
    for _ in range(min(count, MAX_ITEMS + 1)):
        item = int.from_bytes(body[at : at + number], "big")
        at = at + number
        way, at = (body[at + 1] & 15, at + 2) if version else (0, at)
        at += 2
        start = int.from_bytes(body[at : at + base], "big")
        at = at + base
        (extents,) = struct.unpack_from(">H", body, at)
        at += 2
        parts = []
        for _ in range(min(extents, 64)):
            at += index
            first = int.from_bytes(body[at : at + offset], "big")
            many = int.from_bytes(body[at + offset : at + offset + length], "big")
            parts.append((start + first, many))
            at += offset + length
        yield item, (way, parts)
