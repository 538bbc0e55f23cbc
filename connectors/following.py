"""The part of the contract by which an account's readers are counted."""

from typing import Protocol, runtime_checkable

from connectors.contract import Answer, Connector, Send


@runtime_checkable
class Followed(Connector, Protocol):
    """A platform that says how many people follow an account."""

    def followers(self, account: str, destination: str, answers: tuple[Answer, ...]) -> Send | int | None:
        """The next request (kind control, action metrics), how many follow it now, or None where nobody tells.

        `destination` is the place an account posts to where it has several (a channel's number), else "".
        """
        ...
