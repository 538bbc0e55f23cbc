"""What each account can do: the one place where an account's own limits are put before its
platform's.

Rooms and pages take an account's connector from here, never from the connectors by platform: a
server's 5,000 characters, or a right that somebody pays for, would else count in one place and not
in another.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, TypeVar, cast

from channels.accounts.queries import Channel
from connectors.contract.capability_overrides import SupportsOwnLimits
from connectors.contract.connector import Connector

LIMITS_OPTION = "limits"
"""Among the options of an account: `says`, what its connector read, and `at`, when; `asked`, when
somebody tried."""

LIMITS_MAX_AGE = timedelta(days=7)
"""How long what was read is not read again."""

LIMITS_RETRY = timedelta(minutes=10)
"""The least between two tries to read it."""

One = TypeVar("One", bound=Connector)


def connector_for(connectors: Mapping[str, One], channel: Channel) -> One:
    """The connector of an account, with the limits that are the account's. Raises KeyError for an
    unknown platform."""
    return _with_account_limits(connectors[channel.platform], channel)


def find_connector_for(connectors: Mapping[str, One], channel: Channel) -> One | None:
    """The same; None for an unknown platform."""
    found = connectors.get(channel.platform)
    return _with_account_limits(found, channel) if found is not None else None


def _with_account_limits(connector: One, channel: Channel) -> One:
    says = _stored_limits(channel).get("says")
    if not isinstance(says, Mapping) or not isinstance(connector, SupportsOwnLimits):
        return connector
    return cast(One, connector.with_limits(says))


def is_limits_stale(connector: object, channel: Channel, now: datetime) -> bool:
    """Whether an account's limits should be read: never were, or long ago, and nobody tried just
    now."""
    if not isinstance(connector, SupportsOwnLimits):
        return False
    kept = _stored_limits(channel)
    read = _parse_stored_time(kept, "at")
    asked = _parse_stored_time(kept, "asked")
    return (read is None or now >= read + LIMITS_MAX_AGE) and (
        asked is None or now >= asked + LIMITS_RETRY
    )


def limits_option(says: Mapping[str, Any], at: datetime) -> dict[str, Any]:
    """Limits as they lie among the options of an account, read at `at`."""
    return {LIMITS_OPTION: {"says": dict(says), "at": at.isoformat()}}


def _stored_limits(channel: Channel) -> Mapping[str, Any]:
    found = channel.options.get(LIMITS_OPTION)
    return found if isinstance(found, Mapping) else {}


def _parse_stored_time(kept: Mapping[str, Any], name: str) -> datetime | None:
    said = kept.get(name)
    return datetime.fromisoformat(said) if isinstance(said, str) else None
