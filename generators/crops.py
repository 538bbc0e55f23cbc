"""Cutting a picture to a form, around its subject."""

from PIL import Image

from foundation.errors import BadInput
from generators.forms import Form
from generators.subjects import Box, subject


def window(size: tuple[int, int], form: Form, keep: Box | None) -> Box:
    """The largest part of a picture of `size` (pixels) that has exactly the form, placed so that `keep` lies in it.

    Centred on `keep`, or on the picture without one. What does not fit loses its sides evenly, and its bottom: heads
    are up. Raises BadInput where the picture is too small for the form.
    """
    share = min(size[0] // form.wide, size[1] // form.high)
    if share < 1:
        raise BadInput("crop.too_small", wide=size[0], high=size[1])
    wide, high = share * form.wide, share * form.high
    box = keep or Box(0, 0, *size)
    left = (box.left + box.right - wide) // 2
    top = (box.top + box.bottom - high) // 2 if keep is None or box.height <= high else box.top
    left, top = _inside(left, size[0] - wide), _inside(top, size[1] - high)
    return Box(left, top, left + wide, top + high)


def middle(size: tuple[int, int], into: tuple[int, int]) -> tuple[float, float, float, float]:
    """The middle of a picture of `size` that has the proportions of `into`: left, top, right, bottom, in fractions of
    pixels."""
    share = max(into[0] / size[0], into[1] / size[1])
    wide, high = into[0] / share, into[1] / share
    left, top = (size[0] - wide) / 2, (size[1] - high) / 2
    return max(left, 0.0), max(top, 0.0), min(left + wide, size[0]), min(top + high, size[1])


def _inside(start: int, most: int) -> int:
    return min(max(start, 0), most)


def cut(image: Image.Image, form: Form) -> Image.Image:
    """The picture cut to the form around its subject, no larger than the form's places show. Raises BadInput."""
    part = window(image.size, form, subject(image))
    found = image.crop((part.left, part.top, part.right, part.bottom))
    share = form.edge // max(form.wide, form.high)
    target = (share * form.wide, share * form.high)
    return found if found.width <= target[0] else found.resize(target, Image.Resampling.LANCZOS, reducing_gap=3.0)
