"""The forms a picture is cut to: what places ask of its shape. Facts about shapes stand here and
nowhere else.

A form is no rule of refusal: what a place refuses is said by its connector. Sides are whole
numbers, so that a cut has exactly the form.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class AspectRatio:
    """A shape as `wide` to `high`; `edge` is how many pixels of the longer side its places show at
    most; `source` is where its rule stands."""

    name: str
    wide: int
    high: int
    edge: int
    source: str


_INSTAGRAM = (
    "https://developers.facebook.com/docs/instagram-platform/instagram-graph-api/reference/ig-user"
    "/media"
)

ASPECT_RATIOS = (
    AspectRatio("feed", 4, 5, 1350, _INSTAGRAM),  # the tallest a feed takes
    AspectRatio("square", 1, 1, 1080, _INSTAGRAM),
    AspectRatio("story", 9, 16, 1920, _INSTAGRAM),  # stories and reels
    AspectRatio(
        "pin", 2, 3, 1500, "https://help.pinterest.com/en/business/article/pinterest-product-specs"
    ),
    AspectRatio("landscape", 16, 9, 1920, "https://support.google.com/youtube/answer/72431"),
    AspectRatio(
        "link", 21, 11, 1200, "https://developers.facebook.com/docs/sharing/webmasters/images/"
    ),
    AspectRatio(
        "cinema", 43, 18, 2048, "https://en.wikipedia.org/wiki/Anamorphic_format"
    ),  # no place's rule: 2.39 to 1
)
"""`link` is 1.909 to 1: a feed refuses what is wider than 1.91 to 1, so it stays just below."""

ASPECT_RATIOS_BY_NAME = {form.name: form for form in ASPECT_RATIOS}
