"""Links that open the chat with an account and pass it a start parameter."""

from typing import Protocol, runtime_checkable

from connectors.contract.connector import Connector


@runtime_checkable
class SupportsStartLinks(Connector, Protocol):
    """A platform on which a link can open a chat with an account and say where the fan came from.

    The parameter consists of at most 64 letters, digits, hyphens and underscores; it arrives as the
    message "/start <parameter>".
    """

    def chat_start_url(self, base_url: str, account: str, parameter: str) -> str:
        """Return the URL that opens the chat with an account with a start parameter. `base_url` is
        that of the account."""
        ...
