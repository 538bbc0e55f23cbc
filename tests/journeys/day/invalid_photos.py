"""Invalid photos, each invalid in a different way."""

import io
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

from PIL import Image


def jpeg(shade: int = 90, size: tuple[int, int] = (320, 240)) -> bytes:
    """Return a valid photo."""
    out = io.BytesIO()
    Image.radial_gradient("L").resize(size).convert("RGB").point(
        lambda value: (value + shade) % 256
    ).save(out, "JPEG")
    return out.getvalue()


def _header_of_a_giant() -> bytes:
    """Return a PNG of a hundred bytes that declares ten thousand million pixels."""
    head = struct.pack(">IIBBBBB", 100_000, 100_000, 8, 2, 0, 0, 0)

    def chunk(kind: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )

    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(b""))
        + chunk(b"IEND", b"")
    )


def _heavy(path: Path) -> None:
    path.write_bytes(jpeg())
    with path.open("r+b") as file:
        file.truncate(65 * 2**20)


def _scrambled(data: bytes) -> bytes:
    return data[:200] + bytes(255 - value for value in data[200:400]) + data[400:]


BAD: dict[str, tuple[Callable[[Path], object], str]] = {
    "corrupt": (lambda path: path.write_bytes(_scrambled(jpeg())), "photo."),
    "truncated": (lambda path: path.write_bytes(jpeg()[:-300]), "photo.corrupt"),
    "empty": (lambda path: path.write_bytes(b""), "photo.unsupported"),
    "too many pixels": (lambda path: path.write_bytes(_header_of_a_giant()), "photo.too_large"),
    "a text": (lambda path: path.write_text("not a picture at all"), "photo.unsupported"),
    "too heavy": (_heavy, "day.photo_heavy"),
    "appended file": (
        lambda path: path.write_bytes(jpeg() + b"PK\x03\x04" * 9),
        "photo.trailing",
    ),
}
"""For each kind: a function that writes the file, and the prefix of the code that refuses it."""
