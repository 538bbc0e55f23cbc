"""How a platform shows a post in its feed, as data, each fact with where it is written; what nobody wrote down is left
open, and a page says so rather than guesses. Pure.

A connector puts its own into `Capabilities.shows`. One without any, a package's say, is drawn in the neutral form.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, get_args

from connectors.shared import text_counting

LayoutForm = Literal["plain", "post", "picture", "bubble", "listing", "film", "screen"]
"""`post`: words above the pictures; `picture`: the pictures first; `bubble`: a message; `listing`: a title that leads
to the rest; `film`: a still with a title under it; `screen`: a film that fills it, the words upon it; `plain`: neutral.
"""

TitlePlacement = Literal["own", "first", "line", "instead", "none"]
"""Where a title stands: apart; apart, and the first line of the words where there is none; as the first line; in place
of words that are missing; nowhere."""


@dataclass(frozen=True)
class FoldRule:
    """Where the feed stops showing a text: after so many lines as they were typed, or so much of `measure`; 0 where it
    does not stop by that. `warned`: a text behind a warning is not folded as well."""

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
    """The narrowest and the widest picture, as width by height: what is beyond is cut to it. None: shown as it is."""
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
    """The shape, width by height, that fills what it is shown on: another is cut there, or leaves room. 0: any does."""


X_LAYOUT = FeedLayout(
    "post",
    "none",
    # a post is shown with so much, whoever may write more (`text` and `note_tweet` of
    # https://docs.x.com/x-api/fundamentals/data-dictionary); ours are never longer
    fold=FoldRule(length=280, measure=text_counting.x_text_length),
    cards=True,  # https://docs.x.com/x-for-websites/cards/overview/abouts-cards
    covers=("media_metadata.sensitive_media_warning.",),
)
BLUESKY_LAYOUT = FeedLayout(
    "post",
    "none",
    # MAX_POST_LINES, against the line breaks of the text:
    # https://github.com/bluesky-social/social-app/blob/main/src/lib/constants.ts
    fold=FoldRule(lines=25),
    covers=("selfLabels=",),  # a card is shown where the record embeds one: where somebody wrote it
)
MASTODON_LAYOUT = FeedLayout(
    "post",
    "none",
    # MAX_HEIGHT is 32 lines, of what has no warning; lines that wrap count too, and how wide it is read nobody knows:
    # https://github.com/mastodon/mastodon/blob/main/app/javascript/mastodon/components/status_content.jsx
    fold=FoldRule(lines=32, warned=False),
    cards=True,  # https://docs.joinmastodon.org/entities/PreviewCard/
    covers=("sensitive=true",),
)
THREADS_LAYOUT = FeedLayout(
    "post",
    "instead",
    fold=None,
    album="strip",  # https://developers.facebook.com/documentation/threads/posts, "Carousel Posts"
    cards=True,  # the same, #links: without `link_attachment` it is the first address of a post of words
)
FACEBOOK_LAYOUT = FeedLayout("post", "instead", fold=None)
INSTAGRAM_LAYOUT = FeedLayout(
    "picture",
    "instead",
    fold=None,
    album="strip",
    # https://developers.facebook.com/docs/instagram-platform/instagram-graph-api/reference/ig-user/media: 4:5 to 1.91:1
    shapes=(4 / 5, 1.91),
    # "cropped based on the first image in the carousel":
    # https://developers.facebook.com/docs/instagram-platform/content-publishing
    first_shapes=True,
)
INSTAGRAM_STORY_LAYOUT = FeedLayout(
    "screen",
    "none",
    fills=9 / 16,  # the same reference, "Story Image Specifications": "9:16 to avoid cropping or blank space"
)
TELEGRAM_LAYOUT = FeedLayout(
    "bubble",
    "instead",
    fold=NO_FOLD,  # only an expandable quotation folds: https://core.telegram.org/bots/api#formatting-options
    covers=("has_spoiler=true",),  # we ask for no card of an address: `link_preview_options` of each request
)
DISCORD_LAYOUT = FeedLayout(
    "post",
    "line",
    fold=None,
    cards=True,  # https://docs.discord.com/developers/resources/message: unless SUPPRESS_EMBEDS is set, which is not
    covers=("spoiler=true",),
    badge="APP",  # as its clients write it of who is a `bot`: https://docs.discord.com/developers/resources/user
)
REDDIT_LAYOUT = FeedLayout("listing", "first", fold=None, album="strip", covers=("nsfw=true",), cover="spoiler")
YOUTUBE_LAYOUT = FeedLayout("film", "first", fold=None)
TIKTOK_LAYOUT = FeedLayout("screen", "instead", fold=None)
FANVUE_LAYOUT = FeedLayout("post", "none", fold=None)
OWN_PAGE_LAYOUT = FeedLayout("plain", "own", fold=NO_FOLD)
NEUTRAL_LAYOUT = FeedLayout(fold=None)
"""For a platform of which nothing is written here."""

SANDBOX_LAYOUTS = {
    "as_x": X_LAYOUT,
    "as_instagram": INSTAGRAM_LAYOUT,
    "as_telegram": TELEGRAM_LAYOUT,
    "as_fanvue": FANVUE_LAYOUT,
}
"""The places of our test network that stand for others."""


def is_valid_layout(one: FeedLayout) -> bool:
    """Whether what a package declares of a look is one that pages can draw."""
    known = (
        one.form in get_args(LayoutForm)
        and one.title in get_args(TitlePlacement)
        and one.album in ("grid", "strip", "column")
    )
    return known and (one.fold is None or isinstance(one.fold, FoldRule))
