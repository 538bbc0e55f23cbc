"""Aspect ratios to which pictures can be cropped, with the platforms' rules as sources.

These are not limits: connectors refuse what their platforms do not accept. Sides are whole numbers,
so that a crop is exact.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class AspectRatio:
    """An aspect ratio of `wide` to `high`. `edge` is the longest edge in pixels that platforms
    display; `source` documents the rule."""

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
    AspectRatio("feed", 4, 5, 1350, _INSTAGRAM),  # the tallest format of a feed
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
    ),  # not a platform's rule: 2.39 to 1
)
"""The available aspect ratios. `link` is 1.909 to 1, just below the maximum of 1.91 to 1 in a feed.
"""

ASPECT_RATIOS_BY_NAME = {form.name: form for form in ASPECT_RATIOS}
