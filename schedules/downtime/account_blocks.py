"""What keeps an account from sending for now: a rest, the platform's own wait, our brake, an
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
"""While an emergency stop is closed, a due delivery asks again this often."""


class BlockReason(StrEnum):
    """What an account waits for."""

    LOST = "lost"  # somebody must connect it again
    PAUSED = "paused"  # somebody lets it rest
    LIMITED = "limited"  # the platform takes no more from it, or from its application
    KEPT = "kept"  # what is left is for replies and removals
    SHARED = "shared"  # the agency has used up its part of what an application may
    DOWN = "down"  # the platform gives no answer
    STOPPED = "stopped"  # an emergency stop: whoever pressed it knows


_WHY = {
    send_limits.PLATFORM_DOWN.code: BlockReason.DOWN,
    shared_quota.QUOTA_RESERVED.code: BlockReason.KEPT,
    shared_quota.QUOTA_SHARED_OUT.code: BlockReason.SHARED,
}


@dataclass(frozen=True)
class AccountBlock:
    """Nothing may leave by an account; it is worth asking again after `again`."""

    why: BlockReason
    again: timedelta


def find_account_block(scope: Scope, channel: Channel) -> AccountBlock | None:
    """What keeps everything of an account back now, None where it may send. Nothing is locked or
    written."""
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
    """Where sending is stopped now, the accounts of a stopped platform among its targets."""
    found = emergency_stops.stopped_scope(scope, "sending")
    if not found.platforms:
        return found
    there = (str(one.id) for one in queries.list_channels(scope) if one.platform in found.platforms)
    return replace(found, targets=found.targets.union(there))
