"""Checks of pictures that external services receive: valid format and size, and no metadata such as
a location."""

import base64
import binascii
import io
import re

from PIL import Image

_INLINE = re.compile(r"data:(image/(?:jpeg|png|webp));base64,([A-Za-z0-9+/=]+)")
FORMATS = {"image/jpeg": "JPEG", "image/png": "PNG", "image/webp": "WEBP"}


def open_picture(
    data: bytes, mime: str, *, least: int = 64, most_pixels: int = 9_437_184
) -> Image.Image | None:
    """Return the picture, or None if it is damaged, of another format than declared, too small or
    too large."""
    try:
        image = Image.open(io.BytesIO(data))
        image.load()
    except (OSError, ValueError):
        return None
    fits = min(image.size) >= least and image.width * image.height <= most_pixels
    return image if fits and image.format == FORMATS.get(mime) else None


def open_inline_picture(address: object, *, most: int) -> Image.Image | None:
    """Return the picture in a data URL, or None if it is rejected."""
    found = _INLINE.fullmatch(address) if isinstance(address, str) else None
    if found is None:
        return None
    try:
        data = base64.b64decode(found[2], validate=True)
    except binascii.Error:
        return None
    return open_picture(data, found[1]) if len(data) <= most else None


def has_metadata(image: Image.Image) -> bool:
    """Return True if the file contains metadata, which our clients must never send."""
    return bool(image.getexif()) or any(
        name in image.info for name in ("exif", "xmp", "icc_profile", "comment")
    )
