"""Data that cameras and phones append to a picture in the same file, and detection of any other
appended data. Pure.

Known writers add more pictures (CIPA DC-007, Multi-Picture Format: Sony, Apple; ISO 21496-1, gain
maps of Android), a video (https://developer.android.com/media/platform/motion-photo-format), vendor
blocks (Samsung's end in `SEFT`), or zeros up to the block size of a disk. Only the pixels of the
first picture are used, so none of this is published. A trailer that another program would open is
refused.
"""

import re

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

_ZIP = re.compile(rb"PK\x03\x04")
_ZIP_END = 65_557
"""Number of bytes at the end of a file in which a ZIP directory must end (APPNOTE 4.3.16): 22
bytes, plus a comment of at most 65,535."""


def is_padding(data: bytes, at: int) -> bool:
    """Return True if only padding follows the offset `at`."""
    return _PADDING.fullmatch(data, at) is not None


def hides_file(data: bytes, at: int) -> bool:
    """Return True if a file of another type follows `at`, the end of a camera's picture."""
    start = _end_of_padding(data, at)
    rest = data[start:].lower()
    if _ZIP.match(data, start) or any(sign in rest for sign in _OTHER_FILES):
        return True
    return data.find(b"PK\x05\x06", max(start, len(data) - _ZIP_END)) >= 0


def _end_of_padding(data: bytes, at: int) -> int:
    found = _PADDING.match(data, at)
    return found.end() if found else at
