"""Feed layouts of all built-in platforms, for previews of posts."""

from connectors.contract.feed_layout import NO_FOLD, FeedLayout, FoldRule
from connectors.shared import text_counting

X_LAYOUT = FeedLayout(
    "post",
    "none",
    # Longer posts, which only some accounts may write, are folded at this length (`text` and
    # `note_tweet` of https://docs.x.com/x-api/fundamentals/data-dictionary).
    fold=FoldRule(length=280, measure=text_counting.x_text_length),
    cards=True,  # https://docs.x.com/x-for-websites/cards/overview/abouts-cards
    covers=("media_metadata.sensitive_media_warning.",),
)


BLUESKY_LAYOUT = FeedLayout(
    "post",
    "none",
    # MAX_POST_LINES, compared with the number of line breaks:
    # https://github.com/bluesky-social/social-app/blob/main/src/lib/constants.ts
    fold=FoldRule(lines=25),
    covers=("selfLabels=",),  # no link cards: a card appears only if the record embeds one
)


MASTODON_LAYOUT = FeedLayout(
    "post",
    "none",
    # MAX_HEIGHT is 32 lines, for posts without a content warning. Wrapped lines count too, but the
    # width of the reader's screen is unknown: app/javascript/mastodon/components/status_content.jsx
    # of https://github.com/mastodon/mastodon
    fold=FoldRule(lines=32, warned=False),
    cards=True,  # https://docs.joinmastodon.org/entities/PreviewCard/
    covers=("sensitive=true",),
)


THREADS_LAYOUT = FeedLayout(
    "post",
    "instead",
    fold=None,
    album="strip",  # https://developers.facebook.com/documentation/threads/posts, "Carousel Posts"
    # Same page, #links: without `link_attachment`, a text post shows a card of its first URL.
    cards=True,
)


FACEBOOK_LAYOUT = FeedLayout("post", "instead", fold=None)


INSTAGRAM_LAYOUT = FeedLayout(
    "picture",
    "instead",
    fold=None,
    album="strip",
    # Aspect ratios from 4:5 to 1.91:1: `instagram-graph-api/reference/ig-user/media` of
    # https://developers.facebook.com/docs/instagram-platform/
    shapes=(4 / 5, 1.91),
    # "cropped based on the first image in the carousel":
    # https://developers.facebook.com/docs/instagram-platform/content-publishing
    first_shapes=True,
)


INSTAGRAM_STORY_LAYOUT = FeedLayout(
    "screen",
    "none",
    fills=9
    # Same reference, "Story Image Specifications": "9:16 to avoid cropping or blank space".
    / 16,
)


TELEGRAM_LAYOUT = FeedLayout(
    "bubble",
    "instead",
    # Only expandable quotations are folded: https://core.telegram.org/bots/api#formatting-options
    fold=NO_FOLD,
    covers=(
        "has_spoiler=true",
    ),  # no link cards: each request disables them with `link_preview_options`
)


DISCORD_LAYOUT = FeedLayout(
    "post",
    "line",
    fold=None,
    # https://docs.discord.com/developers/resources/message: link cards appear unless
    # SUPPRESS_EMBEDS is set, which the connector does not do.
    cards=True,
    covers=("spoiler=true",),
    # The clients' label for a `bot` user: https://docs.discord.com/developers/resources/user
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
"""The surfaces of the sandbox that imitate other platforms."""
