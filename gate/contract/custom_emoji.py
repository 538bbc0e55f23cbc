"""Custom emoji in texts.

They are pictures stored on the platform, so a text that contains one shows something that no rating
covers.
"""

import re
from collections.abc import Iterable, Mapping

CUSTOM_EMOJI_PATTERNS: Mapping[str, "re.Pattern[str]"] = {
    # https://docs.discord.com/developers/reference#message-formatting
    "discord": re.compile(r"<a?:\w{2,32}:(\d{5,20})>"),
    # SCAN_RE of https://github.com/mastodon/mastodon/blob/main/app/models/custom_emoji.rb
    "mastodon": re.compile(r"(?:(?<=[^\w:])|(?<=_)|^):([a-zA-Z0-9_]{2,100}):(?![^\W_]|:)", re.M),
}
"""Patterns of custom emoji by platform. The capturing group matches the ID or the shortcode."""


def find_custom_emoji(platform: str, texts: Iterable[str]) -> str:
    """Return the first custom emoji of a platform in the texts, as it is written, or "" if there is
    none."""
    pattern = CUSTOM_EMOJI_PATTERNS.get(platform)
    if pattern is None:
        return ""
    found = filter(None, map(pattern.search, texts))
    return next((match[0] for match in found), "")
