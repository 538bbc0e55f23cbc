"""PNG files from their chunks. Pure.

Source: PNG, third edition. A file that ends without its last chunk, `IEND`, is complete, as for
browsers.
"""

import struct
import zlib
from collections.abc import Iterator

from generators.containers.camera_trailers import FileEnd

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_LAST = b"\0\0\0\0IEND\xaeB`\x82"


class BadChecksum(Exception):
    """A chunk was changed after it was written."""


def iter_chunks(data: bytes, end: FileEnd) -> Iterator[tuple[bytes, bytes]]:
    """Yield the type and content of each chunk and record where the picture ends.

    Raises BadChecksum, and struct.error for a file that ends within a chunk.
    """
    at = len(PNG_SIGNATURE)
    kind = b""
    while kind != b"IEND":
        if _LAST.startswith(data[at:]):
            end.offset = at
            end.missing = _LAST
            return
        length, kind = struct.unpack_from(">I4s", data, at)
        body = data[at + 8 : at + 8 + length]
        (checksum,) = struct.unpack_from(">I", data, at + 8 + length)
        if zlib.crc32(kind + body) != checksum:
            raise BadChecksum
        at += 12 + length
        yield kind, body
    end.offset = at
