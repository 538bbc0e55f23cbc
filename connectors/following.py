"""The part of the contract by which an account's readers are counted."""

from typing import Protocol, runtime_checkable

from connectors.contract import Answer, Connector, Send, StepKind, WireStep

FOLLOWERS = "followers"
MOST = 10**12
"""More than there are people, and programs, by far: a number past it is a mistake of theirs."""


@runtime_checkable
class Followed(Connector, Protocol):
    """A platform that says how many people follow an account."""

    def followers(self, account: str, destination: str, answers: tuple[Answer, ...]) -> Send | int | None:
        """The next request (kind control, action metrics), how many follow it now, or None where nobody tells.

        `destination` is the place an account posts to where it has several (a channel's number), else "".
        """
        ...


def asked(path: str) -> Send:
    """The request for what stands at `path`, with the account's own token."""
    return Send(WireStep(FOLLOWERS, StepKind.CONTROL, "GET", path, action="metrics"))


def number(told: object) -> int | None:
    """How many a platform says they are; None for anything but a whole number."""
    if not isinstance(told, int) or isinstance(told, bool):
        return None
    return told if 0 <= told <= MOST else None
