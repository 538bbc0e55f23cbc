"""Crops of a picture to an aspect ratio, around its subject."""

from PIL import Image

from foundation.errors import BadInput
from generators.retouch.aspect_ratios import AspectRatio
from generators.retouch.subject_detection import PixelBox, find_subject


def crop_window(size: tuple[int, int], form: AspectRatio, keep: PixelBox | None) -> PixelBox:
    """Return the largest part of a picture of `size` (pixels) with exactly this aspect ratio,
    positioned to contain `keep`.

    The part is centred on `keep`, or on the picture without it. A subject that does not fit is cut
    equally on both sides, and at the bottom, because heads are at the top. Raises BadInput if the
    picture is too small.
    """
    share = min(size[0] // form.wide, size[1] // form.high)
    if share < 1:
        raise BadInput("crop.too_small", wide=size[0], high=size[1])
    wide = share * form.wide
    high = share * form.high
    left, top = map(int, _place_window(size, (wide, high), keep))
    return PixelBox(left, top, left + wide, top + high)


def fill_window(image: Image.Image, into: tuple[int, int]) -> tuple[float, float, float, float]:
    """Return the largest part of an RGB picture with the proportions of `into`, around its subject:
    left, top, right, bottom, in fractional pixels."""
    share = max(into[0] / image.width, into[1] / image.height)
    wide = into[0] / share
    high = into[1] / share
    left, top = _place_window(image.size, (wide, high), find_subject(image))
    return left, top, min(left + wide, image.width), min(top + high, image.height)


def _place_window(
    size: tuple[int, int], part: tuple[float, float], keep: PixelBox | None
) -> tuple[float, float]:
    """Return the left and top edges of a part of a picture, centred on `keep` and within the
    picture."""
    box = keep or PixelBox(0, 0, *size)
    left = (box.left + box.right - part[0]) / 2
    top = (box.top + box.bottom - part[1]) / 2 if keep is None or box.height <= part[1] else box.top
    return min(max(left, 0.0), max(size[0] - part[0], 0.0)), min(
        max(top, 0.0), max(size[1] - part[1], 0.0)
    )


def crop_to_form(image: Image.Image, form: AspectRatio) -> Image.Image:
    """Return the picture cropped around its subject, no larger than platforms display. Raises
    BadInput."""
    part = crop_window(image.size, form, find_subject(image))
    found = image.crop((part.left, part.top, part.right, part.bottom))
    share = form.edge // max(form.wide, form.high)
    target = (share * form.wide, share * form.high)
    return (
        found
        if found.width <= target[0]
        else found.resize(target, Image.Resampling.LANCZOS, reducing_gap=3.0)
    )
