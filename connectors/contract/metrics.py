"""Metrics beside those of `Connector.read_metrics`: reaction counts from updates, and follower
counts."""

from typing import Protocol, runtime_checkable

from connectors.contract.connector import Connector, Send, StepKind, StepResult, WireStep


@runtime_checkable
class SupportsReactionCounts(Connector, Protocol):
    """A platform that reports the reactions to a message by updates of kind `counted`."""

    def message_ids_of(self, native_id: str) -> tuple[str, ...]:
        """Return the native IDs of the messages of a copy, as used in those updates; empty for no
        copy."""
        ...


FOLLOWERS_STEP = "followers"
MAX_FOLLOWERS = 10**12
"""Limit of a plausible follower count; a larger one is an error of the platform."""


@runtime_checkable
class SupportsFollowerCount(Connector, Protocol):
    """A platform that reports the number of followers of an account."""

    def count_followers(
        self, account: str, destination: str, answers: tuple[StepResult, ...]
    ) -> Send | int | None:
        """Return the next request (kind control, action metrics), or the current number of
        followers. Return None if it is unavailable.

        `destination` is the ID of the account's destination if it has several (a channel's number),
        else "".
        """
        ...


def followers_request(path: str) -> Send:
    """Return the request that reads `path` with the account's token."""
    return Send(WireStep(FOLLOWERS_STEP, StepKind.CONTROL, "GET", path, action="metrics"))


def parse_count(told: object) -> int | None:
    """Return a count from a response, or None unless it is a plausible whole number."""
    if not isinstance(told, int) or isinstance(told, bool):
        return None
    return told if 0 <= told <= MAX_FOLLOWERS else None
