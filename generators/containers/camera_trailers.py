"""Data after the end of a picture or video in the same file. Pure.

Cameras, phones and editors append more pictures (CIPA DC-007, Multi-Picture Format: Sony, Apple;
ISO 21496-1, gain maps of Android), a video
(https://developer.android.com/media/platform/motion-photo-format), vendor blocks (Samsung's end in
`SEFT`), or zeros up to the block size of a disk. Browsers and players ignore such data, and only
the pixels before it are used, so it is dropped before decoding. A trailer that another program
would open is refused.
"""

import re
from dataclasses import dataclass

_PADDING = re.compile(rb"[\0\t\n\r \xff]*")
_OTHER_FILES = (
    b"rar!\x1a\x07",
    b"7z\xbc\xaf\x27\x1c",
    b"%pdf-",
    b"<!doctype",
    b"<html",
    b"<script",
    b"<svg",
    b"<?php",
    b"\x7felf",
)
"""Signatures of archives, documents, pages and programs, in lower case. Shorter signatures, such as
that of ZIP, are not included, because they occur in large media files by chance."""

_MEDIA = re.compile(
    rb"\xff?\xd8\xff|\x89PNG\r\n|GIF8[79]a|RIFF....WEBP|OggS|\x1a\x45\xdf\xa3|.{0,4}(?:ftyp|moov)",
    re.DOTALL,
)
"""Starts of other pictures and videos, also after their first bytes, if these look like padding."""

_ZIP = re.compile(rb"PK\x03\x04")
_ZIP_END = 65_557
"""Number of bytes at the end of a file in which a ZIP directory must end (APPNOTE 4.3.16): 22
bytes, plus a comment of at most 65,535."""


@dataclass
class FileEnd:
    """The offset at which a picture or video ends in its file, and the bytes of an end mark that
    are missing there. A scan of the file fills it in."""

    offset: int = 0
    missing: bytes = b""

    def cut(self, data: bytes) -> bytes:
        """Return the picture or video alone, with its end mark."""
        return data[: self.offset] + self.missing


def hides_file(data: bytes, at: int, *, appends_media: bool = False) -> bool:
    """Return True if a file of another type follows `at`, the end of a picture or video.

    Another picture or video counts as well, unless cameras append them to this format
    (`appends_media`).
    """
    start = _end_of_padding(data, at)
    rest = data[start:].lower()
    if _ZIP.match(data, start) or any(sign in rest for sign in _OTHER_FILES):
        return True
    if not appends_media and _MEDIA.match(data, start):
        return True
    return data.find(b"PK\x05\x06", max(start, len(data) - _ZIP_END)) >= 0


def _end_of_padding(data: bytes, at: int) -> int:
    found = _PADDING.match(data, at)
    return found.end() if found else at
