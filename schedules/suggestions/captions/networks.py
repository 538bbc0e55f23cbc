"""Usual texts of each network: their length, their hashtags and their links.

Only the platform's own limit is enforced; habits are defaults that a writing style may replace.
Pure.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from generators.contract.engines import TextLength

TEXT_LENGTHS: tuple[TextLength, ...] = ("short", "medium", "long")


@dataclass(frozen=True)
class NetworkStyle:
    """The style of texts on a network.

    An empty `tone` is that of the creator's persona, `hashtags` is their maximum number, and
    `links` is False where links in a text cannot be followed.
    """

    length: TextLength
    hashtags: int
    links: bool = True
    tone: str = ""


NETWORK_HABITS: Mapping[str, NetworkStyle] = {
    "bluesky": NetworkStyle("short", 1),
    "discord": NetworkStyle("medium", 0),
    "facebook": NetworkStyle("medium", 1),
    "fanvue": NetworkStyle("medium", 0),
    "instagram": NetworkStyle("medium", 5, links=False),
    "mastodon": NetworkStyle("medium", 3),
    "own_page": NetworkStyle("medium", 0),
    "reddit": NetworkStyle("short", 0),
    "telegram": NetworkStyle("medium", 0),
    "threads": NetworkStyle("short", 1),
    "tiktok": NetworkStyle("short", 4, links=False),
    "x": NetworkStyle("short", 1),
    "youtube": NetworkStyle("long", 3),
}
"""Usual styles by platform. Reddit titles and Discord messages have no hashtags."""

OTHER_NETWORK = NetworkStyle("medium", 0)


def habit_of(platform: str) -> NetworkStyle:
    """Return the usual style of a platform."""
    return NETWORK_HABITS.get(platform, OTHER_NETWORK)
