"""HEIC files written box by box (ISO/IEC 23008-12) as phones do: tiled, rotated, with a colour
profile."""

import struct
import subprocess
from pathlib import Path

from imageio_ffmpeg import get_ffmpeg_exe
from PIL import Image


def box(kind: bytes, *bodies: bytes) -> bytes:
    body = b"".join(bodies)
    return struct.pack(">I4s", 8 + len(body), kind) + body


def full(kind: bytes, *bodies: bytes, version: int = 0, flags: int = 0) -> bytes:
    return box(kind, struct.pack(">I", version << 24 | flags), *bodies)


def encode_hevc(image: Image.Image, folder: Path) -> tuple[bytes, bytes]:
    """Return one HEVC picture: its `hvcC` body and its bytes."""
    image.save(folder / "tile.png")
    quiet = [
        get_ffmpeg_exe(),
        "-loglevel",
        "error",
        "-y",
        "-i",
        "tile.png",
        "-frames:v",
        "1",
        "-pix_fmt",
        "yuv444p",
    ]
    coder = [
        "-c:v",
        "libx265",
        "-crf",
        "8",
        "-x265-params",
        "log-level=none",
        "-tag:v",
        "hvc1",
        "-color_range",
        "tv",
    ]
    subprocess.run([*quiet, *coder, "-f", "mp4", "tile.mp4"], cwd=folder, check=True, timeout=60)
    data = (folder / "tile.mp4").read_bytes()
    at, mdat = data.index(b"hvcC"), data.index(b"mdat")
    (config,), (sample,) = (
        struct.unpack_from(">I", data, at - 4),
        struct.unpack_from(">I", data, mdat - 4),
    )
    return data[at + 4 : at - 4 + config], data[mdat + 4 : mdat - 4 + sample]


def heic(
    image: Image.Image,
    folder: Path,
    *,
    tile: int = 0,
    turns: int = 0,
    mirror: int | None = None,
    icc: bytes = b"",
    exif: bytes = b"",
    claims: tuple[int, int] | None = None,
    brand: bytes = b"heic",
) -> bytes:
    """Return a still HEIC; `tile` splits it into squares of that many pixels, `turns` counts
    quarter turns counterclockwise."""
    wide, high = image.size
    edge = tile or max(wide, high)
    places = [(x, y) for y in range(0, high, edge) for x in range(0, wide, edge)]
    cut = [(x, y, x + edge, y + edge) if tile else (0, 0, wide, high) for x, y in places]
    tiles = [encode_hevc(image.crop(each), folder) for each in cut]
    width, height = claims or (wide, high)
    own = (edge, edge) if tile else (width, height)
    properties = [
        full(b"ispe", struct.pack(">II", *own)),
        *(box(b"hvcC", config) for config, _ in tiles[:1]),
    ]
    properties += [full(b"ispe", struct.pack(">II", width, height))]
    shown = [3 if tile else 1]
    if icc:
        properties.append(box(b"colr", b"prof", icc))
        shown.append(len(properties))
    for kind, value in ((b"irot", turns or None), (b"imir", mirror)):
        if value is not None:
            properties.append(box(kind, bytes([value])))
            shown.append(0x80 | len(properties))
    return _file(
        tiles, properties, shown, exif=exif, brand=brand, grid=(wide, high, edge) if tile else None
    )


def _file(
    tiles: list[tuple[bytes, bytes]],
    properties: list[bytes],
    shown: list[int],
    *,
    exif: bytes,
    brand: bytes,
    grid: tuple[int, int, int] | None,
) -> bytes:
    items = [(number, b"hvc1", data) for number, (_, data) in enumerate(tiles, 1)]
    ties = [(number, [1, 0x82]) for number, _, _ in items]
    primary, links = 1, b""
    if grid is not None:
        wide, high, edge = grid
        said = struct.pack(">BBBBHH", 0, 0, -(-high // edge) - 1, -(-wide // edge) - 1, wide, high)
        primary = len(items) + 1
        links = box(
            b"dimg",
            struct.pack(
                f">HH{len(items)}H", primary, len(items), *(number for number, _, _ in items)
            ),
        )
        items.append((primary, b"grid", said))
        ties.append((primary, shown))
    else:
        ties = [(1, [*shown, 0x82])]
    if exif:
        items.append((len(items) + 1, b"Exif", struct.pack(">I", 0) + exif))
        links += box(b"cdsc", struct.pack(">HHH", len(items), 1, primary))
    start = 0
    for _ in range(2):  # the offsets are known only in the second pass
        meta = _meta(items, ties, properties, primary=primary, links=links, start=start)
        head = box(b"ftyp", brand, struct.pack(">I", 0), b"mif1heic")
        start = len(head) + len(meta) + 8
    return head + meta + box(b"mdat", *(data for _, _, data in items))


def _meta(
    items: list[tuple[int, bytes, bytes]],
    ties: list[tuple[int, list[int]]],
    properties: list[bytes],
    *,
    primary: int,
    links: bytes,
    start: int,
) -> bytes:
    spots, at = b"", start
    for number, _, data in items:
        spots += struct.pack(">HHHII", number, 0, 1, at, len(data))
        at += len(data)
    named = [
        full(b"infe", struct.pack(">HH4sB", number, 0, kind, 0), version=2)
        for number, kind, _ in items
    ]
    tied = b"".join(
        struct.pack(">HB", number, len(indexes)) + bytes(indexes) for number, indexes in ties
    )
    return full(
        b"meta",
        full(b"hdlr", struct.pack(">I4s12xB", 0, b"pict", 0)),
        full(b"pitm", struct.pack(">H", primary)),
        full(b"iinf", struct.pack(">H", len(items)), *named),
        full(b"iloc", b"\x44\x00", struct.pack(">H", len(items)), spots),
        box(b"iprp", box(b"ipco", *properties), full(b"ipma", struct.pack(">I", len(ties)), tied)),
        full(b"iref", links) if links else b"",
    )
