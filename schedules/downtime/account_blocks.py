"""Account blocks: the reasons why an account cannot send now, such as a pause, a limit or an
emergency stop."""

from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum

from channels.accounts import queries
from channels.accounts.queries import Channel
from channels.accounts.states import UNUSABLE_STATES, ChannelState
from channels.limits import send_limits, shared_quota
from foundation.db.database import Scope
from gate.policy import emergency_stops
from gate.policy.emergency_stops import StoppedScope

STOP_RECHECK_INTERVAL = timedelta(seconds=30)
"""Interval at which a due delivery checks an active emergency stop again."""


class BlockReason(StrEnum):
    """The reason why an account cannot send."""

    LOST = "lost"  # a member must reconnect it
    PAUSED = "paused"  # a member has paused it
    LIMITED = "limited"  # the platform accepts no more requests of the account or its application
    KEPT = "kept"  # the remaining quota is reserved for replies and removals
    SHARED = "shared"  # the agency has used its share of the quota of a shared application
    DOWN = "down"  # the platform does not respond
    STOPPED = "stopped"  # an emergency stop; the member who set it knows


_WHY = {
    send_limits.PLATFORM_DOWN.code: BlockReason.DOWN,
    shared_quota.QUOTA_RESERVED.code: BlockReason.KEPT,
    shared_quota.QUOTA_SHARED_OUT.code: BlockReason.SHARED,
}


@dataclass(frozen=True)
class AccountBlock:
    """A block of an account; the next check is worthwhile after `again`."""

    why: BlockReason
    again: timedelta


def find_account_block(scope: Scope, channel: Channel) -> AccountBlock | None:
    """Return the block of an account, or None if it may send. Read-only, takes no locks."""
    until = channel.paused_until
    if channel.state in UNUSABLE_STATES:
        return AccountBlock(BlockReason.LOST, send_limits.BLOCK_RECHECK)
    if channel.state == ChannelState.PAUSED and (until is None or until > scope.now):
        return AccountBlock(
            BlockReason.PAUSED,
            until - scope.now if until is not None else send_limits.BLOCK_RECHECK,
        )
    held = send_limits.post_block(scope, channel)
    if held is not None:
        return AccountBlock(
            _WHY.get(held.reason.code, BlockReason.LIMITED), held.wait_from(scope.now)
        )
    if load_emergency_stops(scope).covers(channel.creator_id, channel.id):
        return AccountBlock(BlockReason.STOPPED, STOP_RECHECK_INTERVAL)
    return None


def load_emergency_stops(scope: Scope) -> StoppedScope:
    """Return the scope of active emergency stops; accounts of stopped platforms are added as
    targets."""
    found = emergency_stops.stopped_scope(scope, "sending")
    if not found.platforms:
        return found
    there = (str(one.id) for one in queries.list_channels(scope) if one.platform in found.platforms)
    return replace(found, targets=found.targets.union(there))
