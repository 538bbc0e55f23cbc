"""The part of the contract for platforms whose accounts are not all able to do the same: a server
of its own limits, what somebody pays for. Pure.

What an account may do is asked of its platform, kept with the account as the connector told it, and
read at one place (`channels/accounts/account_connectors.py`), which gives the connector as that
account knows it.
"""

from collections.abc import Mapping
from typing import Any, Protocol, runtime_checkable

from connectors.contract.connector import Connector, Send, StepResult

LIMIT_CHANGED = "connectors.other_limit"
"""Code of a refusal by a limit that is another one than we knew: the account's own are read
again."""


@runtime_checkable
class SupportsOwnLimits(Connector, Protocol):
    """A platform where an account's capabilities may differ from those of the platform."""

    def read_own_limits(self, answers: tuple[StepResult, ...]) -> Send | Mapping[str, Any] | None:
        """The next request (kind control, action look) for what the account may do; what it is,
        as JSON that `within` reads; None when it cannot be read now, and what was known still
        holds."""
        ...

    def with_limits(self, limits: Mapping[str, Any]) -> Connector:
        """The connector as an account of these limits knows it. What is missing, or no sensible
        number, is as usual."""
        ...


def parse_limit(told: object, usual: int, most: int) -> int:
    """A limit that somebody else named: `usual` where it is no whole number above 0, never more
    than `most`."""
    if isinstance(told, bool) or not isinstance(told, int) or told < 1:
        return usual
    return min(told, most)
