"""What keeps an account from sending for now: a rest, the platform's own wait, our brake, an emergency stop."""

from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum

from channels import budgets, sharing
from channels import reads as channel_reads
from channels.reads import Channel
from channels.states import LOST, ChannelState
from foundation.database import Scope
from gate import switches
from gate.switches import Halt

STOPPED_FOR = timedelta(seconds=30)
"""While an emergency stop is closed, a due delivery asks again this often."""


class Why(StrEnum):
    """What an account waits for."""

    LOST = "lost"  # somebody must connect it again
    PAUSED = "paused"  # somebody lets it rest
    LIMITED = "limited"  # the platform takes no more from it, or from its application
    KEPT = "kept"  # what is left is for replies and removals
    SHARED = "shared"  # the agency has used up its part of what an application may
    DOWN = "down"  # the platform gives no answer
    STOPPED = "stopped"  # an emergency stop: whoever pressed it knows


_WHY = {budgets.DOWN.code: Why.DOWN, sharing.KEPT.code: Why.KEPT, sharing.SHARED.code: Why.SHARED}


@dataclass(frozen=True)
class Blocked:
    """Nothing may leave by an account; it is worth asking again after `again`."""

    why: Why
    again: timedelta


def blocked(scope: Scope, channel: Channel) -> Blocked | None:
    """What keeps everything of an account back now, None where it may send. Nothing is locked or written."""
    until = channel.paused_until
    if channel.state in LOST:
        return Blocked(Why.LOST, budgets.LOOK_AGAIN)
    if channel.state == ChannelState.PAUSED and (until is None or until > scope.now):
        return Blocked(Why.PAUSED, until - scope.now if until is not None else budgets.LOOK_AGAIN)
    held = budgets.post_limit(scope, channel)
    if held is not None:
        return Blocked(_WHY.get(held.reason.code, Why.LIMITED), held.wait(scope.now))
    if halted(scope).reaches(channel.creator_id, channel.id):
        return Blocked(Why.STOPPED, STOPPED_FOR)
    return None


def halted(scope: Scope) -> Halt:
    """Where sending is stopped now, the accounts of a stopped platform among its targets."""
    found = switches.halt(scope, "sending")
    if not found.platforms:
        return found
    there = (str(one.id) for one in channel_reads.every_channel(scope) if one.platform in found.platforms)
    return replace(found, targets=found.targets.union(there))
