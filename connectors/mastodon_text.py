"""How Mastodon counts: characters as readers see them, every address as long as any other, names without their server.

Source: https://docs.joinmastodon.org/user/posting/#text
"""

import re

from connectors.fitting import graphemes

PER_ADDRESS = 23
"""`configuration.statuses.characters_reserved_per_url`; no known server has another."""

_ADDRESS = re.compile(r"""https?://[^\s<>"]*[^\s<>"'.,:;!?)\]}»’”…]""", re.IGNORECASE)
_MENTION = re.compile(r"(?<![\w/])@(\w+)@[\w.-]+\w")


def length(text: str) -> int:
    """What counts against the limit of a post."""
    named = _MENTION.sub(r"@\1", text)
    return graphemes(_ADDRESS.sub("x" * PER_ADDRESS, named))
