"""Still HEIC and AVIF pictures from their boxes: a single picture with its size, orientation,
profile and EXIF. Pure.

Sources: ISO/IEC 14496-12 §8.11 (items), ISO/IEC 23008-12 (HEIF: properties, grids), AV1 Image File
Format. The sizes of the whole picture and of each tile are read before any decoder runs.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Literal

from foundation.errors import BadInput
from generators.containers import boxes
from generators.containers.color_codes import ColorCode, read_heif_color

MAX_PIXELS = 50_000_000
MAX_ITEMS = 2_000
"""Maximum number of items; a picture of 48 megapixels in tiles of 512 pixels has about two hundred.
"""

MAX_EXTRA_ITEMS = 4 * 2**20
"""Maximum size in bytes of a colour profile or of EXIF."""

_MOST_CODED = 4 * MAX_PIXELS
"""Maximum pixels of all items together: tiles, previews, depth maps."""

_TOP = frozenset({b"ftyp", b"meta", b"mdat", b"free", b"skip", b"wide", b"moov", b"mpvd", b"uuid"})
"""Known top-level boxes. `moov` means an animation; `mpvd` (the video of a motion photo) and `uuid`
(such as a C2PA manifest) are ignored."""

_HEIC = frozenset({b"heic", b"heix", b"heim"})
_AVIF = frozenset({b"avif"})
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
    color: ColorCode | None = None
    own: bytes = field(default=b"", repr=False)
    """The file without unknown boxes and without data after its end."""


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
    try:
        top = boxes.read_top_level(data, _TOP, needed=frozenset({b"meta"}), limit=boxes.MAX_BOXES)
    except boxes.HiddenFile as error:
        raise BadInput("photo.trailing", file=name) from error
    bodies: dict[bytes, bytes] = {}
    for box in top.boxes:
        if box.kind == b"moov":
            raise BadInput("photo.animated", file=name)
        if box.kind in (b"ftyp", b"meta") and box.kind in bodies:
            raise BadInput("photo.corrupt", file=name)
        bodies[box.kind] = data[box.body : box.end]
    items = _Items(data, dict(_iter_boxes(bodies[b"meta"][4:])))
    if len(items.kinds) > MAX_ITEMS:
        raise BadInput("photo.too_large", file=name)
    if items.coded > _MOST_CODED or max(items.areas, default=0) > MAX_PIXELS:
        raise BadInput("photo.too_large", file=name)
    return replace(items.shown(name), own=top.own)


def _iter_boxes(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield the types and contents of sibling boxes."""
    for box in boxes.iter_boxes(data):
        yield box.kind, data[box.body : box.end]


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
        codes = (read_heif_color(body) for what, body in own if what == b"colr")
        color = next((code for code in codes if code is not None), None)
        exif = self._read_exif(name)
        if max(len(profile), len(exif)) > MAX_EXTRA_ITEMS:
            raise BadInput("photo.too_heavy", file=name)
        return HeifStill(kind, width, height, turns, mirror, profile, exif, color)

    def _read_exif(self, name: str) -> bytes:
        """Return the TIFF data of the EXIF item, or empty bytes if there is none. Raises BadInput
        above `MAX_EXTRA_ITEMS` bytes."""
        item = next((item for item, kind in self.kinds.items() if kind == b"Exif"), None)
        body = self.read_item(item) if item is not None else b""
        if body is None:
            raise BadInput("photo.too_heavy", file=name)
        return exif_without_offset(body)

    def read_item(self, item: int) -> bytes | None:
        """Return the content of an item, or None above `MAX_EXTRA_ITEMS` bytes."""
        spots = dict(_iter_item_locations(self._meta[b"iloc"]))
        if item not in spots:
            return b""
        way, parts = spots[item]
        held = self._data if way == 0 else self._meta.get(b"idat", b"")
        wanted = sum(min(length, len(held)) for _, length in parts[:4])
        if wanted > MAX_EXTRA_ITEMS:  # Four extents of a whole file would be four copies of it.
            return None
        return b"".join(held[start : start + length] for start, length in parts[:4])


def exif_without_offset(body: bytes) -> bytes:
    """Return the TIFF data of an EXIF item, which starts with the offset of its TIFF header."""
    return body[4 + struct.unpack_from(">I", body)[0] :] if len(body) > 4 else b""


def read_metadata_items(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield the type and content of the items with metadata: EXIF (TIFF data) and XMP (`mime`)."""
    top = {box.kind: data[box.body : box.end] for box in boxes.iter_boxes(data)}
    items = _Items(data, dict(_iter_boxes(top[b"meta"][4:])))
    for item, kind in islice(items.kinds.items(), MAX_ITEMS):
        if kind in (b"Exif", b"mime"):
            body = items.read_item(item) or b""
            yield kind, exif_without_offset(body) if kind == b"Exif" else body


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
