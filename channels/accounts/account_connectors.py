"""The connector of an account, with the account's own limits applied before those of its platform.

All packages and pages get the connector of an account here, never from the connectors by platform.
Otherwise a server's limit of 5,000 characters, or a paid feature of an account, would apply in some
functions and not in others.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, TypeVar, cast

from channels.accounts.queries import Channel
from connectors.contract.capability_overrides import SupportsOwnLimits
from connectors.contract.connector import Connector

LIMITS_OPTION = "limits"
"""Option of an account with its limits: `says`, as read by the connector; `at`, the time of
reading; `asked`, the time of the last try."""

LIMITS_MAX_AGE = timedelta(days=7)
"""Age at which the limits of an account are read again."""

LIMITS_RETRY = timedelta(minutes=10)
"""Minimum time between two attempts to read the limits."""

One = TypeVar("One", bound=Connector)


def connector_for(connectors: Mapping[str, One], channel: Channel) -> One:
    """Return the connector of an account with the limits of the account. Raises KeyError for an
    unknown platform."""
    return _with_account_limits(connectors[channel.platform], channel)


def find_connector_for(connectors: Mapping[str, One], channel: Channel) -> One | None:
    """Return the connector of an account with the limits of the account, or None for an unknown
    platform."""
    found = connectors.get(channel.platform)
    return _with_account_limits(found, channel) if found is not None else None


def _with_account_limits(connector: One, channel: Channel) -> One:
    says = _stored_limits(channel).get("says")
    if not isinstance(says, Mapping) or not isinstance(connector, SupportsOwnLimits):
        return connector
    return cast(One, connector.with_limits(says))


def is_limits_stale(connector: object, channel: Channel, now: datetime) -> bool:
    """Return True if the limits of an account should be read: they are missing or old, and there
    was no recent try."""
    if not isinstance(connector, SupportsOwnLimits):
        return False
    kept = _stored_limits(channel)
    read = _parse_stored_time(kept, "at")
    asked = _parse_stored_time(kept, "asked")
    return (read is None or now >= read + LIMITS_MAX_AGE) and (
        asked is None or now >= asked + LIMITS_RETRY
    )


def limits_option(says: Mapping[str, Any], at: datetime) -> dict[str, Any]:
    """Return the limits, read at `at`, in the form in which they are stored among the options of an
    account."""
    return {LIMITS_OPTION: {"says": dict(says), "at": at.isoformat()}}


def _stored_limits(channel: Channel) -> Mapping[str, Any]:
    found = channel.options.get(LIMITS_OPTION)
    return found if isinstance(found, Mapping) else {}


def _parse_stored_time(kept: Mapping[str, Any], name: str) -> datetime | None:
    said = kept.get(name)
    return datetime.fromisoformat(said) if isinstance(said, str) else None
