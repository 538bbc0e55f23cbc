"""How a platform shows a post in its feed, as data, each fact with where it is written; what nobody
wrote down is left open, and a page says so rather than guesses. Pure.

A connector puts its own into `Capabilities.shows`. One without any, a package's say, is drawn in
the neutral form.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, get_args

LayoutForm = Literal["plain", "post", "picture", "bubble", "listing", "film", "screen"]
"""`post`: words above the pictures; `picture`: the pictures first; `bubble`: a message; `listing`:
a title that leads to the rest; `film`: a still with a title under it; `screen`: a film that fills
it, the words upon it; `plain`: neutral.
"""

TitlePlacement = Literal["own", "first", "line", "instead", "none"]
"""Where a title stands: apart; apart, and the first line of the words where there is none; as the
first line; in place of words that are missing; nowhere."""


@dataclass(frozen=True)
class FoldRule:
    """Where the feed stops showing a text: after so many lines as they were typed, or so much of
    `measure`; 0 where it does not stop by that. `warned`: a text behind a warning is not folded as
    well."""

    lines: int = 0
    length: int = 0
    measure: Callable[[str], int] = len
    warned: bool = True


NO_FOLD = FoldRule()
"""All of it is shown."""


@dataclass(frozen=True)
class FeedLayout:
    """The look of a post. `fold` is None where the platform does not say where it folds."""

    form: LayoutForm = "plain"
    title: TitlePlacement = "own"
    fold: FoldRule | None = NO_FOLD
    album: Literal["grid", "strip", "column"] = "grid"
    shapes: tuple[float, float] | None = None
    """The narrowest and the widest picture, as width by height: what is beyond is cut to it. None:
    shown as it is."""
    first_shapes: bool = False
    """The pictures of an album are all cut to the shape of the first."""
    cards: bool = False
    """Of words alone, the first address is shown as a card of its page."""
    covers: tuple[str, ...] = ()
    """What marks begin with that cover the pictures until a reader presses."""
    cover: str = ""
    """The option, a flag, by which an author covers them as well."""
    badge: str = ""
    """What the platform writes beside the name of whoever posts by a program."""
    fills: float = 0.0
    """The shape, width by height, that fills what it is shown on: another is cut there, or leaves
    room. 0: any does."""


NEUTRAL_LAYOUT = FeedLayout(fold=None)
"""For a platform of which nothing is written here."""


def is_valid_layout(one: FeedLayout) -> bool:
    """Whether what a package declares of a look is one that pages can draw."""
    known = (
        one.form in get_args(LayoutForm)
        and one.title in get_args(TitlePlacement)
        and one.album in ("grid", "strip", "column")
    )
    return known and (one.fold is None or isinstance(one.fold, FoldRule))
