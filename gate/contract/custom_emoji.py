"""Custom emoji in texts: pictures that lie on the platform, so a text that names one shows what no
rating covers. Pure."""

import re
from collections.abc import Iterable, Mapping

CUSTOM_EMOJI_PATTERNS: Mapping[str, "re.Pattern[str]"] = {
    # https://docs.discord.com/developers/reference#message-formatting
    "discord": re.compile(r"<a?:\w{2,32}:(\d{5,20})>"),
    # SCAN_RE of https://github.com/mastodon/mastodon/blob/main/app/models/custom_emoji.rb
    "mastodon": re.compile(r"(?:(?<=[^\w:])|(?<=_)|^):([a-zA-Z0-9_]{2,100}):(?![^\W_]|:)", re.M),
}
"""By platform; the group is the id or the shortcode."""


def find_custom_emoji(platform: str, texts: Iterable[str]) -> str:
    """The first custom emoji of a platform in some texts, as it is written; "" without one."""
    pattern = CUSTOM_EMOJI_PATTERNS.get(platform)
    if pattern is None:
        return ""
    found = filter(None, map(pattern.search, texts))
    return next((match[0] for match in found), "")
