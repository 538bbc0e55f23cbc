"""States of an account on a platform."""

from enum import StrEnum

from foundation.state_graphs import StateGraph


class ChannelState(StrEnum):
    """Whether posts and messages may leave by this account."""

    ACTIVE = "active"
    PAUSED = "paused"  # a person wants a rest; kept until they resume, or until `paused_until`
    REAUTHORIZE = "reauthorize"  # the platform refuses the token: the owner must connect it again
    GONE = "gone"  # the account is deleted, suspended, or threw us out
    LEAVING = (
        "leaving"  # a person takes it off: its platform is told, then its credentials are forgotten
    )
    DISCONNECTED = "disconnected"  # a person took it off: no credential is kept; its history is


DISCONNECTED_STATES = frozenset({ChannelState.LEAVING, ChannelState.DISCONNECTED})
"""States a person asked for: no platform moves an account out of them."""

UNUSABLE_STATES = frozenset({ChannelState.REAUTHORIZE, ChannelState.GONE}) | DISCONNECTED_STATES
"""States in which nothing leaves until somebody connects the account again."""


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
