"""WebP files from their RIFF chunks. Pure.

Source: WebP Container Specification. A file whose header states another length than its chunks have
is complete if the picture is, and so is one that ends within the metadata after it.
"""

import struct
from collections.abc import Iterator

from generators.containers.camera_trailers import FileEnd

_PIXELS = (b"VP8 ", b"VP8L", b"ANMF")
_HEAD = 12


def is_webp(data: bytes) -> bool:
    """Return True if the file has the signature of WebP."""
    return data[:4] == b"RIFF" and data[8:12] == b"WEBP"


def iter_chunks(data: bytes, end: FileEnd) -> Iterator[tuple[bytes, bytes]]:
    """Yield the type and content of each chunk and record where the picture ends. Raises
    struct.error for a file that ends before its pixels do."""
    last = min(struct.unpack_from("<I", data, 4)[0] + 8, len(data))
    at = _HEAD
    has_pixels = False
    while at < last:
        kind, length = struct.unpack_from("<4sI", data.ljust(at + 8, b"\0"), at)
        body = data[at + 8 : at + 8 + length]
        if at + 8 + length > len(data):
            if kind in (*_PIXELS, b"ALPH") or not has_pixels:
                raise struct.error("the pixels end too early")
            last = at
            break
        has_pixels = has_pixels or kind in _PIXELS
        at += 8 + length + length % 2
        yield kind, body
    end.offset = min(at, len(data))
    end.missing = b"\0" * (at - end.offset)


def lacks_bytes(data: bytes) -> bool:
    """Return True if the file is shorter than its header states, by more than the padding of its
    last chunk."""
    return bool(struct.unpack_from("<I", data, 4)[0] + 8 > len(data) + 1)


def repair_length(data: bytes) -> bytes:
    """Return a whole file with the length of its chunks in the header."""
    length = struct.pack("<I", len(data) - 8)
    return data if data[4:8] == length else data[:4] + length + data[8:]
