"""Feed layouts: the appearance of a post on its platform, as data with sources. Undocumented facts
are omitted, and the preview reports them as unknown instead of guessing.

A connector declares its layouts in `Capabilities.shows`. Without any, the preview is neutral.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, get_args

LayoutForm = Literal["plain", "post", "picture", "bubble", "listing", "film", "screen"]
"""`post`: text above the pictures; `picture`: pictures first; `bubble`: a message; `listing`: a
title that links to the rest; `film`: a still with a title below; `screen`: a full-screen video with
the text on it; `plain`: neutral."""

TitlePlacement = Literal["own", "first", "line", "instead", "none"]
"""`own`: separate; `first`: separate, taken from the first line of the text if missing; `line`: the
first line of the text; `instead`: shown if there is no text; `none`: not shown."""


@dataclass(frozen=True)
class FoldRule:
    """The limit after which the feed folds a text: a number of lines as typed, or a length by
    `measure`; 0 for no limit. If `warned` is False, a text behind a content warning is not folded.
    """

    lines: int = 0
    length: int = 0
    measure: Callable[[str], int] = len
    warned: bool = True


NO_FOLD = FoldRule()
"""The whole text is shown."""


@dataclass(frozen=True)
class FeedLayout:
    """The appearance of a post. `fold` is None if the limit is undocumented."""

    form: LayoutForm = "plain"
    title: TitlePlacement = "own"
    fold: FoldRule | None = NO_FOLD
    album: Literal["grid", "strip", "column"] = "grid"
    shapes: tuple[float, float] | None = None
    """The narrowest and widest aspect ratio (width divided by height); pictures outside this range
    are cropped. None if pictures are not cropped."""
    first_shapes: bool = False
    """All pictures of an album are cropped to the aspect ratio of the first."""
    cards: bool = False
    """In a post without media, the first URL is shown as a link card."""
    covers: tuple[str, ...] = ()
    """Prefixes of the content flags that blur the pictures until the reader taps them."""
    cover: str = ""
    """The flag option with which the author blurs the pictures."""
    badge: str = ""
    """The label that the platform shows next to the name of an account that posts through its API.
    """
    fills: float = 0.0
    """The aspect ratio that fills the screen; media with another ratio are cropped or shown with a
    margin. 0 if any ratio fills it."""


NEUTRAL_LAYOUT = FeedLayout(fold=None)
"""The layout of platforms without a declared one."""


def is_valid_layout(one: FeedLayout) -> bool:
    """Return True if the preview can draw a layout that a package declares."""
    known = (
        one.form in get_args(LayoutForm)
        and one.title in get_args(TitlePlacement)
        and one.album in ("grid", "strip", "column")
    )
    return known and (one.fold is None or isinstance(one.fold, FoldRule))
