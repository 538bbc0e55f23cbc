"""Limits of single accounts, on platforms where accounts differ by server or by paid plan.

They are read from the platform and stored with the account.
`channels/accounts/account_connectors.py` applies them and returns the connector of an account.
"""

from collections.abc import Mapping
from typing import Any, Protocol, runtime_checkable

from connectors.contract.connector import Connector, Send, StepResult

LIMIT_CHANGED = "connectors.other_limit"
"""Message code of a refusal by a limit that differs from the stored one. The account's limits are
then read again."""


@runtime_checkable
class SupportsOwnLimits(Connector, Protocol):
    """A platform where the capabilities of accounts differ."""

    def read_own_limits(self, answers: tuple[StepResult, ...]) -> Send | Mapping[str, Any] | None:
        """Return the next request (kind control, action look), or the account's limits as JSON for
        `with_limits`. Return None if they cannot be read now; the stored ones then remain valid."""
        ...

    def with_limits(self, limits: Mapping[str, Any]) -> Connector:
        """Return a connector with these limits. Missing and invalid values are replaced by the
        defaults."""
        ...


def parse_limit(told: object, usual: int, most: int) -> int:
    """Return a limit from a response, at most `most`. Return `usual` unless it is a positive
    integer."""
    # bool is a subclass of int.
    if isinstance(told, bool) or not isinstance(told, int) or told < 1:
        return usual
    return min(told, most)
