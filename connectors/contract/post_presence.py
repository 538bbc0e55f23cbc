"""The part of the contract by which a post of ours is looked at again later: whether it still
stands where it was put.

What nobody could read, what may come back by itself and what a list might not show is no answer.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol, runtime_checkable

from connectors.contract.connector import Connector, PlatformCopy, Send, StepResult

PRESENCE_LOOKUP_ACTION = "look"


@dataclass(frozen=True)
class PresenceReport:
    """It is there."""


@dataclass(frozen=True)
class MissingPost:
    """The platform itself says that it is not there. `by`: its rules, or a moderator's; its owner,
    by hand; or nobody says. `word` is the platform's own for the reason. `with_comment`: its first
    comment went with it. `hidden`: it was for everybody and is not any more, which may be its end,
    or its owner's or the platform's wish for a while."""

    by: Literal["rules", "owner", "nobody"] = "nobody"
    word: str = ""
    with_comment: bool = False
    hidden: bool = False


PostPresence = PresenceReport | MissingPost


@runtime_checkable
class SupportsPresenceCheck(Connector, Protocol):
    """A platform that tells a post that is gone from one that cannot be read now."""

    numbers_prove: bool
    """Whether a post whose numbers are told stands; some count on what nobody sees any more."""

    def check_presence(
        self, copy: PlatformCopy, answers: tuple[StepResult, ...]
    ) -> Send | PostPresence | None:
        """The next request (kind control, action look), how the post stands, or None where nobody
        can say."""
        ...


def platform_word(told: Mapping[str, Any], name: str) -> str:
    """A platform's word as people may read it: letters of theirs, and nothing else they might put
    there."""
    found = told.get(name)
    return (
        found[:60]
        if isinstance(found, str) and found.replace("_", "").isalnum() and found.isascii()
        else ""
    )
