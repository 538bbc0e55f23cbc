"""States of an account on a platform."""

from enum import StrEnum

from foundation.state_graphs import StateGraph


class ChannelState(StrEnum):
    """State of an account: posts and messages are sent only while it is active."""

    ACTIVE = "active"
    PAUSED = "paused"  # by a member, until it is resumed or until `paused_until`
    # the platform refuses the token; the owner must connect the account again
    REAUTHORIZE = "reauthorize"
    GONE = "gone"  # the account was deleted or suspended, or removed from its destination
    LEAVING = (
        "leaving"  # being disconnected: its grant is revoked, then its credentials are deleted
    )
    DISCONNECTED = "disconnected"  # by a member; credentials are deleted, history is retained


DISCONNECTED_STATES = frozenset({ChannelState.LEAVING, ChannelState.DISCONNECTED})
"""States that a member requested. No event of a platform ends them."""

UNUSABLE_STATES = frozenset({ChannelState.REAUTHORIZE, ChannelState.GONE}) | DISCONNECTED_STATES
"""States in which nothing is sent until the account is connected again."""


_S = ChannelState
CHANNEL_STATES = StateGraph(
    initial=_S.ACTIVE,
    edges={
        _S.ACTIVE: {_S.PAUSED, _S.REAUTHORIZE, _S.GONE, _S.LEAVING},
        _S.PAUSED: {_S.PAUSED, _S.ACTIVE, _S.REAUTHORIZE, _S.GONE, _S.LEAVING},
        _S.REAUTHORIZE: {_S.ACTIVE, _S.PAUSED, _S.GONE, _S.LEAVING},
        _S.GONE: {_S.ACTIVE, _S.PAUSED, _S.LEAVING},
        _S.LEAVING: {_S.ACTIVE, _S.PAUSED, _S.DISCONNECTED},
        _S.DISCONNECTED: {_S.ACTIVE, _S.PAUSED},
    },
)
