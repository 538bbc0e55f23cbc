"""The part of the contract by which a platform tells numbers of posts by itself, and answers no
question for them.

The part of the contract by which an account's readers are counted.
"""

from typing import Protocol, runtime_checkable

from connectors.contract.connector import Connector, Send, StepKind, StepResult, WireStep


@runtime_checkable
class SupportsReactionCounts(Connector, Protocol):
    """A platform whose updates of kind `counted` say how many reactions a message has."""

    def message_ids_of(self, native_id: str) -> tuple[str, ...]:
        """The native ids, as those updates name them, of the messages that a copy is made of; none
        of no copy."""
        ...


FOLLOWERS_STEP = "followers"
MAX_FOLLOWERS = 10**12
"""More than there are people, and programs, by far: a number past it is a mistake of theirs."""


@runtime_checkable
class SupportsFollowerCount(Connector, Protocol):
    """A platform that says how many people follow an account."""

    def count_followers(
        self, account: str, destination: str, answers: tuple[StepResult, ...]
    ) -> Send | int | None:
        """The next request (kind control, action metrics), how many follow it now, or None where
        nobody tells.

        `destination` is the place an account posts to where it has several (a channel's number),
        else "".
        """
        ...


def followers_request(path: str) -> Send:
    """The request for what stands at `path`, with the account's own token."""
    return Send(WireStep(FOLLOWERS_STEP, StepKind.CONTROL, "GET", path, action="metrics"))


def parse_count(told: object) -> int | None:
    """How many a platform says they are; None for anything but a whole number."""
    if not isinstance(told, int) or isinstance(told, bool):
        return None
    return told if 0 <= told <= MAX_FOLLOWERS else None
