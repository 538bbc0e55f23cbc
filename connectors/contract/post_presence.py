"""Presence checks: later look-ups that detect if a published post was deleted externally.

A read failure, a temporary state or a possibly incomplete list gives no result.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol, runtime_checkable

from connectors.contract.connector import Connector, PlatformCopy, Send, StepResult

PRESENCE_LOOKUP_ACTION = "look"


@dataclass(frozen=True)
class PresenceReport:
    """The post exists."""


@dataclass(frozen=True)
class MissingPost:
    """The platform confirms that the post no longer exists.

    `by` is the cause: `rules` (the platform or a moderator) or `owner` (deleted manually); the
    default means unknown. `word` is the platform's reason. `with_comment` means that the first
    comment was deleted with it. `hidden` means that it is no longer public, permanently or for a
    while, by decision of its owner or the platform.
    """

    by: Literal["rules", "owner", "nobody"] = "nobody"
    word: str = ""
    with_comment: bool = False
    hidden: bool = False


PostPresence = PresenceReport | MissingPost


@runtime_checkable
class SupportsPresenceCheck(Connector, Protocol):
    """A platform that distinguishes a deleted post from one that cannot be read now."""

    numbers_prove: bool
    """True if the presence of metrics proves that a post exists. Some platforms return metrics of
    hidden posts."""

    def check_presence(
        self, copy: PlatformCopy, answers: tuple[StepResult, ...]
    ) -> Send | PostPresence | None:
        """Return the next request (kind control, action look), or the presence of the post. Return
        None if it is unknown."""
        ...


def platform_word(told: Mapping[str, Any], name: str) -> str:
    """Return a code from a response for display, or "" unless it is ASCII letters, digits and
    underscores. It is cut to 60 characters."""
    found = told.get(name)
    return (
        found[:60]
        if isinstance(found, str) and found.replace("_", "").isalnum() and found.isascii()
        else ""
    )
