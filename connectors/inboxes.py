"""The part of the contract by which accounts that hear the same messages are listened to once."""

from typing import Protocol, runtime_checkable


@runtime_checkable
class SharedInbox(Protocol):
    """A chat platform on which several accounts may hear the same messages: a bot that posts to three channels."""

    def hears(self, account: str) -> str:
        """Whose messages the account hears; the same for accounts that hear the same."""
        ...
