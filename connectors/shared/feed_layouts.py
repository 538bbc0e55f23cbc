"""Layouts of the feeds of all platforms, for previews of posts."""

from connectors.contract.feed_layout import NO_FOLD, FeedLayout, FoldRule
from connectors.shared import text_counting

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
    # MAX_HEIGHT is 32 lines, of what has no warning; lines that wrap count too, and how wide it is
    # read nobody knows:
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
    # the same, #links: without `link_attachment` it is the first address of a post of words
    cards=True,
)


FACEBOOK_LAYOUT = FeedLayout("post", "instead", fold=None)


INSTAGRAM_LAYOUT = FeedLayout(
    "picture",
    "instead",
    fold=None,
    album="strip",
    # https://developers.facebook.com/docs/instagram-platform/instagram-graph-api/reference/ig-user/media:
    # 4:5 to 1.91:1
    shapes=(4 / 5, 1.91),
    # "cropped based on the first image in the carousel":
    # https://developers.facebook.com/docs/instagram-platform/content-publishing
    first_shapes=True,
)


INSTAGRAM_STORY_LAYOUT = FeedLayout(
    "screen",
    "none",
    fills=9
    # the same reference, "Story Image Specifications": "9:16 to avoid cropping or blank space"
    / 16,
)


TELEGRAM_LAYOUT = FeedLayout(
    "bubble",
    "instead",
    # only an expandable quotation folds: https://core.telegram.org/bots/api#formatting-options
    fold=NO_FOLD,
    covers=(
        "has_spoiler=true",
    ),  # we ask for no card of an address: `link_preview_options` of each request
)


DISCORD_LAYOUT = FeedLayout(
    "post",
    "line",
    fold=None,
    # https://docs.discord.com/developers/resources/message: unless SUPPRESS_EMBEDS is set, which is
    # not
    cards=True,
    covers=("spoiler=true",),
    # as its clients write it of who is a `bot`: https://docs.discord.com/developers/resources/user
    badge="APP",
)


REDDIT_LAYOUT = FeedLayout(
    "listing", "first", fold=None, album="strip", covers=("nsfw=true",), cover="spoiler"
)


YOUTUBE_LAYOUT = FeedLayout("film", "first", fold=None)


TIKTOK_LAYOUT = FeedLayout("screen", "instead", fold=None)


FANVUE_LAYOUT = FeedLayout("post", "none", fold=None)


OWN_PAGE_LAYOUT = FeedLayout("plain", "own", fold=NO_FOLD)


SANDBOX_LAYOUTS = {
    "as_x": X_LAYOUT,
    "as_instagram": INSTAGRAM_LAYOUT,
    "as_telegram": TELEGRAM_LAYOUT,
    "as_fanvue": FANVUE_LAYOUT,
}
"""The places of our test network that stand for others."""
