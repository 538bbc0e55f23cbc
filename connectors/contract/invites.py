"""Invites of a community: how often each was used, and since when a user is a member."""

from collections.abc import Mapping
from datetime import datetime
from typing import Protocol, runtime_checkable

from connectors.contract.connector import Connector, Send, StepResult

INVITES_STEP = "invites"
MEMBER_STEP = "member"
MAX_INVITES = 1000
"""Maximum number of invites that are read; Discord allows as many in a server."""


@runtime_checkable
class SupportsInvites(Connector, Protocol):
    """A platform that counts the uses of each invite of an account's community.

    It never says who used an invite; the time at which a user joined may agree with one use.
    """

    def list_invites(
        self, account: str, answers: tuple[StepResult, ...]
    ) -> Send | Mapping[str, int] | None:
        """Return the next request (kind control, action metrics), or the uses of each invite by its
        code. Return None if they are unavailable, for example without the permission."""
        ...

    def find_join_time(
        self, account: str, fan: str, answers: tuple[StepResult, ...]
    ) -> Send | datetime | None:
        """Return the next request (kind control, action metrics), or the time (UTC-aware) at which
        a user joined. Return None for a user who is no member, and if it is unavailable."""
        ...
