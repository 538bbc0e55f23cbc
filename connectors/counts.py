"""The part of the contract by which a platform tells numbers of posts by itself, and answers no question for them."""

from typing import Protocol, runtime_checkable

from connectors.contract import Connector


@runtime_checkable
class TellsCounts(Connector, Protocol):
    """A platform whose updates of kind `counted` say how many reactions a message has."""

    def messages_of(self, native_id: str) -> tuple[str, ...]:
        """The native ids, as those updates name them, of the messages that a copy is made of; none of no copy."""
        ...
