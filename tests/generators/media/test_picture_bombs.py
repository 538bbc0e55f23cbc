"""Memory use is proportional to the bytes of a picture or video, whatever size it claims."""

import struct
import tracemalloc
from collections.abc import Callable

import pytest

from foundation.errors import BadInput
from generators.containers.heif import MAX_EXTRA_ITEMS, inspect_heif
from generators.containers.mp4 import inspect_mp4
from tests.generators.media.heic_files import box, full

MIB = 2**20
HANDLER = full(b"hdlr", struct.pack(">I4s12xB", 0, b"pict", 0))


def heif(
    *,
    width: int = 64,
    height: int = 64,
    exif: list[tuple[int, int]] | None = None,
    items: int = 1,
    spread: int = 1,
    padding: int = 0,
) -> bytes:
    """Return a HEIF with these claims; `spread` is how often each item refers to its size."""
    size = full(b"ispe", struct.pack(">II", width, height))
    named = [
        full(b"infe", struct.pack(">HH4sB", n, 0, b"hvc1", 0), version=2)
        for n in range(1, items + 1)
    ]
    spots, count = b"", 0
    if exif is not None:
        named.append(full(b"infe", struct.pack(">HH4sB", items + 1, 0, b"Exif", 0), version=2))
        spots = struct.pack(">HHH", items + 1, 0, len(exif))
        spots += b"".join(struct.pack(">II", *extent) for extent in exif)
        count = 1
    tied = b"".join(struct.pack(">HB", n, spread) + b"\x01" * spread for n in range(1, items + 1))
    meta = full(
        b"meta",
        HANDLER,
        full(b"pitm", struct.pack(">H", 1)),
        full(b"iinf", struct.pack(">H", len(named)), *named),
        full(b"iloc", b"\x44\x00", struct.pack(">H", count), spots),
        box(b"iprp", box(b"ipco", size), full(b"ipma", struct.pack(">I", items), tied)),
    )
    head = box(b"ftyp", b"heic", struct.pack(">I", 0), b"mif1heic")
    return head + meta + box(b"mdat", b"x" * padding)


HEIFS: dict[str, Callable[[], bytes]] = {
    "a side of 2**32": lambda: heif(width=2**32 - 1, height=2**32 - 1),
    "a long line": lambda: heif(width=2**31, height=1),
    "many pixels in many items": lambda: heif(width=7000, height=7000, items=2000),
    "many pixels in one item": lambda: heif(width=7000, height=7000, spread=255),
    "too many items": lambda: heif(items=2500),
    "one file four times": lambda: heif(exif=[(0, 2**32 - 1)] * 4, padding=16 * MIB),
    "many extents": lambda: heif(exif=[(0, 2**32 - 1)] * 60_000, padding=16 * MIB),
    "more than EXIF holds": lambda: heif(exif=[(0, MAX_EXTRA_ITEMS + 9)], padding=16 * MIB),
}


@pytest.mark.parametrize("name", HEIFS)
def test_heif_with_excessive_claims_is_refused_cheaply(name: str) -> None:
    data = HEIFS[name]()
    tracemalloc.start()
    with pytest.raises((BadInput, struct.error)):
        inspect_heif(data, name="photo.heic")
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < len(data) + 40 * MIB


def movie(*inner: bytes) -> bytes:
    return (
        box(b"ftyp", b"isom", struct.pack(">I", 0), b"isom")
        + box(b"moov", *inner)
        + box(b"mdat", b"x" * 64)
    )


def nested(kind: bytes, depth: int) -> bytes:
    """Return nested boxes, built without copying them at each level."""
    return b"".join(struct.pack(">I4s", 8 * (depth - n), kind) for n in range(depth))


def track(width: int, height: int, samples: int = 1) -> bytes:
    head = full(
        b"tkhd", b"\0" * 72, struct.pack(">II", width << 16 & 0xFFFFFFFF, height << 16 & 0xFFFFFFFF)
    )
    media = full(b"mdhd", struct.pack(">IIII", 0, 0, 1000, 1000))
    handler = full(b"hdlr", struct.pack(">I4s12xB", 0, b"vide", 0))
    table = box(b"stbl", full(b"stsz", struct.pack(">II", 0, samples)))
    return box(b"trak", head, box(b"mdia", media, handler, box(b"minf", table)))


MP4S: dict[str, Callable[[], bytes]] = {
    "deep": lambda: movie(nested(b"trak", 100_000)),
    "deep notes": lambda: movie(box(b"udta", nested(b"meta", 100_000))),
    "many boxes": lambda: movie(b"".join(box(b"free") for _ in range(200_000))),
    "many tracks": lambda: movie(*(track(64, 64) for _ in range(3_000))),
    "a wide track": lambda: movie(track(65_535, 65_535)),
    "a 64-bit size": lambda: movie(struct.pack(">I4sQ", 1, b"trak", 2**63)),
    "a small size": lambda: movie(struct.pack(">I4s", 1, b"trak") + struct.pack(">Q", 1)),
}


@pytest.mark.parametrize("name", MP4S)
def test_mp4_with_excessive_claims_is_refused_cheaply(name: str) -> None:
    data = MP4S[name]()
    tracemalloc.start()
    with pytest.raises(BadInput):
        inspect_mp4(data, name="film.mp4")
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < len(data) + 40 * MIB
