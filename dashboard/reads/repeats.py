"""What a post repeats on its accounts, where it is written and where it stands open."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from channels import abilities
from channels import reads as channel_reads
from dashboard.reads.compose import connectors
from foundation.database import Scope
from schedules import overrides, repeats
from schedules.calendar import WallTime
from schedules.drafting import Draft
from schedules.repeats import Like


@dataclass(frozen=True)
class Repeated:
    """What a draft repeats, and on which of its accounts the same words are never taken twice, by name."""

    likes: Sequence[Like]
    once: Sequence[str]


def of_draft(scope: Scope, draft: Draft, at: WallTime | None) -> Repeated:
    """What a draft would repeat around a time, or now. Raises NotFound."""
    instant = at.instant() if at is not None else scope.now
    likes: list[Like] = []
    once = []
    for channel_id in draft.channels:
        channel = channel_reads.channel(scope, channel_id)
        said = overrides.layered(draft.said, draft.others, channel)
        likes += repeats.of_content(scope, said, [channel_id], instant, connectors=connectors())
        can = abilities.known(connectors(), channel)
        if can is not None and not can.capabilities.takes_again(channel.surface):
            once.append(channel.name)
    return Repeated(likes, once)


def of_delivery(scope: Scope, delivery_id: UUID) -> list[Like]:
    """What a post repeats on one account, that nobody wanted so yet. Raises NotFound."""
    return repeats.of_delivery(scope, delivery_id, connectors=connectors())
