"""Notifications to members of an agency in a private chat with the agency's own bot."""

from typing import Protocol, runtime_checkable

from connectors.contract.connector import WireStep
from connectors.contract.start_links import SupportsStartLinks


@runtime_checkable
class SupportsMemberNotices(SupportsStartLinks, Protocol):
    """A platform whose bots can notify members who linked their private chat."""

    def build_member_notice(self, chat: str, text: str) -> WireStep:
        """Return the request that sends a text to a member's chat (notice)."""
        ...
