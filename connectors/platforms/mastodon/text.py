"""Text of Mastodon posts: its length as the server counts it.

A length counts graphemes, a fixed number for each URL, and mentions without their server. Sources:
https://docs.joinmastodon.org/user/posting/#text,
https://docs.joinmastodon.org/spec/activitypub/#sanitization
"""

import re

import regex

from connectors.shared.unit_checks import count_graphemes
from foundation.i18n.web_addresses import iterate_web_addresses

LINK_LENGTH = 23
"""The default of `configuration.statuses.characters_reserved_per_url`."""

_JOINED = regex.compile(r"[a-z0-9@＠$#＃]", regex.IGNORECASE)
"""Characters before `https://` after which a server makes no link."""

_HOST = r"(?:[\p{L}\p{M}\p{N}_-]+\.)+(?:[a-z]{2,63}|xn--[a-z0-9-]{1,59}|\p{L}{2,63})(?![a-z0-9@+-])"
_IN_PATH = r"[^\s<>()?]"
_PATH = (
    rf"(?:/(?:{_IN_PATH}*(?:\({_IN_PATH}+\){_IN_PATH}*)*"
    r"""(?:[^\s()?!*"'「」<>;:=,.$%\[\]~&|@]|(?<=\))))?)?"""
)
_QUERY = r"(?:\?[a-z0-9!?*'@();:&=+$/%#\[\]\-_.,~|^]*[a-z0-9_&=#/-])?"
_EXTENT = regex.compile(rf"{_HOST}(?::\d+)?{_PATH}{_QUERY}", regex.IGNORECASE)
"""A URL without its scheme, as a server recognizes it. Letters directly after a path belong to the
URL; letters after a host or a query do not (config/initializers/twitter_regex.rb of Mastodon).
Since 4.3, some letters after a query belong to it; they are counted as text here."""

_MENTION = re.compile(r"(?<![\w/])@(\w+)@[\w.-]+\w")


def text_length(text: str, per_address: int = LINK_LENGTH) -> int:
    """Return the length of a text as it counts towards the limit of a post."""
    named = _MENTION.sub(r"@\1", text)
    pieces = []
    at = 0
    for start, end in iterate_web_addresses(named, extent=_EXTENT):
        if not _JOINED.fullmatch(named[start - 1 : start]):
            pieces += [named[at:start], "x" * per_address]
            at = end
    return count_graphemes("".join([*pieces, named[at:]]))
